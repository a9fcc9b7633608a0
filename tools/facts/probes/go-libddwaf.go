package main

import (
	"fmt"
	"os"

	"github.com/DataDog/go-libddwaf/v4"
)

func main() {
	if _, err := libddwaf.Usable(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
