package reference

import (
	"slices"
	"strings"

	"postern/policy"
)

// caller is who asks, as the iam layer sees it (2, groups, tokens, issuers).
type caller struct {
	ids []string
	// groups are all of the caller's; named leaves out those that hold it only
	// because they list `*`.
	groups, named []string
	// token is set for a caller `token/NAME`.
	token *policy.Token
	// issuers are the rules whose roles the caller gets by its claims.
	issuers []issuerRule
	// byClaims: its claims are an issuer's. nothing: they earn it no Allow.
	byClaims, nothing bool
}

// issuerRule is a rule and where it stands.
type issuerRule struct {
	document *policy.AccessDocument
	issuer   *policy.Issuer
	index    int
}

const tokenPrefix = "token/"

// nobody reports that the caller is a token that does not exist or has
// expired (2, tokens): "From expires on (RFC 3339, the server's clock only;
// absent: never), or unknown: the caller is anonymous (1.2) in every layer."
// Where iam/ was never good, no token is known.
func (q *question) nobody() bool {
	p := &q.request.Principal
	if !slices.ContainsFunc(p.IDs, func(id string) bool { return strings.HasPrefix(id, tokenPrefix) }) {
		return false
	}
	// "with other identifiers, groups or claims: a bad request".
	if len(p.IDs) > 1 || len(p.Groups) > 0 || p.ClaimsStated {
		return true
	}
	t := q.tokenNamed(strings.TrimPrefix(p.IDs[0], tokenPrefix))
	return t == nil || t.HasExpires && q.request.Now >= t.Expires
}

func (q *question) tokenNamed(name string) *policy.Token {
	for _, d := range q.documents() {
		for i := range d.Tokens {
			if d.Tokens[i].Name == name {
				return &d.Tokens[i]
			}
		}
	}
	return nil
}

// expand finds out who the caller is.
func (a *iam) expand() caller {
	p := &a.request.Principal
	w := caller{ids: p.IDs}
	stated := p.Groups
	if name, ok := strings.CutPrefix(p.IDs[0], tokenPrefix); ok {
		w.token = a.tokenNamed(name)
		switch w.token.Type {
		case policy.TokenTeam:
			// "a caller in that group, with the groups that contain it".
			stated = []string{w.token.Group.Name}
		case policy.TokenPersonal:
			// "everything of the user"; what names the token itself counts too.
			w.ids = append(slices.Clone(p.IDs), w.token.User.Name)
		}
	}
	w.groups = a.groupsOf(w.ids, stated, true)
	w.named = a.groupsOf(w.ids, stated, false)
	a.readClaims(&w)
	return w
}

// groupsOf lists a caller's groups (2): "those that list one of its
// identifiers, those that the request states, and those that contain one of
// these". everyone tells whether a member `*` lists the caller.
func (a *iam) groupsOf(ids, stated []string, everyone bool) []string {
	groups := slices.Clone(stated)
	for grown := true; grown; {
		grown = false
		for _, d := range a.documents {
			for _, g := range d.Groups {
				if !slices.Contains(groups, g.Name) && lists(g.Members, ids, groups, everyone) {
					groups = append(groups, g.Name)
					grown = true
				}
			}
		}
	}
	return groups
}

// lists tells whether members name a caller with these identifiers and groups.
func lists(members []policy.Member, ids, groups []string, everyone bool) bool {
	for _, m := range members {
		switch m.Kind {
		case policy.PrincipalEveryone:
			if everyone {
				return true
			}
		case policy.PrincipalExact:
			if slices.Contains(ids, m.Name) {
				return true
			}
		case policy.PrincipalPrefix:
			if slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, m.Name) }) {
				return true
			}
		case policy.PrincipalGroup:
			if slices.Contains(groups, m.Name) {
				return true
			}
		case policy.PrincipalToken:
			if slices.Contains(ids, tokenPrefix+m.Name) {
				return true
			}
		}
	}
	return false
}

// reached tells whether a binding reaches the caller.
func (a *iam) reached(b *policy.Binding) bool {
	if b.Effect == policy.EffectDeny {
		return lists(b.Members, a.who.ids, a.who.groups, true)
	}
	if a.who.nothing {
		// issuers: "it has nothing in the iam layer, not even *". Denies are
		// not had: they reach it.
		return false
	}
	if a.who.token != nil && a.who.token.Type == policy.TokenOrganization {
		// "Allows to * and the defaults do not reach it, Denies to * do".
		return lists(b.Members, a.who.ids, a.who.named, false)
	}
	return lists(b.Members, a.who.ids, a.who.groups, true)
}

// hasDefaults tells whether defaults.memberRoles hold for the caller (2): they
// "hold for a caller that has no explicit role. A caller has one if an Allow
// binding with roles names it or one of its groups, whether or not that
// binding's condition, selector and resources hold now. Bindings to *, of
// permissionSets or actions, Denies and built-in bindings do not count."
func (a *iam) hasDefaults() bool {
	if a.who.byClaims { // issuers: "It never gets the defaults."
		return false
	}
	if a.who.token != nil && a.who.token.Type == policy.TokenOrganization {
		return false
	}
	for _, d := range a.documents {
		for i := range d.Bindings {
			b := &d.Bindings[i]
			if b.Effect == policy.EffectAllow && len(b.Roles) > 0 && lists(b.Members, a.who.ids, a.who.groups, false) {
				return false
			}
		}
	}
	return true
}

// readClaims asks the issuers (2): "a caller that brings verified claims whose
// iss equals a url gets the roles of the matching Allow rule ... When no Allow
// rule matches, a Deny rule matches, or matching Allows differ in roles, it has
// nothing in the iam layer". An `iss` that is there and is not one scalar might
// be any issuer's: it earns nothing (doc.go).
func (a *iam) readClaims(w *caller) {
	if w.token != nil || !a.request.Principal.ClaimsStated {
		return
	}
	iss := a.claim("iss")
	isStated := func(c policy.Attribute) bool { return c.Key == "iss" }
	hasIssuers := func(d *policy.AccessDocument) bool { return len(d.Issuers) > 0 }
	if len(iss.values) != 1 && slices.ContainsFunc(a.request.Principal.Claims, isStated) && slices.ContainsFunc(a.documents, hasIssuers) {
		w.byClaims, w.nothing = true, true
		return
	}
	var allows []issuerRule
	denied := false
	for _, d := range a.documents {
		for i := range d.Issuers {
			issuer := &d.Issuers[i]
			if len(iss.values) != 1 || iss.values[0] != issuer.URL {
				continue
			}
			w.byClaims = true
			for j, rule := range issuer.Rules {
				if !a.claimsMatch(rule) {
					continue
				}
				if rule.Effect == policy.EffectAllow {
					allows = append(allows, issuerRule{d, issuer, j})
				} else {
					denied = true
				}
			}
		}
	}
	if !w.byClaims {
		return
	}
	for _, r := range allows {
		if !a.haveAll(r, allows[0]) || !a.haveAll(allows[0], r) {
			denied = true
		}
	}
	if denied || len(allows) == 0 {
		w.nothing = true
		return
	}
	w.issuers = allows
}

// haveAll tells whether every role of a rule is one of another's. A record is
// one role, by whichever of its names it is named.
func (a *iam) haveAll(other, rule issuerRule) bool {
	return !slices.ContainsFunc(rule.roles(), func(want policy.Reference) bool {
		return !slices.ContainsFunc(other.roles(), func(have policy.Reference) bool {
			return a.named(have.Name) == a.named(want.Name)
		})
	})
}

func (r issuerRule) roles() []policy.Reference { return r.issuer.Rules[r.index].Roles }

// roleOrRecord is what the name of a role names; nothing, for a name that
// nothing has.
type roleOrRecord struct {
	role   *policy.Role
	record *policy.Record
}

func (a *iam) named(name string) roleOrRecord {
	if r := a.roleNamed(name); r != nil {
		return roleOrRecord{role: r}
	}
	return roleOrRecord{record: a.recordNamed(name)}
}

// claimsMatch: "every listed claim must match (*, and ? for one character; a
// list in the token matches if one element does; an absent claim matches
// nothing)". What cannot be read is false in an Allow and true in a Deny (1.7).
func (a *iam) claimsMatch(rule policy.IssuerRule) bool {
	for _, c := range rule.Claims {
		claim := a.claim(c.Path)
		if claim.unreadable && rule.Effect == policy.EffectDeny {
			continue
		}
		if !slices.ContainsFunc(claim.values, plainPattern(c.Pattern).matches) {
			return false
		}
	}
	return true
}

// claim returns a claim by its path, byte for byte; one that is no scalar and
// no list of scalars is unreadable, and has no value.
func (q *question) claim(path string) found {
	for _, c := range q.request.Principal.Claims {
		if c.Key == path {
			return attribute(c)
		}
	}
	return found{}
}
