package index

import (
	"cmp"
	"math"
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
	words []uint32 // the blocks, see block.go
	// wide is the block of the statements whose resources do not all name a
	// bucket literally; for a bucket policy, of all of them.
	wide uint32
	// buckets finds the blocks of the statements that name only a few buckets.
	buckets blockTable
	roaring []*roaringIndex

	// Looked at where a statement has conditions, many actions, or names its
	// organization.
	organizations []string
	actions       []actionSet
	conditions    []condition
	constants     []constant
	keys          []key
	variables     []variable
	text          string

	// Looked at by explanations, and where an action is unknown.
	count     int
	meta      []meta
	documents []Document

	bytes int64
}

// Len returns the number of statements.
func (p *Policies) Len() int { return p.count }

// block returns the block that begins at a word.
func (p *Policies) block(at uint32) block { return block(p.words[at:]) }

// ref is a piece of Policies.text.
type ref struct{ at, n uint32 }

func (p *Policies) str(r ref) string { return p.text[r.at : r.at+r.n] }

// span is a run in one of the arenas.
type span struct{ at, n uint32 }

type condition struct {
	op     Operator
	key    uint32
	values span
}

// constant is a lowered value of a condition; see Value.
type constant struct {
	text ref
	a, b uint64
	bits uint8
	is4  bool
}

type key struct {
	kind KeyKind
	name ref
}

type variable struct {
	key        uint32
	text       ref
	hasDefault bool
}

// actionSet is one action dimension.
type actionSet struct {
	known    ActionBits
	programs []string
	not      bool
}

// meta is what explanations say of a statement.
type meta struct {
	document, index, line uint32
	actions               uint32 // number in Policies.actions
	name                  ref
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
	FormAuto    Form = iota // words up to 64 statements, Roaring above
	FormRoaring             // Roaring always
	FormScan                // the index switched off: every statement is a candidate
)

// New freezes statements. documents gives each statement's document by number;
// statements of one document may be in any order. byBucket asks for a part a
// bucket, which only an organization's policies need. More than 4 GiB of text
// or 2^32 words in one unit panic: the bounds of specification 4 keep far off.
func New(statements []Statement, documents []Document, variables []Variable, byBucket bool, form Form) *Policies {
	f := freezer{
		p:             &Policies{count: len(statements), documents: documents, organizations: []string{""}},
		texts:         map[string]ref{},
		keys:          map[Key]uint32{},
		sets:          map[string]uint32{},
		organizations: map[string]uint32{"": 0},
		form:          form,
	}
	for _, x := range variables {
		f.p.variables = append(f.p.variables, variable{key: f.key(x.Key), text: f.text(x.Default), hasDefault: x.HasDefault})
	}
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
		if !byBucket || names == nil {
			wide = append(wide, s)
			continue
		}
		for _, name := range names {
			buckets[name] = append(buckets[name], s)
		}
	}
	f.part("", wide)
	if byBucket {
		names := make([]string, 0, len(buckets))
		for name := range buckets {
			names = append(names, name)
		}
		slices.Sort(names)
		f.p.buckets = newBlockTable(len(names))
		for _, name := range names {
			f.p.buckets.add(name, f.part(name, buckets[name]))
		}
	}
	f.p.text = f.buf.String()
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
	p             *Policies
	buf           strings.Builder
	texts         map[string]ref
	keys          map[Key]uint32
	sets          map[string]uint32
	organizations map[string]uint32
	form          Form
}

// text interns s.
func (f *freezer) text(s string) ref {
	if r, ok := f.texts[s]; ok {
		return r
	}
	if f.buf.Len()+len(s) > math.MaxUint32 {
		panic("index: more than 4 GiB of text in one unit")
	}
	r := ref{uint32(f.buf.Len()), uint32(len(s))}
	f.buf.WriteString(s)
	f.texts[s] = r
	return r
}

func (f *freezer) key(k Key) uint32 {
	if n, ok := f.keys[k]; ok {
		return n
	}
	n := uint32(len(f.p.keys))
	f.p.keys = append(f.p.keys, key{k.Kind, f.text(k.Name)})
	f.keys[k] = n
	return n
}

func (f *freezer) organization(org string) uint32 {
	if n, ok := f.organizations[org]; ok {
		return n
	}
	n := uint32(len(f.p.organizations))
	f.p.organizations = append(f.p.organizations, strings.Clone(org))
	f.organizations[org] = n
	return n
}

// actionSet interns an action dimension.
func (f *freezer) actionSet(a *Actions) uint32 {
	id := make([]byte, 0, 64)
	for _, w := range a.Known {
		for i := 0; i < 64; i += 8 {
			id = append(id, byte(w>>i))
		}
	}
	if a.Not {
		id = append(id, '!')
	}
	for _, p := range a.Programs {
		id = append(append(id, p...), 0)
	}
	if n, ok := f.sets[string(id)]; ok {
		return n
	}
	n := uint32(len(f.p.actions))
	f.p.actions = append(f.p.actions, actionSet{known: a.Known, programs: slices.Clone(a.Programs), not: a.Not})
	f.sets[string(id)] = n
	return n
}

// conditionsOf freezes the statement's conditions and returns their place.
func (f *freezer) conditionsOf(s *Statement) uint32 {
	at := uint32(len(f.p.conditions))
	for _, c := range s.Conditions {
		values := span{uint32(len(f.p.constants)), uint32(len(c.Values))}
		for _, v := range c.Values {
			f.p.constants = append(f.p.constants, constant{text: f.text(v.Text), a: v.A, b: v.B, bits: v.Bits, is4: v.Is4})
		}
		f.p.conditions = append(f.p.conditions, condition{op: c.Operator, key: f.key(c.Key), values: values})
	}
	return at
}

// size counts the bytes that the frozen policies hold.
func (p *Policies) size() int64 {
	n := int64(unsafe.Sizeof(*p)) + int64(len(p.text)) + sizeOf(p.words) + sizeOf(p.meta) + sizeOf(p.roaring) +
		sizeOf(p.organizations) + sizeOf(p.actions) + sizeOf(p.conditions) + sizeOf(p.constants) + sizeOf(p.keys) +
		sizeOf(p.variables) + sizeOf(p.documents) + p.buckets.size()
	for _, org := range p.organizations {
		n += int64(len(org))
	}
	for i := range p.actions {
		n += sizeOf(p.actions[i].programs)
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
