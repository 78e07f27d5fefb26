package statements

import (
	"slices"
	"strings"

	"postern/index/internal/block"
	"postern/index/lowered"
	"postern/internal/arena"
)

// freezer is the memory that Freezer.New needs while it works. It is empty between two
// units.
type freezer struct {
	p    *Policies
	form lowered.Form
	w    block.Writer

	// together says that what is frozen goes into kept.
	together bool
	kept     arena.Words

	words       []uint32 // what becomes Policies.words
	order       []int32
	wide        []*lowered.Statement
	groups      groups
	one         []*lowered.Statement // of one bucket
	bucketNames []string
	parts       []uint32 // places of the parts of buckets
	spare       *more    // for the next bucket policy; empty, or nil

	// What follows is about the part at hand, and empty between parts.
	statements []block.Statement
	texts      []string // of their patterns
}

// Freezer makes Policies, and uses its memory again for the next.
// The zero value is ready; one goroutine uses it at a time.
type Freezer struct{ f freezer }

// Together says whether the policies that New returns from now on have their
// blocks side by side in large pieces of memory, on big pages where the system has
// them. A piece lives as long as one policy in it, so that this is for policies
// that are many and last: not for those that come one by one, of which each would
// keep what took its place.
func (x *Freezer) Together(yes bool) {
	if x.f.together = yes; !yes {
		x.f.kept = arena.Words{}
	}
}

// maxReusedWords is the size, in words, of the largest memory that a Freezer
// keeps.
const maxReusedWords = 1 << 20

// New freezes statements. documents gives each statement's document by number;
// statements of one document may be in any order. bucket is the bucket that a
// bucket policy belongs to; an organization's policies have "", and get a part a
// bucket that their statements name. The documents and variables are kept;
// nothing refers to the statements or their texts once New returns, and what it
// returns shares nothing with the Freezer. More than 4 GiB of text or 2^32 words
// in one unit panic: the bounds of specification 4 keep far off.
func (x *Freezer) New(statements []lowered.Statement, documents []lowered.Document, variables []lowered.Variable, bucket string, form lowered.Form) *Policies {
	p := x.f.policies(statements, documents, variables, bucket, form)
	f, w := &x.f, &x.f.w
	if max(cap(f.words), 4*cap(f.statements), w.MaxWords()) > maxReusedWords {
		*f = freezer{kept: f.kept, together: f.together}
	}
	return p
}

// reset drops everything that was frozen.
func (f *freezer) reset() {
	f.p = nil
	block.Forget(&f.wide)
	f.groups.reset()
	clear(f.bucketNames[:cap(f.bucketNames)])
	f.bucketNames = f.bucketNames[:0]
	f.w.Reset()
}

// fitted returns a copy of s without room to grow.
func fitted[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return append(make([]T, 0, len(s)), s...)
}

// groups collects statements by bucket, in the order in which they are added.
type groups struct {
	finder block.Finder
	first  []int32 // the first link of each group
	last   []int32
	links  []link
}

// link is a statement of a group, with the place of the next link, 0 if there
// is none.
type link struct {
	statement *lowered.Statement
	next      int32
}

func (g *groups) reset() {
	g.finder.Reset()
	g.first, g.last = g.first[:0], g.last[:0]
	block.Forget(&g.links)
}

func (g *groups) add(bucket string, s *lowered.Statement) {
	if len(g.links) == 0 {
		g.links = append(g.links, link{}) // so that no place is 0
	}
	at := int32(len(g.links))
	g.links = append(g.links, link{statement: s})
	n, known := g.finder.Find(lowered.Name{Text: bucket}, uint32(len(g.first)))
	if !known {
		g.first, g.last = append(g.first, at), append(g.last, at)
		return
	}
	g.links[g.last[n]].next = at
	g.last[n] = at
}

// sorted lists the numbers of the groups, by name.
func (g *groups) sorted(numbers []int32) []int32 {
	numbers = numbers[:0]
	for i := range g.first {
		numbers = append(numbers, int32(i))
	}
	slices.SortFunc(numbers, func(a, b int32) int {
		return strings.Compare(g.name(a), g.name(b))
	})
	return numbers
}

// name returns the name of a group.
func (g *groups) name(group int32) string { return g.finder.Name(int(group)) }

// statements appends the statements of a group.
func (g *groups) statements(list []*lowered.Statement, group int32) []*lowered.Statement {
	for at := g.first[group]; at != 0; at = g.links[at].next {
		list = append(list, g.links[at].statement)
	}
	return list
}
