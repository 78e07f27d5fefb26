package statements

import (
	"cmp"
	"slices"
	"strings"
	"unique"
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/index/internal/open"
	"postern/index/lowered"
)

// Policies are the frozen statements of one unit: all organization policies of
// an organization, or one bucket policy. They are immutable and shared between
// snapshots. What statements refer to lies in a few arenas without pointers,
// so that the garbage collector has little to look at.
type Policies struct {
	// words holds the blocks, see package block. The first is the wide one:
	// that of the statements that do not name all of their buckets literally,
	// and of all statements of a bucket policy.
	words     []uint32
	variables match.Variables
	count     int
	// folder is what stands before the bucket's name in the path of a bucket
	// policy that has no name, which so needs no document: nearly all are so.
	folder string
	*more
}

// more is what a bucket policy seldom has. That of an organization's policies lies
// behind them.
type more struct {
	// buckets finds the block of a bucket: that of the statements that name it
	// and few others.
	buckets blockTable
	roaring []*roaringIndex
	// known is for searches, of organization policies only.
	known     *open.Lazy[Names]
	documents []lowered.Document // for explanations
}

// noMore is more of bucket policies that have none of it. It never changes.
var noMore = &more{}

// isNone reports that there is nothing in it.
func (x *more) isNone() bool {
	return len(x.buckets.slots) == 0 && x.roaring == nil && x.known == nil && x.documents == nil
}

// Len returns the number of statements.
func (p *Policies) Len() int { return p.count }

// Bytes estimates the heap that the policies hold, in bytes.
func (p *Policies) Bytes() int64 {
	n := int64(unsafe.Sizeof(*p)) + block.SizeOf(p.words) + block.SizeOf(p.variables)
	for i := range p.variables {
		n += int64(len(p.variables[i].Key.Name) + len(p.variables[i].Default))
	}
	if p.more == noMore {
		return n
	}
	n += int64(unsafe.Sizeof(*p.more)) + block.SizeOf(p.roaring) + block.SizeOf(p.documents) + p.buckets.size()
	for i := range p.documents {
		n += int64(len(p.documents[i].Name) + len(p.documents[i].File))
	}
	for _, x := range p.roaring {
		n += x.size()
	}
	return n
}

// document returns a document by its number.
func (p *Policies) document(n uint32) lowered.Document {
	if p.documents == nil {
		return lowered.Document{File: p.folder + p.Block().Name() + bucketFile}
	}
	return p.documents[n]
}

// bucketFile ends the name of the file of a bucket policy (specification 4, Layout).
const bucketFile = ".json"

// Words are the blocks, the wide one first; they must not be changed.
func (p *Policies) Words() []uint32 { return p.words }

// Block returns the wide block: that of a bucket policy has all of its statements.
func (p *Policies) Block() block.Block { return p.block(0) }

// block returns the block that begins at a word.
func (p *Policies) block(at uint32) block.Block { return block.At(p.words, at) }

// of is &p.variables, but does not read p, as that does to see that it is not
// nil: p lies in a line of its own, of which a decision without variables needs
// nothing.
func (p *Policies) of() *match.Variables {
	return (*match.Variables)(unsafe.Add(unsafe.Pointer(p), unsafe.Offsetof(Policies{}.variables)))
}

// maxBuckets is the largest number of buckets that a statement may name and
// still be copied into the part of each. A statement that names more goes to
// the wide part.
const maxBuckets = 16

// policies is Freezer.New, in memory that may have been used before.
func (f *freezer) policies(statements []lowered.Statement, documents []lowered.Document, variables []lowered.Variable, bucket string, form lowered.Form) *Policies {
	p := f.begin(bucket)
	p.count, p.variables = len(statements), variables
	f.p, f.form = p, form
	p.words = f.words[:0]
	f.sort(statements, documents)
	for _, i := range f.order {
		s := &statements[i]
		if bucket == "" {
			f.bucketNames = bucketNames(f.bucketNames[:0], s)
		}
		if len(f.bucketNames) == 0 {
			f.wide = append(f.wide, s)
			continue
		}
		for _, name := range f.bucketNames {
			f.groups.add(name, s)
		}
	}
	f.part(bucket, "", f.wide)
	if bucket == "" {
		p.known = new(open.Lazy[Names])
		f.order = f.groups.sorted(f.order)
		f.parts = f.parts[:0]
		for _, group := range f.order {
			name := f.groups.name(group)
			f.one = f.groups.statements(f.one, group)
			f.parts = append(f.parts, f.part(name, name, f.one))
			block.Forget(&f.one)
		}
	}
	f.words = p.words
	if f.together {
		p.words = f.kept.Keep(p.words)
	} else {
		p.words = fitted(p.words)
	}
	if bucket == "" {
		p.buckets = newBlockTable(len(f.parts))
		for _, at := range f.parts {
			p.buckets.add(p.block(at).Name(), at)
		}
	}
	if path, found := folderOf(documents, bucket); found {
		p.folder = unique.Make(path).Value()
	} else {
		p.documents = documents
	}
	f.reset()
	if p.isNone() {
		f.spare, p.more = p.more, noMore
	}
	return p
}

// begin returns Policies that are empty.
func (f *freezer) begin(bucket string) *Policies {
	if bucket == "" {
		both := new(struct {
			Policies
			more
		})
		both.Policies.more = &both.more
		return &both.Policies
	}
	p := &Policies{more: f.spare}
	if f.spare = nil; p.more == nil {
		p.more = new(more)
	}
	return p
}

// folderOf returns what stands before the bucket's name in the path of its policy,
// and false if the document says more than that.
func folderOf(documents []lowered.Document, bucket string) (string, bool) {
	if bucket == "" || len(documents) != 1 || documents[0].Name != "" {
		return "", false
	}
	path, ok := strings.CutSuffix(documents[0].File, bucketFile)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(path, bucket)
}

// sort sorts the numbers of the statements: Deny first, then in the order of
// documents.
func (f *freezer) sort(statements []lowered.Statement, documents []lowered.Document) {
	f.order = f.order[:0]
	for _, deny := range [...]bool{true, false} {
		from := len(f.order)
		sorted := true
		for i := range statements {
			if statements[i].Deny != deny {
				continue
			}
			if n := len(f.order); n > from && sorted {
				sorted = inDocuments(&statements[f.order[n-1]], &statements[i], documents) <= 0
			}
			f.order = append(f.order, int32(i))
		}
		if !sorted {
			slices.SortStableFunc(f.order[from:], func(a, b int32) int { return inDocuments(&statements[a], &statements[b], documents) })
		}
	}
}

// inDocuments compares two statements by their place in documents.
func inDocuments(a, b *lowered.Statement, documents []lowered.Document) int {
	if a.Document != b.Document {
		if c := strings.Compare(documents[a.Document].File, documents[b.Document].File); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.Index, b.Index)
}

// bucketNames appends to names, which is empty, the buckets that the
// statement's resources name literally, in byte order; none if a resource may
// be about any other bucket, or if they are too many.
func bucketNames(names []string, s *lowered.Statement) []string {
	if s.NotResource {
		return names
	}
	for _, program := range s.Resources {
		name, ok := BucketName(program)
		if !ok {
			return names[:0]
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
			if len(names) > maxBuckets {
				return names[:0]
			}
		}
	}
	slices.Sort(names)
	return names
}

// BucketName returns the only bucket in which resources can lie that a program
// matches.
func BucketName(program string) (string, bool) {
	kind, prefix := glob.Classify(program)
	if i := strings.IndexByte(prefix, '/'); i > 0 {
		return prefix[:i], true
	}
	return prefix, kind == glob.Exact && prefix != ""
}
