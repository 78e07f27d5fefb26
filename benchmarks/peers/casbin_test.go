package peers

import (
	"testing"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"postern/policy"
)

const casbinModel = `
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act, eft

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = r.sub == p.sub && r.act == p.act && keyMatch(r.obj, p.obj)
`

func casbinRules(s *statement, id string) [][]string {
	var out [][]string
	eft := "allow"
	if s.deny {
		eft = "deny"
	}
	for _, a := range s.patterns {
		out = append(out, []string{id, s.prefix + "*", a, eft})
	}
	return out
}

func casbinEnforcer(tb testing.TB, rules [][]string) *casbin.Enforcer {
	tb.Helper()
	m, err := model.NewModelFromString(casbinModel)
	if err != nil {
		tb.Fatal(err)
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		tb.Fatal(err)
	}
	if ok, err := e.AddPoliciesEx(rules); err != nil || !ok {
		tb.Fatal(ok, err)
	}
	return e
}

func casbinRequests(w *world) [][]any {
	out := make([][]any, len(w.questions))
	for i := range w.questions {
		r := &w.questions[i].Request
		out[i] = []any{r.Principal.IDs[0], r.Resource.ID, r.Action}
	}
	return out
}

func casbinAnswer(ok bool, err error) policy.Outcome {
	if err != nil {
		panic(err)
	}
	if ok {
		return policy.Allow
	}
	return policy.ImplicitDeny
}

func casbinByUser(tb testing.TB, w *world) decider {
	lists := map[string][][]string{}
	for i := range w.statements {
		for _, id := range w.statements[i].ids {
			lists[id] = append(lists[id], casbinRules(&w.statements[i], id)...)
		}
	}
	enforcers := map[string]*casbin.Enforcer{}
	for id, rules := range lists {
		enforcers[id] = casbinEnforcer(tb, rules)
	}
	requests := casbinRequests(w)
	return func(i int) policy.Outcome {
		e := enforcers[requests[i][0].(string)]
		if e == nil {
			return policy.ImplicitDeny
		}
		return casbinAnswer(e.Enforce(requests[i]...))
	}
}

func casbinAll(w *world) [][]string {
	var rules [][]string
	for i := range w.statements {
		for _, id := range w.statements[i].ids {
			rules = append(rules, casbinRules(&w.statements[i], id)...)
		}
	}
	return rules
}

func casbinWhole(tb testing.TB, w *world) decider {
	e := casbinEnforcer(tb, casbinAll(w))
	requests := casbinRequests(w)
	return func(i int) policy.Outcome { return casbinAnswer(e.Enforce(requests[i]...)) }
}

func casbinCached(tb testing.TB, w *world) decider {
	m, err := model.NewModelFromString(casbinModel)
	if err != nil {
		tb.Fatal(err)
	}
	e, err := casbin.NewCachedEnforcer(m)
	if err != nil {
		tb.Fatal(err)
	}
	if ok, err := e.AddPoliciesEx(casbinAll(w)); err != nil || !ok {
		tb.Fatal(ok, err)
	}
	requests := casbinRequests(w)
	return func(i int) policy.Outcome { return casbinAnswer(e.Enforce(requests[i]...)) }
}
