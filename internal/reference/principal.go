package reference

import (
	"slices"
	"strings"

	"postern/policy"
)

// principalsHold tells whether a statement speaks about the caller (1.4, 1.5).
func (q *question) principalsHold(s *policy.Statement) bool {
	if !s.NotPrincipal {
		for _, p := range s.Principals {
			if q.names(p) && (s.Effect == policy.EffectDeny || !q.isOrganizationOfToken(p)) {
				return true
			}
		}
		return false
	}
	// 1.5: "NotPrincipal stands with Deny only (with Allow it would admit
	// everyone else: an error). It exempts a caller when any of its
	// identifiers is listed."
	if s.Effect != policy.EffectDeny {
		return false
	}
	for _, p := range s.Principals {
		// "In it root and ORG name the account, not its callers, and exempt
		// nobody".
		if p.Kind != policy.PrincipalAccount && q.names(p) && !q.isOrganizationOfToken(p) {
			return false
		}
	}
	return true
}

// isOrganizationOfToken tells whether a principal pattern is an organization,
// and the caller a token. 1.5 says of it "every caller of that organization",
// 2 of tokens that "only * can match" one: where listing the caller would allow
// something, or exempt it from a Deny, it is not listed.
func (q *question) isOrganizationOfToken(p policy.PrincipalPattern) bool {
	organization := p.Kind == policy.PrincipalOrganization || p.Kind == policy.PrincipalAccount
	return organization && strings.HasPrefix(q.request.Principal.IDs[0], tokenPrefix)
}

// names tells whether a principal pattern names the caller. Every identifier
// of the caller counts (1.2), compared byte for byte.
func (q *question) names(p policy.PrincipalPattern) bool {
	// In an organization policy the only organization is its own, which is the
	// caller's (1.3); in a bucket policy the ARN has to name the caller's.
	sameOrganization := p.Org == "" || p.Org == q.caller
	ids := q.request.Principal.IDs
	switch p.Kind {
	case policy.PrincipalEveryone:
		return true
	case policy.PrincipalOrganization, policy.PrincipalAccount:
		return p.Org == q.caller
	case policy.PrincipalExact:
		return sameOrganization && slices.Contains(ids, p.Name)
	case policy.PrincipalPrefix:
		return sameOrganization && slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, p.Name) })
	case policy.PrincipalNobody:
		return false // 1.5: "this entry matches nobody"
	}
	return false
}

// namesEveryone tells whether a statement's "principals contain the string *"
// (1.3).
func namesEveryone(s *policy.Statement) bool {
	return !s.NotPrincipal && slices.ContainsFunc(s.Principals, func(p policy.PrincipalPattern) bool {
		return p.Kind == policy.PrincipalEveryone
	})
}
