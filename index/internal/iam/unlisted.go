package iam

import (
	"strings"

	"postern/index/internal/glob"
	"postern/index/internal/open"
	"postern/internal/action"
	"postern/policy"
)

// AdmitSubjects returns what the iam layer admits of principals of a provider,
// which is the view's first identifier.
func (m *Layer) AdmitSubjects(p *open.Patterns, v *Inquiry) (out []open.Admitted) {
	m.enter(v)
	defer v.leave()
	g, who, provider := m.grants, &v.caller, v.Request.Principal.IDs[0]
	// Whatever principal an identifier of the provider without a name is, every
	// name is.
	for _, n := range who.principals {
		d := &g.principals[n]
		for _, number := range g.named[d.at : d.at+d.denies] {
			if g.bindingChance(number, v, open.Subject, p) == open.Always {
				return nil
			}
		}
	}
	if who.nothing { // its claims give it nothing, whatever its name
		return nil
	}
	add := func(n uint32, begin, text string) {
		d := &g.principals[n]
		for _, number := range g.named[d.at+d.denies : d.at+d.count] {
			if g.bindingChance(number, v, open.Subject, p) != open.Never {
				out = append(out, open.Admitted{Program: open.AnyAfter(begin), Text: text, At: m.bindings[number]})
			}
		}
	}
	anyone := m.members.lists[m.members.anyone.at:][:m.members.anyone.n]
	ofAnyone := map[uint32]bool{}
	for _, n := range anyone {
		ofAnyone[n] = true
	}
	for _, n := range who.principals[:who.allowed] {
		if ofAnyone[n] {
			add(n, "", "*")
		} else {
			add(n, provider, provider+"*")
		}
	}
	for i, h := range who.helds {
		held, begin, text := &m.members.helds[h], provider, provider+"*"
		if i >= len(who.helds)-who.defaults {
			begin, text = "", "*"
		}
		if g.spansChance(held.spans, v, open.Subject, p) != open.Never {
			out = append(out, open.Admitted{Program: open.AnyAfter(begin), Text: text, At: held.place})
		}
	}
	for begin, l := range m.members.prefixes.All() {
		if !p.Look() {
			return out
		}
		if strings.HasPrefix(begin, provider) {
			for _, n := range m.members.lists[l.at : l.at+l.n] {
				add(n, begin, begin+"*")
			}
		}
	}
	return out
}

// bindingChance returns the chance of a binding, for the principals that it
// names.
func (g *Grants) bindingChance(number uint32, v *Inquiry, side open.Side, p *open.Patterns) open.Chance {
	b := &g.bindings[number]
	deny := int(number) < g.denies
	own := g.scopeChance(b.scope, deny, v, side).And(g.scopeChance(b.except, deny, v, side))
	if own == open.Never {
		return open.Never
	}
	best := open.Never
	for _, s := range g.spans[b.spans : b.spans+b.spanCount] {
		best = max(best, g.spanChance(s, deny, v, side, p))
	}
	return own.And(best)
}

func (g *Grants) spansChance(spans []span, v *Inquiry, side open.Side, p *open.Patterns) (best open.Chance) {
	for _, s := range spans {
		best = max(best, g.spanChance(s, false, v, side, p))
	}
	return best
}

// spanChance returns the chance of the rule among spans that is likeliest to
// hold.
func (g *Grants) spanChance(s span, deny bool, v *Inquiry, side open.Side, p *open.Patterns) (best open.Chance) {
	row, known := g.rows.of(v)
	for id := row.next(s.from, s.to); id < s.to && best != open.Always; id = row.next(id+1, s.to) {
		if !p.Look() {
			return open.Perhaps
		}
		if r := &g.rules[id]; known || g.covers(r, v) {
			best = max(best, g.ruleChance(r, deny, v, side))
		}
	}
	return best
}

// ruleChance returns the chance of a rule that covers the action.
func (g *Grants) ruleChance(r *rule, deny bool, v *Inquiry, side open.Side) open.Chance {
	t := g.scopeChance(r.scope, deny, v, side).And(g.scopeChance(r.except, deny, v, side))
	if r.record != 0 {
		t = t.And(open.Perhaps)
	}
	return t
}

// given calls f for all that reaches the caller with an Allow: spans of rules,
// the scope of the binding that brings them, and the position of that.
func (m *Layer) given(v *Inquiry, visit func(spans []span, b *binding, at policy.StatementRef)) {
	g, who := m.grants, &v.caller
	if who.nothing {
		return
	}
	for _, h := range who.helds {
		held := &m.members.helds[h]
		visit(held.spans, &binding{}, held.place)
	}
	for _, n := range who.principals[:who.allowed] {
		d := &g.principals[n]
		for _, number := range g.named[d.at+d.denies : d.at+d.count] {
			b := &g.bindings[number]
			visit(g.spans[b.spans:b.spans+b.spanCount], b, m.bindings[number])
		}
	}
}

// AdmitResources returns what the iam layer admits of resources of a type.
func (m *Layer) AdmitResources(p *open.Patterns, v *Inquiry, resourceType string) (out []open.Admitted) {
	m.enter(v)
	defer v.leave()
	g := m.grants
	row, known := g.rows.of(v)
	m.given(v, func(spans []span, b *binding, at policy.StatementRef) {
		narrowed := g.scopePatterns(b.scope, v, resourceType, at, p)
		if len(narrowed) == 0 {
			return
		}
		for _, s := range spans {
			for id := row.next(s.from, s.to); id < s.to && p.Look(); id = row.next(id+1, s.to) {
				if r := &g.rules[id]; known || g.covers(r, v) {
					out = append(out, p.Both(narrowed, g.scopePatterns(r.scope, v, resourceType, at, p))...)
				}
			}
		}
	})
	return out
}

// scopePatterns returns the patterns of resources of a type that a scope admits
// and does not name; none if its conditions cannot hold.
func (g *Grants) scopePatterns(number uint32, v *Inquiry, resourceType string, at policy.StatementRef, p *open.Patterns) (out []open.Admitted) {
	all := []open.Admitted{{Program: glob.Every, Text: "*", At: at}}
	if number == 0 {
		return all
	}
	b, r := g.scopes.statement(number)
	if open.Conditions(&g.scopes.variables, b, r, &v.View, open.Resource) == open.Never {
		return nil
	}
	every := open.AnyAfter(resourceType + ":")
	w := b.What(r)
	for i := w.Exact; i < w.Count(); i++ {
		if !p.Look() {
			return out
		}
		program := b.Pattern(w, i)
		if i < w.Exact+w.Prefix {
			program = open.AnyAfter(program)
		}
		if p.MayMeet(program, every) {
			out = append(out, open.Admitted{Program: program, Text: g.scopes.variables.ProgramText(program), At: at})
		}
	}
	return out
}

// AdmitActions returns the patterns of actions that the iam layer admits of a
// class, to the caller on the resource.
func (m *Layer) AdmitActions(p *open.Patterns, v *Inquiry, class action.Class) (out []open.Admitted) {
	m.enter(v)
	defer v.leave()
	g := m.grants
	m.given(v, func(spans []span, b *binding, at policy.StatementRef) {
		if g.scopeChance(b.scope, false, v, open.Action).And(g.scopeChance(b.except, false, v, open.Action)) == open.Never {
			return
		}
		for _, s := range spans {
			for i := s.from; i < s.to && p.Look(); i++ {
				r := &g.rules[i]
				programs := g.programs[r.programs : r.programs+r.programCount]
				if len(programs) == 0 || g.ruleChance(r, false, v, open.Action) == open.Never {
					continue
				}
				for _, program := range programs {
					kind, begin := glob.Classify(program)
					if kind != glob.Exact && action.ClassOf(begin+"x") == class && p.Look() {
						out = append(out, open.Admitted{Program: program, Text: open.ActionText(program), At: at})
					}
				}
			}
		}
	})
	return out
}
