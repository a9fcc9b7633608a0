package main

import (
	"fmt"
	"os"

	"github.com/karalabe/usb"
)

func main() {
	if _, err := (usb.DeviceInfo{}).Open(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
