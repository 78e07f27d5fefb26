package lowered

import (
	"cmp"
	"slices"
)

// GrantList is the bindings of an organization, lowered: the input of NewGrants
// (specification 2). A binding refers to the rules of its roles, which bindings
// share, so that its size does not grow with roles x bindings.
type GrantList struct {
	// Scopes are the scopes of rules and bindings, which refer to them by
	// number.
	Scopes []Scope
	// Rules has the rules of each role side by side.
	Rules []Rule
	// Roles are all roles by name, used or not. The spans of a role are its own
	// rules and those of the roles that it includes.
	Roles map[string][]Span
	// Bindings has those with the effect Deny first.
	Bindings  []Binding
	Tree      Tree
	Variables []Variable
}

// NoScope is the number of the scope that always holds.
const NoScope = -1

// Scope says on what a rule or a binding holds. All of its fields have to hold.
type Scope struct {
	// Resources are programs over the text `type:id`, of which one has to
	// match; nil holds on every resource. None of NotResources may match.
	Resources, NotResources []string
	Conditions              []Condition
}

// Rule is one grant: actions x scope.
type Rule struct {
	// Actions are names and Programs are patterns, all folded to lower case. A
	// rule with neither covers nothing.
	Actions, Programs []string
	Scope             int
	// MaxOpenSeconds is the obligation, 0 if there is none.
	MaxOpenSeconds uint64
	// Record is 1 plus the number of the record in Tree that has to grant the
	// action too, and 0 if there is none. Obligations are then the record's.
	Record int
}

// Span is a range of rules: from From to below To.
type Span struct{ From, To int }

// Binding gives rules to principals.
type Binding struct {
	Deny bool
	// Explicit says that its members have an explicit role (specification 2,
	// defaults.memberRoles).
	Explicit bool
	Everyone bool
	// Names are identifiers, `group/NAME` and `token/NAME`. Prefixes are
	// prefixes of identifiers.
	Names, Prefixes []string
	Rules           []Span
	// Scope narrows every rule that the binding refers to.
	Scope int
}

// JoinSpans returns the spans sorted, with those that touch joined. It does not
// change list.
func JoinSpans(list []Span) []Span {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	out := list[:0]
	for _, s := range list {
		switch last := len(out) - 1; {
		case s.From >= s.To:
		case last >= 0 && s.From <= out[last].To:
			out[last].To = max(out[last].To, s.To)
		default:
			out = append(out, s)
		}
	}
	return out
}
