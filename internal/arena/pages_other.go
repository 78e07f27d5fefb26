//go:build !linux

package arena

// bigPages takes no advice on this system.
func bigPages(from, to uintptr, big bool) bool { return false }
