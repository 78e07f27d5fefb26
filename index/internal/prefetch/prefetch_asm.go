//go:build amd64 || arm64

package prefetch

import "unsafe"

// Lines asks for n cache lines of 64 bytes, the first of which is p's; n is at
// least 1. It is a call, and not inlined: ask for several lines at once.
//
//go:noescape
func Lines(p unsafe.Pointer, n int)
