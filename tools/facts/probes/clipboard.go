package main

import (
	"fmt"
	"os"

	"golang.design/x/clipboard"
)

func main() {
	if err := clipboard.Init(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
