package main

import (
	"context"
	"fmt"
	"os"

	"go.step.sm/crypto/kms/apiv1"
	"go.step.sm/crypto/kms/pkcs11"
)

func main() {
	if _, err := pkcs11.New(context.Background(), apiv1.Options{}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
