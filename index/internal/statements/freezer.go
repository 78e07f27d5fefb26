package statements

import (
	"slices"
	"strings"

	"postern/index/internal/block"
	"postern/index/lowered"
)

// freezer is what New needs only while it works. Between two units it holds
// nothing but memory.
type freezer struct {
	p    *Policies
	form lowered.Form
	w    block.Writer

	words       []uint32 // what becomes Policies.words and meta
	meta        []block.Meta
	order       []int32
	wide        []*lowered.Statement
	groups      groups
	one         []*lowered.Statement // of one bucket
	bucketNames []string
	parts       []uint32 // places of the parts of buckets

	// Of the part at hand; empty between parts.
	statements []block.Statement
	texts      []string // of their patterns
}

// Freezer makes Policies as New does, with memory that it uses again. The zero
// value is ready; it must not be used by two goroutines at a time.
type Freezer struct{ f freezer }

// maxReusedWords bounds the memory that stays with a Freezer.
const maxReusedWords = 1 << 20

// New freezes statements as the function New does. What it returns shares nothing with the Freezer.
func (x *Freezer) New(statements []lowered.Statement, documents []lowered.Document, variables []lowered.Variable, bucket string, form lowered.Form) *Policies {
	p := x.f.policies(statements, documents, variables, bucket, form)
	f, w := &x.f, &x.f.w
	if max(cap(f.words), 4*cap(f.statements), w.MaxWords()) > maxReusedWords {
		*f = freezer{}
	}
	return p
}

// reset lets go of everything that was frozen.
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

// groups gathers statements by bucket, in the order in which they come.
type groups struct {
	finder block.Finder
	first  []int32 // of a group, by number: place in links
	last   []int32
	links  []link
}

// link is a statement of a group, and the place of the next, 0 if there is none.
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

// name is the name of a group.
func (g *groups) name(group int32) string { return g.finder.Name(int(group)) }

// statements appends those of a group.
func (g *groups) statements(list []*lowered.Statement, group int32) []*lowered.Statement {
	for at := g.first[group]; at != 0; at = g.links[at].next {
		list = append(list, g.links[at].statement)
	}
	return list
}
