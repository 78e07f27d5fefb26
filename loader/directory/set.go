package directory

import (
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// set looks at a unit of several files until nothing changes under the look.
func (s *scan) set(f *source.OrgFinding, p layout.Part, known *source.Unit) (*source.SetFinding, error) {
	if at := tree.Look(s.real, spotOf(f.Trace).Real, layout.PartNames[p]); s.q.Inner && at.Through != nil && p != layout.List && !at.Same(s.d.of(f.Name).units[p]) {
		return nil, tree.ErrChanged // other names may have moved with it
	}
	for attempt := range source.Repeats {
		l := s.list(f, p)
		found, err := s.files(f, p, l, known)
		if !errors.Is(err, tree.ErrChanged) {
			return found, err
		}
		if err := source.Pause(s.ctx, attempt); err != nil {
			return nil, err
		}
	}
	return source.BrokenSet(layout.Problem(layout.Place{Org: f.Name, Part: p}.Path(), stillChanging)), nil
}

// listing is what the names of a unit are, files unread.
type listing struct {
	at      tree.Spot
	entries []entry
	stray   []policy.Diagnostic
	through []string           // links on the way to all of these
	fault   *policy.Diagnostic // the folder cannot be listed
	changed bool               // the folder was exchanged meanwhile
}

type entry struct {
	name    string
	spot    tree.Spot
	problem string
}

func (l listing) same(o listing) bool {
	return !o.changed && l.at.Same(o.at) && (l.fault == nil) == (o.fault == nil) &&
		slices.EqualFunc(l.entries, o.entries, func(a, b entry) bool { return a.name == b.name && a.spot.Same(b.spot) })
}

// list looks at the names of a unit.
func (s *scan) list(f *source.OrgFinding, p layout.Part) (l listing) {
	base := layout.Place{Org: f.Name, Part: p}.Path()
	at := tree.Look(s.real, spotOf(f.Trace).Real, layout.PartNames[p])
	s.watchLinks(at.Through)
	if p == layout.List {
		if at.Kind != tree.Absent {
			l.entries = []entry{judge(layout.List, layout.ListName, at)}
			l.through = at.Through
		}
		return l
	}
	l.at = at
	fault := func(message string) listing {
		d := layout.Problem(base, message)
		l.fault = &d
		return l
	}
	switch at.Kind {
	case tree.Absent:
		return l
	case tree.Broken:
		return fault(at.Problem)
	case tree.Regular:
		return fault("this must be a folder")
	}
	h, err := tree.Enter(s.root, s.real, at)
	var names []string
	if err == nil {
		s.d.watchFolder(at.Real, at.Stamp, s.q.Scope.All)
		names, err = h.Names()
		h.Close()
	}
	if errors.Is(err, tree.ErrChanged) {
		l.changed = true
		return l
	}
	if err != nil {
		return fault("this folder cannot be listed: " + tree.Reason(err))
	}
	s.d.Looks.Add(int64(len(names)))
	for _, name := range names {
		e := judge(p, name, tree.Look(s.real, at.Real, name))
		s.watchLinks(e.spot.Through)
		l.through = append(l.through, e.spot.Through...)
		if e.problem == "" && !strings.HasSuffix(name, layout.Suffix) {
			if !passedOver(name) {
				l.stray = append(l.stray, layout.Warning(base+"/"+name, misplacedInPart(name)))
			}
			continue
		}
		l.entries = append(l.entries, e)
	}
	return l
}

// judge says what is wrong with a name where a file belongs.
func judge(p layout.Part, name string, at tree.Spot) entry {
	e := entry{name: name, spot: at}
	switch {
	case at.Kind == tree.Broken:
		e.problem = at.Problem
	case at.Kind == tree.Folder && p == layout.List:
		e.problem = "this must be a file"
	case at.Kind == tree.Folder:
		e.problem = "a folder has no place here: put the files one level up"
	case strings.HasSuffix(name, layout.Suffix):
		e.problem = layout.BadStem(p, name)
	}
	return e
}

// files reads and parses the files of a unit, if one is not as it was.
func (s *scan) files(f *source.OrgFinding, p layout.Part, l listing, known *source.Unit) (found *source.SetFinding, err error) {
	if l.changed {
		return nil, tree.ErrChanged
	}
	found = &source.SetFinding{Stray: l.stray, Trace: &setTrace{l.at, l.through}}
	if l.fault != nil {
		found.Diagnostics = []policy.Diagnostic{*l.fault}
		return found, nil
	}
	base := f.Name + "/"
	if p != layout.List {
		base += layout.PartNames[p] + "/"
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
		case e.spot.Kind == tree.Absent:
			return nil, tree.ErrChanged
		case e.problem != "":
			faults = append(faults, layout.Problem(base+e.name, e.problem))
		case s.count(&counted) > int64(s.d.maxFiles):
			faults = append(faults, s.d.tooMany(base+e.name))
		default:
			todo = append(todo, e)
		}
	}
	found.Complete = faults == nil
	s.total.Add(int64(len(todo)))

	if known.Complete && found.Complete {
		seen, err := s.unchanged(todo, known.Seen)
		if err != nil {
			return nil, err
		}
		if seen != nil {
			found.Same, found.Seen = true, seen
			s.progress(len(todo))
			return found, nil
		}
	}

	results := make([]source.Parsed, len(todo))
	found.Seen = make([]source.Seen, len(todo))
	raws := make([]layout.File, len(todo))
	var keep atomic.Bool
	keep.Store(true)
	var mu sync.Mutex
	err = s.each(len(todo), func(i int) error {
		e := todo[i]
		data, err := s.open(e.spot)
		if errors.Is(err, tree.ErrChanged) {
			return err
		}
		if err != nil {
			mu.Lock()
			faults = append(faults, s.d.readProblem(base+e.name, err))
			mu.Unlock()
			found.Seen[i] = source.Seen{Name: e.name}
			return nil
		}
		content := layout.SumOf(data)
		found.Seen[i] = source.Seen{Name: e.name, Version: versionOf(e.spot.Stamp), Sum: &content, Fresh: freshAt(e.spot.Stamp, s.now)}
		results[i] = s.q.Maker.Parse(nil, p, base+e.name, data)
		if keep.Load() {
			if s.q.Keep(len(data)) {
				raws[i] = layout.File{Name: e.name, Data: data}
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
		return nil, tree.ErrChanged
	}
	s.progress(len(todo))
	if faults != nil {
		found.Complete = false
		for _, r := range results {
			faults = append(faults, r.Diagnostics...)
		}
		found.Diagnostics = faults
		return found, nil
	}
	sum := source.SumOfSet(found.Seen)
	if known.Known && known.Good.Sum == sum {
		c := known.Good
		found.Good = &c
		return found, nil
	}
	c, diagnostics := s.q.Maker.Compile(p, f.Name, results)
	if diagnostics != nil {
		found.Diagnostics = diagnostics
		return found, nil
	}
	c.Sum, c.More.Files = sum, found.Seen
	found.Good = &c
	if keep.Load() {
		found.Raw = raws
	}
	return found, nil
}

// trusts reports whether a file that bears the stamp is taken for what was seen
// of it, unread. SIGHUP has every file read.
func (s *scan) trusts(seen source.Seen, now tree.Stamp) bool {
	return seen.Version == versionOf(now) && !seen.Fresh && !s.q.Scope.Confirm
}

func (s *scan) count(n *int) int64 {
	*n++
	return s.counted.Add(1)
}

// unchanged compares the files with what was seen of them, by stamp, then by
// content; nil if that is another.
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

// open reads the file at its final target.
func (s *scan) open(at tree.Spot) ([]byte, error) {
	defer s.d.spent(time.Now())
	rel, ok := tree.Below(s.real, at.Real)
	if !ok {
		return nil, tree.ErrChanged
	}
	return s.d.Reader.Read(s.root, rel, at)
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
	g.SetLimit(s.d.workers)
	for i := range n {
		g.Go(func() error { return do(i) })
	}
	return g.Wait()
}
