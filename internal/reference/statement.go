package reference

import (
	"cmp"
	"slices"

	"postern/internal/action"
	"postern/policy"
)

// satisfied returns the statements of d with the given effect that are
// satisfied (1.1): those "whose principals, actions, resources and conditions
// all hold for the request".
func (q *question) satisfied(layer policy.Layer, d *policy.Document, effect policy.Effect) []policy.StatementRef {
	return q.filter(layer, d, effect, func(s *policy.Statement) bool { return q.principalsHold(s) })
}

// satisfiedForEveryone is satisfied for a caller of another organization:
// "Denies whose principals contain the string *" (1.3), and of those every
// caller is meant.
func (q *question) satisfiedForEveryone(layer policy.Layer, d *policy.Document, effect policy.Effect) []policy.StatementRef {
	return q.filter(layer, d, effect, func(s *policy.Statement) bool { return namesEveryone(s) })
}

func (q *question) filter(layer policy.Layer, d *policy.Document, effect policy.Effect, principals func(*policy.Statement) bool) []policy.StatementRef {
	if d == nil {
		return nil
	}
	var refs []policy.StatementRef
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Effect != effect || !principals(s) || !q.actionsHold(s) || !q.resourcesHold(d, s) || !q.conditionsHold(d, s) {
			continue
		}
		refs = append(refs, policy.StatementRef{
			Document:  d.Name,
			Statement: s.Name,
			Index:     i,
			File:      d.File,
			Line:      s.Line,
			Effect:    s.Effect,
			Layer:     layer,
		})
	}
	return refs
}

// inOrder sorts by layer, file and index, and where an iam document gives one
// index to several things, by line and name.
func inOrder(refs []policy.StatementRef) []policy.StatementRef {
	slices.SortStableFunc(refs, func(a, b policy.StatementRef) int {
		return cmp.Or(
			cmp.Compare(a.Layer, b.Layer),
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Index, b.Index),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Statement, b.Statement),
		)
	})
	return refs
}

// resourcesHold tells whether a statement speaks about the resource asked
// about (1.3, 1.5, 1.6).
func (q *question) resourcesHold(d *policy.Document, s *policy.Statement) bool {
	// 1.3: "On the whole organization a statement's resources hold only if
	// they list the one-character string *, for Denies too."
	if action.ClassOf(q.request.Action).WholeOrganization() {
		return !s.NotResource && slices.Contains(s.Resources, "*")
	}
	matches := false
	for _, text := range s.Resources {
		p, ok := q.readPattern(text, d.Variables)
		if !ok {
			// 1.7: "A variable without a value makes its pattern match
			// nothing: ... a Deny's NotResource excludes nothing by it; an
			// Allow with it in NotResource is not satisfied".
			if s.NotResource && s.Effect == policy.EffectAllow {
				return false
			}
			continue
		}
		if p.matches(q.request.Resource.ID) {
			matches = true
		}
	}
	return matches != s.NotResource
}
