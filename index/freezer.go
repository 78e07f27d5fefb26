package index

import (
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"

	"postern/index/lowered"
)

// freezer is what New needs only while it works. Between two units it holds
// nothing but memory.
type freezer struct {
	p    *Policies
	form Form
	w    blockWriter

	words       []uint32 // what becomes Policies.words and meta
	meta        []meta
	order       []int32
	wide        []*lowered.Statement
	groups      groups
	one         []*lowered.Statement // of one bucket
	bucketNames []string
	parts       []uint32 // places of the parts of buckets

	// Of the part at hand; empty between parts.
	statements []frozen
	names      []hashedName // of frozen.exact
	texts      []string     // of frozen.patterns
	literals   []string
	keys       []uint32
}

// hashedName is a Name with hash32 of its text.
type hashedName struct {
	lowered.Name
	hash uint32
}

// Freezer makes Policies as New does, with memory that it uses again. The zero
// value is ready; it must not be used by two goroutines at a time.
type Freezer struct{ f freezer }

// maxReusedWords bounds the memory that stays with a Freezer.
const maxReusedWords = 1 << 20

// New is index.New. What it returns shares nothing with the Freezer.
func (x *Freezer) New(statements []lowered.Statement, documents []lowered.Document, variables []lowered.Variable, bucket string, form Form) *Policies {
	p := x.f.policies(statements, documents, variables, bucket, form)
	f, w := &x.f, &x.f.w
	if max(cap(f.words), cap(w.words), 4*cap(f.statements), 4*cap(f.names), 4*cap(w.texts.entries), 4*cap(w.names.entries)) > maxReusedWords {
		*f = freezer{}
	}
	return p
}

// reset lets go of everything that was frozen.
func (f *freezer) reset() {
	f.p = nil
	forget(&f.wide)
	f.groups.reset()
	clear(f.bucketNames[:cap(f.bucketNames)])
	f.bucketNames = f.bucketNames[:0]
	f.w.reset()
}

// forget empties a slice, keeps its memory, and lets go of what its elements
// refer to.
func forget[T any](s *[]T) {
	clear(*s)
	*s = (*s)[:0]
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
	finder finder
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
	g.finder.reset()
	g.first, g.last = g.first[:0], g.last[:0]
	forget(&g.links)
}

func (g *groups) add(bucket string, s *lowered.Statement) {
	if len(g.links) == 0 {
		g.links = append(g.links, link{}) // so that no place is 0
	}
	at := int32(len(g.links))
	g.links = append(g.links, link{statement: s})
	n, known := g.finder.find(lowered.Name{Text: bucket}, uint32(len(g.first)))
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
func (g *groups) name(group int32) string { return g.finder.entries[group].name.Text }

// statements appends those of a group.
func (g *groups) statements(list []*lowered.Statement, group int32) []*lowered.Statement {
	for at := g.first[group]; at != 0; at = g.links[at].next {
		list = append(list, g.links[at].statement)
	}
	return list
}

// finder finds the numbers of names. It does what a map does whose memory is
// used again for maps of very different sizes: starting over costs what was put
// in. Its hash is seeded, so nobody can choose names that make it slow.
type finder struct {
	slots   []uint32 // of a power of two: the number of an entry plus 1
	entries []finderEntry
}

type finderEntry struct {
	name  lowered.Name
	hash  uint32
	value uint32
}

const minSlots = 64

var finderSeed = maphash.MakeSeed()

func (f *finder) reset() {
	clear(f.slots)
	f.slots = f.slots[:0]
	forget(&f.entries)
}

// find returns the value of a name; where it is new, it takes the value given.
func (f *finder) find(n lowered.Name, value uint32) (found uint32, known bool) {
	if 2*len(f.entries) >= len(f.slots) {
		f.grow()
	}
	h := maphash.String(finderSeed, n.Text)
	if n.Org != "" {
		h ^= bits.RotateLeft64(maphash.String(finderSeed, n.Org), 32)
	}
	hash := uint32(h)
	mask := uint32(len(f.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := f.slots[i]
		if slot == 0 {
			f.entries = append(f.entries, finderEntry{n, hash, value})
			f.slots[i] = uint32(len(f.entries))
			return value, false
		}
		if e := &f.entries[slot-1]; e.hash == hash && e.name == n {
			return e.value, true
		}
	}
}

func (f *finder) grow() {
	n := max(2*len(f.slots), minSlots)
	if n <= cap(f.slots) {
		f.slots = f.slots[:n]
	} else {
		f.slots = make([]uint32, n)
	}
	clear(f.slots)
	mask := uint32(n - 1)
	for number := range f.entries {
		i := f.entries[number].hash & mask
		for f.slots[i] != 0 {
			i = (i + 1) & mask
		}
		f.slots[i] = uint32(number + 1)
	}
}
