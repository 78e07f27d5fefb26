package directory

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"time"

	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

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
	l := bucketLook{scan: s, in: b, folder: h, org: f.Name, over: over, buffers: at}
	for _, name := range names {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if x, changed := l.file(known.Buckets[name], name); changed {
			found = append(found, x)
		}
	}
	b.mu.Lock()
	b.Found = append(b.Found, found...)
	b.mu.Unlock()
	return nil
}

// buffers is memory into which one bucket file after the other is read and parsed.
type buffers struct {
	buf    []byte
	name   []byte // see tree.Dir.Still
	parser policyjson.Parser
	file   [1]source.Parsed // the argument of Maker.Compile
}

var buffersPool = sync.Pool{New: func() any { return new(buffers) }}

// bucketLook looks at the names in one buckets/ folder, one after the other.
type bucketLook struct {
	*scan
	in     *bucketsScan
	folder *tree.Dir
	org    string
	over   map[string]struct{} // names past the bound
	*buffers
}

func (l *bucketLook) path(name string) string {
	return l.org + "/" + layout.BucketsName + "/" + name
}

// file looks at one name until nothing changes during the look. known is what the last
// looks left of it, or nil. file returns false if nothing has changed.
func (l *bucketLook) file(known *source.Bucket, name string) (x source.BucketFinding, changed bool) {
	for attempt := range source.Repeats {
		x, changed, err := l.once(known, name, attempt == 0)
		if err == nil {
			return x, changed
		}
		if source.Pause(l.ctx, attempt) != nil {
			break
		}
	}
	return source.BucketFinding{Name: name, Added: known == nil, Diagnostics: []policy.Diagnostic{layout.Problem(l.path(name), stillChanging)}}, true
}

// once looks at one name: what it leads to, what the file has in it if that may have
// changed, and what that says if it has. The error is tree.ErrChanged or nil.
func (l *bucketLook) once(known *source.Bucket, name string, first bool) (x source.BucketFinding, changed bool, err error) {
	l.d.Looks.Add(1)
	if known != nil && first && l.still(known, name) {
		return x, false, nil
	}
	x = source.BucketFinding{Name: name, Added: known == nil}
	var at tree.Spot
	var data []byte
	read := false
	if known == nil && first && l.in.plain(name) && !l.past(name) {
		at.Kind = tree.Regular // and Real is the name in the folder, which nobody asks here
		at.Stamp, data, read = l.readListed(name)
	}
	if !read {
		at = tree.Look(l.real, l.in.at.Real, name)
	}
	l.watchLinks(at.Through)
	if !strings.HasSuffix(name, layout.Suffix) {
		l.in.strange(l.path(name), at)
		l.trace.link(layout.Place{Org: l.org, Part: layout.Buckets, Name: name}, at)
		return x, false, nil
	}
	if at.Through != nil {
		x.Trace = at.Through
	}
	switch d := l.judge(name, at); {
	case at.Kind == tree.Absent:
		x.Gone = true
		return x, known != nil, nil
	case d != nil:
		x.Diagnostics = []policy.Diagnostic{*d}
		return x, true, nil
	case known != nil && known.Complete && l.trusts(known.Seen, at.Stamp):
		return x, false, nil
	}
	if !read {
		if data, err = l.read(name, at); errors.Is(err, tree.ErrChanged) {
			return x, false, err
		} else if err != nil {
			x.Diagnostics = []policy.Diagnostic{l.d.readProblem(l.path(name), err)}
			return x, true, nil
		}
	}
	x.Seen, x.Complete = source.Seen{Name: name, Version: versionOf(at.Stamp), Fresh: freshAt(at.Stamp, l.now)}, true
	l.content(&x, known, data)
	return x, true, nil
}

// still reports that a file which the listing of the folder showed has not changed
// since the last looks. It says so of nearly all files in a look at everything; where
// it does not, the name is looked at as any other.
func (l *bucketLook) still(known *source.Bucket, name string) bool {
	if !known.Complete || !l.in.kinds || l.past(name) || !l.in.plain(name) {
		return false
	}
	at, ok := l.folder.Still(name, &l.buffers.name)
	return ok && l.trusts(known.Seen, at)
}

// past reports whether the file is past the bound on files.
func (l *bucketLook) past(name string) bool {
	_, past := l.over[name]
	return past
}

// judge returns what is wrong with the name where a bucket file belongs, or nil.
func (l *bucketLook) judge(name string, at tree.Spot) *policy.Diagnostic {
	if e := judge(layout.Buckets, name, at); e.problem != "" {
		return new(layout.Problem(l.path(name), e.problem))
	}
	if l.past(name) {
		return new(l.d.tooMany(l.path(name)))
	}
	return nil
}

// readListed reads a file that the listing of the folder showed to be regular; see
// tree.Reader.ReadListed.
func (l *bucketLook) readListed(name string) (tree.Stamp, []byte, bool) {
	defer l.d.spent(time.Now())
	return l.d.Reader.ReadListed(l.folder, name, &l.buffers.name, &l.buf)
}

// read reads the file that a look found as at. The error is tree.ErrChanged if it is
// another one by now.
func (l *bucketLook) read(name string, at tree.Spot) (data []byte, err error) {
	if at.Through != nil {
		data, err = l.open(at)
	} else {
		begin := time.Now()
		data, err = l.d.Reader.ReadIn(l.folder, name, at, &l.buf)
		l.d.spent(begin)
	}
	if err == nil && !tree.Look(l.real, l.in.at.Real, name).Same(at) {
		return nil, tree.ErrChanged
	}
	return data, err
}

// content sets in the finding of a file what its bytes say. They are parsed and compiled
// unless they are known.
func (l *bucketLook) content(x *source.BucketFinding, known *source.Bucket, data []byte) {
	sum := layout.SumOf(data)
	switch {
	case known != nil && known.Complete && *known.Seen.Sum == sum:
		x.Seen.Sum, x.Same = known.Seen.Sum, true
		return
	case known != nil && known.Good != nil && known.Good.Sum == sum:
		x.Good, x.Seen.Sum = known.Good, &known.Good.Sum
		return
	}
	l.buffers.file[0] = l.q.Maker.Parse(&l.parser, layout.Buckets, l.path(x.Name), data)
	c, diagnostics := l.q.Maker.Compile(layout.Buckets, l.org, l.buffers.file[:])
	if diagnostics != nil {
		x.Diagnostics, x.Seen.Sum = diagnostics, new(layout.Sum)
		*x.Seen.Sum = sum
		return
	}
	c.Sum = sum
	x.Good, x.Seen.Sum = &c, &c.Sum
	if l.q.Keep(len(data)) {
		x.Raw = []layout.File{{Name: x.Name, Data: bytes.Clone(data)}}
	}
}

// strange notes what is wrong with a name in buckets/ that does not end in .json.
func (b *bucketsScan) strange(path string, at tree.Spot) {
	var d *policy.Diagnostic
	switch at.Kind {
	case tree.Broken:
		x := layout.Problem(path, at.Problem)
		d = &x
	case tree.Folder:
		x := layout.Problem(path, noFolder)
		d = &x
	case tree.Regular:
		if name := path[strings.LastIndexByte(path, '/')+1:]; !passedOver(name) {
			x := layout.Warning(policy.CodeMisplacedName, path, misplacedInPart(name))
			d = &x
		}
	}
	b.mu.Lock()
	b.Misplaced[path] = d
	b.mu.Unlock()
}
