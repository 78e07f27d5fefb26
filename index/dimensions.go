package index

import (
	"cmp"
	"strings"
)

// resourceHolds reports whether the statement's resources hold.
func (p *Policies) resourceHolds(s *statement, v *view) bool {
	if v.whole {
		return s.is(flagWhole)
	}
	at := s.patterns
	if p.holdsText(at, s.exactPatterns, v.text) {
		return !s.is(flagNotResource)
	}
	at += s.exactPatterns
	if p.holdsBeginning(at, s.prefixPatterns, v.text) {
		return !s.is(flagNotResource)
	}
	at += s.prefixPatterns
	unsure := false
	for _, r := range p.resources[at : at+s.globPatterns] {
		switch p.match(p.str(r), v.text, v) {
		case matches:
			return !s.is(flagNotResource)
		case missing:
			unsure = true
		}
	}
	if !s.is(flagNotResource) {
		return false
	}
	// A variable without a value excludes nothing from a Deny, and an Allow is
	// not satisfied (specification 1.7).
	return s.is(flagDeny) || !unsure
}

// holdsText finds text among n sorted ones.
func (p *Policies) holdsText(at, n uint32, text string) bool {
	i := p.after(at, n, text)
	return i > at && p.str(p.resources[i-1]) == text
}

// holdsBeginning finds a beginning of text among n sorted, prefix-free ones.
func (p *Policies) holdsBeginning(at, n uint32, text string) bool {
	i := p.after(at, n, text)
	return i > at && strings.HasPrefix(text, p.str(p.resources[i-1]))
}

// after returns the place of the first of n sorted texts that is greater.
func (p *Policies) after(at, n uint32, text string) uint32 {
	low, high := at, at+n
	for low < high {
		if mid := (low + high) / 2; p.str(p.resources[mid]) <= text {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// principalHolds reports whether the statement's principals hold.
func (p *Policies) principalHolds(s *statement, v *view) bool {
	if v.denyOnly {
		return s.is(flagEveryone)
	}
	return p.listed(s, v) != s.is(flagNotPrincipal)
}

// listed reports whether the statement lists the caller.
func (p *Policies) listed(s *statement, v *view) bool {
	if s.is(flagEveryone) {
		return true
	}
	names := p.principals[s.names : s.names+s.exact]
	if len(names) <= 8 {
		for i := range names {
			n := &names[i]
			for j, id := range v.request.Principal.IDs {
				if n.hash == v.hashes[j] && p.str(n.text) == id && p.sameOrg(n, v) {
					return true
				}
			}
		}
	} else {
		for j, id := range v.request.Principal.IDs {
			if p.searchName(names, v.hashes[j], id, v) {
				return true
			}
		}
	}
	if s.prefixes|s.organizations == 0 {
		return false
	}
	names = p.principals[s.names+s.exact:][:s.prefixes]
	if len(names) > 0 {
		for _, id := range v.request.Principal.IDs {
			if p.searchBeginning(names, id, v) {
				return true
			}
		}
	}
	names = p.principals[s.names+s.exact+s.prefixes:][:s.organizations]
	for i := range names {
		if p.str(names[i].org) == v.org {
			return true
		}
	}
	return false
}

func (p *Policies) sameOrg(n *principalName, v *view) bool {
	return n.any || p.str(n.org) == v.org
}

// orgOf is the organization to search names for: all names of a statement
// have one, or none has (organization policies).
func orgOf(names []principalName, v *view) string {
	if names[0].any {
		return ""
	}
	return v.org
}

// searchName finds an identifier among names sorted by hash, text and organization.
func (p *Policies) searchName(names []principalName, hash uint32, id string, v *view) bool {
	org := orgOf(names, v)
	low, high := 0, len(names)
	for low < high {
		mid := int(uint(low+high) >> 1)
		n := &names[mid]
		if c := cmp.Compare(n.hash, hash); c < 0 || c == 0 && less(p.str(n.text), p.str(n.org), id, org) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(names) {
		return false
	}
	n := &names[low]
	return n.hash == hash && p.str(n.text) == id && p.str(n.org) == org
}

// less orders by the first text of each pair, then by the second.
func less(a1, a2, b1, b2 string) bool { return a1 < b1 || a1 == b1 && a2 < b2 }

// searchBeginning finds a beginning of id among prefix-free ones sorted by
// organization and text.
func (p *Policies) searchBeginning(names []principalName, id string, v *view) bool {
	org := orgOf(names, v)
	low, high := 0, len(names)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if n := &names[mid]; less(org, id, p.str(n.org), p.str(n.text)) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low == 0 {
		return false
	}
	n := &names[low-1]
	return p.str(n.org) == org && strings.HasPrefix(id, p.str(n.text))
}
