package directory

import (
	"errors"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// files returns the finding for a listing. The error is tree.ErrChanged if something
// changed during the look.
func (l *setLook) files(names listing) (*source.SetFinding, error) {
	if names.changed {
		return nil, tree.ErrChanged
	}
	found := &source.SetFinding{Stray: names.stray, Trace: &setTrace{names.at, names.through}}
	if names.fault != nil {
		found.Diagnostics = []policy.Diagnostic{*names.fault}
		return found, nil
	}
	todo, faults, counted, err := l.admit(names.entries)
	if err == nil {
		err = l.fill(found, names, todo, faults)
	}
	if err != nil { // it will be looked at, and counted, again
		l.counted.Add(int64(-counted))
		return nil, err
	}
	return found, nil
}

// admit separates the files to be read from the names with something wrong, and counts
// the files against the bound.
func (l *setLook) admit(entries []entry) (todo []entry, faults []policy.Diagnostic, counted int, err error) {
	for _, e := range entries {
		if e.spot.Kind == tree.Absent {
			return nil, nil, counted, tree.ErrChanged
		}
		if e.problem != "" {
			faults = append(faults, layout.Problem(l.path(e.name), e.problem))
			continue
		}
		if counted++; l.counted.Add(1) > int64(l.d.maxFiles) {
			faults = append(faults, l.d.tooMany(l.path(e.name)))
			continue
		}
		todo = append(todo, e)
	}
	return todo, faults, counted, nil
}

// fill sets in the finding what the files say. If no file has changed that is what they
// said before; else they are read, parsed and compiled.
func (l *setLook) fill(found *source.SetFinding, names listing, todo []entry, faults []policy.Diagnostic) error {
	found.Complete = faults == nil
	l.total.Add(int64(len(todo)))
	if l.known.Complete && found.Complete {
		seen, err := l.unchanged(todo, l.known.Seen)
		if err != nil {
			return err
		}
		if seen != nil {
			found.Same, found.Seen = true, seen
			l.progress(len(todo))
			return nil
		}
	}
	r, err := l.read(todo)
	if err != nil {
		return err
	}
	if again := l.list(); !again.same(names) {
		return tree.ErrChanged
	}
	l.progress(len(todo))
	found.Seen = r.seen
	if faults = append(faults, r.faults...); faults != nil {
		for _, parsed := range r.parsed {
			faults = append(faults, parsed.Diagnostics...)
		}
		found.Complete, found.Diagnostics = false, faults
		return nil
	}
	l.content(found, r)
	return nil
}

// content sets in the finding what the files say together. They are compiled unless they
// are the files of the last good content.
func (l *setLook) content(found *source.SetFinding, r setRead) {
	sum := source.SumOfSet(r.seen)
	if l.known.Known && l.known.Good.Sum == sum {
		c := l.known.Good
		found.Good = &c
		return
	}
	c, diagnostics := l.q.Maker.Compile(l.part, l.f.Name, r.parsed)
	if diagnostics != nil {
		found.Diagnostics = diagnostics
		return
	}
	c.Sum, c.More.Files = sum, r.seen
	found.Good, found.Raw = &c, r.raws
}

// setRead has the files of a set, read and parsed.
type setRead struct {
	seen   []source.Seen
	parsed []source.Parsed
	raws   []layout.File       // the files for the mirror; nil if not all are kept
	faults []policy.Diagnostic // of files that cannot be read
}

// read reads and parses files, in parallel if there are many.
func (l *setLook) read(todo []entry) (r setRead, err error) {
	r = setRead{seen: make([]source.Seen, len(todo)), parsed: make([]source.Parsed, len(todo)), raws: make([]layout.File, len(todo))}
	var mu sync.Mutex // for faults
	var dropped atomic.Bool
	err = l.each(len(todo), func(i int) error {
		e := todo[i]
		data, err := l.open(e.spot)
		if errors.Is(err, tree.ErrChanged) {
			return err
		}
		if err != nil {
			mu.Lock()
			r.faults = append(r.faults, l.d.readProblem(l.path(e.name), err))
			mu.Unlock()
			r.seen[i] = source.Seen{Name: e.name}
			return nil
		}
		sum := layout.SumOf(data)
		r.seen[i] = source.Seen{Name: e.name, Version: versionOf(e.spot.Stamp), Sum: &sum, Fresh: freshAt(e.spot.Stamp, l.now)}
		r.parsed[i] = l.q.Maker.Parse(nil, l.part, l.path(e.name), data)
		if !dropped.Load() && l.q.Keep(len(data)) {
			r.raws[i] = layout.File{Name: e.name, Data: data}
		} else {
			dropped.Store(true)
		}
		return nil
	})
	if dropped.Load() {
		r.raws = nil
	}
	return r, err
}

// trusts reports whether a file with that stamp is taken to have the content that was
// seen, without being read. SIGHUP has every file read.
func (s *scan) trusts(seen source.Seen, now tree.Stamp) bool {
	return seen.Version == versionOf(now) && !seen.Fresh && !s.q.Scope.Confirm
}

// unchanged compares the files with what was seen of them, by stamp and then by content.
// It returns nil if a file has changed, and else what is seen of the files now.
func (s *scan) unchanged(todo []entry, seen []source.Seen) ([]source.Seen, error) {
	if !slices.EqualFunc(todo, seen, func(e entry, f source.Seen) bool { return e.name == f.Name }) {
		return nil, nil
	}
	out := make([]source.Seen, 0, len(seen)) // not nil: an empty set is unchanged too
	for i, e := range todo {
		f := seen[i]
		if !s.trusts(f, e.spot.Stamp) {
			data, err := s.open(e.spot)
			if errors.Is(err, tree.ErrChanged) {
				return nil, err
			}
			if err != nil || layout.SumOf(data) != *f.Sum {
				return nil, nil
			}
			if !tree.Look(s.real, path.Dir(e.spot.Real), path.Base(e.spot.Real)).Same(tree.Spot{Kind: tree.Regular, Real: e.spot.Real, Stamp: e.spot.Stamp}) {
				return nil, tree.ErrChanged
			}
			f.Version, f.Fresh = versionOf(e.spot.Stamp), freshAt(e.spot.Stamp, s.now)
		}
		out = append(out, f)
	}
	return out, nil
}

// open reads the file that a look found as at, by its real path.
func (s *scan) open(at tree.Spot) ([]byte, error) {
	defer s.d.spent(time.Now())
	rel, ok := tree.Below(s.real, at.Real)
	if !ok {
		return nil, tree.ErrChanged
	}
	return s.d.Reader.Read(s.root, rel, at)
}

// each calls do for 0 to n-1, in parallel if n is large.
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
	g.SetLimit(s.d.workers)
	for i := range n {
		g.Go(func() error { return do(i) })
	}
	return g.Wait()
}
