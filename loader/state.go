package loader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"
)

// state is the mirror of the last good files (specification 4, Restart): one
// file a unit, at the unit's own path below DIR. It is written after each
// generation, each file beside its place and renamed over it, so that killing
// the process at any moment leaves every unit at some content that was good.
//
//	postern-state 1 <path of the unit> <number of files>
//	<name> <length>
//	<bytes>
//	...
//	<xxhash of all before, 16 hexadecimal digits>
//
// A unit of no files is written only while it is quarantined: then that it was
// not there is what has to survive. While buckets/ itself is at fault,
// buckets.names lists the bucket files that it held.
type state struct {
	dir     string
	budget  atomic.Int64 // bytes of files that may still be kept until flush
	mu      sync.Mutex
	jobs    map[place][]raw
	swept   bool // what no unit owns was removed
	trouble bool
}

// raw is a file's content, kept until it is mirrored.
type raw struct {
	name string
	data []byte
}

const (
	stateMagic  = "postern-state 1 "
	bucketNames = "buckets.names"
	temporary   = ".tmp-"
	// keepBytes bounds the bytes of files kept for the mirror; beyond them
	// files are read again, and mirrored if they still are what was good.
	keepBytes = 64 << 20
	// flushAtOnce is how many units a look mirrors before the next look may
	// begin; the rest, of a first load, is mirrored between looks.
	flushAtOnce = 1024
)

func openState(dir string) (*state, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, temporary) // a mirror that cannot be written is an error now
	if err != nil {
		return nil, err
	}
	f.Close()
	return &state{dir: dir, jobs: map[place][]raw{}}, os.Remove(f.Name())
}

// keep reports whether n more bytes may be kept until they are mirrored.
func (s *state) keep(n int) bool { return s.budget.Add(int64(-n)) >= 0 }

func (s *state) file(p place) string {
	if p.part == partBuckets && p.name == "" {
		return filepath.Join(s.dir, p.org, bucketNames)
	}
	return filepath.Join(s.dir, filepath.FromSlash(p.path()))
}

// buckets lists the bucket files that the mirror knows of an organization.
func (s *state) buckets(org string) []string {
	es, err := os.ReadDir(filepath.Join(s.dir, org, bucketsName))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range es {
		if n := e.Name(); !ignored(n) && strings.HasSuffix(n, suffix) {
			out = append(out, n)
		}
	}
	return out
}

// held is how many bucket files an organization had, as far as the mirror knows.
func (s *state) held(org string) int {
	if names, err := s.read(place{org: org, part: partBuckets}); err == nil {
		return len(names)
	}
	return len(s.buckets(org))
}

// encode writes a unit as one file of the mirror.
func encode(p place, files []raw) []byte {
	b := fmt.Appendf(nil, "%s%s %d\n", stateMagic, p.path(), len(files))
	for _, f := range files {
		b = fmt.Appendf(b, "%s %d\n", strconv.Quote(f.name), len(f.data))
		b = append(append(b, f.data...), '\n')
	}
	return fmt.Appendf(b, "%016x\n", xxhash.Sum64(b))
}

var errRotten = errors.New("the mirror of this unit is damaged")

// decode reads what encode wrote, and believes nothing that does not check out.
func decode(p place, b []byte) ([]raw, error) {
	const sum = 17
	if len(b) < sum || fmt.Sprintf("%016x\n", xxhash.Sum64(b[:len(b)-sum])) != string(b[len(b)-sum:]) {
		return nil, errRotten
	}
	b = b[:len(b)-sum]
	head, b, ok := bytes.Cut(b, []byte("\n"))
	count, found := strings.CutPrefix(string(head), stateMagic+p.path()+" ")
	n, err := strconv.Atoi(count)
	if !ok || !found || err != nil {
		return nil, errRotten
	}
	var out []raw
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
		out = append(out, raw{name, rest[:size:size]})
		b = rest[size+1:]
	}
	if len(b) > 0 {
		return nil, errRotten
	}
	return out, nil
}

// read reads one unit of the mirror.
func (s *state) read(p place) ([]raw, error) {
	b, err := os.ReadFile(s.file(p))
	if err != nil {
		return nil, err
	}
	return decode(p, b)
}

// write puts one unit into the mirror, atomically and durably.
func (s *state) write(p place, files []raw) error {
	at := s.file(p)
	dir := filepath.Dir(at)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(encode(p, files))
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

func (s *state) remove(p place) error {
	err := os.RemoveAll(s.file(p))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// mirror notes that a unit may have to be mirrored.
func (l *Loader) mirror(p place, files []raw) {
	if l.state != nil {
		l.state.jobs[p] = files
	}
}

// backlog reports whether units wait to be mirrored.
func (l *Loader) backlog() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state != nil && len(l.state.jobs) > 0 && !l.state.trouble
}

// drain mirrors some of the units that wait.
func (l *Loader) drain(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush(ctx, flushAtOnce)
}

// flush brings the mirror up to date, most units at most. What fails is tried
// again after the next look; the snapshot in force does not depend on it.
func (l *Loader) flush(ctx context.Context, most int) {
	s := l.state
	if s == nil || !l.loaded {
		return
	}
	if !s.swept {
		s.swept = true
		l.sweep()
	}
	var todo []place
	for p := range s.jobs {
		// An organization that vanished goes first, and with all it had.
		if p.part == partFolder {
			if l.orgs[p.org] == nil {
				l.mirrorError(p, s.remove(p))
			}
			delete(s.jobs, p)
		} else if len(todo) < most && ctx.Err() == nil {
			todo = append(todo, p)
		}
	}
	var g errgroup.Group
	g.SetLimit(8)
	kept := make([][]raw, len(todo))
	for i, p := range todo {
		kept[i] = s.jobs[p]
	}
	for i, p := range todo {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			err := l.flushUnit(p, kept[i])
			s.mu.Lock()
			defer s.mu.Unlock()
			if err == nil {
				delete(s.jobs, p)
			} else {
				s.jobs[p] = nil // do not keep the bytes
			}
			l.mirrorError(p, err)
			return nil
		})
	}
	g.Wait()
	dirs := map[string]struct{}{}
	for _, p := range todo {
		dirs[filepath.Dir(s.file(p))] = struct{}{}
	}
	for dir := range dirs { // the renames and removals
		if f, err := os.Open(dir); err == nil {
			f.Sync()
			f.Close()
		}
	}
}

// mirrorError logs the first of a row of errors.
func (l *Loader) mirrorError(p place, err error) {
	s := l.state
	if err == nil {
		s.trouble = s.trouble && len(s.jobs) > 0
		return
	}
	if !s.trouble {
		l.log.Error("the state directory cannot be written: a restart would not know the last good content", "unit", shown(p.path()), "error", reason(err))
	}
	s.trouble = true
}

// flushUnit brings one unit of the mirror up to date. files are its good ones,
// if they were kept. It reads the model and may run beside others.
func (l *Loader) flushUnit(p place, files []raw) error {
	s, o := l.state, l.orgs[p.org]
	if o == nil {
		return s.remove(p)
	}
	if p.part == partBuckets && p.name == "" {
		if o.bucketsFault == nil || !o.bucketsKnown {
			return s.remove(p)
		}
		var names []raw
		for name := range o.buckets {
			names = append(names, raw{name: name})
		}
		slices.SortFunc(names, func(a, b raw) int { return strings.Compare(a.name, b.name) })
		return s.write(p, names)
	}
	known, good, faulty := true, noContent, false
	if p.part == partBuckets {
		b := o.buckets[p.name]
		if b != nil {
			known, faulty = b.known, b.fault != nil || o.bucketsFault != nil
			if b.good != nil {
				good = *b.good
			}
		}
	} else {
		u := o.unit(p.part)
		known, good, faulty = u.known, u.good, u.fault != nil
	}
	switch {
	case !known:
		return nil // what is there, if anything, is no good either
	case good.files == 0 && !faulty:
		return s.remove(p)
	}
	if old, err := s.read(p); err == nil && rawDigest(p.part, old) == good.digest {
		return nil
	}
	switch {
	case good.files == 0:
		files = nil
	case rawDigest(p.part, files) != good.digest:
		files = l.reread(p, o)
	}
	if rawDigest(p.part, files) != good.digest {
		// What was good is gone from the tree before it was mirrored. An older
		// content is not what the snapshot says: better none, which denies.
		return s.remove(p)
	}
	return s.write(p, files)
}

// rawDigest is the content's digest that the files would have.
func rawDigest(p part, files []raw) uint64 {
	if p == partBuckets && len(files) == 1 {
		return xxhash.Sum64(files[0].data)
	}
	seen := make([]file, len(files))
	for i, f := range files {
		seen[i] = file{name: f.name, hash: xxhash.Sum64(f.data)}
	}
	return digest(seen)
}

// reread reads the files of a unit for the mirror.
func (l *Loader) reread(p place, o *organization) []raw {
	root, err := os.OpenRoot(l.root.real)
	if err != nil {
		return nil
	}
	defer root.Close()
	var names []string
	dir := o.at.real
	switch p.part {
	case partBuckets:
		names, dir = []string{p.name}, o.bucketsAt.real
	case partList:
		for range o.unit(p.part).seen {
			names = []string{listName}
		}
	default:
		dir = look(l.root.real, o.at.real, partNames[p.part]).real
		for _, f := range o.unit(p.part).seen {
			names = append(names, f.name)
		}
	}
	var out []raw
	for _, name := range names {
		at := look(l.root.real, dir, name)
		rel, ok := below(l.root.real, at.real)
		if at.kind != regular || !ok {
			return nil
		}
		data, err := l.read(root, rel, at)
		if err != nil {
			return nil
		}
		out = append(out, raw{name, data})
	}
	return out
}

// sweep removes what a killed process left half written, and organizations and
// buckets that are gone.
func (l *Loader) sweep() {
	s := l.state
	orgs, _ := os.ReadDir(s.dir)
	for _, e := range orgs {
		name := e.Name()
		if strings.HasPrefix(name, temporary) {
			os.Remove(filepath.Join(s.dir, name))
			continue
		}
		if !e.IsDir() || !validOrganization(name) {
			continue
		}
		o := l.orgs[name]
		if o == nil {
			l.mirrorError(place{org: name, part: partFolder}, s.remove(place{org: name, part: partFolder}))
			continue
		}
		for _, sub := range []string{"", bucketsName} {
			es, _ := os.ReadDir(filepath.Join(s.dir, name, sub))
			for _, e := range es {
				if strings.HasPrefix(e.Name(), temporary) {
					os.Remove(filepath.Join(s.dir, name, sub, e.Name()))
				}
			}
		}
		for _, p := range setParts {
			l.note(place{org: name, part: p})
		}
		l.note(place{org: name, part: partBuckets})
		for _, file := range s.buckets(name) {
			l.note(place{org: name, part: partBuckets, name: file})
		}
	}
}

// note is mirror for a unit whose bytes may be kept already.
func (l *Loader) note(p place) {
	if _, ok := l.state.jobs[p]; !ok {
		l.state.jobs[p] = nil
	}
}

// restore reads a unit's last good content from the mirror: for a unit that is
// broken and was never good since the start. False: there is none to trust.
func (l *Loader) restore(p part, at place) (content, bool) {
	if l.state == nil {
		return content{}, false
	}
	files, err := l.state.read(at)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			l.log.Error("the last good content of a unit cannot be restored", "unit", shown(at.path()), "error", reason(err))
		}
		return content{}, false
	}
	if len(files) == 0 {
		return noContent, true
	}
	var ps []parsed
	for _, f := range files {
		name := at.path()
		if p < partList {
			name = path.Join(name, f.name)
		}
		ps = append(ps, l.parse(p, name, f.data))
	}
	c, diagnostics := l.compile(p, at.org, ps)
	if diagnostics != nil {
		l.log.Error("the last good content of a unit is no longer accepted", "unit", shown(at.path()), "errors", firstErrors(diagnostics))
		return content{}, false
	}
	c.digest = rawDigest(p, files)
	return c, true
}

// restoreBuckets restores the bucket files of an organization whose buckets/
// cannot be listed at a cold start: all that buckets.names lists, or else all
// that the mirror happens to have, which may not be all there were.
func (l *Loader) restoreBuckets(ch *changes, o *organization) {
	if l.state == nil || l.restoreHeld(ch, o) {
		return
	}
	for _, name := range l.state.buckets(o.name) {
		l.restoreBucket(ch, o, name)
	}
}

// restoreHeld restores the bucket files that buckets.names lists: buckets/ was
// at fault before the restart, and whatever it does not name had no file.
// False: it was not, or that is not known.
func (l *Loader) restoreHeld(ch *changes, o *organization) bool {
	if l.state == nil {
		return false
	}
	held, err := l.state.read(place{org: o.name, part: partBuckets})
	if err != nil {
		return false
	}
	o.bucketsKnown = true
	for _, h := range held {
		l.restoreBucket(ch, o, h.name)
	}
	for name := range o.listed {
		ch.buckets[name] = struct{}{}
	}
	return true
}

func (l *Loader) restoreBucket(ch *changes, o *organization, file string) {
	b := &bucket{}
	o.buckets[file] = b
	l.reclaim(ch, o, bucketOf(file))
	c, ok := l.restore(partBuckets, place{org: o.name, part: partBuckets, name: file})
	switch {
	case ok && c.files > 0:
		l.setBucket(ch, o, b, file, &c)
	case ok:
		l.setBucket(ch, o, b, file, nil)
	}
}
