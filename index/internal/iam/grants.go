package iam

import (
	"slices"
	"strings"
	"unsafe"

	"postern/index/internal/block"
	"postern/index/lowered"
)

// Grants are the frozen statements of an organization's iam layer, without
// who is in which group: see Membership. They are immutable and shared between
// snapshots.
//
// A caller's principals lead to the bindings that name them, a binding to the
// spans of rules of its roles, and the row of the action, a bit a rule, tells
// which rules of a span are candidates: one word narrows 64 rules.
type Grants struct {
	form lowered.Form
	// scopes are the scopes of rules and bindings, each a statement of one
	// block.
	scopes scopes
	rules  []rule
	// programs are the action patterns of the rules.
	programs []string
	rows     actionRows
	roles    map[string][]span
	bindings []binding
	denies   int // the number of Deny bindings, which come first
	spans    []span
	// names and prefixes map names and prefixes of identifiers to numbers of
	// the principals that bindings name; number 0 is everyone. named has the
	// bindings of each, Deny first.
	names      map[string]uint32
	prefixes   map[string]uint32
	principals []principal
	named      []uint32
	// marks are, for each entry of named, the marks of the rules that the
	// binding brings.
	marks []marks
	spots spots
	tree  tree
	// hasObligations says that a rule has an obligation, so that a decision has to
	// look at all Allows.
	hasObligations bool
	bytes          int64
}

// Len returns the number of bindings.
func (g *Grants) Len() int { return len(g.bindings) }

type rule struct {
	scope, except uint32 // numbers in scopes plus 1; 0 for none
	record        uint32 // number in tree plus 1; 0 for none
	programs      uint32 // the place of the first in programs
	programCount  uint32
	open          uint64 // the obligation, 0 for none
	spots         uint64 // those of the scope, see marks
}

type span struct{ from, to uint32 }

type binding struct {
	scope, except uint32 // as in rule
	spans         uint32 // the place of the first in spans
	spanCount     uint32
	explicit      bool
}

// principal is where the bindings that name a principal lie in Grants.named.
type principal struct {
	at, denies, count uint32
	// denied and allowed are the marks of all its Denies, and of all its
	// Allows.
	denied, allowed marks
}

// everyone is the number of `*` among principals.
const everyone = 0

// NewGrants freezes the bindings and rules of an organization.
func NewGrants(in *lowered.GrantList, form lowered.Form) *Grants {
	g := &Grants{form: form, names: map[string]uint32{}, prefixes: map[string]uint32{}, roles: map[string][]span{}}
	places := g.freezeScopes(in)
	g.spots = newSpots(in.Scopes, form)
	for i := range in.Rules {
		from := &in.Rules[i]
		r := rule{
			record: uint32(from.Record), programs: uint32(len(g.programs)), open: from.MaxOpenSeconds,
		}
		r.scope, r.except = places.of(from.Scope)
		g.programs = append(g.programs, from.Programs...)
		if form == lowered.FormScan {
			g.programs = append(g.programs, from.Actions...) // a name is the program of itself
		}
		r.programCount = uint32(len(g.programs)) - r.programs
		g.rules = append(g.rules, r)
		g.hasObligations = g.hasObligations || from.MaxOpenSeconds > 0
	}
	g.rows = newActionRows(in.Rules, form)
	ofRules := make([]marks, len(in.Rules))
	for i := range ofRules {
		ofRules[i] = g.spots.rule(g.rows.marks[i], in.Scopes, in.Rules[i].Scope)
		g.rules[i].spots = ofRules[i].spots
	}
	g.tree = newTree(&in.Tree, &g.rows)
	g.hasObligations = g.hasObligations || g.tree.hasObligations
	for name, spans := range in.Roles {
		g.roles[strings.Clone(name)] = newSpans(spans)
	}

	lists := [][]uint32{everyone: nil}
	ofBindings, ofSpans := make([]marks, len(in.Bindings)), map[span]marks{}
	number := func(m map[string]uint32, name string) uint32 {
		n, ok := m[name]
		if !ok {
			n = uint32(len(lists))
			m[strings.Clone(name)] = n
			lists = append(lists, nil)
		}
		return n
	}
	for i := range in.Bindings {
		from := &in.Bindings[i]
		spans := newSpans(from.Rules)
		b := binding{spans: uint32(len(g.spans)), spanCount: uint32(len(spans)), explicit: from.Explicit}
		b.scope, b.except = places.of(from.Scope)
		g.spans = append(g.spans, spans...)
		g.bindings = append(g.bindings, b)
		for _, s := range spans {
			m, ok := ofSpans[s]
			if !ok {
				for id := s.from; id < s.to; id++ {
					m.add(&ofRules[id])
				}
				ofSpans[s] = m
			}
			ofBindings[i].add(&m)
		}
		ofBindings[i].spots &= g.spots.scope(in.Scopes, from.Scope)
		if from.Deny {
			g.denies++
		}
		var who []uint32
		if from.Everyone {
			who = append(who, everyone)
		}
		for _, name := range from.Names {
			who = append(who, number(g.names, name))
		}
		for _, name := range from.Prefixes {
			who = append(who, number(g.prefixes, name))
		}
		slices.Sort(who)
		for _, n := range slices.Compact(who) {
			lists[n] = append(lists[n], uint32(i))
		}
	}
	for _, list := range lists {
		p := principal{at: uint32(len(g.named)), count: uint32(len(list))}
		for _, b := range list {
			if int(b) < g.denies {
				p.denies++
				p.denied.add(&ofBindings[b])
			} else {
				p.allowed.add(&ofBindings[b])
			}
			g.named = append(g.named, b)
			g.marks = append(g.marks, ofBindings[b])
		}
		g.principals = append(g.principals, p)
	}
	g.bytes = g.size()
	return g
}

func newSpans(list []lowered.Span) []span {
	list = lowered.JoinSpans(list)
	out := make([]span, len(list))
	for i, s := range list {
		out[i] = span{uint32(s.From), uint32(s.To)}
	}
	return out
}

func (g *Grants) size() int64 {
	n := int64(unsafe.Sizeof(*g)) + g.scopes.size() + block.SizeOf(g.rules) + block.SizeOf(g.programs) + g.rows.size() +
		block.SizeOf(g.bindings) + block.SizeOf(g.spans) + block.SizeOf(g.principals) + block.SizeOf(g.named) + block.SizeOf(g.marks) + g.tree.size()
	for _, p := range g.programs {
		n += int64(len(p))
	}
	for name, spans := range g.roles {
		n += int64(len(name)) + block.EntrySize + block.SizeOf(spans)
	}
	for _, m := range []map[string]uint32{g.names, g.prefixes} {
		for name := range m {
			n += int64(len(name)) + block.EntrySize
		}
	}
	return n
}
