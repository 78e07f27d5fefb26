package tree

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
)

// ErrTooLarge says that a file is larger than Reader.MaxFile.
var ErrTooLarge = errors.New("too large")

// Reader reads files that Look found. It is safe for concurrent use.
type Reader struct {
	MaxFile int64             // the size of the largest file that is read, in bytes
	OnRead  func(path string) // for tests: called while a file is open, before it is read
	Reads   atomic.Int64      // the number of files opened
}

// Read reads the whole of the regular file that a look found as s. path leads to
// it in h. The error is ErrChanged if it is another file by now, or changes while
// it is read.
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

// maxBuffer is the size, in bytes, of the largest file that is read into memory
// which the next file uses too.
const maxBuffer = 256 << 10

// room returns memory for a file of n bytes. That is *buf, which is made larger if
// need be; a file above maxBuffer gets memory of its own.
func room(buf *[]byte, n int) []byte {
	if n > len(*buf) {
		if n > maxBuffer {
			return make([]byte, n)
		}
		*buf = make([]byte, max(2*n, 8<<10))
	}
	return *buf
}
