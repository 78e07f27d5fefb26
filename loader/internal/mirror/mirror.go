package mirror

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
)

// Mirror is the folder with the last good files (specification 4, Restart). It has one
// file for each unit, at the unit's own path. After each generation the files of the
// units that changed are written under another name and renamed, so that a process that
// is killed at any moment leaves every unit with some content that was good.
//
//	postern-state 2 <path of the unit> <number of files>
//	<name> <length>
//	<bytes>
//	...
//	<SHA-256 of all before, 64 hexadecimal digits>
//
// A unit without files is written only while it is quarantined: then that there was no
// file is what has to survive. While buckets/ itself is at fault, buckets.names lists
// the bucket files that it held.
type Mirror struct {
	dir     string
	log     *slog.Logger
	budget  atomic.Int64                   // how many bytes of files may still be kept until Flush
	mu      sync.Mutex                     // guards jobs, trouble and failure during a flush
	jobs    map[layout.Place][]layout.File // the units that wait, with their files if they were kept
	swept   bool                           // sweep was called
	trouble bool                           // the last write failed
	failure string                         // why

	marks    marks
	opened   bool   // the marks were read
	unmarked string // why the marks of the last generation could not be written; "" if they were
	taken    bool   // another process uses the folder now
}

const (
	stateMagic = "postern-state 2 "
	temporary  = ".tmp-"
	// keepBytes bounds the bytes of files kept for the mirror; beyond them
	// files are read again, and mirrored if they still are what was good.
	keepBytes = 64 << 20
	// flushAtOnce is how many units are mirrored before a look may begin; the
	// rest, of a large change, is mirrored between looks.
	flushAtOnce = 128
)

// Open opens the mirror in a folder, which it makes if there is none. With sync, the
// marks are on the disk when Mark returns. An error says that the folder cannot be
// written. LastGood returns nothing before OpenMarks was called.
func Open(dir string, sync bool, log *slog.Logger) (*Mirror, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, temporary) // a mirror that cannot be written is an error now
	if err != nil {
		return nil, err
	}
	f.Close()
	return &Mirror{dir: dir, log: log, jobs: map[layout.Place][]layout.File{}, marks: newMarks(dir, sync)}, os.Remove(f.Name())
}

// Begin begins a look, during which Keep allows keepBytes again.
func (s *Mirror) Begin() {
	if s != nil {
		s.budget.Store(keepBytes)
	}
}

// Keep reports whether a file of n bytes may be kept in memory until it is mirrored. It
// is safe for concurrent use.
func (s *Mirror) Keep(n int) bool { return s != nil && s.budget.Add(int64(-n)) >= 0 }

func (s *Mirror) file(p layout.Place) string {
	if p.Part == layout.Buckets && p.Name == "" {
		return filepath.Join(s.dir, p.Org, heldNames)
	}
	return filepath.Join(s.dir, filepath.FromSlash(p.Path()))
}

// Organizations returns the organizations that the mirror has.
func (s *Mirror) Organizations() []string {
	if s == nil {
		return nil
	}
	es, _ := os.ReadDir(s.dir)
	var out []string
	for _, e := range es {
		if e.IsDir() && layout.ValidOrganization(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out
}

// Buckets returns the names of the bucket files that the mirror has of an organization.
func (s *Mirror) Buckets(org string) []string {
	es, err := os.ReadDir(filepath.Join(s.dir, org, layout.BucketsName))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range es {
		if n := e.Name(); !tree.Ignored(n) && strings.HasSuffix(n, layout.Suffix) {
			out = append(out, n)
		}
	}
	return out
}

// encode returns the file of the mirror for a unit.
func encode(p layout.Place, files []layout.File) []byte {
	b := fmt.Appendf(nil, "%s%s %d\n", stateMagic, p.Path(), len(files))
	for _, f := range files {
		b = fmt.Appendf(b, "%s %d\n", strconv.Quote(f.Name), len(f.Data))
		b = append(append(b, f.Data...), '\n')
	}
	content := layout.SumOf(b)
	return append(hex.AppendEncode(b, content[:]), '\n')
}

// ErrNone says that the mirror has nothing of a unit.
var ErrNone = errors.New("the mirror has nothing of this unit")

var errRotten = errors.New("the mirror of this unit is damaged")

// decode reads what encode wrote. It returns errRotten if a byte of it is another.
func decode(p layout.Place, b []byte) ([]layout.File, error) {
	end := len(b) - 2*sha256.Size - 1
	if end < 0 {
		return nil, errRotten
	}
	if content := layout.SumOf(b[:end]); hex.EncodeToString(content[:])+"\n" != string(b[end:]) {
		return nil, errRotten
	}
	b = b[:end]
	head, b, ok := bytes.Cut(b, []byte("\n"))
	count, found := strings.CutPrefix(string(head), stateMagic+p.Path()+" ")
	n, err := strconv.Atoi(count)
	if !ok || !found || err != nil {
		return nil, errRotten
	}
	var out []layout.File
	for range n {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		i := bytes.LastIndexByte(line, ' ')
		if !ok || i < 0 {
			return nil, errRotten
		}
		name, err1 := strconv.Unquote(string(line[:i]))
		size, err2 := strconv.Atoi(string(line[i+1:]))
		if err1 != nil || err2 != nil || size < 0 || size >= len(rest) {
			return nil, errRotten
		}
		out = append(out, layout.File{Name: name, Data: rest[:size:size]})
		b = rest[size+1:]
	}
	if len(b) > 0 {
		return nil, errRotten
	}
	return out, nil
}

// read reads one unit of the mirror.
func (s *Mirror) read(p layout.Place) ([]layout.File, error) {
	b, err := os.ReadFile(s.file(p))
	if err != nil {
		return nil, err
	}
	return decode(p, b)
}

// LastGood returns the files that the mirror has of a unit. The error is
// ErrNone if it has none; any other says that they cannot be trusted, because
// they are damaged or other content of the unit was in force since.
func (s *Mirror) LastGood(p layout.Place) ([]layout.File, error) {
	files, err := s.read(p)
	if errors.Is(err, os.ErrNotExist) {
		err = ErrNone
	}
	if err == nil && !s.marks.trusts(p, layout.SumOfUnit(p.Part, files)) {
		return nil, errBehind
	}
	return files, err
}

// write writes one unit, atomically and durably. If it cannot, it spoils what the mirror
// had: older content is not what the snapshot says. To restore nothing, which denies,
// takes no room on a full disk.
func (s *Mirror) write(p layout.Place, files []layout.File) error {
	at := s.file(p)
	err := put(at, encode(p, files))
	if err != nil {
		spoil(at)
	}
	return err
}

func put(at string, data []byte) error {
	dir := filepath.Dir(at)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), at)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// spoil empties a file of the mirror, so that decode refuses it and it still says that
// there was content.
func spoil(at string) error {
	f, err := os.OpenFile(at, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (s *Mirror) remove(p layout.Place) error {
	err := os.RemoveAll(s.file(p))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Reason returns the text of an error of the mirror without paths.
func Reason(err error) string { return tree.Reason(err) }
