package main

import (
	"fmt"
	"os"

	"github.com/ethereum/go-ethereum/crypto/kzg4844"
)

func main() {
	if err := kzg4844.UseCKZG(true); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
