package loader

import (
	"errors"
	"io/fs"
	"syscall"
)

// readIn reads the regular file name, found as at, in the open folder h, whole,
// into buf, which holds at least one byte more. errChanged if it is not that
// file any more or has another length; that it did not change while it was read
// is for the caller to see, by looking at the name again.
//
// It makes the system calls that this takes and no other: a cold start does it
// for every bucket, and what os.File adds costs as much again.
func (s *scan) readIn(h *opened, name string, at spot, buf []byte) ([]byte, error) {
	s.l.reads.Add(1)
	dir := int(h.Fd())
	// Not blocking, in case a FIFO takes the file's place just now. The name is
	// one component and no link is followed, so it leads nowhere else.
	fd, err := again(func() (int, error) {
		return syscall.Openat(dir, name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	})
	switch {
	case errors.Is(err, fs.ErrNotExist), err == syscall.ELOOP:
		return nil, errChanged
	case err != nil:
		return nil, err
	}
	defer syscall.Close(fd)
	if s.l.onRead != nil {
		s.l.onRead(name)
	}
	var st syscall.Stat_t
	if _, err := again(func() (int, error) { return 0, syscall.Fstat(fd, &st) }); err != nil {
		return nil, err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG || stampOfSys(&st) != at.stamp {
		return nil, errChanged
	}
	for n, size := 0, int(at.stamp.size); ; {
		k, err := again(func() (int, error) { return syscall.Read(fd, buf[n:size+1]) })
		switch {
		case err != nil:
			return nil, err
		case k > 0 && n+k <= size:
			n += k
		case k == 0 && n == size:
			return buf[:n:n], nil
		default:
			return nil, errChanged
		}
	}
}

// again repeats a system call that a signal interrupted.
func again(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != syscall.EINTR {
			return n, err
		}
	}
}
