package lowered

import "postern/policy"

// MemberList is who belongs where in an organization, and what is held without
// a binding: the input of NewMembership. Roles are names in GrantList.Roles.
type MemberList struct {
	// Groups have the members that Binding has; a member `group/NAME` is a
	// group whose members are members too.
	Groups []Group
	Tokens []Token
	// MemberRoles are held by callers without an explicit role.
	MemberRoles []Held
	Issuers     []IssuerRule
}

// Group is a group and who is in it.
type Group struct {
	Name              string
	Everyone          bool
	Names, Beginnings []string
}

// Held are roles held without a binding, and the place that explanations name.
type Held struct {
	Roles []string
	Place policy.StatementRef
}

// Token is policy.Token with roles resolved.
type Token struct {
	Name        string
	Type        policy.TokenType
	Held        Held   // of an organization token
	Group, User string // NAME; `provider/name`
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
