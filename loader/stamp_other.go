//go:build !linux

package loader

import "io/fs"

// stampOf reads what identifies a state of a file, as far as the portable
// interface tells: without an inode a file that is renamed over another of
// the same size and time is found by its event or not at all.
func stampOf(fi fs.FileInfo) stamp {
	return stamp{size: fi.Size(), mtime: fi.ModTime().UnixNano()}
}
