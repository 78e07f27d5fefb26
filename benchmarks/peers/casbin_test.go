package peers

import (
	"strings"
	"testing"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	"github.com/casbin/casbin/v2/persist/cache"

	"postern/policy"
)

// casbinModel has a rule for each statement, whose identifiers and actions are
// lists, and a function `listed` that looks into a list. The matcher begins
// with what fails most often. Of the ways tried this is the fastest: rules of
// one identifier and one action each need four times as many, and Casbin looks
// at every rule.
const casbinModel = `
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act, eft

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = keyMatch(r.obj, p.obj) && listed(r.sub, p.sub) && listed(r.act, p.act)
`

// listed implements the function of the model: one of those that its first
// argument joins with `|` is one of those that the second does.
func listed(arguments ...any) (any, error) {
	ours := arguments[0].(string)
	for more := true; more; {
		var one string
		one, ours, more = strings.Cut(ours, "|")
		theirs := arguments[1].(string)
		for more := true; more; {
			var other string
			if other, theirs, more = strings.Cut(theirs, "|"); one == other {
				return true, nil
			}
		}
	}
	return false, nil
}

// casbinRule is a statement's rule.
func casbinRule(s *statement) []string {
	effect := "allow"
	if s.deny {
		effect = "deny"
	}
	ids := everyone
	if len(s.ids) > 0 {
		ids = strings.Join(s.ids, "|")
	}
	return []string{ids, s.prefix + "*", strings.Join(s.actions, "|"), effect}
}

// casbinLoad gives an enforcer its function and rules. Two equal statements
// are one rule.
func casbinLoad(tb testing.TB, e *casbin.Enforcer, rules [][]string) {
	tb.Helper()
	e.AddFunction("listed", listed)
	if _, err := e.AddPoliciesEx(rules); err != nil {
		tb.Fatal(err)
	}
}

// casbinNewModel reads the model.
func casbinNewModel(tb testing.TB) model.Model {
	tb.Helper()
	m, err := model.NewModelFromString(casbinModel)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// casbinRequests are the arguments of Enforce.
func casbinRequests(w *world) [][]any {
	out := make([][]any, len(w.questions))
	for i, ids := range w.callers() {
		r := &w.questions[i].Request
		out[i] = []any{strings.Join(ids, "|"), r.Resource.ID, r.Action}
	}
	return out
}

// casbinAnswer reads an answer of Enforce.
func casbinAnswer(yes bool, err error) policy.Outcome {
	if err != nil {
		panic(err)
	}
	return allow(yes)
}

// casbinByBucket is an enforcer a bucket: Casbin's documentation recommends to
// shard, so that an enforcer loads the rules of some tenants only
// (casbin.org/docs/performance).
func casbinByBucket(tb testing.TB, w *world) decider {
	m := casbinNewModel(tb)
	enforcers := map[string]*casbin.Enforcer{}
	for bucket, statements := range byBucket(w) {
		e, err := casbin.NewEnforcer(m.Copy())
		if err != nil {
			tb.Fatal(err)
		}
		var rules [][]string
		for _, s := range statements {
			rules = append(rules, casbinRule(s))
		}
		casbinLoad(tb, e, rules)
		enforcers[bucket] = e
	}
	requests := casbinRequests(w)
	return func(i int) policy.Outcome {
		e := enforcers[bucketOf(w.questions[i].Request.Resource.ID)]
		if e == nil {
			return policy.ImplicitDeny
		}
		return casbinAnswer(e.Enforce(requests[i]...))
	}
}

// casbinAll are the rules of all statements.
func casbinAll(w *world) [][]string {
	rules := make([][]string, len(w.statements))
	for i := range rules {
		rules[i] = casbinRule(&w.statements[i])
	}
	return rules
}

// casbinWhole is one enforcer of all rules.
func casbinWhole(tb testing.TB, w *world) decider {
	e, err := casbin.NewEnforcer(casbinNewModel(tb))
	if err != nil {
		tb.Fatal(err)
	}
	casbinLoad(tb, e, casbinAll(w))
	requests := casbinRequests(w)
	return func(i int) policy.Outcome { return casbinAnswer(e.Enforce(requests[i]...)) }
}

// casbinCached is one enforcer of all rules with Casbin's memory of answers,
// which holds every request's here: what is measured is a look-up of an answer
// already given. The first one costs what casbinWhole does, and so does every
// one after a change of policies. (The answers are taken from casbinByBucket,
// because to ask casbinWhole for all of them takes minutes.)
func casbinCached(tb testing.TB, w *world) decider {
	e, err := casbin.NewCachedEnforcer(casbinNewModel(tb))
	if err != nil {
		tb.Fatal(err)
	}
	casbinLoad(tb, e.Enforcer, casbinAll(w))
	answers, err := cache.NewDefaultCache()
	if err != nil {
		tb.Fatal(err)
	}
	requests, first := casbinRequests(w), casbinByBucket(tb, w)
	for i := range requests {
		key, ok := casbin.GetCacheKey(requests[i]...)
		if !ok {
			tb.Fatalf("%q: no key", requests[i])
		}
		if err := answers.Set(key, first(i) == policy.Allow); err != nil {
			tb.Fatal(err)
		}
	}
	e.SetCache(answers)
	return func(i int) policy.Outcome { return casbinAnswer(e.Enforce(requests[i]...)) }
}
