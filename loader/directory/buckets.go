package directory

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// bucketsScan is one look at a buckets/ folder.
type bucketsScan struct {
	*source.BucketsFinding
	at     tree.Spot
	kinds  bool                // the listing said of every name whether it is a regular file
	others map[string]struct{} // the names that are none, if kinds is true
	mu     sync.Mutex          // guards Found and Misplaced
	moved  atomic.Bool         // the folder was exchanged during the look
}

// buckets looks at one buckets/ folder, and collects the tasks for its files.
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
			names, b.others, err = h.Files(len(known.Buckets)+1, func(name []byte) (string, bool) {
				if was := known.Buckets[string(name)]; was != nil && was.Seen.Name == string(name) {
					return was.Seen.Name, true
				}
				return "", false
			}, s.pause)
			if s.stopped != nil {
				return
			}
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
		all, err := s.allThere(names, known)
		if err != nil {
			return
		}
		k := 0
		for name := range known.Buckets {
			if all {
				break // as nearly always
			}
			if k++; k%atOnce == 0 && s.pause() != nil {
				return
			}
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

// pause looks at events between two pieces of work within one folder. Once it fails,
// the look is over.
func (s *scan) pause() error {
	s.stopped = s.between()
	return s.stopped
}

// atOnce is how many names are handled by other means than looking at them, which
// takes about a millisecond, before events are looked at.
const atOnce = 1 << 12

// allThere reports whether no bucket file is known but those of the names. It may
// miss that they all are there, where events were looked at meanwhile: then what is
// known is not what was counted.
func (s *scan) allThere(names []string, known *source.Last) (bool, error) {
	there, before := 0, s.d.scans
	for some := range slices.Chunk(names, atOnce) {
		for _, name := range some {
			if known.Buckets[name] != nil {
				there++
			}
		}
		if err := s.pause(); err != nil {
			return false, err
		}
	}
	return there == len(known.Buckets) && s.d.scans == before, nil
}

// chunk is how many bucket files one task looks at, at most.
const chunk = 128

// chunks collects tasks for the names in one buckets/ folder. The first n names are
// there, the others may have vanished.
func (s *scan) chunks(f *source.OrgFinding, b *bucketsScan, known *source.Last, names []string, n int) {
	s.total.Add(int64(len(names)))
	if len(known.Buckets) == 0 { // all are news
		b.Found = make([]source.BucketFinding, 0, n)
	}
	over := s.over(b, known, names[:n])
	for names := range slices.Chunk(names, chunk) {
		s.tasks = append(s.tasks, func() error { return s.chunk(f, b, known, names, over) })
	}
}

// over counts the files and returns those past the bound. It counts in byte order and
// before any file is looked at, so that the same files are past it each time.
func (s *scan) over(b *bucketsScan, known *source.Last, names []string) map[string]struct{} {
	var over map[string]struct{}
	for _, name := range names {
		if !strings.HasSuffix(name, layout.Suffix) {
			continue
		}
		n := s.counted.Load()
		if b.Listed || known.Buckets[name] == nil {
			n = s.counted.Add(1)
		} else if known.Buckets[name].Complete {
			continue // one of many that were in before
		}
		if n > int64(s.d.maxFiles) {
			over = source.With(over, name)
		}
	}
	return over
}

// plain reports whether the name is a bucket file's, and the listing of the folder
// showed it to be a regular file.
func (b *bucketsScan) plain(name string) bool {
	_, other := b.others[name]
	return b.kinds && !other && strings.HasSuffix(name, layout.Suffix) && layout.BadStem(layout.Buckets, name) == ""
}
