package loader

import (
	"io/fs"
	"syscall"
)

// stampOf reads what identifies a state of a file: two equal stamps, both
// taken well after the file's last change, mean the same content.
func stampOf(fi fs.FileInfo) stamp {
	s := stamp{size: fi.Size(), mtime: fi.ModTime().UnixNano()}
	if sys, ok := fi.Sys().(*syscall.Stat_t); ok {
		s.inode, s.device = sys.Ino, uint64(sys.Dev)
		s.ctime = sys.Ctim.Nano()
	}
	return s
}
