package main

import (
	"fmt"
	"os"

	"github.com/karalabe/hid"
)

func main() {
	if _, err := (hid.DeviceInfo{}).Open(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
