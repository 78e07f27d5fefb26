package index

import (
	"math/bits"

	"postern/index/internal/block"
)

// resourceHolds reports whether the statement's resources hold.
func (p *Policies) resourceHolds(b block.Block, r block.Record, v *view) bool {
	if v.whole {
		return r.Whole()
	}
	if v.objects && r.Deny() {
		return p.objectsHold(b, r, v)
	}
	w := b.What(r)
	if w.Exact > 0 && b.HasExact(w, v.text) || w.Prefix > 0 && b.HasPrefix(w, v.text) {
		return !r.NotResource()
	}
	glob := noMatch
	if w.Glob > 0 {
		glob = p.globs(b, w, v)
	}
	switch {
	case glob == matches:
		return !r.NotResource() || v.Over() // as holds
	case !r.NotResource():
		return false
	}
	// A variable without a value excludes nothing from a Deny, and an Allow is
	// not satisfied (specification 1.7).
	return r.Deny() || glob != missing
}

// globs matches the programs among the resources: missing is said where none
// matches, and one has a variable without a value. Once the budget is spent it
// says that one matches.
func (p *Policies) globs(b block.Block, w block.What, v *view) match {
	out := noMatch
	for i := range w.Glob {
		if v.Over() {
			return matches
		}
		switch p.match(b.ResourceProgram(w, i), v.text, v) {
		case matches:
			return matches
		case missing:
			out = missing
		}
	}
	return out
}

// principalHolds reports whether the statement's principals hold.
func (v *view) principalHolds(b block.Block, r block.Record) bool {
	if v.denyOnly {
		return r.Everyone()
	}
	return v.lists(b, r) != r.NotPrincipal()
}

// lists reports whether the statement lists the caller.
func (v *view) lists(b block.Block, r block.Record) bool {
	if r.Everyone() {
		return true
	}
	w := b.Who(r)
	if len(v.identifiers.Hashes) > 4 {
		v.Spend(len(v.identifiers.Hashes) * w.NameWork())
	}
	return b.ListsName(w, &v.identifiers) || w.Beginnings+w.Organizations > 0 && v.listsMore(b, r, w)
}

// listsMore reports whether one of the beginnings or organizations is the
// caller's. An organization lists its tokens only where that denies
// (specification 2, tokens: only `*` can match them): a Deny's Principal does,
// an Allow's and a Deny's NotPrincipal do not.
func (v *view) listsMore(b block.Block, r block.Record, w block.Who) bool {
	if w.Beginnings > 0 {
		v.Spend(v.idsWork * bits.Len32(w.Beginnings))
		for _, id := range v.request.Principal.IDs {
			if b.HasBeginning(w, id, v.org) {
				return true
			}
		}
	}
	v.Spend(2 * int(w.Organizations))
	for i := range w.Organizations {
		if b.Organization(w, i) == v.org {
			return r.Deny() != r.NotPrincipal() || !isToken(v.request)
		}
	}
	return false
}

// covers reports whether a statement covers the requested action.
func (v *view) covers(b block.Block, id int) bool {
	if v.known {
		return b.Covers(id, v.action)
	}
	r := b.Record(id)
	if !r.HasPrograms() {
		return false
	}
	programs := b.Programs(r)
	for i := range programs.Count {
		if v.Glob(b.Program(programs, i), v.actionFolded()) {
			return !programs.Not
		}
	}
	return programs.Not
}

// unknownCovered are the statements of a chunk, by its first one, that cover
// the unknown action of a request.
func (v *view) unknownCovered(b block.Block, first int) (set uint64) {
	for id := first; id < min(first+block.ChunkSize, b.Count()); id++ {
		if v.covers(b, id) {
			set |= 1 << (id - first)
		}
	}
	return set
}
