package match

import (
	"math/bits"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
)

// Variables are the variables of the statements of a unit, to which programs
// refer by number.
type Variables []lowered.Variable

// Holds reports whether a statement that covers the action is satisfied. Once
// the budget is passed every statement counts as satisfied, so that the
// decision ends at the next Deny; it is not used, see glob.Matcher.Over.
func (x *Variables) Holds(b block.Block, r block.Record, v *View) bool {
	return !v.Spend(glob.StatementWork) || x.ResourceHolds(b, r, v) && v.PrincipalHolds(b, r) && (b.ConditionCount(r) == 0 || x.ConditionsHold(b, r, v))
}

// ResourceHolds reports whether the statement's resources hold.
func (x *Variables) ResourceHolds(b block.Block, r block.Record, v *View) bool {
	if v.Whole {
		return r.Whole()
	}
	v.any = r.Deny() && !r.NotResource()
	if v.Objects && r.Deny() {
		return x.objectsHold(b, r, v)
	}
	w := b.What(r)
	if w.Exact > 0 && b.HasExact(w, v.Text) || w.Prefix > 0 && b.HasPrefix(w, v.Text) {
		return !r.NotResource()
	}
	found := noMatch
	if w.Glob > 0 {
		found = x.globs(b, w, v)
	}
	switch {
	case found == matches:
		return !r.NotResource() || v.Over() // as Holds
	case !r.NotResource():
		return false
	}
	// A NotResource that has a variable without a value exempts nothing from a
	// Deny, and an Allow with one is not satisfied (specification 1.7).
	return r.Deny() || found != missing
}

// globs matches the programs among the resources: missing is said where none
// matches, and one has a variable without a value. Once the budget is spent it
// says that one matches.
func (x *Variables) globs(b block.Block, w block.What, v *View) match {
	out := noMatch
	for i := range w.Glob {
		if v.Over() {
			return matches
		}
		switch x.match(b.ResourceProgram(w, i), v.Text, v) {
		case matches:
			return matches
		case missing:
			out = missing
		}
	}
	return out
}

// PrincipalHolds reports whether the statement's principals hold.
func (v *View) PrincipalHolds(b block.Block, r block.Record) bool {
	if v.DenyOnly {
		return r.Everyone()
	}
	return v.Lists(b, r) != r.NotPrincipal()
}

// Lists reports whether the statement lists the caller.
func (v *View) Lists(b block.Block, r block.Record) bool {
	if r.Everyone() {
		return true
	}
	w := b.Who(r)
	if len(v.Identifiers.Hashes) > 4 {
		v.Spend(len(v.Identifiers.Hashes) * w.NameWork())
	}
	return b.ListsName(w, &v.Identifiers) || w.Prefixes+w.Organizations > 0 && v.listsMore(b, r, w)
}

// listsMore reports whether the caller has one of the prefixes, or is of one of
// the organizations. An organization lists its tokens only where that denies:
// in the Principal of a Deny, and neither in that of an Allow nor in
// NotPrincipal (specification 2, tokens: only `*` can match them).
func (v *View) listsMore(b block.Block, r block.Record, w block.Who) bool {
	if w.Prefixes > 0 {
		v.Spend(v.idsWork * bits.Len32(w.Prefixes))
		for _, id := range v.Request.Principal.IDs {
			if b.HasNamePrefix(w, id, v.Org) {
				return true
			}
		}
	}
	v.Spend(2 * int(w.Organizations))
	for i := range w.Organizations {
		if b.Organization(w, i) == v.Org {
			return r.Deny() != r.NotPrincipal() || !IsToken(v.Request)
		}
	}
	return false
}

// Covers reports whether a statement covers the requested action.
func (v *View) Covers(b block.Block, id int) bool {
	if v.Known {
		return b.Covers(id, v.Action)
	}
	r := b.Record(id)
	if !r.HasPrograms() {
		return false
	}
	programs := b.Programs(r)
	for i := range programs.Count {
		if v.Glob(b.Program(programs, i), v.ActionFolded()) {
			return !programs.Not
		}
	}
	return programs.Not
}

// UnknownCovered returns the statements that cover the unknown action of a
// request, of the chunk whose first statement is first.
func (v *View) UnknownCovered(b block.Block, first int) (set uint64) {
	for id := first; id < min(first+block.ChunkSize, b.Count()); id++ {
		if v.Covers(b, id) {
			set |= 1 << (id - first)
		}
	}
	return set
}

// Candidates returns the statements of a chunk, whose first statement is first,
// from id to below end, that cover the action.
func (v *View) Candidates(b block.Block, first, id, end int) (set uint64) {
	if v.Known {
		set = b.Actions(first / block.ChunkSize).Covering(v.Action)
	} else {
		set = v.UnknownCovered(b, first)
	}
	if first < id {
		set &= ^uint64(0) << (id - first)
	}
	if left := end - first; left < block.ChunkSize {
		set &= 1<<left - 1
	}
	return set
}

// Key returns the four bytes of the resource text at a place, which sieves look
// at; 0 where the text is too short, since then no statement that has a key can
// match it. told is false if the request is about the whole organization.
func (v *View) Key(at uint32) (key uint32, told bool) {
	if uint64(at)+block.KeyBytes <= uint64(len(v.Text)) {
		key = block.KeyOf(v.Text, at)
	}
	return key, !v.Whole
}
