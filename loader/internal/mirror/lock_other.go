//go:build !linux

package mirror

// lock does nothing: the portable interface has no locks. That another process
// uses the folder is found all the same, though not in the very same moment.
func lock(string) (unlock func(), err error) { return func() {}, nil }
