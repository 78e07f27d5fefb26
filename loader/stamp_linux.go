package loader

import (
	"io/fs"
	"syscall"
)

// stampOf reads what identifies a state of a file: two equal stamps, both
// taken well after the file's last change, mean the same content.
func stampOf(fi fs.FileInfo) stamp {
	if sys, ok := fi.Sys().(*syscall.Stat_t); ok {
		return stampOfSys(sys)
	}
	return stamp{size: fi.Size(), mtime: fi.ModTime().UnixNano()}
}

func stampOfSys(st *syscall.Stat_t) stamp {
	return stamp{size: st.Size, mtime: st.Mtim.Nano(), ctime: st.Ctim.Nano(), inode: st.Ino, device: uint64(st.Dev)}
}
