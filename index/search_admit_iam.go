package index

import (
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/internal/action"
	"postern/policy"
)

// admitSubjects returns what the iam layer admits of principals of a provider,
// which is the view's first identifier.
func (m *IAM) admitSubjects(p *patterns, v *view) (out []admitted) {
	m.enter(v)
	defer v.leave()
	g, who, provider := m.grants, &v.caller, v.Request.Principal.IDs[0]
	// What an identifier of the provider without a name is, every name is.
	for _, n := range who.principals {
		d := &g.principals[n]
		for _, number := range g.named[d.at : d.at+d.denies] {
			if g.bindingChance(number, v, openSubject, p) == always {
				return nil
			}
		}
	}
	if who.nothing { // by its claims, whatever its name
		return nil
	}
	add := func(n uint32, begin, text string) {
		d := &g.principals[n]
		for _, number := range g.named[d.at+d.denies : d.at+d.count] {
			if g.bindingChance(number, v, openSubject, p) != never {
				out = append(out, admitted{anyAfter(begin), text, m.bindings[number]})
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
		if g.spansChance(held.spans, v, openSubject, p) != never {
			out = append(out, admitted{anyAfter(begin), text, held.place})
		}
	}
	for begin, l := range m.members.beginnings.All() {
		if !p.look() {
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

// bindingChance is the chance of a binding, for whom it names.
func (g *Grants) bindingChance(number uint32, v *view, open byte, p *patterns) chance {
	b := &g.bindings[number]
	deny := int(number) < g.denies
	own := g.scopeChance(b.scope, deny, v, open).and(g.scopeChance(b.except, deny, v, open))
	if own == never {
		return never
	}
	best := never
	for _, s := range g.spans[b.spans : b.spans+b.spanCount] {
		best = max(best, g.spanChance(s, deny, v, open, p))
	}
	return own.and(best)
}

func (g *Grants) spansChance(spans []span, v *view, open byte, p *patterns) (best chance) {
	for _, s := range spans {
		best = max(best, g.spanChance(s, false, v, open, p))
	}
	return best
}

// spanChance is that of the rule which holds most likely.
func (g *Grants) spanChance(s span, deny bool, v *view, open byte, p *patterns) (best chance) {
	row, known := g.rows.of(v)
	for id := row.next(s.from, s.to); id < s.to && best != always; id = row.next(id+1, s.to) {
		if !p.look() {
			return perhaps
		}
		if r := &g.rules[id]; known || g.covers(r, v) {
			best = max(best, g.ruleChance(r, deny, v, open))
		}
	}
	return best
}

// ruleChance is the chance of a rule that covers the action.
func (g *Grants) ruleChance(r *rule, deny bool, v *view, open byte) chance {
	t := g.scopeChance(r.scope, deny, v, open).and(g.scopeChance(r.except, deny, v, open))
	if r.record != 0 {
		t = t.and(perhaps)
	}
	return t
}

// given visits what reaches the caller with an Allow: spans of rules, the scope
// of the binding that brings them, and where that stands.
func (m *IAM) given(v *view, visit func(spans []span, b *binding, at policy.StatementRef)) {
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

// admitResources returns what the iam layer admits of resources of a type.
func (m *IAM) admitResources(p *patterns, v *view, resourceType string) (out []admitted) {
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
			for id := row.next(s.from, s.to); id < s.to && p.look(); id = row.next(id+1, s.to) {
				if r := &g.rules[id]; known || g.covers(r, v) {
					out = append(out, p.both(narrowed, g.scopePatterns(r.scope, v, resourceType, at, p))...)
				}
			}
		}
	})
	return out
}

// scopePatterns returns what a scope admits of resources of a type beside what
// it names; none if its conditions do not hold.
func (g *Grants) scopePatterns(number uint32, v *view, resourceType string, at policy.StatementRef, p *patterns) (out []admitted) {
	all := []admitted{{glob.Every, "*", at}}
	if number == 0 {
		return all
	}
	b := block.At(g.scopes.words, 0)
	r := b.Record(int(number - 1))
	if g.scopes.conditionsChance(b, r, v, openResource) == never {
		return nil
	}
	every := anyAfter(resourceType + ":")
	w := b.What(r)
	for i := w.Exact; i < w.Count(); i++ {
		if !p.look() {
			return out
		}
		program := b.Pattern(w, i)
		if i < w.Exact+w.Prefix {
			program = anyAfter(program)
		}
		if p.mayMeet(program, every) {
			out = append(out, admitted{program, g.scopes.variables.ProgramText(program), at})
		}
	}
	return out
}

// admitActions returns the patterns of actions that the iam layer admits of a
// class, to the caller on the resource.
func (m *IAM) admitActions(p *patterns, v *view, class action.Class) (out []admitted) {
	m.enter(v)
	defer v.leave()
	g := m.grants
	m.given(v, func(spans []span, b *binding, at policy.StatementRef) {
		if g.scopeChance(b.scope, false, v, openAction).and(g.scopeChance(b.except, false, v, openAction)) == never {
			return
		}
		for _, s := range spans {
			for i := s.from; i < s.to && p.look(); i++ {
				r := &g.rules[i]
				programs := g.programs[r.programs : r.programs+r.programCount]
				if len(programs) == 0 || g.ruleChance(r, false, v, openAction) == never {
					continue
				}
				for _, program := range programs {
					kind, begin := glob.Classify(program)
					if kind != glob.Exact && action.ClassOf(begin+"x") == class && p.look() {
						out = append(out, admitted{program, actionText(program), at})
					}
				}
			}
		}
	})
	return out
}
