package main

import (
	"fmt"
	"os"

	"github.com/google/go-tpm-tools/simulator"
)

func main() {
	if _, err := simulator.Get(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
