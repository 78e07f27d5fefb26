package peers

import (
	"iter"
	"slices"
	"strconv"
	"testing"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"

	"postern/policy"
)

// In Cedar an object is `in` each prefix that it lies below, and a statement is
// one policy for each identifier that it names, so that all of it stands in
// the scope: `principal ==`, `action in [...]`, `resource in`. Of the ways
// tried this is the fastest: a `when` clause with `like` costs more, and so do
// more policies of one action each, as each policy is looked at.

// entity names an entity.
func entity(kind, name string) types.EntityUID {
	return types.NewEntityUID(types.EntityType(kind), types.String(name))
}

// cedarPolicies are a statement's policies. Where callers have several
// identifiers, the caller is `in` each of them.
func cedarPolicies(w *world, s *statement) []*cedar.Policy {
	policy := func() *ast.Policy {
		p := ast.Permit()
		if s.deny {
			p = ast.Forbid()
		}
		if len(s.patterns) == 1 {
			return p.ActionIn(entity("Action", s.patterns[0])).ResourceIn(entity("Prefix", s.prefix))
		}
		var actions []types.EntityUID
		for _, a := range s.patterns {
			actions = append(actions, entity("Action", a))
		}
		return p.ActionInSet(actions...).ResourceIn(entity("Prefix", s.prefix))
	}
	var out []*cedar.Policy
	for _, id := range s.ids {
		if w.single {
			out = append(out, cedar.NewPolicyFromAST(policy().PrincipalEq(entity("Identifier", id))))
		} else {
			out = append(out, cedar.NewPolicyFromAST(policy().PrincipalIn(entity("Identifier", id))))
		}
	}
	if len(s.ids) == 0 {
		out = append(out, cedar.NewPolicyFromAST(policy()))
	}
	return out
}

// cedarList is policies in a row: Authorize goes through whatever it is given
// (cedar-go pull request 85), and a map, which PolicySet is, takes longer to
// go through.
type cedarList struct {
	ids      []cedar.PolicyID
	policies []*cedar.Policy
}

func (l *cedarList) add(policies []*cedar.Policy) {
	for _, p := range policies {
		l.ids = append(l.ids, cedar.PolicyID("policy"+strconv.Itoa(len(l.ids))))
		l.policies = append(l.policies, p)
	}
}

// All implements cedar.PolicyIterator.
func (l *cedarList) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for i, p := range l.policies {
			if !yield(l.ids[i], p) {
				return
			}
		}
	}
}

// cedarRequests are the requests and their entities; an application would have
// to make those on each request. Actions are in the patterns that match them.
func cedarRequests(w *world) ([]cedar.Request, types.EntityMap) {
	requests, entities := make([]cedar.Request, len(w.questions)), types.EntityMap{}
	put := func(e types.EntityUID, above []types.EntityUID) {
		entities[e] = types.Entity{UID: e, Parents: types.NewEntityUIDSet(above...)}
	}
	patterns := map[string][]types.EntityUID{}
	for i := range w.statements {
		for _, p := range w.statements[i].patterns {
			for _, a := range w.actions {
				if above := entity("Action", p); p != a && matches(p, a) && !slices.Contains(patterns[a], above) {
					patterns[a] = append(patterns[a], above)
				}
			}
		}
	}
	for a, above := range patterns {
		put(entity("Action", a), above)
	}
	for i := range w.questions {
		r := &w.questions[i].Request
		object, caller := entity("Object", r.Resource.ID), entity("Identifier", r.Principal.IDs[0])
		var above []types.EntityUID
		for j, c := range r.Resource.ID {
			if c == '/' {
				above = append(above, entity("Prefix", r.Resource.ID[:j+1]))
			}
		}
		put(object, above)
		if !w.single {
			caller = entity("Caller", strconv.Itoa(i))
			var ids []types.EntityUID
			for _, id := range r.Principal.IDs {
				ids = append(ids, entity("Identifier", id))
			}
			put(caller, ids)
		}
		requests[i] = cedar.Request{Principal: caller, Action: entity("Action", r.Action), Resource: object}
	}
	return requests, entities
}

// cedarOutcome reads an answer; a denial with reasons is a Deny's.
func cedarOutcome(d cedar.Decision, why cedar.Diagnostic) policy.Outcome {
	switch {
	case len(why.Errors) > 0:
		panic(why.Errors[0].String())
	case d == cedar.Allow:
		return policy.Allow
	case len(why.Reasons) > 0:
		return policy.ExplicitDeny
	}
	return policy.ImplicitDeny
}

// cedarByBucket hands Authorize the policies of the request's bucket only. Its
// documentation recommends scopes that name principal and resource so that the
// application can look policies up by them
// (docs.cedarpolicy.com, bestpractices/bp-populate-policy-scope).
func cedarByBucket(_ testing.TB, w *world) decider {
	lists := map[string]*cedarList{}
	for bucket, statements := range byBucket(w) {
		lists[bucket] = &cedarList{}
		for _, s := range statements {
			lists[bucket].add(cedarPolicies(w, s))
		}
	}
	none := &cedarList{}
	requests, entities := cedarRequests(w)
	return func(i int) policy.Outcome {
		list := lists[bucketOf(w.questions[i].Request.Resource.ID)]
		if list == nil {
			list = none
		}
		return cedarOutcome(cedar.Authorize(list, entities, requests[i]))
	}
}

// cedarWhole hands Authorize one set of all policies, as the README of
// cedar-go does.
func cedarWhole(_ testing.TB, w *world) decider {
	set := cedar.NewPolicySet()
	for i := range w.statements {
		for j, p := range cedarPolicies(w, &w.statements[i]) {
			set.Add(cedar.PolicyID("policy"+strconv.Itoa(i)+"-"+strconv.Itoa(j)), p)
		}
	}
	requests, entities := cedarRequests(w)
	return func(i int) policy.Outcome { return cedarOutcome(cedar.Authorize(set, entities, requests[i])) }
}
