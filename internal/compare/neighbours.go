package compare

import (
	"slices"
	"strings"

	"postern/policy"
)

// neighbours finds the statements that may cover a given one without looking at
// all: a statement that covers another has a principal that covers its first
// principal, and where both list resources, one whose literal text with which it
// begins is the beginning of that of the other's first resource.
type neighbours struct {
	count int // of statements
	// first has, for each statement, the numbers of its first principal and of the
	// head, the literal beginning, of its first resource; nil where few are worth no
	// index.
	first []pair
	// lists are the statements that say both a principal and a head, as chains
	// through entries, in order.
	lists   map[pair]int32
	entries []entry
	// wider has, for each principal, the others that cover it, and itself; shorter
	// the longest other head that is the beginning of each head, or none.
	wider   [][]int32
	shorter []int32
}

// pair is the numbers of a principal and a head in one word, as a map looks that up
// fastest.
type pair uint64

func pairOf(principal, head int32) pair { return pair(principal)<<32 | pair(head) }

// entry is a statement in a list, and where in entries the next one is.
type entry struct{ statement, next int32 }

// none ends a list.
const none = -1

// manyStatements is how many are worth an index.
const manyStatements = 256

func newNeighbours(r *reader, clauses []*clause) *neighbours {
	n := &neighbours{count: len(clauses)}
	if len(clauses) <= manyStatements || r.layer == policy.LayerBucket {
		return n
	}
	said := 0 // pairs, with those that are said again
	for _, c := range clauses {
		said += len(c.Principals) * len(c.resources)
	}
	n.first, n.lists, n.entries = make([]pair, len(clauses)), make(map[pair]int32, said), make([]entry, 0, said)
	principals, heads := newNumbers[policy.PrincipalPattern](len(clauses)), newNumbers[string](len(clauses))
	var callers []int32 // those of a statement
	for i := len(clauses) - 1; i >= 0; i-- {
		c := clauses[i]
		callers = callers[:0]
		for _, p := range c.Principals {
			callers = append(callers, principals.number(p))
		}
		for k := len(c.resources) - 1; k >= 0; k-- {
			head := heads.number(c.resources[k].begins())
			n.first[i] = pairOf(callers[0], head)
			for _, p := range callers {
				n.add(pairOf(p, head), int32(i))
			}
		}
	}
	n.wider = covering(principals)
	n.shorter = beginnings(heads.all)
	return n
}

// add puts a statement before those of a list, once.
func (n *neighbours) add(list pair, statement int32) {
	next, ok := n.lists[list]
	switch {
	case !ok:
		next = none
	case n.entries[next].statement == statement:
		return
	}
	n.lists[list] = int32(len(n.entries))
	n.entries = append(n.entries, entry{statement, next})
}

// of calls try with the statements that may cover one until it returns false.
func (n *neighbours) of(statement int, try func(int) bool) {
	if n.first == nil {
		for i := range n.count {
			if !try(i) {
				return
			}
		}
		return
	}
	first := n.first[statement]
	for _, p := range n.wider[first>>32] {
		for head := int32(first); head != none; head = n.shorter[head] {
			at, ok := n.lists[pairOf(p, head)]
			for ok && at != none {
				if !try(int(n.entries[at].statement)) {
					return
				}
				at = n.entries[at].next
			}
		}
	}
}

// numbers gives things numbers from 0 on.
type numbers[T comparable] struct {
	of  map[T]int32
	all []T // by number
}

// newNumbers returns numbers of about so many things.
func newNumbers[T comparable](size int) *numbers[T] {
	return &numbers[T]{make(map[T]int32, size), make([]T, 0, size)}
}

// number returns the number of a thing, a new one if it has none.
func (n *numbers[T]) number(thing T) int32 {
	id, ok := n.of[thing]
	if !ok {
		id = int32(len(n.all))
		n.of[thing], n.all = id, append(n.all, thing)
	}
	return id
}

// covering returns, for each principal, the numbers of those that cover it, and its
// own.
func covering(principals *numbers[policy.PrincipalPattern]) [][]int32 {
	var lengths []int // of the prefixes among them
	for _, p := range principals.all {
		if p.Kind == policy.PrincipalPrefix && !slices.Contains(lengths, len(p.Name)) {
			lengths = append(lengths, len(p.Name))
		}
	}
	out := make([][]int32, len(principals.all))
	for id, p := range principals.all {
		add := func(p policy.PrincipalPattern) {
			if other, ok := principals.of[p]; ok && !slices.Contains(out[id], other) {
				out[id] = append(out[id], other)
			}
		}
		add(policy.PrincipalPattern{Kind: policy.PrincipalEveryone})
		add(p)
		if p.Kind == policy.PrincipalExact || p.Kind == policy.PrincipalPrefix {
			for _, end := range lengths {
				if end <= len(p.Name) {
					add(policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Org: p.Org, Name: p.Name[:end]})
				}
			}
		}
	}
	return out
}

// beginnings returns, for each text, the longest other one that is its beginning, or
// none. No text is there twice.
func beginnings(texts []string) []int32 {
	order := make([]int32, len(texts))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return strings.Compare(texts[a], texts[b]) })
	out := make([]int32, len(texts))
	var begun []int32 // each is the beginning of the next
	for _, i := range order {
		for len(begun) > 0 && !strings.HasPrefix(texts[i], texts[begun[len(begun)-1]]) {
			begun = begun[:len(begun)-1]
		}
		out[i] = none
		if len(begun) > 0 {
			out[i] = begun[len(begun)-1]
		}
		begun = append(begun, i)
	}
	return out
}
