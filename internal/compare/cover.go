package compare

import (
	"slices"
	"strings"

	"postern/internal/action"
	"postern/internal/conditionkey"
	"postern/policy"
)

// covers reports that whoever satisfies b satisfies a, if that is certain. Both
// are of one layer and read by r. b may be an Allow where a is a Deny; the
// reverse is not asked.
func (r *reader) covers(a, b *clause) bool {
	return b.known.within(a.known) && principalsWithin(b.Statement, a.Statement) && conditionsWithin(b.Statement, a.Statement) && !r.speaks(b, a) && r.resourcesWithin(b, a)
}

// principalsWithin reports that every caller of whom inner speaks is one of
// whom outer speaks (specification 1.4, 1.5).
func principalsWithin(inner, outer *policy.Statement) bool {
	switch {
	case !inner.NotPrincipal && !outer.NotPrincipal:
		for _, p := range inner.Principals {
			if !slices.ContainsFunc(outer.Principals, func(o policy.PrincipalPattern) bool { return principalWithin(p, o) }) {
				return false
			}
		}
		return true
	case inner.NotPrincipal && outer.NotPrincipal:
		// Whom outer exempts, inner has to exempt.
		for _, o := range outer.Principals {
			if o.Kind != policy.PrincipalAccount && !slices.ContainsFunc(inner.Principals, func(p policy.PrincipalPattern) bool {
				return p.Kind != policy.PrincipalAccount && principalWithin(o, p)
			}) {
				return false
			}
		}
		return true
	case outer.NotPrincipal:
		// A caller has several identifiers, so that one of whom inner speaks is
		// certain not to be exempt only where its organization tells.
		for _, o := range outer.Principals {
			if o.Kind == policy.PrincipalAccount {
				continue // it exempts nobody
			}
			if slices.ContainsFunc(inner.Principals, func(p policy.PrincipalPattern) bool {
				return p.Org == "" || o.Org == "" || p.Org == o.Org
			}) {
				return false
			}
		}
		return true
	}
	return slices.ContainsFunc(outer.Principals, func(o policy.PrincipalPattern) bool { return o.Kind == policy.PrincipalEveryone })
}

// principalWithin reports that every caller that p names o names too. Neither
// names a token but through its organization, and there both do so alike.
func principalWithin(p, o policy.PrincipalPattern) bool {
	switch o.Kind {
	case policy.PrincipalEveryone:
		return true
	case policy.PrincipalOrganization, policy.PrincipalAccount:
		return p.Org != "" && p.Org == o.Org
	case policy.PrincipalExact:
		return p == o
	case policy.PrincipalPrefix:
		return p.Org == o.Org && (p.Kind == policy.PrincipalExact || p.Kind == policy.PrincipalPrefix) && strings.HasPrefix(p.Name, o.Name)
	}
	return false
}

// actionsWithin reports that every action of which inner speaks is one of which
// outer speaks.
func (r *reader) actionsWithin(inner, outer *clause) bool {
	return inner.known.within(outer.known) && !r.speaks(inner, outer)
}

// beyond is a question of speaks: the numbers of two lists of actions, 0 for none.
type beyond struct {
	layer    policy.Layer
	c, other int32
}

// speaks reports that there is, or may be, an action beyond the table of which
// c speaks, and of which the other does not; nil speaks of none.
func (r *reader) speaks(c, other *clause) bool {
	key := beyond{r.layer, r.listOf(c), r.listOf(other)}
	if is, ok := r.beyond[key]; ok {
		return is
	}
	demands := []demand{r.services, {c.actions, c.NotAction}}
	if other != nil {
		demands = append(demands, demand{other.actions, !other.NotAction})
	}
	_, f := search{maxStates: 50_000, avoid: knownNames}.text(demands)
	r.beyond[key] = f != foundNothing
	return f != foundNothing
}

// conditionsWithin reports that the conditions of outer hold wherever those of
// inner do: each of outer has one of inner with the same key and operator that
// asks for no other values. What a value cannot be read for, and what a variable
// without a value does, depends on the request and the operator alone, so that
// both come to the same (specification 1.7); where inner is an Allow and outer a
// Deny, inner holds for what can be read only.
func conditionsWithin(inner, outer *policy.Statement) bool {
	for _, o := range outer.Conditions {
		if !slices.ContainsFunc(inner.Conditions, func(i policy.Condition) bool { return conditionWithin(i, o) }) {
			return false
		}
	}
	return true
}

func conditionWithin(i, o policy.Condition) bool {
	if i.Operator.Test != o.Operator.Test || i.Operator.Qualifier != o.Operator.Qualifier || i.Operator.IfExists && !o.Operator.IfExists ||
		conditionkey.Fold(i.Key) != conditionkey.Fold(o.Key) {
		return false
	}
	fewer, more := i.Values, o.Values
	if o.Operator.Test.Negated() {
		fewer, more = more, fewer
	}
	return !slices.ContainsFunc(fewer, func(v string) bool { return !slices.Contains(more, v) })
}

// resourcesWithin reports that outer speaks of every resource of which inner
// does, for whatever action both speak of.
//
// Of an object action that is asked on a bucket a Deny holds if it could hold
// for one of the objects (specification 1.2): a text that its Resource matches is
// enough, and its NotResource has to match all of them by one pattern. So what
// follows for Resource of all texts follows for it, and what mixes the two is
// not certain there.
func (r *reader) resourcesWithin(inner, outer *clause) bool {
	aboutObjects := outer.Effect == policy.EffectDeny && inner.known.meets(objectActions) && outer.known.meets(objectActions)
	switch {
	case !inner.NotResource && !outer.NotResource:
		// On the whole organization only `*` as it is written holds
		// (specification 1.3).
		if inner.has("*") && !outer.has("*") && (inner.known.meets(wholeActions) || r.layer == policy.LayerOrganization && r.speaks(inner, nil)) {
			return false
		}
		for _, i := range inner.resources {
			is, known := r.plainly(i, outer)
			if !known {
				is = within(append(r.domain(), oneOf(i.glob())), outer.globs(true))
			}
			if !is {
				return false
			}
		}
		return true
	case inner.NotResource && outer.NotResource:
		if aboutObjects && inner.Effect == policy.EffectAllow {
			return false
		}
		for _, o := range outer.resources {
			if inner.has(o.text) {
				continue
			}
			// An Allow with a variable without a value is not satisfied.
			if !o.exact && outer.Effect == policy.EffectAllow || !slices.ContainsFunc(inner.resources, func(i resource) bool {
				return i.exact && within(append(r.domain(), oneOf(o.glob())), []glob{i.glob()})
			}) {
				return false
			}
		}
		return true
	case outer.NotResource:
		if aboutObjects || outer.inexact() && outer.Effect == policy.EffectAllow {
			return false
		}
		if inner.has("*") && inner.known.meets(wholeActions) {
			return false
		}
		return apart(append(r.domain(), oneOf(inner.globs(false)...)), outer.globs(false))
	}
	if outer.has("*") {
		return true
	}
	return !aboutObjects && within(append(r.domain(), noneOf(inner.globs(true)...)), outer.globs(true))
}

// plainly is whether outer's Resource has all of a pattern, where that is known from
// their texts: one of outer's is equal or a beginning of it, or all are plain and none is.
func (r *reader) plainly(i resource, outer *clause) (is, known bool) {
	known = i.exact && i.plain() && (r.layer != policy.LayerBucket || strings.HasPrefix(i.begins(), r.bucket+"/"))
	for k := range outer.resources {
		o := &outer.resources[k]
		if o.text == i.text || o.exact && o.prefix() && strings.HasPrefix(i.begins(), o.begins()) {
			return true, true
		}
		known = known && (o.plain() || !o.exact)
	}
	return false, known
}

// speaksOf reports that a clause speaks, or may speak, of an action of a class
// that has a service of its own.
func (r *reader) speaksOf(c *clause, class action.Class) bool {
	for id := range action.ID(action.Count()) {
		if action.ClassOfID(id) == class && c.known.has(id) {
			return true
		}
	}
	return r.speaks(c, nil)
}

// speaksOfNothing reports that no request of the layer satisfies the clause, by
// its principals, actions or resources alone.
func (r *reader) speaksOfNothing(c *clause) bool {
	if slices.ContainsFunc(c.Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalNobody }) {
		return true
	}
	if !slices.ContainsFunc(c.known, func(w uint64) bool { return w != 0 }) && !r.speaks(c, nil) {
		return true
	}
	if !c.NotResource && slices.ContainsFunc(c.resources, func(i resource) bool {
		return r.layer != policy.LayerBucket || i.text == "*" || strings.HasPrefix(i.begins(), r.bucket+"/")
	}) {
		return false // every pattern matches something
	}
	_, f := search{maxStates: 20_000}.text(append(r.domain(), demand{c.globs(c.NotResource), c.NotResource}))
	return f == foundNothing
}
