package index

import (
	"math/bits"
	"strings"
)

// resourceHolds reports whether the statement's resources hold.
func (p *Policies) resourceHolds(b block, r record, v *view) bool {
	if v.whole {
		return r.is(flagWhole)
	}
	if v.objects && r.is(flagDeny) {
		return p.objectsHold(b, r, v)
	}
	exact, prefix, globs := b.what(r)
	at := b.patterns(r)
	if exact > 0 && b.hasText(at, exact, v.text) || prefix > 0 && b.hasPrefix(at+textWords*exact, prefix, v.text) {
		return !r.is(flagNotResource)
	}
	if globs > 0 || r.is(flagNotResource) {
		return p.globsHold(b, r, at+textWords*(exact+prefix), globs, v)
	}
	return false
}

// globsHold is resourceHolds where none of the literal patterns matches, for
// the patterns from a place on.
func (p *Policies) globsHold(b block, r record, at, globs uint32, v *view) bool {
	unsure := false
	for i := range globs {
		if v.Over() {
			return true // as holds
		}
		switch p.match(b.text(at, i), v.text, v) {
		case matches:
			return !r.is(flagNotResource)
		case missing:
			unsure = true
		}
	}
	if !r.is(flagNotResource) {
		return false
	}
	// A variable without a value excludes nothing from a Deny, and an Allow is
	// not satisfied (specification 1.7).
	return r.is(flagDeny) || !unsure
}

// hasText reports whether a text is one of n sorted ones.
func (b block) hasText(at, n uint32, text string) bool {
	i := b.after(at, n, text)
	return i > 0 && b.text(at, i-1) == text
}

// hasPrefix reports whether one of n sorted, prefix-free texts is the beginning
// of a text.
func (b block) hasPrefix(at, n uint32, text string) bool {
	i := uint32(1)
	if n > 1 {
		i = b.after(at, n, text)
	}
	return i > 0 && strings.HasPrefix(text, b.text(at, i-1))
}

// after returns how many of n sorted texts are not greater than the given one.
func (b block) after(at, n uint32, text string) uint32 {
	low, high := uint32(0), n
	for low < high {
		if mid := (low + high) / 2; b.text(at, mid) <= text {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// principalHolds reports whether the statement's principals hold.
func (b block) principalHolds(r record, v *view) bool {
	if v.denyOnly {
		return r.is(flagEveryone)
	}
	return b.lists(r, v) != r.is(flagNotPrincipal)
}

// lists reports whether the statement lists the caller.
func (b block) lists(r record, v *view) bool {
	if r.is(flagEveryone) {
		return true
	}
	exact, beginnings, organizations := b.who(r)
	if len(v.hashes) > 4 {
		v.Spend(len(v.hashes) * nameWork(exact))
	}
	if b.listsName(r.entries, exact, v) {
		return true
	}
	return beginnings+organizations > 0 && b.listsMore(r, r.entries+exactWords*exact, beginnings, organizations, v)
}

// listsMore reports whether one of the beginnings or organizations from a place
// on is the caller's. An organization lists its tokens only where that denies
// (specification 2, tokens: only `*` can match them): a Deny's Principal does,
// an Allow's and a Deny's NotPrincipal do not.
func (b block) listsMore(r record, at, beginnings, organizations uint32, v *view) bool {
	if beginnings > 0 {
		v.Spend(v.idsWork * bits.Len32(beginnings))
		for _, id := range v.request.Principal.IDs {
			if b.hasBeginning(at, beginnings, id, v) {
				return true
			}
		}
		at += beginWords * beginnings
	}
	v.Spend(2 * int(organizations))
	for end := at + beginWords*organizations; at < end; at += beginWords {
		if b.beginOrgText(at) == v.org {
			return r.is(flagDeny) != r.is(flagNotPrincipal) || !isToken(v.request)
		}
	}
	return false
}

// sameOrg reports whether a beginning's organization is the caller's, or any.
func (b block) sameOrg(at uint32, v *view) bool {
	return b[at+beginOrgLen] == 0 || b.beginOrgText(at) == v.org
}

// orgOf is the organization to search beginnings for: all of a statement name
// one, or none does (organization policies).
func (b block) orgOf(at uint32, v *view) string {
	if b[at+beginOrgLen] == 0 {
		return ""
	}
	return v.org
}

// less orders by the first text of each pair, then by the second.
func less(a1, a2, b1, b2 string) bool { return a1 < b1 || a1 == b1 && a2 < b2 }

// hasBeginning finds a beginning of id among n prefix-free entries sorted by
// organization and text.
func (b block) hasBeginning(at, n uint32, id string, v *view) bool {
	if n == 1 {
		return b.sameOrg(at, v) && strings.HasPrefix(id, b.beginText(at))
	}
	org := b.orgOf(at, v)
	low, high := uint32(0), n
	for low < high {
		mid := (low + high) / 2
		if e := at + beginWords*mid; less(org, id, b.beginOrgText(e), b.beginText(e)) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low == 0 {
		return false
	}
	e := at + beginWords*(low-1)
	return b.beginOrgText(e) == org && strings.HasPrefix(id, b.beginText(e))
}
