//go:build race

package main

// Under the race detector the binary that the tests run has it too, and takes
// several times the memory.
func init() {
	buildFlags = append(buildFlags, "-race")
	memoryFactor = 10
}
