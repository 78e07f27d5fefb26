package decisionlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sink is where lines go. One goroutine calls write and close; interrupt may come
// from another.
type sink interface {
	// write writes whole lines. With an error n is how many bytes were taken, which
	// is a number of whole lines.
	write(lines []byte) (n int, err error)
	// interrupt ends a write that waits, if it can.
	interrupt()
	close() error
}

// openSink opens what -decision-log names.
func openSink(path string) (sink, error) {
	if path == "-" {
		return &stream{file: os.Stdout, standard: true}, nil
	}
	if socket, ok := strings.CutPrefix(path, "unix:"); ok {
		s := &socketSink{path: socket}
		return s, s.dial()
	}
	return openFile(path)
}

// mode is that of a file which the log makes: whoever reads it learns who does what.
const mode fs.FileMode = 0o600

// openFile opens a file to append to it, or a pipe that has a name. A file that does
// not end with a line's end gets one.
func openFile(path string) (sink, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		// Open for reading too, it does not wait for a reader, nor fail for want of one.
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		return &stream{file: f}, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, mode)
	if errors.Is(err, fs.ErrPermission) { // one that may be written and not be read
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, mode)
	}
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() {
		if err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a directory", path)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return &stream{file: f}, nil
	}
	s := &regular{file: f}
	if n := info.Size(); n > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], n-1); err != nil || last[0] != '\n' {
			s.cut = true
		}
	}
	return s, nil
}

// regular is a file on a disk.
type regular struct {
	file *os.File
	// cut says that it does not end with a line's end.
	cut bool
}

func (r *regular) write(lines []byte) (int, error) {
	if r.cut {
		if n, err := r.file.Write([]byte{'\n'}); n < 1 {
			return 0, err
		}
		r.cut = false
	}
	n, err := r.file.Write(lines)
	if err == nil {
		return n, nil
	}
	whole := wholeLines(lines[:n])
	if whole == n {
		return n, err
	}
	// The rest of a line would be taken for the beginning of the next one.
	info, statErr := r.file.Stat()
	if statErr == nil {
		statErr = r.file.Truncate(info.Size() - int64(n-whole))
	}
	r.cut = statErr != nil
	return whole, err
}

// wholeLines is the length of the whole lines in a text.
func wholeLines(text []byte) int { return bytes.LastIndexByte(text, '\n') + 1 }

func (r *regular) interrupt()   {}
func (r *regular) close() error { return r.file.Close() }

// stream is a pipe, a terminal or the like.
type stream struct {
	file     *os.File
	standard bool   // the standard output, which is not closed
	rest     []byte // of a line that was written in part
}

func (s *stream) write(lines []byte) (int, error) {
	if len(s.rest) > 0 {
		n, err := s.file.Write(s.rest)
		s.rest = append(s.rest[:0], s.rest[n:]...)
		if err != nil {
			return 0, err
		}
	}
	n, err := s.file.Write(lines)
	if err == nil {
		return n, nil
	}
	whole := wholeLines(lines[:n])
	if whole < n { // its end is written before anything else
		end := n + bytes.IndexByte(lines[n:], '\n') + 1
		s.rest = append(s.rest[:0], lines[n:end]...)
		whole = end
	}
	return whole, err
}

func (s *stream) interrupt() { _ = s.file.SetWriteDeadline(time.Now()) }

func (s *stream) close() error {
	if s.standard {
		return nil
	}
	return s.file.Close()
}

// socketSink is a stream socket on which somebody listens. When the connection ends it
// is made anew; a line that was cut by that is written again.
type socketSink struct {
	path string
	mu   sync.Mutex // guards conn, which one goroutine changes
	conn net.Conn   // nil while there is none
}

func (s *socketSink) dial() error {
	c, err := net.DialTimeout("unix", s.path, time.Second)
	if err != nil {
		return err
	}
	s.set(c)
	return nil
}

func (s *socketSink) set(c net.Conn) {
	s.mu.Lock()
	s.conn = c
	s.mu.Unlock()
}

func (s *socketSink) write(lines []byte) (int, error) {
	if s.conn == nil {
		if err := s.dial(); err != nil {
			return 0, err
		}
	}
	n, err := s.conn.Write(lines)
	if err != nil {
		_ = s.conn.Close()
		s.set(nil)
		return wholeLines(lines[:n]), err
	}
	return n, nil
}

func (s *socketSink) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conn; c != nil {
		_ = c.SetWriteDeadline(time.Now())
	}
}

func (s *socketSink) close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}
