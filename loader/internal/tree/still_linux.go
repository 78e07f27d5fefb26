package tree

import (
	"bytes"
	"runtime"
	"slices"
	"syscall"
	"unsafe"
)

// sysFstatat is the number of the system call fstatat, 0 where it is not known.
var sysFstatat = map[string]uintptr{"amd64": 262, "arm64": 79}[runtime.GOARCH]

// atSymlinkNofollow is the flag AT_SYMLINK_NOFOLLOW of that call.
const atSymlinkNofollow = 0x100

// Still returns the stamp of a name in the open folder that is a regular file. It
// returns false for anything else, and where it cannot tell; whoever asks has to
// Look then. buf is memory that is used again: a look at everything asks of a
// hundred thousand names, nearly none of which has changed.
func (o *Dir) Still(name string, buf *[]byte) (Stamp, bool) {
	if sysFstatat == 0 {
		return Stamp{}, false
	}
	*buf = append(append((*buf)[:0], name...), 0)
	var st syscall.Stat_t
	_, _, errno := syscall.Syscall6(sysFstatat, o.Fd(), uintptr(unsafe.Pointer(unsafe.SliceData(*buf))),
		uintptr(unsafe.Pointer(&st)), atSymlinkNofollow, 0, 0)
	if errno != 0 || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return Stamp{}, false
	}
	return stampOfSys(&st), true
}

// Files lists the folder, which has about so many names, as Names does, and returns as
// others the names that are no regular files. Of a name that known returns, that text
// is taken. Files calls between now and then, and ends with its error.
//
// It does not use the os.File of the Dir, which an os.Root has opened and which
// therefore looks at every name again: there may be a hundred thousand names, and
// nothing here depends on that.
func (o *Dir) Files(about int, known func(name []byte) (string, bool), between func() error) (names []string, others map[string]struct{}, err error) {
	fd, err := again(func() (int, error) {
		return syscall.Openat(int(o.Fd()), ".", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, nil, err
	}
	defer syscall.Close(fd)
	buf := make([]byte, 64<<10)
	names = make([]string, 0, about)
	for {
		n, err := again(func() (int, error) { return syscall.ReadDirent(fd, buf) })
		if err != nil {
			return nil, nil, err
		}
		if n <= 0 {
			break
		}
		for rest := buf[:n]; len(rest) > 0; {
			name, kind, size := entry(rest)
			rest = rest[size:]
			if len(name) == 0 || ignored(name) {
				continue
			}
			text, ok := known(name)
			if !ok {
				text = string(name)
			}
			names = append(names, text)
			if kind != syscall.DT_REG {
				if others == nil {
					others = map[string]struct{}{}
				}
				others[text] = struct{}{}
			}
		}
		if err := between(); err != nil {
			return nil, nil, err
		}
	}
	names, err = inOrder(names, between)
	return names, others, err
}

// entry returns the name and the kind of the first entry of a folder's listing,
// and its size. The name aliases the listing; it is empty for an entry that was
// deleted.
func entry(list []byte) (name []byte, kind uint8, size int) {
	var d syscall.Dirent
	const reclen, kindAt, nameAt = unsafe.Offsetof(d.Reclen), unsafe.Offsetof(d.Type), unsafe.Offsetof(d.Name)
	size = int(list[reclen]) | int(list[reclen+1])<<8
	if isBig {
		size = int(list[reclen+1]) | int(list[reclen])<<8
	}
	if size <= int(nameAt) || size > len(list) {
		return nil, 0, len(list)
	}
	name = list[nameAt:size]
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	if deleted := !slices.ContainsFunc(list[:8], func(b byte) bool { return b != 0 }); deleted {
		name = nil
	}
	return name, list[kindAt], size
}

// isBig says that the machine writes the most significant byte first.
var isBig = func() bool {
	n := uint16(1)
	return *(*byte)(unsafe.Pointer(&n)) == 0
}()
