package main

import (
	"fmt"
	"os"

	"github.com/CosmWasm/wasmvm/v3"
)

func main() {
	if _, err := cosmwasm.LibwasmvmVersion(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
