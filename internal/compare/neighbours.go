package compare

import (
	"slices"
	"strings"

	"postern/policy"
)

// neighbours finds the statements that may cover a given one without looking at
// all: where both list resources, a statement that covers another has one whose
// head, the literal text with which it begins, is the beginning of that of the
// other's first resource. Where many share a head, it has a principal, too, that
// covers the other's first principal.
type neighbours struct {
	count int // of statements
	// heads has the number of the head of each statement's first resource; nil where
	// few are worth no index.
	heads []int32
	// shorter has, for each head, the longest other one that is its beginning, or none.
	shorter []int32
	// sharing are the statements of each head, in order.
	sharing [][]int32
	callers *callers // nil where no head is shared by many
}

const (
	// manyStatements is how many are worth an index, and manySharing how many of one
	// head are worth one by their principals.
	manyStatements = 256
	manySharing    = 64
)

// none ends a list.
const none = -1

func newNeighbours(r *reader, clauses []*clause) *neighbours {
	n := &neighbours{count: len(clauses)}
	if len(clauses) <= manyStatements || r.layer == policy.LayerBucket {
		return n
	}
	n.heads = make([]int32, len(clauses))
	heads, most := newNumbers[string](len(clauses)), 0
	for i, c := range clauses {
		for k := range c.resources {
			head := heads.number(c.resources[k].begins())
			if k == 0 {
				n.heads[i] = head
			}
			if int(head) == len(n.sharing) {
				n.sharing = append(n.sharing, nil)
			}
			if list := n.sharing[head]; len(list) == 0 || list[len(list)-1] != int32(i) {
				n.sharing[head] = append(list, int32(i))
			}
			most = max(most, len(n.sharing[head]))
		}
	}
	n.shorter = beginnings(heads.all)
	if most >= manySharing {
		n.callers = newCallers(clauses, heads)
	}
	return n
}

// of calls try with the statements that may cover one until it returns false.
func (n *neighbours) of(statement int, try func(int) bool) {
	if n.heads == nil {
		for i := range n.count {
			if !try(i) {
				return
			}
		}
		return
	}
	for head := n.heads[statement]; head != none; head = n.shorter[head] {
		if n.callers != nil && len(n.sharing[head]) >= manySharing {
			if !n.callers.of(statement, head, try) {
				return
			}
			continue
		}
		for _, i := range n.sharing[head] {
			if !try(int(i)) {
				return
			}
		}
	}
}

// callers finds statements by a head and a principal.
type callers struct {
	first []int32   // the number of each statement's first principal
	wider [][]int32 // for each principal, those that cover it, and itself
	lists map[pair][]int32
}

// pair is the numbers of a principal and a head in one word, as a map looks that up
// fastest.
type pair uint64

func pairOf(principal, head int32) pair { return pair(principal)<<32 | pair(head) }

func newCallers(clauses []*clause, heads *numbers[string]) *callers {
	c := &callers{make([]int32, len(clauses)), nil, map[pair][]int32{}}
	principals := newNumbers[policy.PrincipalPattern](len(clauses))
	for i, x := range clauses {
		for k, p := range x.Principals {
			id := principals.number(p)
			if k == 0 {
				c.first[i] = id
			}
			for j := range x.resources {
				at := pairOf(id, heads.number(x.resources[j].begins()))
				if list := c.lists[at]; len(list) == 0 || list[len(list)-1] != int32(i) {
					c.lists[at] = append(list, int32(i))
				}
			}
		}
	}
	c.wider = covering(principals)
	return c
}

// of calls try with the statements that have a head and a principal which covers the
// first one of a statement. It returns false once try does.
func (c *callers) of(statement int, head int32, try func(int) bool) bool {
	for _, p := range c.wider[c.first[statement]] {
		for _, i := range c.lists[pairOf(p, head)] {
			if !try(int(i)) {
				return false
			}
		}
	}
	return true
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
