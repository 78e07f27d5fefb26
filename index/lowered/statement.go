package lowered

import (
	"postern/internal/action"
	"postern/policy"
)

// ActionBits is a set of known actions, by action.ID.
type ActionBits [MaxActions / 64]uint64

// MaxActions is the number of known actions that there is room for.
const MaxActions = 256

// There must be a bit for every known action; init fails when there is not.
func init() {
	if action.Count() > MaxActions {
		panic("lowered: ActionBits is too small for the action table")
	}
}

// Add puts an action into the set.
func (b *ActionBits) Add(id action.ID) { b[id>>6] |= 1 << (id & 63) }

// Has reports whether the set holds the action.
func (b *ActionBits) Has(id action.ID) bool { return b[id>>6]>>(id&63)&1 != 0 }

// Statement is one lowered statement, the compiler's input to index.New.
// Programs are patterns, made with Program.
type Statement struct {
	Deny bool
	// Document numbers the statement's document in the list given to index.New.
	Document int
	Name     string
	Index    int // place in the document, from 0
	Line     int

	Principals Principals
	Actions    Actions
	// Resources are programs over page 1's resource text.
	Resources   []string
	NotResource bool
	// WholeOrganization: the resources list the one-character string `*`.
	WholeOrganization bool
	Conditions        []Condition
}

// Principals is the principal dimension of a statement.
type Principals struct {
	// Everyone holds for every caller.
	Everyone bool
	// Not inverts the dimension.
	Not bool
	// Exact and Prefix are identifiers and beginnings of identifiers.
	Exact, Prefix []Name
	// Organizations hold for every caller of them.
	Organizations []string
}

// Name is an identifier, or the beginning of one, of an organization; Org ""
// is any organization (organization policies, asked for their own callers only).
type Name struct{ Org, Text string }

// Actions is the action dimension of a statement.
type Actions struct {
	// Known holds exactly the known actions that the statement covers, with
	// aliases and NotAction applied.
	Known ActionBits
	// Programs cover actions that no table knows, folded to lower case; Not
	// inverts them.
	Programs []string
	Not      bool
}

// Document is what explanations say of a document.
type Document struct{ Name, File string }

// KeyKind tells where the value of a condition key comes from.
type KeyKind uint8

// The kinds of condition key (specification 1.7, Keys that the server sets).
const (
	KeyContext KeyKind = iota
	KeyPrincipalOrg
	KeyResourceOrg
	KeyGroups           // iam:ORG:groups: Org
	KeyClaim            // oidc:ORG:CLAIM: Name is ORG:CLAIM
	KeySubjectProperty  // subject.X: Name is X
	KeyResourceProperty // resource.X
	KeyActionProperty   // action.X
	KeyCurrentTime
	KeyEpochTime
	KeySubjectType // of the caller's first identifier
	KeySubjectID
	KeyResourceType
	KeyResourceID
	KeyActionName
	KeyPrincipalArn
	KeyPrincipalAccount
	KeyUsername
	KeyTag      // a tag of the resource, in the iam layer: Name is its key, not folded
	KeyResource // the resource in the iam layer: its text, or that of its uid
)

// Key is a condition key.
type Key struct {
	Kind KeyKind
	// Name is folded to lower case but for KeyContext, KeyGroups, KeyClaim and
	// KeyTag. Keys that only the server sets need none.
	Name string
}

// Condition is one lowered operator with one key.
type Condition struct {
	Operator Operator
	Key      Key
	Values   []Value
}

// Operator is policy.Operator with its family and sign.
type Operator struct {
	Compare                           Comparison
	Negated, IfExists, ForAll, ForAny bool
	// Test is how policies write it, for explanations; TestNone for what no
	// Condition block wrote.
	Test policy.Test
}

// Comparison is how one value of a request is compared with one of a policy.
type Comparison uint8

// The comparisons.
const (
	CompareText Comparison = iota
	CompareTextFold
	CompareLike
	CompareArn
	CompareNumberEqual
	CompareNumberLess
	CompareNumberLessEqual
	CompareNumberGreater
	CompareNumberGreaterEqual
	CompareDateEqual
	CompareDateLess
	CompareDateLessEqual
	CompareDateGreater
	CompareDateGreaterEqual
	CompareBool
	CompareBinary
	CompareIP
	CompareNull
)

// Value is one lowered value of a condition: a program for the comparisons of
// text (CompareText and CompareTextFold have variables, but no wildcards), the
// text for CompareBinary, and numbers for the rest.
type Value struct {
	Text string
	// A and B hold: a double's bits in A; an instant's seconds in A and
	// nanoseconds in B; a boolean in A; an address in A (high) and B (low).
	A, B uint64
	// Bits is the length of an IP range, Is4 its family.
	Bits uint8
	Is4  bool
}

// Variable is a policy variable.
type Variable struct {
	Key        Key
	Default    string
	HasDefault bool
}
