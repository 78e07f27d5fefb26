//go:build !linux

package tree

import "io/fs"

// StampOf reads what identifies a state of a file, as far as the portable
// interface tells: without an inode a file that is renamed over another of
// the same size and time is found by its event or not at all.
func StampOf(fi fs.FileInfo) Stamp {
	return Stamp{Size: fi.Size(), Mtime: fi.ModTime().UnixNano()}
}
