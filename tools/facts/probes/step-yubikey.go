package main

import (
	"context"
	"fmt"
	"os"

	"go.step.sm/crypto/kms/apiv1"
	_ "go.step.sm/crypto/kms/yubikey"
)

func main() {
	make, there := apiv1.LoadKeyManagerNewFunc(apiv1.YubiKey)
	if !there {
		return
	}
	if _, err := make(context.Background(), apiv1.Options{}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
