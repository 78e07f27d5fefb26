package lowered

import "postern/policy"

// MemberList is the groups, tokens, issuers and defaults of an organization:
// the input of NewMembership. Roles are keys of GrantList.Roles.
type MemberList struct {
	// Groups have members as bindings have. The members of a group `group/NAME`
	// among them are members too.
	Groups []Group
	Tokens []Token
	// MemberRoles are the roles of callers without an explicit role.
	MemberRoles []Held
	Issuers     []IssuerRule
}

// Group is a group and who is in it.
type Group struct {
	Name            string
	Everyone        bool
	Names, Prefixes []string
}

// Held is roles that are held without a binding, with the position that
// explanations give.
type Held struct {
	Roles []string
	Place policy.StatementRef
}

// Token is policy.Token with roles resolved.
type Token struct {
	Name        string
	Type        policy.TokenType
	Held        Held   // the roles of an organization token
	Group, User string // the group of a team token; the identifier of a personal token's user
	Expires     int64
	HasExpires  bool
}

// IssuerRule is one rule of an issuer.
type IssuerRule struct {
	URL    string
	Deny   bool
	Claims []Claim
	Held   Held
}

// Claim is a claim that has to match a program.
type Claim struct{ Path, Program string }
