package policy

// AccessDocument is the content of one file of iam/ after strict parsing: an
// AccessPolicy document, or Pulumi role records (specification 2). Every rule
// that one file can break on its own has been checked. What only several files
// together can break is left to compile: names used and defined nowhere, names
// defined twice or built in, cycles of includes, groups and records, the
// resource types of included permission sets.
//
// Lists are in the order of the file. Nothing is resolved: a Reference is the
// name as written.
type AccessDocument struct {
	// File is the path below the policy directory, with forward slashes.
	File string
	// Name is `metadata.name`, "" if there is none, and NameAt its position.
	Name   string
	NameAt Position
	// LegacyGroups is `metadata.legacyGroups`: it binds CoreWeave's legacy
	// groups to their roles in the whole organization of this file.
	// LegacyGroupsAt is its position.
	LegacyGroups   bool
	LegacyGroupsAt Position

	PermissionSets []PermissionSet
	Roles          []Role
	Groups         []Group
	Bindings       []Binding
	// MemberRoles is `defaults.memberRoles`; those of all files are united.
	MemberRoles []Reference
	Tokens      []Token
	Issuers     []Issuer
	Entities    []Entity

	// Records are Pulumi's; a file that has them has nothing else.
	Records []Record
}

// Reference is a name of something that may stand in another file, with the
// place where it is used.
type Reference struct {
	Name string
	At   Position
}

// PermissionSet is a named set of actions of one resource type. They hold only
// on resources of that type (specification 2, permissionSets).
type PermissionSet struct {
	Name string
	At   Position // of the name
	// ResourceType is the type of `type:id`, never empty; `organization` for
	// actions on the whole organization.
	ResourceType string
	// Include names other sets of the same type; Actions holds action patterns
	// (see Rule.Actions). One of the two is not empty.
	Include []Reference
	Actions []string
}

// Role is a named list of rules, which are ORed, and the roles that it
// includes. One of the two is not empty.
type Role struct {
	Name    string
	At      Position // of the name
	Include []Reference
	Rules   []Rule
}

// Rule is one grant of a role: (permission sets and actions) x resources x
// selector x conditions (specification 2, roles).
type Rule struct {
	At Position // of the rule's `{`
	// PermissionSets and Actions: one of the two is not empty, both may be.
	PermissionSets []Reference
	// Actions holds action patterns as written: `service:...` with `*` and `?`
	// after the colon, or a name without a colon and without wildcards. Never
	// `*` alone. Compared without regard to ASCII case.
	Actions []string
	// Resources is never empty. NotResources, which may be, excludes.
	Resources    []ResourcePattern
	NotResources []ResourcePattern
	// Selector is nil if there is none.
	Selector   *Selector
	Conditions []Condition
	// MaxOpenSeconds is `constraints.maxOpenSeconds`, 0 if there is none.
	MaxOpenSeconds uint64
}

// ResourcePattern is one entry of `resources` or `notResources`.
type ResourcePattern struct {
	// Type is the literal type in front of the first colon; "" stands for `*`:
	// everything, the whole organization included.
	Type string
	// Pattern is matched with the id of a resource of that type: a pattern of
	// specification 1.6 in which `${` begins a policy variable or an escaped
	// character (1.7). For the type `organization` the request's id `*` counts
	// as the caller's organization.
	Pattern string
	// UID says that the entry is `type:uid:ID`, and Pattern is ID: plain text
	// that the request's `resource.properties.uid` has to equal byte for byte.
	UID bool
	At  Position
}

// String returns the pattern as files spell it.
func (p ResourcePattern) String() string {
	switch {
	case p.Type == "":
		return "*"
	case p.UID:
		return p.Type + ":uid:" + p.Pattern
	}
	return p.Type + ":" + p.Pattern
}

// Selector demands tags of the resource. Unknown tags satisfy no selector of
// an Allow and every selector of a Deny (specification 2, selector).
type Selector struct {
	At Position // of the selector's `{`
	// Requirements all have to hold; never empty. An entry of `matchTags` is
	// TagIn with one value.
	Requirements []TagRequirement
}

// TagRequirement is one demand of a selector, with Kubernetes' meaning. Keys
// and values are compared byte for byte.
type TagRequirement struct {
	Key      string
	Operator TagOperator
	// Values is not empty for TagIn and TagNotIn, and empty for the others.
	Values []string
	At     Position // of the key in matchTags, of the `{` in matchExpressions
}

// TagOperator is how a selector tests one tag.
type TagOperator uint8

// The operators of selectors.
const (
	TagIn           TagOperator = iota + 1 // the tag is there and has one of the values
	TagNotIn                               // the tag is missing or has none of the values
	TagExists                              // the tag is there
	TagDoesNotExist                        // the tag is missing
)

// String returns the operator as files spell it.
func (o TagOperator) String() string {
	switch o {
	case TagIn:
		return "In"
	case TagNotIn:
		return "NotIn"
	case TagExists:
		return "Exists"
	case TagDoesNotExist:
		return "DoesNotExist"
	}
	return "none"
}

// Member is one entry of `members`, of a group or a binding.
type Member struct {
	// PrincipalPattern is of kind PrincipalEveryone, PrincipalExact,
	// PrincipalPrefix, PrincipalGroup or PrincipalToken; Org is "".
	PrincipalPattern
	At Position
}

// Group is a named list of members, which may be groups. Requests state groups
// too, so that a name may be in use without a Group of its own.
type Group struct {
	Name    string
	At      Position // of the name
	Members []Member // may be empty
}

// Binding gives roles, or permission sets and actions, to members.
type Binding struct {
	// ID is "" if the binding has none; IDAt its place.
	ID   string
	IDAt Position
	At   Position // of the binding's `{`
	// Effect is EffectAllow where the file says none.
	Effect Effect
	// Roles stands alone; PermissionSets and Actions may stand together. One of
	// the three is not empty. Names of roles are also ids and names of Pulumi
	// records.
	Roles          []Reference
	PermissionSets []Reference
	Actions        []string // as Rule.Actions
	Members        []Member // never empty
	// Resources, Selector and Conditions narrow every rule that the binding
	// brings. Resources is nil, which narrows nothing, only beside Roles;
	// beside PermissionSets and Actions it is what they are granted on.
	Resources  []ResourcePattern
	Selector   *Selector
	Conditions []Condition
}

// TokenType tells what a token may do (specification 2, tokens).
type TokenType uint8

// The types of token.
const (
	TokenOrganization TokenType = iota + 1 // its own roles
	TokenTeam                              // a caller in a group
	TokenPersonal                          // everything of its user
)

// String returns the type as files spell it.
func (t TokenType) String() string {
	switch t {
	case TokenOrganization:
		return "organization"
	case TokenTeam:
		return "team"
	case TokenPersonal:
		return "personal"
	}
	return "none"
}

// Token is the caller `token/NAME`. It holds no secret.
type Token struct {
	Name string
	At   Position // of the name
	Type TokenType
	// Roles is not empty for TokenOrganization, and empty for the others.
	Roles []Reference
	// Group is the group of a TokenTeam, User the identifier
	// (`provider/name`) of the user of a TokenPersonal.
	Group Reference
	User  Reference
	// Expires is the time, in seconds since 1970 and rounded down, from which
	// on the token is nobody. It means something only if HasExpires.
	Expires    int64
	HasExpires bool
}

// Issuer gives roles to callers by the claims of their token.
type Issuer struct {
	Name string
	At   Position // of the name
	// URL is compared byte for byte with the claim `iss`. Where several
	// issuers have one URL, the rules of all of them count.
	URL   string
	URLAt Position
	Rules []IssuerRule // never empty
}

// IssuerRule is one rule of an issuer.
type IssuerRule struct {
	At     Position // of the rule's `{`
	Effect Effect
	// Roles is not empty for an Allow, and empty for a Deny.
	Roles []Reference
	// Claims all have to match; never empty.
	Claims []ClaimPattern
}

// ClaimPattern demands one claim. A claim that is absent, or that is no scalar
// and no list of scalars, does not match; of a list one element has to.
type ClaimPattern struct {
	// Path is written as the keys of Principal.Claims are.
	Path string
	// Pattern is a pattern of specification 1.6 without variables.
	Pattern string
	At      Position // of the path
}

// Entity states facts about a resource or a principal that hold where a
// request does not state them (specification 2, entities).
type Entity struct {
	At Position // of the name
	// Type and ID name a resource (`type:id`); Type is "" for a principal.
	Type string
	ID   string
	// Principal is the identifier `provider/name` of a principal, `token/NAME`
	// included, and "" for a resource.
	Principal string
	// Properties are the condition keys `resource.X` or `subject.X`, without
	// the prefix; no two are equal after folding, none is Unreadable.
	Properties []Attribute
	// Tags of a resource; TagsKnown tells an empty object from none.
	Tags      []Tag
	TagsKnown bool
}

// Name returns the entity's name as files spell it.
func (e *Entity) Name() string {
	if e.Principal != "" {
		return e.Principal
	}
	return e.Type + ":" + e.ID
}
