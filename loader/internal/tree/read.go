package tree

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
)

var ErrTooLarge = errors.New("too large")

// Reader reads files that looks found. It is safe from many goroutines.
type Reader struct {
	MaxFile int64             // bytes in a file; a larger one is ErrTooLarge
	OnRead  func(path string) // tests: called while a file is read
	Reads   atomic.Int64      // files opened
}

// Read reads the regular file that s found, whole, through h, in which path
// leads to it. ErrChanged if it is not that file any more, or changes while it
// is read.
func (r *Reader) Read(h *os.Root, path string, s Spot) ([]byte, error) {
	if s.Stamp.Size > r.MaxFile {
		return nil, ErrTooLarge
	}
	r.Reads.Add(1)
	// Not blocking, in case a FIFO takes the file's place just now.
	f, err := h.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, ErrChanged
		}
		return nil, err
	}
	defer f.Close()
	if r.OnRead != nil {
		r.OnRead(path)
	}
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || StampOf(fi) != s.Stamp {
		return nil, ErrChanged
	}
	data := make([]byte, s.Stamp.Size+1)
	n, err := io.ReadFull(f, data)
	switch {
	case err == nil, int64(n) != s.Stamp.Size:
		return nil, ErrChanged
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return nil, err
	}
	if fi, err = f.Stat(); err != nil || StampOf(fi) != s.Stamp {
		return nil, ErrChanged
	}
	return data[:n:n], nil
}

// ReadSome reads at most n bytes of a regular file.
func ReadSome(path string, n int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return nil, ErrChanged
	}
	return io.ReadAll(io.LimitReader(f, int64(n)))
}

// maxBuffer is the size of the largest file whose buffer is used again.
const maxBuffer = 256 << 10

// room returns memory for a file of n bytes: buf if that is large enough, else
// what takes its place, unless it would be large.
func room(buf *[]byte, n int) []byte {
	if n > len(*buf) {
		if n > maxBuffer {
			return make([]byte, n)
		}
		*buf = make([]byte, max(2*n, 8<<10))
	}
	return *buf
}
