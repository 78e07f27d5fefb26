package loader

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
	d       *directory
	q       *query
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
	found   *found
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
	*bucketsFinding
	at     tree.Spot
	kinds  bool                // the listing told of every name whether it is a regular file
	others map[string]struct{} // those that are none
	mu     sync.Mutex
	moved  atomic.Bool // it was not the same folder all the time
}

// here is a source's.
func (d *directory) here() (*found, error) {
	at, through, err := tree.Find(d.path)
	if err != nil {
		return nil, err
	}
	return &found{trace: &trace{root: at, through: through}}, nil
}

// scan is a source's.
func (d *directory) scan(ctx context.Context, q *query) (*found, error) {
	t := &trace{surveys: map[string]tree.Spot{}}
	s := &scan{d: d, q: q, ctx: ctx, now: d.now(), trace: t, folders: map[string]*bucketsScan{},
		found: &found{trace: t, all: q.scope.all, odd: map[string]*policy.Diagnostic{}, surveys: map[string]survey{}}}
	f, err := s.scan()
	if errors.Is(err, tree.ErrChanged) {
		err = errChanged
	}
	return f, err
}

func (s *scan) scan() (*found, error) {
	d, sc := s.d, s.q.scope
	at, through, err := tree.Find(d.path)
	if err != nil {
		return nil, err
	}
	s.at, s.real, s.trace.root, s.trace.through = at, at.Real, at, through
	s.found.moved, s.found.repointed = !at.Same(d.at), at.Real != d.at.Real
	if !sc.all && s.found.moved {
		return nil, tree.ErrChanged
	}
	d.watchLinks(through, "")
	if sc.all {
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
	for _, f := range s.found.orgs {
		was, at := s.d.of(f.name), spotOf(f.trace)
		f.swapped, f.version = swapped(was.at, at), versionOf(at.Stamp)
		for p, x := range f.units {
			if x == nil {
				continue
			}
			if t, ok := x.trace.(*setTrace); ok {
				x.there, x.swapped, x.version = t.at.Kind != tree.Absent, swapped(was.units[p], t.at), versionOf(t.at.Stamp)
			}
		}
		if b := s.folders[f.name]; b != nil {
			b.trace, b.absent, b.swapped, b.version = b.at, b.at.Kind == tree.Absent, swapped(was.buckets, b.at), versionOf(b.at.Stamp)
		}
	}
}

// swapped reports that a link leads to another folder than before.
func swapped(was, is tree.Spot) bool {
	return is.Kind == tree.Folder && is.Through != nil && !is.Same(was)
}

// between is query.between, unless the root is another.
func (s *scan) between() error {
	if s.q.between == nil || s.found.moved {
		return nil
	}
	return s.q.between()
}

// walk notes what has to be done, organization by organization.
func (s *scan) walk() error {
	var names []string
	if s.q.scope.all {
		listed, err := tree.Names(s.root)
		if err != nil {
			return errors.New(tree.Reason(err))
		}
		names = listed
		for name := range s.q.names {
			if _, ok := slices.BinarySearch(listed, name); !ok {
				names = append(names, name)
			}
		}
	} else {
		names = slices.Collect(maps.Keys(s.q.scope.orgs))
		s.counted.Store(int64(s.q.files))
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
	s.found.odd[name] = nil
	f := &orgFinding{name: name, trace: at}
	known := s.q.org(name)
	if at.Kind == tree.Regular || !layout.ValidOrganization(name) {
		s.trace.link(layout.Place{Org: name, Part: layout.Folder}, at)
	}
	switch { // what has no place here is not checked again at the end: it may be a growing log
	case at.Kind == tree.Broken && !layout.ValidOrganization(name):
		d := layout.Problem(name, at.Problem)
		s.found.odd[name] = &d
		return nil
	case at.Kind == tree.Folder && !layout.ValidOrganization(name):
		d := layout.Warning(name, misplacedFolder(name))
		s.found.odd[name] = &d
		return nil
	case at.Kind == tree.Regular:
		if name != manifest && !passedOver(name) {
			d := layout.Warning(name, misplacedInRoot(name))
			s.found.odd[name] = &d
		}
		f.gone = true
	case at.Kind == tree.Absent:
		f.gone = true
	}
	s.check(name, s.real, name, at)
	if f.gone {
		if known != nil {
			s.found.orgs = append(s.found.orgs, f)
		}
		return nil
	}
	waiting, arriving := s.d.arriving[name]
	arriving = arriving && known == nil && waiting.Same(at)
	if s.q.scope.all || at.Through == nil || arriving {
		if s.arriving(name, at) && !s.atRest(name, at) {
			return nil
		}
	}
	s.found.orgs = append(s.found.orgs, f)

	sc := &orgScope{whole: true}
	if !s.q.scope.all && !arriving {
		moved := known == nil || !s.d.of(name).at.Same(at)
		if moved && at.Through != nil {
			return tree.ErrChanged // other names may have moved with it
		}
		if !moved && !known.faulted {
			sc = s.q.scope.orgs[name]
		}
	}
	f.whole = sc.whole
	if at.Kind == tree.Broken {
		f.whole, f.fault = true, []policy.Diagnostic{layout.Problem(name, at.Problem)}
		return nil
	}
	return s.parts(f, sc, known)
}

// parts notes what has to be done inside one organization's folder.
func (s *scan) parts(f *orgFinding, sc *orgScope, known *last) error {
	f.odd = map[string]*policy.Diagnostic{}
	odd := slices.Collect(maps.Keys(sc.odd))
	if sc.whole {
		h, err := tree.Enter(s.root, s.real, spotOf(f.trace))
		if err == nil {
			s.d.watchFolder(spotOf(f.trace).Real, spotOf(f.trace).Stamp, s.q.scope.all)
			odd, err = h.Names()
			h.Close()
		}
		if errors.Is(err, tree.ErrChanged) && !s.q.last {
			return err
		}
		if err != nil {
			f.fault = []policy.Diagnostic{layout.Problem(f.name, "this folder cannot be listed: "+tree.Reason(err))}
			return nil
		}
	}
	for _, name := range odd {
		switch name {
		case layout.PoliciesName, layout.IamName, layout.ListName, layout.BucketsName:
		default:
			s.oddName(f, name)
		}
	}
	for _, p := range layout.Sets {
		if sc.whole || sc.units[p] {
			u := &unit{}
			if known != nil {
				u = known.unit(p)
			}
			if !s.q.scope.all {
				s.counted.Add(int64(-len(u.seen)))
			}
			s.tasks = append(s.tasks, func() error {
				found, err := s.set(f, p, u)
				f.units[p] = found
				return err
			})
		}
	}
	if sc.whole || sc.buckets || len(sc.files) > 0 {
		s.waiting = append(s.waiting, func() { s.buckets(f, sc, known) })
	}
	return nil
}

// oddName judges a name in an organization's folder that has no place there.
func (s *scan) oddName(f *orgFinding, name string) {
	path := f.name + "/" + name
	at := tree.Look(s.real, spotOf(f.trace).Real, name)
	s.watchLinks(at.Through)
	s.trace.link(layout.Place{Org: f.name, Part: layout.Folder, Name: name}, at)
	var d policy.Diagnostic
	switch at.Kind {
	case tree.Absent:
		f.odd[path] = nil
		return
	case tree.Broken:
		d = layout.Problem(path, at.Problem)
	default:
		if at.Kind == tree.Regular && passedOver(name) {
			f.odd[path] = nil
			return
		}
		if nearest(name, at.Kind == tree.Folder) == "" && !holdsJSON(at, name) {
			f.harmless = with(f.harmless, path)
		}
		d = layout.Warning(path, misplacedInFolder(name, at))
	}
	f.odd[path] = &d
}

// buckets notes what has to be done in one buckets/ folder.
func (s *scan) buckets(f *orgFinding, sc *orgScope, known *last) {
	if known == nil {
		known = &last{}
	}
	at := tree.Look(s.real, spotOf(f.trace).Real, layout.BucketsName)
	s.check(f.name, spotOf(f.trace).Real, layout.BucketsName, at)
	s.watchLinks(at.Through)
	b := &bucketsScan{bucketsFinding: &bucketsFinding{odd: map[string]*policy.Diagnostic{}}, at: at}
	f.buckets, s.folders[f.name] = b.bucketsFinding, b
	was := s.d.of(f.name).buckets
	if s.q.inner && at.Through != nil && !at.Same(was) {
		b.moved.Store(true) // other names may have moved with it
		return
	}
	path := f.name + "/" + layout.BucketsName
	b.listed = sc.whole || sc.buckets || known.bucketsFault != nil || !at.Same(was)
	if !s.q.scope.all && b.listed {
		s.counted.Add(int64(-len(known.buckets)))
	}
	fail := func(message string) { b.fault = []policy.Diagnostic{layout.Problem(path, message)} }
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
		if b.listed {
			s.d.watchFolder(at.Real, at.Stamp, s.q.scope.all)
			names, b.others, err = h.Files()
			b.kinds = true
		} else {
			names = slices.Sorted(maps.Keys(sc.files))
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
	if b.listed { // names that vanished are looked at one by one as well
		for name := range known.buckets {
			if _, ok := slices.BinarySearch(names[:n], name); !ok {
				names = append(names, name)
			}
		}
		for path := range known.odd {
			if dir, name := filepath.Split(path); dir == f.name+"/"+layout.BucketsName+"/" {
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
	if s.q.between != nil {
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
	for _, f := range s.found.orgs {
		if b := s.folders[f.name]; b != nil && b.moved.Load() {
			moved[f.name] = true
		}
		if moved[f.name] {
			f.gone, f.whole = false, true
			f.fault = []policy.Diagnostic{layout.Problem(f.name, stillChanging)}
		}
	}
	if len(moved) > 0 && !s.q.last {
		return tree.ErrChanged
	}
	return nil
}

// progress counts files that the first look is done with.
func (s *scan) progress(n int) {
	if s.q.progress == nil || n == 0 {
		return
	}
	s.d.progressing.Lock()
	defer s.d.progressing.Unlock()
	total := 0
	if s.listed.Load() {
		total = int(s.total.Load())
	}
	s.q.progress(int(s.done.Add(int64(n))), total)
}
