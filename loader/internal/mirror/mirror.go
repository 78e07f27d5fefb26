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

// Mirror is the mirror of the last good files (specification 4, Restart): one
// file a unit, at the unit's own path below DIR. It is written after each
// generation, each file beside its place and renamed over it, so that killing
// the process at any moment leaves every unit at some content that was good.
//
//	postern-state 2 <path of the unit> <number of files>
//	<name> <length>
//	<bytes>
//	...
//	<SHA-256 of all before, 64 hexadecimal digits>
//
// A unit of no files is written only while it is quarantined: then that it was
// not there is what has to survive. While buckets/ itself is at fault,
// buckets.names lists the bucket files that it held.
type Mirror struct {
	dir     string
	log     *slog.Logger
	budget  atomic.Int64 // bytes of files that may still be kept until flush
	mu      sync.Mutex
	jobs    map[layout.Place][]layout.File
	swept   bool // what no unit owns was removed
	trouble bool
	failure string // of trouble

	marks    marks
	opened   bool   // the marks were read
	unmarked string // why the marks of the last generation could not be written
	taken    bool   // another process has taken the directory over
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

// Open opens the mirror in a folder, which it makes if there is none. With sync
// marks reach the disk before Mark returns. The error says that the folder
// cannot be written. Nothing that the mirror has is trusted before OpenMarks.
func Open(dir string, sync bool, log *slog.Logger) (*Mirror, error) {
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

// Begin begins a look: the files of its units may be kept up to keepBytes again.
func (s *Mirror) Begin() {
	if s != nil {
		s.budget.Store(keepBytes)
	}
}

// Keep reports whether n more bytes may be kept until they are mirrored.
func (s *Mirror) Keep(n int) bool { return s != nil && s.budget.Add(int64(-n)) >= 0 }

func (s *Mirror) file(p layout.Place) string {
	if p.Part == layout.Buckets && p.Name == "" {
		return filepath.Join(s.dir, p.Org, heldNames)
	}
	return filepath.Join(s.dir, filepath.FromSlash(p.Path()))
}

// Organizations lists those that the mirror knows.
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

// Buckets lists the bucket files that the mirror knows of an organization.
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

// encode writes a unit as one file of the mirror.
func encode(p layout.Place, files []layout.File) []byte {
	b := fmt.Appendf(nil, "%s%s %d\n", stateMagic, p.Path(), len(files))
	for _, f := range files {
		b = fmt.Appendf(b, "%s %d\n", strconv.Quote(f.Name), len(f.Data))
		b = append(append(b, f.Data...), '\n')
	}
	content := layout.SumOf(b)
	return append(hex.AppendEncode(b, content[:]), '\n')
}

var errRotten = errors.New("the mirror of this unit is damaged")

// decode reads what encode wrote, and believes nothing that does not check out.
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

// LastGood reads one unit of the mirror, unless other content of it was in
// force since it was written.
func (s *Mirror) LastGood(p layout.Place) ([]layout.File, error) {
	files, err := s.read(p)
	if err == nil && !s.marks.trusts(p, layout.SumOfUnit(p.Part, files)) {
		return nil, errBehind
	}
	return files, err
}

// write puts one unit into the mirror, atomically and durably. If it cannot,
// what the mirror had is spoilt: an older content is not what the snapshot
// says, and to restore nothing, which denies, takes no room on a full disk.
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

// spoil leaves of a file of the mirror that there was one: decode believes
// nothing of it.
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

// Reason is the text of an error of the mirror, without paths.
func Reason(err error) string { return tree.Reason(err) }
