package tree

import (
	"io/fs"
	"syscall"
)

// StampOf returns the stamp of a file. Two equal stamps that were both taken well
// after the last change of the file mean equal content.
func StampOf(fi fs.FileInfo) Stamp {
	if sys, ok := fi.Sys().(*syscall.Stat_t); ok {
		return stampOfSys(sys)
	}
	return Stamp{Size: fi.Size(), Mtime: fi.ModTime().UnixNano()}
}

func stampOfSys(st *syscall.Stat_t) Stamp {
	return Stamp{Size: st.Size, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(), Inode: st.Ino, Device: uint64(st.Dev)}
}
