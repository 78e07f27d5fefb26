package index

import (
	"slices"
	"strings"
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
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
	form Form
	// scopes holds the scopes as statements of one block.
	scopes scopes
	rules  []rule
	// programs are the action patterns of rules, words and counts of rules.
	programs []string
	rows     actionRows
	roles    map[string][]span
	bindings []binding
	denies   int // bindings below are Deny
	spans    []span
	// names and beginnings number the principals that bindings name; number 0
	// is everyone. named holds each one's bindings, Deny first.
	names      map[string]uint32
	beginnings map[string]uint32
	principals []principal
	named      []uint32
	// marks are those of the rules that a binding of named brings.
	marks []marks
	spots spots
	tree  tree
	// constrained: a rule has a constraint, so that all Allows count.
	constrained bool
	bytes       int64
}

// Len returns the number of bindings.
func (g *Grants) Len() int { return len(g.bindings) }

type rule struct {
	scope, except uint32 // numbers in scopes plus 1; 0: none
	record        uint32 // number in tree plus 1
	programs      uint32 // first in programs
	programCount  uint32
	open          uint64 // 0: without constraint
	spots         uint64 // of scope, see marks
}

type span struct{ from, to uint32 }

type binding struct {
	scope, except uint32 // as in rule
	spans         uint32 // first in spans
	spanCount     uint32
	explicit      bool
}

// principal is the bindings that name one, in Grants.named.
type principal struct {
	at, denies, count uint32
	// denied and allowed are the marks of all its Denies and of all its Allows.
	denied, allowed marks
}

// everyone is the number of `*` in principals.
const everyone = 0

// NewGrants freezes.
func NewGrants(in *lowered.GrantList, form Form) *Grants {
	g := &Grants{form: form, names: map[string]uint32{}, beginnings: map[string]uint32{}, roles: map[string][]span{}}
	places := g.freezeScopes(in)
	g.spots = newSpots(in.Scopes, form)
	for i := range in.Rules {
		from := &in.Rules[i]
		r := rule{
			record: uint32(from.Record), programs: uint32(len(g.programs)), open: from.MaxOpenSeconds,
		}
		r.scope, r.except = places.of(from.Scope)
		g.programs = append(g.programs, from.Programs...)
		if form == FormScan {
			g.programs = append(g.programs, from.Actions...) // a name is a program
		}
		r.programCount = uint32(len(g.programs)) - r.programs
		g.rules = append(g.rules, r)
		g.constrained = g.constrained || from.MaxOpenSeconds > 0
	}
	g.rows = newActionRows(in.Rules, form)
	ofRules := make([]marks, len(in.Rules))
	for i := range ofRules {
		ofRules[i] = g.spots.rule(g.rows.marks[i], in.Scopes, in.Rules[i].Scope)
		g.rules[i].spots = ofRules[i].spots
	}
	g.tree = newTree(&in.Tree, &g.rows)
	g.constrained = g.constrained || g.tree.constrained
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
		for _, name := range from.Beginnings {
			who = append(who, number(g.beginnings, name))
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

// scopes are the statements of one block, and what their programs refer to.
type scopes struct {
	words     []uint32
	variables match.Variables
}

// statement returns the block, and the statement of a number.
func (s *scopes) statement(number uint32) (block.Block, block.Record) {
	b := block.At(s.words, 0)
	return b, b.Record(int(number - 1))
}

func (s *scopes) size() int64 {
	n := block.SizeOf(s.words) + block.SizeOf(s.variables)
	for i := range s.variables {
		n += int64(len(s.variables[i].Key.Name) + len(s.variables[i].Default))
	}
	return n
}

// scopePlaces tells under which numbers the two halves of a scope were frozen.
type scopePlaces [][2]uint32

func (p scopePlaces) of(scope int) (holds, except uint32) {
	if scope == lowered.NoScope {
		return 0, 0
	}
	return p[scope][0], p[scope][1]
}

// freezeScopes freezes scopes as statements that nothing narrows; what a scope
// excludes is a statement of its own.
func (g *Grants) freezeScopes(in *lowered.GrantList) scopePlaces {
	var list []*lowered.Statement
	add := func(s lowered.Statement) uint32 {
		list = append(list, &s)
		return uint32(len(list))
	}
	everything := glob.Every
	places := make(scopePlaces, len(in.Scopes))
	for i := range in.Scopes {
		s := &in.Scopes[i]
		if resources := s.Resources; resources != nil || s.Conditions != nil {
			if resources == nil {
				resources = []string{everything}
			}
			places[i][0] = add(lowered.Statement{Resources: resources, Conditions: s.Conditions})
		}
		if s.NotResources != nil {
			places[i][1] = add(lowered.Statement{Resources: s.NotResources, NotResource: true})
		}
	}
	g.scopes.variables = in.Variables
	var w block.Writer
	statements := make([]block.Statement, len(list))
	for i, s := range list {
		statements[i] = w.Statement(s, s.Resources)
	}
	g.scopes.words, _, _ = w.Write(nil, nil, &block.Part{Statements: statements, Narrowing: block.ByNothing})
	return places
}

// scopeHolds reports whether both halves of a scope hold.
func (g *Grants) scopeHolds(scope, except uint32, deny bool, v *view) bool {
	return (scope == 0 || g.statementHolds(scope, deny, v)) && (except == 0 || g.statementHolds(except, deny, v))
}

func (g *Grants) statementHolds(number uint32, deny bool, v *view) bool {
	b, r := g.scopes.statement(number)
	if deny {
		r = r.AsDeny()
	}
	return g.scopes.variables.ResourceHolds(b, r, &v.View) && g.scopes.variables.ConditionsHold(b, r, &v.View)
}

// granted says whether something grants the action: 0 if nothing does, else
// for how many seconds what is opened may stay open.
type granted uint64

const (
	notGranted granted = 0
	unlimited  granted = 1<<64 - 1
)

// or is the longer of two.
func (a granted) or(b granted) granted { return max(a, b) }

// ruleHolds evaluates a rule that covers the action.
func (g *Grants) ruleHolds(r *rule, deny bool, v *view) granted {
	if !g.scopeHolds(r.scope, r.except, deny, v) {
		return notGranted
	}
	for_ := unlimited
	if r.record != 0 {
		if for_ = g.tree.grants(r.record-1, deny, v); for_ == notGranted {
			return notGranted
		}
	}
	if r.open != 0 {
		for_ = min(for_, granted(r.open))
	}
	return for_
}

// covers reports whether a rule covers the action; for rules whose row does
// not tell.
func (g *Grants) covers(r *rule, v *view) bool {
	for _, p := range g.programs[r.programs : r.programs+r.programCount] {
		if v.Glob(p, v.ActionFolded()) {
			return true
		}
	}
	return false
}

// spansHold evaluates the rules of spans, up to the first that holds unless
// all count.
func (g *Grants) spansHold(spans []span, deny bool, v *view) (best granted) {
	all := g.constrained && !deny || g.form == FormScan
	row, known := g.rows.of(v)
	if row.empty {
		return notGranted
	}
	for _, s := range spans {
		v.Spend(glob.EndsWork + int(s.to-s.from)/256)
		for id := row.next(s.from, s.to); id < s.to; id = row.next(id+1, s.to) {
			if !v.Spend(glob.StatementWork) {
				return unlimited // as match.Variables.Holds
			}
			r := &g.rules[id]
			if r.spots&v.marks.spots != v.marks.spots || !known && !g.covers(r, v) {
				continue
			}
			if best = best.or(g.ruleHolds(r, deny, v)); best != notGranted && (!all || best == unlimited) {
				return best
			}
		}
	}
	return best
}

// bindingHolds evaluates a binding.
func (g *Grants) bindingHolds(number uint32, v *view) granted {
	b := &g.bindings[number]
	deny := int(number) < g.denies
	best := g.spansHold(g.spans[b.spans:b.spans+b.spanCount], deny, v)
	if best != notGranted && !g.scopeHolds(b.scope, b.except, deny, v) {
		return notGranted
	}
	return best
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
	for _, m := range []map[string]uint32{g.names, g.beginnings} {
		for name := range m {
			n += int64(len(name)) + block.EntrySize
		}
	}
	return n
}
