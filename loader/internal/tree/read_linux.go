package tree

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// ReadIn reads the regular file name, found as at, in the open folder h, whole,
// into buf or if that is too small into memory that takes its place. ErrChanged
// if it is not that file any more or has another length; that it did not change
// while it was read is for the caller to see, by looking at the name again.
//
// It makes the system calls that this takes and no other: a cold start does it
// for every bucket, and what os.File adds costs as much again.
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

// Files is names that also tells which of them are no regular files, of a
// folder that may have a hundred thousand. An os.File that an os.Root has opened
// looks at every name again; what we make of the kinds needs no such promise.
func (o *Dir) Files() (names []string, others map[string]struct{}, err error) {
	fd, err := again(func() (int, error) {
		return syscall.Openat(int(o.Fd()), ".", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fd), o.real)
	defer f.Close()
	all, err := f.ReadDir(-1)
	if err != nil {
		return nil, nil, err
	}
	names = make([]string, 0, len(all))
	for _, e := range all {
		name := e.Name()
		if Ignored(name) {
			continue
		}
		names = append(names, name)
		if !e.Type().IsRegular() {
			if others == nil {
				others = map[string]struct{}{}
			}
			others[name] = struct{}{}
		}
	}
	slices.Sort(names)
	return names, others, nil
}

// ReadListed reads the file name, which a listing of the open folder h has just
// shown to be a regular one, as ReadIn does, and looks at it once, afterwards.
// False: something is amiss, or changed, and somebody has to look.
func (r *Reader) ReadListed(h *Dir, name string, buf *[]byte) (Spot, []byte, bool) {
	data, found, err := r.readFound(h, name, buf)
	if err != nil {
		return Spot{}, nil, false
	}
	at := Look(h.root, h.real, name)
	return at, data, at.Kind == Regular && at.Through == nil && at.Stamp == found
}

// readFound reads a regular file whole and tells what it was when it was opened.
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
