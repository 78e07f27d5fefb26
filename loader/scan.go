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

// repeats bounds how often a look is repeated before the unit counts as broken.
const repeats = 5

const stillChanging = "this kept changing while it was read; it is looked at again with its next change or rescan"

// findings are what one look found. Nothing in it is shared with the model
// but good content that is still good.
type findings struct {
	root    tree.Spot
	through []string // links that lead to the root
	all     bool
	orgs    []*orgFinding
	odd     map[string]*policy.Diagnostic // names in the root without a place; nil: gone

	mu    sync.Mutex
	links map[layout.Place][]string // on the way to names without a place

	arrivals map[string]struct{} // bucket files that are new, once arrived asked
	files    *filesFound         // once having or lacks asked
	again    *scope              // what has to be looked at again: see untouched
	meant    bool                // whatever is gone was meant to go: see miss
	surveys  map[string]survey   // of organizations that are arriving, and not taken
	late     []lostFile          // what others lost while the organizations that this look takes were arriving
}

// link notes the links on the way to a name without a place: it may become
// one that has, or an error.
func (f *findings) link(p layout.Place, at tree.Spot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.links == nil {
		f.links = map[layout.Place][]string{}
	}
	f.links[p] = at.Through
}

// orgFinding is what a look found of one organization.
type orgFinding struct {
	name  string
	gone  bool
	whole bool // every part was looked at
	at    tree.Spot
	fault []policy.Diagnostic // the folder itself is at fault, nothing else was looked at
	units [len(layout.Sets)]*setFinding
	odd   map[string]*policy.Diagnostic // by path; nil: gone. With whole these are all.
	// harmless are those of odd that nobody takes for a policy.
	harmless map[string]struct{}

	buckets *bucketsFinding
}

// bucketsFinding is what a look found of buckets/.
type bucketsFinding struct {
	at     tree.Spot
	listed bool                // every name was looked at
	kinds  bool                // the listing told of every name whether it is a regular file
	others map[string]struct{} // those that are none
	fault  []policy.Diagnostic // buckets/ itself is at fault, nothing else was looked at
	mu     sync.Mutex
	found  []bucketFinding     // only what is not as it was
	missed map[string]struct{} // bucket files that are missed now: see miss
	odd    map[string]*policy.Diagnostic
	moved  atomic.Bool // it was not the same folder all the time
}

// check is a name whose target is compared again at the end of the look.
type check struct {
	org, dir, name string
	was            tree.Spot
}

// scan is one look at the tree. It reads the model and does not change it.
type scan struct {
	l       *Loader
	ctx     context.Context
	scope   *scope
	last    bool   // the last attempt
	pieces  bool   // events are looked at between its pieces
	inner   bool   // it is such a look
	touched *scope // what such looks have looked at
	root    *os.Root
	real    string // of the root
	now     time.Time
	counted atomic.Int64 // files seen, against MaxFiles
	total   atomic.Int64 // files to look at, for Progress
	listed  atomic.Bool  // total is all of them
	done    atomic.Int64
	checks  []check
	found   *findings
	waiting []func() // bucket folders to list once all other units are looked at
	tasks   []func() error
}

// scan looks at the scope. errChanged asks for a look at everything, instead;
// on the last attempt what still changes counts as broken. On the first, events
// are looked at between its pieces; a later one is of what moved together.
func (l *Loader) scan(ctx context.Context, sc *scope, attempt int) (*findings, error) {
	s := l.newScan(ctx, sc)
	s.last, s.pieces = attempt == repeats, attempt == 1 && l.loaded && !l.failed && !sc.atOnce && !sc.again
	return s.scan()
}

func (l *Loader) newScan(ctx context.Context, sc *scope) *scan {
	return &scan{l: l, ctx: ctx, scope: sc, touched: &scope{again: true}, now: l.c.Now(), found: &findings{all: sc.all, odd: map[string]*policy.Diagnostic{}, surveys: map[string]survey{}}}
}

func (s *scan) scan() (*findings, error) {
	l, sc := s.l, s.scope
	at, through, err := l.rootSpot()
	if err != nil {
		return nil, err
	}
	s.real, s.found.root, s.found.through = at.Real, at, through
	if !sc.all && !at.Same(l.root) {
		return nil, tree.ErrChanged
	}
	l.watchLinks(through, "")
	if sc.all {
		l.watch(at.Real, at.Stamp, true)
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
	s.untouched()
	s.found.again = s.touched
	return s.found, nil
}

// rootSpot finds the policy directory, which may be a link itself.
func (l *Loader) rootSpot() (tree.Spot, []string, error) { return tree.Find(l.c.Root) }

// walk notes what has to be done, organization by organization.
func (s *scan) walk() error {
	var names []string
	if s.scope.all {
		listed, err := tree.Names(s.root)
		if err != nil {
			return errors.New(tree.Reason(err))
		}
		names = listed
		for _, name := range slices.AppendSeq(s.l.mirroredPlatform(), maps.Keys(s.l.orgs)) {
			if _, ok := slices.BinarySearch(listed, name); !ok {
				names = append(names, name)
			}
		}
	} else {
		names = slices.Collect(maps.Keys(s.scope.orgs))
		s.counted.Store(int64(s.l.files))
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
	f := &orgFinding{name: name, at: at}
	known := s.l.orgs[name]
	if at.Kind == tree.Regular || !layout.ValidOrganization(name) {
		s.found.link(layout.Place{Org: name, Part: layout.Folder}, at)
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
		s.keepPlatform(f)
		if known != nil || !f.gone {
			s.found.orgs = append(s.found.orgs, f)
		}
		return nil
	}
	waiting := s.l.arrivals[name]
	if s.scope.all || at.Through == nil || waiting != nil && waiting.survey.at.Same(at) {
		if s.arriving(name, at) && !s.atRest(name, at) {
			return nil
		}
	}
	s.found.orgs = append(s.found.orgs, f)

	sc := &orgScope{whole: true}
	if !s.scope.all && (waiting == nil || !waiting.survey.at.Same(at)) {
		moved := known == nil || !known.at.Same(at)
		if moved && at.Through != nil {
			return tree.ErrChanged // other names may have moved with it
		}
		if !moved && !known.faulted {
			sc = s.scope.orgs[name]
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
func (s *scan) parts(f *orgFinding, sc *orgScope, known *organization) error {
	f.odd = map[string]*policy.Diagnostic{}
	odd := slices.Collect(maps.Keys(sc.odd))
	if sc.whole {
		h, err := tree.Enter(s.root, s.real, f.at)
		if err == nil {
			s.l.watch(f.at.Real, f.at.Stamp, s.scope.all)
			odd, err = h.Names()
			h.Close()
		}
		if errors.Is(err, tree.ErrChanged) && !s.last {
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
			if !s.scope.all {
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
	at := tree.Look(s.real, f.at.Real, name)
	s.watchLinks(at.Through)
	s.found.link(layout.Place{Org: f.name, Part: layout.Folder, Name: name}, at)
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
func (s *scan) buckets(f *orgFinding, sc *orgScope, known *organization) {
	if known == nil {
		known = &organization{bucketsKnown: s.l.loaded}
	}
	at := tree.Look(s.real, f.at.Real, layout.BucketsName)
	s.check(f.name, f.at.Real, layout.BucketsName, at)
	s.watchLinks(at.Through)
	b := &bucketsFinding{at: at, odd: map[string]*policy.Diagnostic{}}
	f.buckets = b
	if s.inner && at.Through != nil && !at.Same(known.bucketsAt) {
		b.moved.Store(true) // other names may have moved with it
		return
	}
	path := f.name + "/" + layout.BucketsName
	b.listed = sc.whole || sc.buckets || known.bucketsFault != nil || !at.Same(known.bucketsAt)
	if !s.scope.all && b.listed {
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
			s.l.watch(at.Real, at.Stamp, s.scope.all)
			names, b.others, err = h.Files()
			b.kinds = true
		} else {
			asked := maps.Clone(sc.files)
			if d := s.l.departures[layout.Place{Org: f.name, Part: layout.Buckets}]; d != nil {
				for name := range d.names {
					asked = with(asked, name)
				}
			}
			names = slices.Sorted(maps.Keys(asked))
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
	if s.pieces {
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
	g.SetLimit(s.l.c.Workers)
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
	if at, _, err := s.l.rootSpot(); err != nil || !at.Same(s.found.root) {
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
		if f.buckets != nil && f.buckets.moved.Load() {
			moved[f.name] = true
		}
		if moved[f.name] {
			f.gone, f.whole = false, true
			f.fault = []policy.Diagnostic{layout.Problem(f.name, stillChanging)}
		}
	}
	if len(moved) > 0 && !s.last {
		return tree.ErrChanged
	}
	return nil
}

// pause waits a moment before a look is repeated.
func pause(ctx context.Context, attempt int) error {
	return sleep(ctx, time.Millisecond<<attempt)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
