package lowered

import (
	"postern/internal/action"
	"postern/internal/conditionkey"
	"postern/policy"
)

// ActionBits is a set of known actions, by action.ID.
type ActionBits [MaxActions / 64]uint64

// MaxActions is the number of known actions that an ActionBits has room for.
const MaxActions = 256

// Every known action needs a bit; the process does not start without.
func init() {
	if action.Count() > MaxActions {
		panic("lowered: ActionBits is too small for the action table")
	}
}

// Add puts an action into the set.
func (b *ActionBits) Add(id action.ID) { b[id>>6] |= 1 << (id & 63) }

// Has reports whether the set holds the action.
func (b *ActionBits) Has(id action.ID) bool { return b[id>>6]>>(id&63)&1 != 0 }

// Statement is one lowered statement, the index's input. Its patterns are
// programs, made with Program.
type Statement struct {
	Deny bool
	// Document is the number of the statement's document in the unit's list.
	Document int
	Name     string
	Index    int // its place in the document, from 0
	Line     int

	Principals Principals
	Actions    Actions
	// Resources are programs over the text of a resource as specification 1.2
	// writes it.
	Resources   []string
	NotResource bool
	// WholeOrganization says that the resources list the one-character string
	// `*`.
	WholeOrganization bool
	Conditions        []Condition
}

// Principals is the principal dimension of a statement.
type Principals struct {
	// Everyone says that the principals list `*`.
	Everyone bool
	// Not says that the principals are those of NotPrincipal.
	Not bool
	// Exact are identifiers, and Prefix prefixes of identifiers.
	Exact, Prefix []Name
	// Organizations are those of which every caller is meant.
	Organizations []string
}

// Name is an identifier, or a prefix of one, of an organization. Org is "" in
// organization policies, which only callers of one organization are held
// against.
type Name struct{ Org, Text string }

// Actions is the action dimension of a statement.
type Actions struct {
	// Known are the known actions that the statement covers, with aliases and
	// NotAction already applied.
	Known ActionBits
	// Programs are patterns for actions that are not known, folded to lower
	// case. With Not the statement covers the actions that none of them
	// matches.
	Programs []string
	Not      bool
}

// Document is what explanations tell of a document.
type Document struct{ Name, File string }

// Key is a condition key.
type Key struct {
	Kind conditionkey.Kind
	// Name is folded to lower case, except for the kinds Caller, Groups, Claim and
	// Tag. Keys that only the server sets have none, if their kind has one key.
	Name string
}

// String returns the key as policies write it.
func (k Key) String() string { return conditionkey.Text(k.Kind, k.Name) }

// Set is what policy.KeySet calls a key by that whoever asks may not see; "" for one
// that is known whatever a request states.
func (k Key) Set() string {
	switch k.Kind {
	case conditionkey.Caller:
		return k.Name
	case conditionkey.Claim:
		return "oidc:"
	case conditionkey.SubjectProperty:
		return "subject."
	case conditionkey.ResourceProperty:
		return "resource."
	case conditionkey.ActionProperty:
		return "action."
	}
	return ""
}

// Condition is one lowered operator with one key.
type Condition struct {
	Operator Operator
	Key      Key
	Values   []Value
}

// Operator is policy.Operator with its family and whether it is negated.
type Operator struct {
	Compare                           Comparison
	Negated, IfExists, ForAll, ForAny bool
	// Test is what policies write, for explanations, and TestNone for a
	// condition that stands in no Condition block.
	Test policy.Test
}

// Value is one lowered value of a condition. The ValueKind of the comparison
// says which fields a value has and what they mean.
type Value struct {
	Text string
	A, B uint64
	// Bits is the prefix length of an IP range, and Is4 says that it is IPv4.
	Bits uint8
	Is4  bool
}

// Variable is a policy variable.
type Variable struct {
	Key        Key
	Default    string
	HasDefault bool
}

// String returns the variable as policies write it.
func (x *Variable) String() string {
	if x.HasDefault {
		return "${" + x.Key.String() + ", '" + x.Default + "'}"
	}
	return "${" + x.Key.String() + "}"
}
