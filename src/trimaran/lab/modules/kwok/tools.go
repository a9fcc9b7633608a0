//go:build tools

// Package tools names the program of this module, so that go.mod and go.sum cover what it needs.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
