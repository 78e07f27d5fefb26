//go:build race

package main

// Under the race detector the binary that the tests run has it too.
func init() { buildFlags = append(buildFlags, "-race") }
