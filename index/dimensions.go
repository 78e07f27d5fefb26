package index

import (
	"strings"
)

// resourceHolds reports whether the statement's resources hold.
func (p *Policies) resourceHolds(b block, r *record, v *view) bool {
	if v.whole {
		return r.is(flagWhole)
	}
	at := r.patterns()
	exact, prefix, globs := r.what()
	if exact > 0 {
		if i := b.after(at, exact, v.text); i > 0 && b.text(at, i-1) == v.text {
			return !r.is(flagNotResource)
		}
		at += textWords * exact
	}
	if prefix > 0 {
		i := uint32(1)
		if prefix > 1 {
			i = b.after(at, prefix, v.text)
		}
		if i > 0 && strings.HasPrefix(v.text, b.text(at, i-1)) {
			return !r.is(flagNotResource)
		}
		at += textWords * prefix
	}
	unsure := false
	for i := range globs {
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
func (b block) principalHolds(r *record, v *view) bool {
	if v.denyOnly {
		return r.is(flagEveryone)
	}
	return b.lists(r, v) != r.is(flagNotPrincipal)
}

// lists reports whether the statement lists the caller.
func (b block) lists(r *record, v *view) bool {
	if r.is(flagEveryone) {
		return true
	}
	ids := v.request.Principal.IDs
	n, beginnings, organizations := r.who()
	at := r.names
	if n <= 8 {
		for end := at + nameWords*n; at < end; at += nameWords {
			have := b[at+nameHash]
			for j, h := range v.hashes {
				if have == h && b.nameText(at) == ids[j] && b.sameOrg(at, v) {
					return true
				}
			}
		}
	} else {
		for j, id := range ids {
			if b.hasName(at, n, v.hashes[j], id, v) {
				return true
			}
		}
		at += nameWords * n
	}
	if beginnings > 0 {
		for _, id := range ids {
			if b.hasBeginning(at, beginnings, id, v) {
				return true
			}
		}
		at += nameWords * beginnings
	}
	for end := at + nameWords*organizations; at < end; at += nameWords {
		if b.nameOrg(at) == v.org {
			return true
		}
	}
	return false
}

// sameOrg reports whether a principal entry's organization is the caller's, or any.
func (b block) sameOrg(at uint32, v *view) bool {
	return b[at+nameLen]>>nameOrgBits == 0 || b.nameOrg(at) == v.org
}

// orgOf is the organization to search entries for: all entries of a statement
// name one, or none does (organization policies).
func (b block) orgOf(at uint32, v *view) string {
	if b[at+nameLen]>>nameOrgBits == 0 {
		return ""
	}
	return v.org
}

// hasName finds an identifier among n entries sorted by hash, text and
// organization.
func (b block) hasName(at, n, hash uint32, id string, v *view) bool {
	org := b.orgOf(at, v)
	low, high := uint32(0), n
	for low < high {
		mid := (low + high) / 2
		e := at + nameWords*mid
		if h := b[e+nameHash]; h < hash || h == hash && less(b.nameText(e), b.nameOrg(e), id, org) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == n {
		return false
	}
	e := at + nameWords*low
	return b[e+nameHash] == hash && b.nameText(e) == id && b.nameOrg(e) == org
}

// less orders by the first text of each pair, then by the second.
func less(a1, a2, b1, b2 string) bool { return a1 < b1 || a1 == b1 && a2 < b2 }

// hasBeginning finds a beginning of id among n prefix-free entries sorted by
// organization and text.
func (b block) hasBeginning(at, n uint32, id string, v *view) bool {
	if n == 1 {
		return b.sameOrg(at, v) && strings.HasPrefix(id, b.nameText(at))
	}
	org := b.orgOf(at, v)
	low, high := uint32(0), n
	for low < high {
		mid := (low + high) / 2
		if e := at + nameWords*mid; less(org, id, b.nameOrg(e), b.nameText(e)) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low == 0 {
		return false
	}
	e := at + nameWords*(low-1)
	return b.nameOrg(e) == org && strings.HasPrefix(id, b.nameText(e))
}
