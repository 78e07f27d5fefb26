package loader

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"

	"postern/internal/policyjson"
	"postern/policy"
)

// parsed is one file of a unit, read and parsed.
type parsed struct {
	doc         *policy.Document
	access      *policy.AccessDocument
	list        []string
	diagnostics []policy.Diagnostic
}

// parse parses one file by the part of the layout that it lies in.
func (l *Loader) parse(p part, path string, data []byte) (out parsed) {
	l.parses.Add(1)
	path = shown(path)
	switch p {
	case partPolicies:
		out.doc, out.diagnostics = policyjson.ParseOrganization(path, data, l.c.Limits)
	case partList:
		out.list, out.diagnostics = policyjson.ParseBucketList(path, data, l.c.Limits)
	case partBuckets:
		out.doc, out.diagnostics = policyjson.ParseBucket(path, bucketOf(path), data, l.c.Limits)
	case partIAM:
		out.access, out.diagnostics = policyjson.ParseAccess(path, data, l.c.Limits)
	}
	return out
}

// compile makes a unit's content from its parsed files, or says what is wrong
// with them, all errors of all files at once.
//
// A panic in the compiler is an error of the unit: one unit must not take the
// process down, nor keep the others from being updated.
func (l *Loader) compile(p part, org string, files []parsed) (c content, ds []policy.Diagnostic) {
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("the compiler panicked", "organization", org, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			c, ds = content{}, []policy.Diagnostic{problem(org, "this unit cannot be compiled; please report it")}
		}
	}()
	c = content{files: len(files)}
	var found []policy.Diagnostic
	var docs []*policy.Document
	for _, f := range files {
		found = append(found, f.diagnostics...)
		if f.doc != nil {
			docs = append(docs, f.doc)
		}
		if f.access != nil {
			c.access = append(c.access, f.access)
		}
		c.list = append(c.list, f.list...)
	}
	if policy.HasErrors(found) {
		return content{}, found
	}
	switch {
	case p == partPolicies:
		policies, more := l.c.Compiler.Organization(org, docs)
		found = append(found, more...)
		c.policies = policies
	case p == partIAM:
		// What only members or entities change shares the statements that are
		// in force, if there are any.
		var before content
		if o := l.orgs[org]; o != nil {
			before = o.unit(partIAM).good
		}
		iam, more := l.c.Compiler.AccessAgain(org, c.access, before.access, before.iam)
		found = append(found, more...)
		c.iam = iam
	case p == partBuckets && len(docs) == 1:
		policies, more := l.c.Compiler.Bucket(bucketOf(docs[0].File), docs[0])
		found = append(found, more...)
		c.policies = policies
	}
	if policy.HasErrors(found) {
		return content{}, found
	}
	policy.SortDiagnostics(found)
	c.warnings = slices.Clip(found)
	return c, nil
}

// bucketOf is the bucket that a bucket file's name or path speaks of.
func bucketOf(file string) string {
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[i+1:]
	}
	return strings.TrimSuffix(file, suffix)
}

var errTooLarge = errors.New("too large")

// read reads the regular file that s found, whole, through h, in which path
// leads to it. errChanged if it is not that file any more, or changes while it
// is read.
func (l *Loader) read(h *os.Root, path string, s spot) ([]byte, error) {
	if s.stamp.size > l.c.MaxFile {
		return nil, errTooLarge
	}
	l.reads.Add(1)
	// Not blocking, in case a FIFO takes the file's place just now.
	f, err := h.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, errChanged
		}
		return nil, err
	}
	defer f.Close()
	if l.onRead != nil {
		l.onRead(path)
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

// readProblem is what a failed read means to a user.
func (l *Loader) readProblem(path string, err error) policy.Diagnostic {
	if errors.Is(err, errTooLarge) {
		return problem(path, "this file is larger than "+strconv.FormatInt(l.c.MaxFile, 10)+" bytes (-max-file); split it")
	}
	return problem(path, "this file cannot be read: "+reason(err))
}

func (l *Loader) tooMany(path string) policy.Diagnostic {
	return problem(path, "the policy directory holds more than "+strconv.Itoa(l.c.MaxFiles)+" files; this one is past the bound")
}

// setFinding is what a look found of a unit of several files.
type setFinding struct {
	same        bool // as it was, but for what seen and stray say
	seen        []file
	sure        bool
	good        *content            // nil: broken
	diagnostics []policy.Diagnostic // if broken
	stray       []policy.Diagnostic
	through     []string // links that led to the files
	at          spot     // of the folder; zero for buckets.json
	raw         []raw    // for the mirror; nil if not kept
}

func brokenSet(diagnostics ...policy.Diagnostic) *setFinding {
	return &setFinding{diagnostics: diagnostics}
}

// set looks at a unit of several files until nothing changes under the look.
func (s *scan) set(f *orgFinding, p part, known *unit) (*setFinding, error) {
	for attempt := range repeats {
		l := s.list(f, p)
		found, err := s.files(f, p, l, known)
		if !errors.Is(err, errChanged) {
			return found, err
		}
		if err := pause(s.ctx, attempt); err != nil {
			return nil, err
		}
	}
	return brokenSet(problem(place{org: f.name, part: p}.path(), stillChanging)), nil
}

// listing is what the names of a unit are, files unread.
type listing struct {
	at      spot
	entries []entry
	stray   []policy.Diagnostic
	through []string           // links on the way to all of these
	fault   *policy.Diagnostic // the folder cannot be listed
	changed bool               // the folder was exchanged meanwhile
}

type entry struct {
	name    string
	spot    spot
	problem string
}

func (l listing) same(o listing) bool {
	return !o.changed && l.at.same(o.at) && (l.fault == nil) == (o.fault == nil) &&
		slices.EqualFunc(l.entries, o.entries, func(a, b entry) bool { return a.name == b.name && a.spot.same(b.spot) })
}

// list looks at the names of a unit.
func (s *scan) list(f *orgFinding, p part) (l listing) {
	base := place{org: f.name, part: p}.path()
	at := look(s.real, f.at.real, partNames[p])
	s.watchLinks(at.through)
	if p == partList {
		if at.kind != absent {
			l.entries = []entry{judge(partList, listName, at)}
			l.through = at.through
		}
		return l
	}
	l.at = at
	fault := func(message string) listing {
		d := problem(base, message)
		l.fault = &d
		return l
	}
	switch at.kind {
	case absent:
		return l
	case broken:
		return fault(at.problem)
	case regular:
		return fault("this must be a folder")
	}
	h, err := enter(s.root, s.real, at)
	var names []string
	if err == nil {
		s.l.watch(at.real, at.stamp, s.scope.all)
		names, err = h.names()
		h.Close()
	}
	if errors.Is(err, errChanged) {
		l.changed = true
		return l
	}
	if err != nil {
		return fault("this folder cannot be listed: " + reason(err))
	}
	s.l.looks.Add(int64(len(names)))
	for _, name := range names {
		e := judge(p, name, look(s.real, at.real, name))
		s.watchLinks(e.spot.through)
		l.through = append(l.through, e.spot.through...)
		if e.problem == "" && !strings.HasSuffix(name, suffix) {
			l.stray = append(l.stray, warning(base+"/"+name, "this file has no place here: only .json files are read"))
			continue
		}
		l.entries = append(l.entries, e)
	}
	return l
}

// judge says what is wrong with a name where a file belongs.
func judge(p part, name string, at spot) entry {
	e := entry{name: name, spot: at}
	switch {
	case at.kind == broken:
		e.problem = at.problem
	case at.kind == folder && p == partList:
		e.problem = "this must be a file"
	case at.kind == folder:
		e.problem = "a folder has no place here: put the files one level up"
	case strings.HasSuffix(name, suffix):
		e.problem = badStem(p, name)
	}
	return e
}

// files reads and parses the files of a unit, if one is not as it was.
func (s *scan) files(f *orgFinding, p part, l listing, known *unit) (found *setFinding, err error) {
	if l.changed {
		return nil, errChanged
	}
	found = &setFinding{stray: l.stray, at: l.at, through: l.through}
	if l.fault != nil {
		found.diagnostics = []policy.Diagnostic{*l.fault}
		return found, nil
	}
	base := f.name + "/"
	if p != partList {
		base += partNames[p] + "/"
	}
	var faults []policy.Diagnostic
	var todo []entry
	counted := 0
	defer func() {
		if err != nil { // it will be looked at, and counted, again
			s.counted.Add(int64(-counted))
		}
	}()
	for _, e := range l.entries {
		switch {
		case e.spot.kind == absent:
			return nil, errChanged
		case e.problem != "":
			faults = append(faults, problem(base+e.name, e.problem))
		case s.count(&counted) > int64(s.l.c.MaxFiles):
			faults = append(faults, s.l.tooMany(base+e.name))
		default:
			todo = append(todo, e)
		}
	}
	found.sure = faults == nil
	s.total.Add(int64(len(todo)))

	if known.sure && found.sure {
		seen, err := s.unchanged(todo, known.seen)
		if err != nil {
			return nil, err
		}
		if seen != nil {
			found.same, found.seen = true, seen
			s.progress(len(todo))
			return found, nil
		}
	}

	results := make([]parsed, len(todo))
	found.seen = make([]file, len(todo))
	raws := make([]raw, len(todo))
	var keep atomic.Bool
	keep.Store(s.l.state != nil)
	var mu sync.Mutex
	err = s.each(len(todo), func(i int) error {
		e := todo[i]
		data, err := s.open(e.spot)
		if errors.Is(err, errChanged) {
			return err
		}
		if err != nil {
			mu.Lock()
			faults = append(faults, s.l.readProblem(base+e.name, err))
			mu.Unlock()
			found.seen[i] = file{name: e.name}
			return nil
		}
		found.seen[i] = file{name: e.name, stamp: e.spot.stamp, hash: xxhash.Sum64(data), fresh: freshAt(e.spot.stamp, s.now)}
		results[i] = s.l.parse(p, base+e.name, data)
		if keep.Load() {
			if s.l.state.keep(len(data)) {
				raws[i] = raw{e.name, data}
			} else {
				keep.Store(false)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if again := s.list(f, p); !again.same(l) {
		return nil, errChanged
	}
	s.progress(len(todo))
	if faults != nil {
		found.sure = false
		for _, r := range results {
			faults = append(faults, r.diagnostics...)
		}
		found.diagnostics = faults
		return found, nil
	}
	sum := digest(found.seen)
	if known.known && known.good.digest == sum {
		c := known.good
		found.good = &c
		return found, nil
	}
	c, diagnostics := s.l.compile(p, f.name, results)
	if diagnostics != nil {
		found.diagnostics = diagnostics
		return found, nil
	}
	c.digest = sum
	found.good = &c
	if keep.Load() {
		found.raw = raws
	}
	return found, nil
}

func (s *scan) count(n *int) int64 {
	*n++
	return s.counted.Add(1)
}

// unchanged compares the files with what was seen of them, by stamp, then by
// hash; nil if their content is another.
func (s *scan) unchanged(todo []entry, seen []file) ([]file, error) {
	if !slices.EqualFunc(todo, seen, func(e entry, f file) bool { return e.name == f.name }) {
		return nil, nil
	}
	out := make([]file, 0, len(seen)) // not nil: an empty set is unchanged too
	for i, e := range todo {
		f := seen[i]
		if e.spot.stamp != f.stamp || f.fresh {
			data, err := s.open(e.spot)
			if errors.Is(err, errChanged) {
				return nil, err
			}
			if err != nil || xxhash.Sum64(data) != f.hash {
				return nil, nil
			}
			if !look(s.real, path.Dir(e.spot.real), path.Base(e.spot.real)).same(spot{kind: regular, real: e.spot.real, stamp: e.spot.stamp}) {
				return nil, errChanged
			}
			f.stamp, f.fresh = e.spot.stamp, freshAt(e.spot.stamp, s.now)
		}
		out = append(out, f)
	}
	return out, nil
}

// open reads the file at its final target.
func (s *scan) open(at spot) ([]byte, error) {
	rel, ok := below(s.real, at.real)
	if !ok {
		return nil, errChanged
	}
	return s.l.read(s.root, rel, at)
}

// each calls do for 0 to n-1, side by side if there are many.
func (s *scan) each(n int, do func(int) error) error {
	if n < 16 {
		for i := range n {
			if err := do(i); err != nil {
				return err
			}
		}
		return nil
	}
	var g errgroup.Group
	g.SetLimit(s.l.c.Workers)
	for i := range n {
		g.Go(func() error { return do(i) })
	}
	return g.Wait()
}
