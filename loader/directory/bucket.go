package directory

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// chunk is how many bucket files one task looks at.
const chunk = 128

// chunks notes the names of one buckets/ folder as tasks. The first n are
// there, the rest may have vanished.
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

// over counts files and returns those past the bound. They are counted before
// any is looked at, in order, so that it is the same files each time.
func (s *scan) over(b *bucketsScan, known *source.Last, names []string) map[string]struct{} {
	var over map[string]struct{}
	for _, name := range names {
		if !strings.HasSuffix(name, layout.Suffix) {
			continue
		}
		n := s.counted.Load()
		if known.Buckets[name] == nil || b.Listed {
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

// chunk looks at some names of a buckets/ folder.
func (s *scan) chunk(f *source.OrgFinding, b *bucketsScan, known *source.Last, names []string, over map[string]struct{}) error {
	defer s.progress(len(names))
	h, err := tree.Enter(s.root, s.real, b.at)
	if err != nil {
		b.moved.Store(true)
		return nil
	}
	defer h.Close()
	var found []source.BucketFinding
	if len(known.Buckets) == 0 {
		found = make([]source.BucketFinding, 0, len(names))
	}
	at := buffersPool.Get().(*buffers)
	defer buffersPool.Put(at)
	for _, name := range names {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		x, changed := s.bucket(h, f, b, known.Buckets[name], name, over, at)
		if changed {
			found = append(found, x)
		}
	}
	b.mu.Lock()
	b.Found = append(b.Found, found...)
	b.mu.Unlock()
	return nil
}

// buffers are the memory that one bucket file after the other is read and parsed in.
type buffers struct {
	buf    []byte
	parser policyjson.Parser
	file   [1]source.Parsed // which Maker.Compile does not keep
}

var buffersPool = sync.Pool{New: func() any { return new(buffers) }}

// bucket looks at one name in buckets/ until nothing changes under the look.
// False: it is as it was. The file is read and parsed in the memory in.
func (s *scan) bucket(h *tree.Dir, f *source.OrgFinding, b *bucketsScan, known *source.Bucket, name string, past map[string]struct{}, in *buffers) (source.BucketFinding, bool) {
	path := f.Name + "/" + layout.BucketsName + "/" + name
	x := source.BucketFinding{Name: name, Added: known == nil}
	fail := func(d policy.Diagnostic) (source.BucketFinding, bool) {
		x.Diagnostics, x.Complete, x.Good = []policy.Diagnostic{d}, false, nil
		return x, true
	}
	for attempt := range source.Repeats {
		s.d.Looks.Add(1)
		var at tree.Spot
		var data []byte
		read := false
		if _, over := past[name]; known == nil && attempt == 0 && !over && b.plain(name) {
			at, data, read = s.readListed(h, name, &in.buf)
		}
		if !read {
			at = tree.Look(s.real, b.at.Real, name)
		}
		s.watchLinks(at.Through)
		if !strings.HasSuffix(name, layout.Suffix) {
			b.strange(path, at)
			s.trace.link(layout.Place{Org: f.Name, Part: layout.Buckets, Name: name}, at)
			return x, false
		}
		if at.Through != nil {
			x.Trace = at.Through
		}
		if at.Kind == tree.Absent {
			x.Gone = true
			return x, known != nil
		}
		if e := judge(layout.Buckets, name, at); e.problem != "" {
			return fail(layout.Problem(path, e.problem))
		}
		if _, over := past[name]; over {
			return fail(s.d.tooMany(path))
		}
		trusted := known != nil && known.Complete
		if trusted && s.trusts(known.Seen, at.Stamp) {
			return x, false
		}
		var err error
		if !read {
			if data, err = s.readBucket(h, name, at, &in.buf); err == nil && !tree.Look(s.real, b.at.Real, name).Same(at) {
				err = tree.ErrChanged
			}
		}
		if errors.Is(err, tree.ErrChanged) {
			if source.Pause(s.ctx, attempt) != nil {
				break
			}
			continue
		}
		if err != nil {
			return fail(s.d.readProblem(path, err))
		}
		content := layout.SumOf(data)
		x.Seen = source.Seen{Name: name, Version: versionOf(at.Stamp), Fresh: freshAt(at.Stamp, s.now)}
		x.Complete = true
		if trusted && *known.Seen.Sum == content {
			x.Seen.Sum, x.Same = known.Seen.Sum, true
			return x, true
		}
		if known != nil && known.Good != nil && known.Good.Sum == content {
			x.Good, x.Seen.Sum = known.Good, &known.Good.Sum
			return x, true
		}
		in.file[0] = s.q.Maker.Parse(&in.parser, layout.Buckets, path, data)
		c, diagnostics := s.q.Maker.Compile(layout.Buckets, f.Name, in.file[:])
		if diagnostics != nil {
			x.Diagnostics, x.Seen.Sum = diagnostics, new(layout.Sum)
			*x.Seen.Sum = content
			return x, true
		}
		c.Sum = content
		x.Good, x.Seen.Sum = &c, &c.Sum
		if s.q.Keep(len(data)) {
			x.Raw = []layout.File{{Name: name, Data: bytes.Clone(data)}}
		}
		return x, true
	}
	return fail(layout.Problem(path, stillChanging))
}

// readListed is reader.readListed, with its time counted.
func (s *scan) readListed(h *tree.Dir, name string, buf *[]byte) (tree.Spot, []byte, bool) {
	defer s.d.spent(time.Now())
	return s.d.Reader.ReadListed(h, name, buf)
}

func (s *scan) readBucket(h *tree.Dir, name string, at tree.Spot, buf *[]byte) ([]byte, error) {
	if at.Through != nil {
		return s.open(at)
	}
	defer s.d.spent(time.Now())
	return s.d.Reader.ReadIn(h, name, at, buf)
}

// plain reports that the name is that of a `.json`, fit for a bucket, and that
// the listing of the folder showed it to be a regular file.
func (b *bucketsScan) plain(name string) bool {
	_, other := b.others[name]
	return b.kinds && !other && strings.HasSuffix(name, layout.Suffix) && layout.BadStem(layout.Buckets, name) == ""
}

// strange judges a name in buckets/ that is no `.json`.
func (b *bucketsScan) strange(path string, at tree.Spot) {
	var d *policy.Diagnostic
	switch at.Kind {
	case tree.Broken:
		x := layout.Problem(path, at.Problem)
		d = &x
	case tree.Folder:
		x := layout.Problem(path, "a folder has no place here: put the files one level up")
		d = &x
	case tree.Regular:
		if name := path[strings.LastIndexByte(path, '/')+1:]; !passedOver(name) {
			x := layout.Warning(path, misplacedInPart(name))
			d = &x
		}
	}
	b.mu.Lock()
	b.Misplaced[path] = d
	b.mu.Unlock()
}
