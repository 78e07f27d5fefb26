package lowered

import (
	"cmp"
	"slices"
)

// GrantList is what the bindings of an organization give to whom, lowered: the
// input of NewGrants (specification 2). A binding refers to the rules of its
// roles, which all bindings share; so nothing here grows with roles x bindings.
type GrantList struct {
	// Scopes are what rules and bindings hold on; they are numbered.
	Scopes []Scope
	// Rules of one role lie side by side.
	Rules []Rule
	// Roles are all roles by name, used or not, each with its own rules and
	// those of the roles that it includes.
	Roles map[string][]Span
	// Bindings, those with the effect Deny first.
	Bindings  []Binding
	Tree      Tree
	Variables []Variable
}

// NoScope is the number of the scope that always holds.
const NoScope = -1

// Scope narrows what a rule or a binding holds on. All fields have to hold.
type Scope struct {
	// Resources are programs over the text `type:id`, of which one has to
	// match; nil narrows nothing. NotResources exclude.
	Resources, NotResources []string
	Conditions              []Condition
}

// Rule is one grant: actions x scope.
type Rule struct {
	// Actions are names, folded; Programs are patterns, folded. Nil Actions and
	// Programs cover nothing.
	Actions, Programs []string
	Scope             int
	// MaxOpenSeconds is the constraint, 0 if there is none.
	MaxOpenSeconds uint64
	// Record is the number of a record in Tree that has to grant the action
	// too, plus 1; 0 if there is none. It brings its own constraints.
	Record int
}

// Span is the rules from From to below To.
type Span struct{ From, To int }

// Binding gives rules to principals.
type Binding struct {
	Deny bool
	// Explicit: whom it names has an explicit role (specification 2,
	// defaults.memberRoles).
	Explicit bool
	Everyone bool
	// Names are identifiers, `group/NAME` and `token/NAME`; Beginnings those of
	// identifiers.
	Names, Beginnings []string
	Rules             []Span
	// Scope narrows every rule.
	Scope int
}

// JoinSpans sorts spans, and joins those that touch. It leaves list alone.
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
