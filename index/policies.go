package index

import (
	"cmp"
	"slices"
	"strings"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// Policies are the frozen statements of one unit: all organization policies of
// an organization, or one bucket policy. They are immutable and shared between
// snapshots. What statements refer to lies in a few arenas without pointers,
// so that the garbage collector has little to look at.
type Policies struct {
	// words holds the blocks, see block.go. The first is the wide one: of the
	// statements whose resources do not all name a bucket literally; for a
	// bucket policy, of all of them.
	words []uint32
	// buckets finds the blocks of the statements that name only a few buckets.
	buckets   blockTable
	roaring   []*roaringIndex
	variables []Variable
	// known is for searches, of organization policies only.
	known *lazy[knownNames]

	// What explanations say.
	count     int
	meta      []meta
	documents []Document

	bytes int64
}

// Len returns the number of statements.
func (p *Policies) Len() int { return p.count }

// block returns the block that begins at a word.
func (p *Policies) block(at uint32) block { return block(p.words[at:]) }

// meta is what explanations say of a statement; its name is a text of its block.
type meta struct {
	document, index, line uint32
	nameAt, nameLen       uint32
}

// maxBuckets is the number of buckets a statement may name and still be put
// into each one's part, which copies it; beyond, it goes to the wide part.
const maxBuckets = 16

// hash32 finds names; equality decides: a hash alone identifies nothing.
func hash32(s string) uint32 { return uint32(xxhash.Sum64String(s)) }

// Form forces how parts narrow, for tests; every form gives the same answers.
type Form uint8

// The forms.
const (
	FormAuto    Form = iota // words for parts of up to 256 statements, above parts of names and Roaring
	FormRoaring             // Roaring postings always, also for names
	FormNames               // Roaring always, with parts of names
	FormScan                // the index switched off: every statement is a candidate
)

// New freezes statements. documents gives each statement's document by number;
// statements of one document may be in any order. bucket is the bucket that a
// bucket policy belongs to; an organization's policies have "", and get a part a
// bucket that their statements name. More than 4 GiB of text
// or 2^32 words in one unit panic: the bounds of specification 4 keep far off.
func New(statements []Statement, documents []Document, variables []Variable, bucket string, form Form) *Policies {
	f := freezer{p: &Policies{count: len(statements), documents: documents, variables: variables}, form: form}
	order := make([]int, len(statements))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &statements[a], &statements[b]
		return cmp.Or(
			-compareBool(x.Deny, y.Deny),
			cmp.Compare(documents[x.Document].File, documents[y.Document].File),
			cmp.Compare(x.Index, y.Index),
		)
	})
	var wide []*Statement
	buckets := map[string][]*Statement{}
	for _, i := range order {
		s := &statements[i]
		names := bucketNames(s)
		if bucket != "" || names == nil {
			wide = append(wide, s)
			continue
		}
		for _, name := range names {
			buckets[name] = append(buckets[name], s)
		}
	}
	f.part(bucket, "", wide)
	if bucket == "" {
		f.p.known = new(lazy[knownNames])
		names := make([]string, 0, len(buckets))
		for name := range buckets {
			names = append(names, name)
		}
		slices.Sort(names)
		f.p.buckets = newBlockTable(len(names))
		for _, name := range names {
			f.p.buckets.add(name, f.part(name, name, buckets[name]))
		}
	}
	f.p.words = slices.Clip(f.p.words)
	f.p.meta = slices.Clip(f.p.meta)
	f.p.bytes = f.p.size()
	return f.p
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// bucketNames returns the buckets that the statement's resources name
// literally, in byte order; nil if a resource may be about any other bucket,
// or if they are too many.
func bucketNames(s *Statement) []string {
	if s.NotResource {
		return nil
	}
	var names []string
	for _, program := range s.Resources {
		name, ok := bucketName(program)
		if !ok {
			return nil
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
			if len(names) > maxBuckets {
				return nil
			}
		}
	}
	slices.Sort(names)
	return names
}

// bucketName returns the one bucket that a program can be about.
func bucketName(program string) (string, bool) {
	kind, prefix := classify(program)
	if i := strings.IndexByte(prefix, '/'); i > 0 {
		return prefix[:i], true
	}
	return prefix, kind == patternExact && prefix != ""
}

// freezer is what New needs only while it works.
type freezer struct {
	p    *Policies
	form Form
}

// align lets the next word begin a cache line.
func (f *freezer) align() {
	for len(f.p.words)%lineWords != 0 {
		f.p.words = append(f.p.words, 0)
	}
}

// size counts the bytes that the frozen policies hold.
func (p *Policies) size() int64 {
	n := int64(unsafe.Sizeof(*p)) + sizeOf(p.words) + sizeOf(p.meta) + sizeOf(p.roaring) + sizeOf(p.variables) +
		sizeOf(p.documents) + p.buckets.size()
	for i := range p.documents {
		n += int64(len(p.documents[i].Name) + len(p.documents[i].File))
	}
	for i := range p.variables {
		n += int64(len(p.variables[i].Key.Name) + len(p.variables[i].Default))
	}
	for _, x := range p.roaring {
		n += x.size()
	}
	return n
}

func sizeOf[T any](s []T) int64 {
	var zero T
	return int64(cap(s)) * int64(unsafe.Sizeof(zero))
}

// alias makes a string of b without copying. The string changes with b.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
