package directory

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
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

const stillChanging = "this kept changing while it was read; it is looked at again with its next change or rescan"

// check is a name whose target is compared again at the end of the look.
type check struct {
	org, dir, name string
	was            tree.Spot
}

// pieceTasks is how many tasks run between two chances for events: of at most
// 16 x chunk files.
const pieceTasks = 16

// scan is one look at the tree. It reads the model and does not change it.
type scan struct {
	d       *Source
	q       *source.Query
	ctx     context.Context
	root    *os.Root
	at      tree.Spot // of the root
	real    string    // its path
	now     time.Time
	counted atomic.Int64 // files seen, against the bound
	total   atomic.Int64 // files to look at, for progress
	listed  atomic.Bool  // total is all of them
	done    atomic.Int64
	checks  []check
	found   *source.Found
	trace   *trace
	folders map[string]*bucketsScan // buckets/, by organization
	waiting []func()                // bucket folders to list once all other units are looked at
	tasks   []func() error
}

// trace is what the directory has to know of findings once they are in the
// model.
type trace struct {
	root    tree.Spot
	through []string // links that lead to the root
	surveys map[string]tree.Spot

	mu    sync.Mutex
	links map[layout.Place][]string // on the way to names without a place
}

// setTrace is that of a unit of several files.
type setTrace struct {
	at      tree.Spot // of the folder; zero for buckets.json
	through []string  // links that led to the files
}

// spotOf is the spot that a trace is.
func spotOf(trace any) tree.Spot {
	at, _ := trace.(tree.Spot)
	return at
}

// link notes the links on the way to a name without a place: it may become
// one that has, or an error.
func (t *trace) link(p layout.Place, at tree.Spot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.links == nil {
		t.links = map[layout.Place][]string{}
	}
	t.links[p] = at.Through
}

// bucketsScan is one look at a buckets/ folder.
type bucketsScan struct {
	*source.BucketsFinding
	at     tree.Spot
	kinds  bool                // the listing told of every name whether it is a regular file
	others map[string]struct{} // those that are none
	mu     sync.Mutex
	moved  atomic.Bool // it was not the same folder all the time
}

// Here is source.Source's.
func (d *Source) Here() (*source.Found, error) {
	at, through, err := tree.Find(d.path)
	if err != nil {
		return nil, err
	}
	return &source.Found{Trace: &trace{root: at, through: through}}, nil
}

// Scan is source.Source's.
func (d *Source) Scan(ctx context.Context, q *source.Query) (*source.Found, error) {
	t := &trace{surveys: map[string]tree.Spot{}}
	s := &scan{d: d, q: q, ctx: ctx, now: d.now(), trace: t, folders: map[string]*bucketsScan{},
		found: &source.Found{Trace: t, All: q.Scope.All, Misplaced: map[string]*policy.Diagnostic{}, Surveys: map[string]source.Survey{}}}
	f, err := s.scan()
	if errors.Is(err, tree.ErrChanged) {
		err = source.ErrChanged
	}
	return f, err
}

func (s *scan) scan() (*source.Found, error) {
	d, sc := s.d, s.q.Scope
	at, through, err := tree.Find(d.path)
	if err != nil {
		return nil, err
	}
	s.at, s.real, s.trace.root, s.trace.through = at, at.Real, at, through
	s.found.Moved, s.found.Repointed = !at.Same(d.at), at.Real != d.at.Real
	if !sc.All && s.found.Moved {
		return nil, tree.ErrChanged
	}
	d.watchLinks(through, "")
	if sc.All {
		d.watchFolder(at.Real, at.Stamp, true)
	}
	if s.root, err = os.OpenRoot(at.Real); err != nil {
		return nil, errors.New(tree.Reason(err))
	}
	defer s.root.Close()
	switch fi, err := s.root.Stat("."); {
	case err != nil:
		return nil, errors.New(tree.Reason(err))
	case !tree.StampOf(fi).SameFile(at.Stamp):
		return nil, tree.ErrChanged
	}

	if err := s.walk(); err != nil {
		return nil, err
	}
	if err := s.run(); err != nil {
		return nil, err
	}
	for _, w := range s.waiting {
		w()
		if err := s.between(); err != nil {
			return nil, err
		}
	}
	s.listed.Store(true)
	if err := s.run(); err != nil {
		return nil, err
	}
	if err := s.settle(); err != nil {
		return nil, err
	}
	s.facts()
	return s.found, nil
}

// facts says of the findings what is another folder than at the last look.
func (s *scan) facts() {
	for _, f := range s.found.Orgs {
		was, at := s.d.of(f.Name), spotOf(f.Trace)
		f.Swapped, f.Version = swapped(was.at, at), versionOf(at.Stamp)
		for p, x := range f.Units {
			if x == nil {
				continue
			}
			if t, ok := x.Trace.(*setTrace); ok {
				x.There, x.Swapped, x.Version = t.at.Kind != tree.Absent, swapped(was.units[p], t.at), versionOf(t.at.Stamp)
			}
		}
		if b := s.folders[f.Name]; b != nil {
			b.Trace, b.Absent, b.Swapped, b.Version = b.at, b.at.Kind == tree.Absent, swapped(was.buckets, b.at), versionOf(b.at.Stamp)
		}
	}
}

// swapped reports that a link leads to another folder than before.
func swapped(was, is tree.Spot) bool {
	return is.Kind == tree.Folder && is.Through != nil && !is.Same(was)
}

// between is query.between, unless the root is another.
func (s *scan) between() error {
	if s.q.Between == nil || s.found.Moved {
		return nil
	}
	return s.q.Between()
}

// walk notes what has to be done, organization by organization.
func (s *scan) walk() error {
	var names []string
	if s.q.Scope.All {
		listed, err := tree.Names(s.root)
		if err != nil {
			return errors.New(tree.Reason(err))
		}
		names = listed
		for name := range s.q.Names {
			if _, ok := slices.BinarySearch(listed, name); !ok {
				names = append(names, name)
			}
		}
	} else {
		names = slices.Collect(maps.Keys(s.q.Scope.Orgs))
		s.counted.Store(int64(s.q.Files))
	}
	slices.Sort(names)
	for i, name := range names {
		if err := s.organization(name); err != nil {
			return err
		}
		if i%chunk == chunk-1 {
			if err := s.between(); err != nil {
				return err
			}
		}
	}
	return s.between()
}

// organization notes what has to be done for one name in the root.
func (s *scan) organization(name string) error {
	at := tree.Look(s.real, s.real, name)
	s.watchLinks(at.Through)
	s.found.Misplaced[name] = nil
	f := &source.OrgFinding{Name: name, Trace: at}
	known := s.q.Org(name)
	if at.Kind == tree.Regular || !layout.ValidOrganization(name) {
		s.trace.link(layout.Place{Org: name, Part: layout.Folder}, at)
	}
	switch { // what has no place here is not checked again at the end: it may be a growing log
	case at.Kind == tree.Broken && !layout.ValidOrganization(name):
		d := layout.Problem(name, at.Problem)
		s.found.Misplaced[name] = &d
		return nil
	case at.Kind == tree.Folder && !layout.ValidOrganization(name):
		d := layout.Warning(name, misplacedFolder(name))
		s.found.Misplaced[name] = &d
		return nil
	case at.Kind == tree.Regular:
		if name != manifest && !passedOver(name) {
			d := layout.Warning(name, misplacedInRoot(name))
			s.found.Misplaced[name] = &d
		}
		f.Gone = true
	case at.Kind == tree.Absent:
		f.Gone = true
	}
	s.check(name, s.real, name, at)
	if f.Gone {
		if known != nil {
			s.found.Orgs = append(s.found.Orgs, f)
		}
		return nil
	}
	waiting, arriving := s.d.arriving[name]
	arriving = arriving && known == nil && waiting.Same(at)
	if s.q.Scope.All || at.Through == nil || arriving {
		if s.arriving(name, at) && !s.atRest(name, at) {
			return nil
		}
	}
	s.found.Orgs = append(s.found.Orgs, f)

	sc := &source.OrgScope{Whole: true}
	if !s.q.Scope.All && !arriving {
		moved := known == nil || !s.d.of(name).at.Same(at)
		if moved && at.Through != nil {
			return tree.ErrChanged // other names may have moved with it
		}
		if !moved && !known.Faulted {
			sc = s.q.Scope.Orgs[name]
		}
	}
	f.Whole = sc.Whole
	if at.Kind == tree.Broken {
		f.Whole, f.Fault = true, []policy.Diagnostic{layout.Problem(name, at.Problem)}
		return nil
	}
	return s.parts(f, sc, known)
}

// parts notes what has to be done inside one organization's folder.
func (s *scan) parts(f *source.OrgFinding, sc *source.OrgScope, known *source.Last) error {
	f.Misplaced = map[string]*policy.Diagnostic{}
	names := slices.Collect(maps.Keys(sc.Misplaced))
	if sc.Whole {
		h, err := tree.Enter(s.root, s.real, spotOf(f.Trace))
		if err == nil {
			s.d.watchFolder(spotOf(f.Trace).Real, spotOf(f.Trace).Stamp, s.q.Scope.All)
			names, err = h.Names()
			h.Close()
		}
		if errors.Is(err, tree.ErrChanged) && !s.q.Last {
			return err
		}
		if err != nil {
			f.Fault = []policy.Diagnostic{layout.Problem(f.Name, "this folder cannot be listed: "+tree.Reason(err))}
			return nil
		}
	}
	for _, name := range names {
		if !layout.IsPart(name) {
			s.misplacedName(f, name)
		}
	}
	for _, p := range layout.Sets {
		if sc.Whole || sc.Units[p] {
			u := &source.Unit{}
			if known != nil {
				u = known.Unit(p)
			}
			if !s.q.Scope.All {
				s.counted.Add(int64(-len(u.Seen)))
			}
			s.tasks = append(s.tasks, func() error {
				found, err := s.set(f, p, u)
				f.Units[p] = found
				return err
			})
		}
	}
	if sc.Whole || sc.Buckets || len(sc.Files) > 0 {
		s.waiting = append(s.waiting, func() { s.buckets(f, sc, known) })
	}
	return nil
}

// misplacedName judges a name in an organization's folder that has no place there.
func (s *scan) misplacedName(f *source.OrgFinding, name string) {
	path := f.Name + "/" + name
	at := tree.Look(s.real, spotOf(f.Trace).Real, name)
	s.watchLinks(at.Through)
	s.trace.link(layout.Place{Org: f.Name, Part: layout.Folder, Name: name}, at)
	var d policy.Diagnostic
	switch at.Kind {
	case tree.Absent:
		f.Misplaced[path] = nil
		return
	case tree.Broken:
		d = layout.Problem(path, at.Problem)
	default:
		if at.Kind == tree.Regular && passedOver(name) {
			f.Misplaced[path] = nil
			return
		}
		if nearest(name, at.Kind == tree.Folder) == "" && !holdsJSON(at, name) {
			f.Harmless = source.With(f.Harmless, path)
		}
		d = layout.Warning(path, misplacedInFolder(name, at))
	}
	f.Misplaced[path] = &d
}

// buckets notes what has to be done in one buckets/ folder.
func (s *scan) buckets(f *source.OrgFinding, sc *source.OrgScope, known *source.Last) {
	if known == nil {
		known = &source.Last{}
	}
	at := tree.Look(s.real, spotOf(f.Trace).Real, layout.BucketsName)
	s.check(f.Name, spotOf(f.Trace).Real, layout.BucketsName, at)
	s.watchLinks(at.Through)
	b := &bucketsScan{BucketsFinding: &source.BucketsFinding{Misplaced: map[string]*policy.Diagnostic{}}, at: at}
	f.Buckets, s.folders[f.Name] = b.BucketsFinding, b
	was := s.d.of(f.Name).buckets
	if s.q.Inner && at.Through != nil && !at.Same(was) {
		b.moved.Store(true) // other names may have moved with it
		return
	}
	path := f.Name + "/" + layout.BucketsName
	b.Listed = sc.Whole || sc.Buckets || known.BucketsFault != nil || !at.Same(was)
	if !s.q.Scope.All && b.Listed {
		s.counted.Add(int64(-len(known.Buckets)))
	}
	fail := func(message string) { b.Fault = []policy.Diagnostic{layout.Problem(path, message)} }
	switch at.Kind {
	case tree.Absent:
		return
	case tree.Broken:
		fail(at.Problem)
		return
	case tree.Regular:
		fail("this must be a folder of bucket policies")
		return
	}
	h, err := tree.Enter(s.root, s.real, at)
	var names []string
	if err == nil {
		defer h.Close()
		if b.Listed {
			s.d.watchFolder(at.Real, at.Stamp, s.q.Scope.All)
			names, b.others, err = h.Files()
			b.kinds = true
		} else {
			names = slices.Sorted(maps.Keys(sc.Files))
		}
	}
	if errors.Is(err, tree.ErrChanged) {
		b.moved.Store(true)
		return
	}
	if err != nil {
		fail("this folder cannot be listed: " + tree.Reason(err))
		return
	}
	n := len(names)
	if b.Listed { // names that vanished are looked at one by one as well
		for name := range known.Buckets {
			if _, ok := slices.BinarySearch(names[:n], name); !ok {
				names = append(names, name)
			}
		}
		for path := range known.Misplaced {
			if dir, name := filepath.Split(path); dir == f.Name+"/"+layout.BucketsName+"/" {
				if _, ok := slices.BinarySearch(names[:n], name); !ok {
					names = append(names, name)
				}
			}
		}
	}
	s.chunks(f, b, known, names, n)
}

func (s *scan) check(org, dir, name string, was tree.Spot) {
	s.checks = append(s.checks, check{org, dir, name, was})
}

// run does the tasks noted so far, side by side, in pieces.
func (s *scan) run() error {
	tasks, piece := s.tasks, len(s.tasks)
	s.tasks = nil
	if s.q.Between != nil {
		piece = pieceTasks
	}
	for len(tasks) > 0 {
		n := min(piece, len(tasks))
		if err := s.runPiece(tasks[:n]); err != nil {
			return err
		}
		tasks = tasks[n:]
		if err := s.between(); err != nil {
			return err
		}
	}
	return s.ctx.Err()
}

func (s *scan) runPiece(tasks []func() error) error {
	g, ctx := errgroup.WithContext(s.ctx)
	g.SetLimit(s.d.workers)
	for _, task := range tasks {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return task()
		})
	}
	return g.Wait()
}

// settle makes sure that the folders looked at still are where they were, so
// that no generation holds half of a swap.
func (s *scan) settle() error {
	if at, _, err := tree.Find(s.d.path); err != nil || !at.Same(s.at) {
		return tree.ErrChanged
	}
	s.stillArriving()
	moved := map[string]bool{}
	for _, c := range s.checks {
		if !tree.Look(s.real, c.dir, c.name).Same(c.was) {
			moved[c.org] = true
		}
	}
	for _, f := range s.found.Orgs {
		if b := s.folders[f.Name]; b != nil && b.moved.Load() {
			moved[f.Name] = true
		}
		if moved[f.Name] {
			f.Gone, f.Whole = false, true
			f.Fault = []policy.Diagnostic{layout.Problem(f.Name, stillChanging)}
		}
	}
	if len(moved) > 0 && !s.q.Last {
		return tree.ErrChanged
	}
	return nil
}

// progress counts files that the first look is done with.
func (s *scan) progress(n int) {
	if s.q.Progress == nil || n == 0 {
		return
	}
	s.d.progressing.Lock()
	defer s.d.progressing.Unlock()
	total := 0
	if s.listed.Load() {
		total = int(s.total.Load())
	}
	s.q.Progress(int(s.done.Add(int64(n))), total)
}
