package tree

import (
	"io/fs"
	"syscall"
)

// StampOf reads what identifies a state of a file: two equal stamps, both
// taken well after the file's last change, mean the same content.
func StampOf(fi fs.FileInfo) Stamp {
	if sys, ok := fi.Sys().(*syscall.Stat_t); ok {
		return stampOfSys(sys)
	}
	return Stamp{Size: fi.Size(), Mtime: fi.ModTime().UnixNano()}
}

func stampOfSys(st *syscall.Stat_t) Stamp {
	return Stamp{Size: st.Size, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(), Inode: st.Ino, Device: uint64(st.Dev)}
}
