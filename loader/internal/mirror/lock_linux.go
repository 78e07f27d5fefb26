package mirror

import (
	"os"
	"syscall"
)

// lock locks a folder against other processes until unlock is called. Whoever
// holds it does so for a moment only; the end of a process unlocks too.
func lock(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	// Where the file system has no locks, or none on folders, another process is
	// found all the same, though not in the very same moment.
	for syscall.Flock(int(f.Fd()), syscall.LOCK_EX) == syscall.EINTR {
	}
	return func() { f.Close() }, nil
}
