package compile

import (
	"sync"

	"postern/index"
	"postern/index/lowered"
	"postern/internal/arena"
	"postern/internal/pattern"
)

// memory holds statements while they are lowered. They are dropped once they
// are frozen, so the memory is used again for the next unit: a cold start
// lowers the policies of a hundred thousand files.
type memory struct {
	statements   []lowered.Statement
	exact        room[lowered.Name]
	prefix       room[lowered.Name]
	texts        room[string]
	conditions   room[lowered.Condition]
	values       room[lowered.Value]
	parts        []pattern.Part
	program      lowered.Program
	programTexts arena.Texts
	freezer      index.Freezer
}

var lowerings = sync.Pool{New: func() any {
	l := newLowering()
	l.programTexts = arena.Texts{Size: 32 << 10, Most: 4 << 10}
	return l
}}

func newLowering() *lowering {
	return &lowering{numbers: map[lowered.Variable]int{}, actions: map[string]*actionPattern{}}
}

// maxReused is the largest number of statements, or of entries of one list,
// after which a lowering's memory is still used again.
const maxReused = 1 << 14

// release puts the lowering back into the pool, unless its memory has grown
// very large.
func (l *lowering) release() {
	m := &l.memory
	if max(cap(m.statements), cap(m.exact.list), cap(m.prefix.list), cap(m.texts.list), cap(m.conditions.list), cap(m.values.list)) <= maxReused {
		l.forget()
		lowerings.Put(l)
	}
}

// forget drops every reference to the unit that was lowered.
func (l *lowering) forget() {
	m := &l.memory
	clear(m.statements)
	m.statements = m.statements[:0]
	m.exact.reset()
	m.prefix.reset()
	m.texts.reset()
	m.conditions.reset()
	m.values.reset()
	clear(m.parts[:cap(m.parts)])
	clear(l.numbers)
	l.variables, l.documents, l.diagnostics, l.document, l.statement = nil, nil, nil, nil, nil
}

// room holds many short lists of one type in one slice, until it is reset.
type room[T any] struct {
	list []T
	from int
}

// begin begins a list; add appends to it; end returns it, or nil if it is
// empty.
func (r *room[T]) begin()  { r.from = len(r.list) }
func (r *room[T]) add(x T) { r.list = append(r.list, x) }
func (r *room[T]) end() []T {
	if n := len(r.list); n > r.from {
		return r.list[r.from:n:n]
	}
	return nil
}

func (r *room[T]) reset() {
	clear(r.list)
	r.list = r.list[:0]
}
