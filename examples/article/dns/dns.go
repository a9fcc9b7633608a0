// Command dns looks up localhost. It is the smallest program whose build decides where it starts: package
// net is pure Go without cgo, and linked to the C library with it.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	addresses, err := net.LookupHost("localhost")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(addresses)
}
