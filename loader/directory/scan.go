package directory

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// check is a name that is looked at again at the end of the look.
type check struct {
	org, dir, name string
	was            tree.Spot
}

const stillChanging = "this kept changing while it was read; it is looked at again with its next change or rescan"

// pieceTasks is how many tasks run before events are looked at. A task is about at most
// chunk bucket files, which takes some 0.2 ms where nothing has changed.
const pieceTasks = 4

// scan is one look at the directory.
type scan struct {
	d       *Source
	q       *source.Query
	ctx     context.Context
	root    *os.Root
	at      tree.Spot // of the root
	real    string    // its path
	now     time.Time
	counted atomic.Int64 // the number of files, against the bound
	total   atomic.Int64 // the number of files to look at, for progress
	listed  atomic.Bool  // total is final
	done    atomic.Int64 // the number of files looked at, for progress
	checks  []check
	found   *source.Found
	trace   *trace
	folders map[string]*bucketsScan // buckets/, by organization
	waiting []func()                // lists a buckets/ each; called when all other units are looked at
	stopped error                   // of between, in the middle of one of these
	tasks   []func() error
}

// Here implements source.Source.
func (d *Source) Here() (*source.Found, error) {
	at, through, err := tree.Find(d.path)
	if err != nil {
		return nil, err
	}
	return &source.Found{Trace: &trace{root: at, through: through}}, nil
}

// Scan implements source.Source.
func (d *Source) Scan(ctx context.Context, q *source.Query) (*source.Found, error) {
	d.scans++
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
		if w(); s.stopped != nil {
			return nil, s.stopped
		}
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

// facts sets in the findings which folders are there, their versions, and whether they
// were exchanged.
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

// swapped reports whether a link leads to another folder than before.
func swapped(was, is tree.Spot) bool {
	return is.Kind == tree.Folder && is.Through != nil && !is.Same(was)
}

// between calls Query.Between, unless the root is another one than at the last look.
func (s *scan) between() error {
	if s.q.Between == nil || s.found.Moved {
		return nil
	}
	return s.q.Between()
}

// walk collects the tasks of the look, organization by organization.
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

func (s *scan) check(org, dir, name string, was tree.Spot) {
	s.checks = append(s.checks, check{org, dir, name, was})
}

// run does the tasks collected so far, in parallel and in pieces.
func (s *scan) run() error {
	tasks, piece, workers := s.tasks, len(s.tasks), s.d.workers
	s.tasks = nil
	if s.q.Between != nil {
		piece, workers = pieceTasks, 1
	}
	for len(tasks) > 0 {
		n, before := min(piece, len(tasks)), s.d.Reader.Reads.Load()
		if err := s.runPiece(tasks[:n], workers); err != nil {
			return err
		}
		// Where there is nothing to read, one worker leaves the processor to requests.
		if workers = 1; s.q.Between == nil || s.d.Reader.Reads.Load() > before {
			workers = s.d.workers
		}
		tasks = tasks[n:]
		if err := s.between(); err != nil {
			return err
		}
	}
	return s.ctx.Err()
}

func (s *scan) runPiece(tasks []func() error, workers int) error {
	g, ctx := errgroup.WithContext(s.ctx)
	g.SetLimit(workers)
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

// settle makes sure that the folders looked at are still where they were, so that no
// generation has half of an exchange.
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

// progress reports that the first look is done with n more files.
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

// names watches a folder that a look found as at, and returns the names in it in byte
// order, without ignored ones.
func (s *scan) names(at tree.Spot) ([]string, error) {
	h, err := tree.Enter(s.root, s.real, at)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	s.d.watchFolder(at.Real, at.Stamp, s.q.Scope.All)
	return h.Names()
}
