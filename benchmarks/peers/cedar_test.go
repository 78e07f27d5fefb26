package peers

import (
	"iter"
	"strconv"
	"testing"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"

	"postern/policy"
)

const cedarExpandActions = true

func cedarPolicies(w *world, add func(id string, p *cedar.Policy)) {
	for i := range w.statements {
		s := &w.statements[i]
		effect := ast.Permit
		if s.deny {
			effect = ast.Forbid
		}
		for _, id := range s.ids {
			if cedarExpandActions {
				for _, a := range s.patterns {
					p := effect().
						PrincipalEq(types.NewEntityUID("User", types.String(id))).
						ActionEq(types.NewEntityUID("Action", types.String(a))).
						ResourceIn(types.NewEntityUID("Prefix", types.String(s.prefix)))
					add(id, cedar.NewPolicyFromAST(p))
				}
				continue
			}
			acts := make([]types.EntityUID, len(s.patterns))
			for j, a := range s.patterns {
				acts[j] = types.NewEntityUID("Action", types.String(a))
			}
			p := effect().PrincipalEq(types.NewEntityUID("User", types.String(id))).
				ActionInSet(acts...).
				ResourceIn(types.NewEntityUID("Prefix", types.String(s.prefix)))
			add(id, cedar.NewPolicyFromAST(p))
		}
	}
}

func cedarRequests(w *world) (types.EntityMap, []cedar.Request) {
	entities := types.EntityMap{}
	requests := make([]cedar.Request, len(w.questions))
	for i := range w.questions {
		r := &w.questions[i].Request
		object := types.NewEntityUID("Object", types.String(r.Resource.ID))
		var parents []types.EntityUID
		for _, p := range prefixes(r.Resource.ID) {
			parents = append(parents, types.NewEntityUID("Prefix", types.String(p)))
		}
		entities[object] = types.Entity{UID: object, Parents: types.NewEntityUIDSet(parents...)}
		requests[i] = cedar.Request{
			Principal: types.NewEntityUID("User", types.String(r.Principal.IDs[0])),
			Action:    types.NewEntityUID("Action", types.String(r.Action)),
			Resource:  object,
		}
	}
	return entities, requests
}

func cedarOutcome(d cedar.Decision, why *cedar.Diagnostic) policy.Outcome {
	if len(why.Errors) > 0 {
		panic(why.Errors[0].Message)
	}
	switch {
	case d == cedar.Allow:
		return policy.Allow
	case len(why.Reasons) > 0:
		return policy.ExplicitDeny
	}
	return policy.ImplicitDeny
}

type cedarSlice struct {
	ids []cedar.PolicyID
	ps  []*cedar.Policy
}

func (c *cedarSlice) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for i, p := range c.ps {
			if !yield(c.ids[i], p) {
				return
			}
		}
	}
}

func cedarByPrincipal(tb testing.TB, w *world) decider {
	sets := map[types.EntityUID]*cedarSlice{}
	n := 0
	cedarPolicies(w, func(id string, p *cedar.Policy) {
		uid := types.NewEntityUID("User", types.String(id))
		c := sets[uid]
		if c == nil {
			c = &cedarSlice{}
			sets[uid] = c
		}
		n++
		c.ids = append(c.ids, cedar.PolicyID("policy"+strconv.Itoa(n)))
		c.ps = append(c.ps, p)
	})
	empty := &cedarSlice{}
	entities, requests := cedarRequests(w)
	return func(i int) policy.Outcome {
		c := sets[requests[i].Principal]
		if c == nil {
			c = empty
		}
		d, why := cedar.Authorize(c, entities, requests[i])
		return cedarOutcome(d, &why)
	}
}

func cedarWhole(tb testing.TB, w *world) decider {
	set := cedar.NewPolicySet()
	n := 0
	cedarPolicies(w, func(_ string, p *cedar.Policy) {
		n++
		set.Add(cedar.PolicyID("policy"+strconv.Itoa(n)), p)
	})
	entities, requests := cedarRequests(w)
	return func(i int) policy.Outcome {
		d, why := cedar.Authorize(set, entities, requests[i])
		return cedarOutcome(d, &why)
	}
}
