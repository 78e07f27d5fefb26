package tree

import (
	"errors"
	"io/fs"
	"syscall"
)

// ReadIn reads the whole of the regular file name in the open folder h, which a
// look found as at. It reads into *buf, which is made larger if need be. The error
// is ErrChanged if the file is another one by now or has another length. Whether
// it changed while it was read the caller finds out by looking at the name again.
//
// ReadIn makes no more system calls than it needs: a cold start calls it for every
// bucket, and what os.File adds would double the cost.
func (r *Reader) ReadIn(h *Dir, name string, at Spot, buf *[]byte) ([]byte, error) {
	if at.Stamp.Size > r.MaxFile {
		return nil, ErrTooLarge
	}
	data, found, err := r.readFound(h, name, buf)
	if err == nil && found != at.Stamp {
		err = ErrChanged
	}
	return data, err
}

// ReadListed is ReadIn for a name that a listing of the open folder h has just
// shown to be a regular file. It looks at the name only after the read, in that same
// folder. It returns false if the file cannot be read or has changed; the caller then
// has to look. names is memory for Dir.Still.
func (r *Reader) ReadListed(h *Dir, name string, names, buf *[]byte) (Stamp, []byte, bool) {
	data, found, err := r.readFound(h, name, buf)
	if err != nil {
		return Stamp{}, nil, false
	}
	now, ok := h.Still(name, names)
	return found, data, ok && now == found
}

// readFound reads the whole of a regular file and returns its stamp as it was when
// the file was opened.
func (r *Reader) readFound(h *Dir, name string, buf *[]byte) ([]byte, Stamp, error) {
	r.Reads.Add(1)
	dir := int(h.Fd())
	// Not blocking, in case a FIFO takes the file's place just now. The name is
	// one component and no link is followed, so it leads nowhere else.
	fd, err := again(func() (int, error) {
		return syscall.Openat(dir, name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	})
	switch {
	case errors.Is(err, fs.ErrNotExist), err == syscall.ELOOP:
		return nil, Stamp{}, ErrChanged
	case err != nil:
		return nil, Stamp{}, err
	}
	defer syscall.Close(fd)
	if r.OnRead != nil {
		r.OnRead(name)
	}
	var st syscall.Stat_t
	if _, err := again(func() (int, error) { return 0, syscall.Fstat(fd, &st) }); err != nil {
		return nil, Stamp{}, err
	}
	found := stampOfSys(&st)
	switch {
	case st.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return nil, found, ErrChanged
	case found.Size > r.MaxFile:
		return nil, found, ErrTooLarge
	}
	size := int(found.Size)
	into := room(buf, size)
	for n := 0; n < size; {
		k, err := again(func() (int, error) { return syscall.Read(fd, into[n:size]) })
		switch {
		case err != nil:
			return nil, found, err
		case k <= 0:
			return nil, found, ErrChanged
		}
		n += k
	}
	return into[:size:size], found, nil
}

// again repeats a system call that a signal interrupted.
func again(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != syscall.EINTR {
			return n, err
		}
	}
}
