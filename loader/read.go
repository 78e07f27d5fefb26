package loader

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
)

var errTooLarge = errors.New("too large")

// reader reads files that looks found. It is safe from many goroutines.
type reader struct {
	maxFile int64             // bytes in a file; a larger one is errTooLarge
	onRead  func(path string) // tests: called while a file is read
	reads   atomic.Int64      // files opened
}

// read reads the regular file that s found, whole, through h, in which path
// leads to it. errChanged if it is not that file any more, or changes while it
// is read.
func (r *reader) read(h *os.Root, path string, s spot) ([]byte, error) {
	if s.stamp.size > r.maxFile {
		return nil, errTooLarge
	}
	r.reads.Add(1)
	// Not blocking, in case a FIFO takes the file's place just now.
	f, err := h.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, errChanged
		}
		return nil, err
	}
	defer f.Close()
	if r.onRead != nil {
		r.onRead(path)
	}
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || stampOf(fi) != s.stamp {
		return nil, errChanged
	}
	data := make([]byte, s.stamp.size+1)
	n, err := io.ReadFull(f, data)
	switch {
	case err == nil, int64(n) != s.stamp.size:
		return nil, errChanged
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return nil, err
	}
	if fi, err = f.Stat(); err != nil || stampOf(fi) != s.stamp {
		return nil, errChanged
	}
	return data[:n:n], nil
}

// readSome reads at most n bytes of a regular file.
func readSome(path string, n int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return nil, errChanged
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
