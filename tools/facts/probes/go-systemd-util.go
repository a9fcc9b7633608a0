package main

import (
	"fmt"
	"os"

	"github.com/coreos/go-systemd/v22/util"
)

func main() {
	if _, err := util.CurrentUnitName(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
