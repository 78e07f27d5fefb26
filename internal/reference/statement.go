package reference

import (
	"cmp"
	"slices"

	"postern/internal/action"
	"postern/policy"
)

// layer asks the documents of one layer together, and returns the satisfied
// statements (1.1): those "whose principals, actions, resources and conditions
// all hold for the request".
//
// Of an action that needs others beside it "a Deny of either denies, and both
// must be allowed" (1.2): the layer is asked about each, and where one has no
// Allow there is none.
func (q *question) layer(layer policy.Layer, documents []*policy.Document) (allows, denies []policy.StatementRef) {
	each := true
	q.eachAction(func() {
		before := len(allows)
		for _, d := range documents {
			allows = append(allows, q.filter(layer, d, policy.EffectAllow, q.principalsHold)...)
			denies = append(denies, q.filter(layer, d, policy.EffectDeny, q.principalsHold)...)
		}
		each = each && len(allows) > before
	})
	if !each {
		allows = nil
	}
	return once(allows), once(denies)
}

// layerForEveryone returns the satisfied Denies of a layer for a caller of
// another organization: "Denies whose principals contain the string *" (1.3),
// and of those every caller is meant.
func (q *question) layerForEveryone(layer policy.Layer, documents []*policy.Document) (denies []policy.StatementRef) {
	q.eachAction(func() {
		for _, d := range documents {
			denies = append(denies, q.filter(layer, d, policy.EffectDeny, namesEveryone)...)
		}
	})
	return once(denies)
}

// eachAction does something with each of the actions that the request asks for
// at hand.
func (q *question) eachAction(do func()) {
	for _, name := range neededActions(q.request.Action) {
		q.action = name
		do()
	}
	q.action = q.request.Action
}

// once drops statements that stand in a list already, and keeps the order.
func once(refs []policy.StatementRef) []policy.StatementRef {
	var out []policy.StatementRef
	for _, r := range refs {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
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
	if action.ClassOf(q.action).WholeOrganization() {
		return !s.NotResource && slices.Contains(s.Resources, "*")
	}
	// 1.2: "An object operation that is asked on a bucket meets every Deny
	// whose resources can match one of the bucket's objects; an Allow of it
	// must cover the resource as asked." So a Deny's Resource holds for the
	// bucket as asked and for any of its objects, and its NotResource exempts
	// the request where it has all of them.
	objects := s.Effect == policy.EffectDeny && q.aboutObjects()
	// 7, Keys: "a policy variable of such a key matches in a Deny and not in an
	// Allow, in Resource, NotResource and values": where it would make a Deny hold.
	unseen := s.Effect == policy.EffectDeny && !s.NotResource
	matches := false
	for _, text := range s.Resources {
		p, ok := q.readPattern(text, d.Variables, unseen)
		switch {
		case !ok:
			// 1.7: "A variable without a value makes its pattern match
			// nothing: ... a Deny's NotResource excludes nothing by it; an
			// Allow with it in NotResource is not satisfied".
			if s.NotResource && s.Effect == policy.EffectAllow {
				return false
			}
		case objects && s.NotResource:
			matches = matches || p.matchesAllBehind(q.bucket+"/")
		case objects:
			matches = matches || p.matches(q.request.Resource.ID) || p.matchesSomeBehind(q.bucket+"/")
		default:
			matches = matches || p.matches(q.request.Resource.ID)
		}
	}
	return matches != s.NotResource
}
