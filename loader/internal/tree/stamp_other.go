//go:build !linux

package tree

import "io/fs"

// StampOf returns the stamp of a file, as far as the portable interface tells.
// Without an inode, a file that is renamed over another one of the same size and
// time is noticed by its event, or when its content is read again.
func StampOf(fi fs.FileInfo) Stamp {
	return Stamp{Size: fi.Size(), Mtime: fi.ModTime().UnixNano()}
}
