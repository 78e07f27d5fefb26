package peers

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"postern/policy"
)

// opaSingle asks data that is keyed by identifier and action: objects, as its
// documentation recommends (policy-performance, "Use objects over arrays"), so
// that only the prefixes of this caller's statements about this action are
// looked at. It has no default: undefined is a denial, and costs less.
const opaSingle = `package peers

allow if {
	prefixes := data.statements[input.user][input.action]
	strings.any_prefix_match(input.resource, prefixes.allow)
	not strings.any_prefix_match(input.resource, prefixes.deny)
}
`

// opaSeveral is for callers of several identifiers, everyone's among them. Its
// data is keyed by bucket and action: a walk over the few statements of both
// costs less than a look-up for each identifier.
const opaSeveral = `package peers

allow if {
	some prefix, ids in data.statements[input.bucket][input.action].allow
	startswith(input.resource, prefix)
	some id, _ in ids
	input.ids[id]
	not denied
}

denied if {
	some prefix, ids in data.statements[input.bucket][input.action].deny
	startswith(input.resource, prefix)
	some id, _ in ids
	input.ids[id]
}
`

// opaDecider prepares the question once, and asks with everything made that
// can be made beforehand: the input parsed (EvalParsedInput), one read
// transaction, no metrics, and a cancel of our own, without which Eval starts
// a goroutine a question. The query is native Rego: compiled to Wasm the same
// policy took three to ten times as long.
func opaDecider(tb testing.TB, w *world, module string, store storage.Store) decider {
	tb.Helper()
	ctx := context.Background()
	query, err := rego.New(rego.Query("data.peers.allow"), rego.Module("peers.rego", module), rego.Store(store)).PrepareForEval(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	transaction, err := store.NewTransaction(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	inputs := opaInputs(tb, w)
	cancel, none := topdown.NewCancel(), metrics.NoOp()
	return func(i int) policy.Outcome {
		result, err := query.Eval(ctx, rego.EvalParsedInput(inputs[i]), rego.EvalTransaction(transaction), rego.EvalExternalCancel(cancel), rego.EvalMetrics(none))
		if err != nil {
			panic(err)
		}
		return allow(result.Allowed())
	}
}

// opaInputs are the requests as parsed inputs.
func opaInputs(tb testing.TB, w *world) []ast.Value {
	tb.Helper()
	out := make([]ast.Value, len(w.questions))
	for i, ids := range w.callers() {
		r := &w.questions[i].Request
		input := map[string]any{"action": r.Action, "resource": r.Resource.ID}
		if w.single {
			input["user"] = ids[0]
		} else {
			set := map[string]any{}
			for _, id := range ids {
				set[id] = true
			}
			input["ids"], input["bucket"] = set, bucketOf(r.Resource.ID)
		}
		out[i] = opaValue(tb, input)
	}
	return out
}

// opaValue is data as the evaluator reads it.
func opaValue(tb testing.TB, data any) ast.Value {
	tb.Helper()
	v, err := ast.InterfaceToValue(data)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// opaData is a fixed policy over data; the store holds the data as the
// evaluator reads it (policy-performance, "In-Memory Store Read
// Optimization").
func opaData(tb testing.TB, w *world) decider {
	module := opaSingle
	if !w.single {
		module = opaSeveral
	}
	data := opaValue(tb, map[string]any{"statements": opaStatements(w)})
	return opaDecider(tb, w, module, inmem.NewFromASTObject(data.(ast.Object)))
}

// opaStatements is the data that opaSingle and opaSeveral look statements up
// in.
func opaStatements(w *world) map[string]any {
	statements := map[string]any{}
	for i := range w.statements {
		s := &w.statements[i]
		effect := "allow"
		if s.deny {
			effect = "deny"
		}
		for _, a := range s.actions {
			if !w.single {
				set := below(statements, s.bucket(), a, effect, s.prefix)
				for _, id := range s.ids {
					set[id] = true
				}
				if len(s.ids) == 0 {
					set[everyone] = true
				}
				continue
			}
			for _, id := range s.ids {
				lists := below(statements, id, a)
				if len(lists) == 0 {
					lists["allow"], lists["deny"] = []any{}, []any{}
				}
				lists[effect] = append(lists[effect].([]any), s.prefix)
			}
		}
	}
	return statements
}

// below is the object at the end of a path, made where there is none.
func below(at map[string]any, path ...string) map[string]any {
	for _, key := range path {
		if at[key] == nil {
			at[key] = map[string]any{}
		}
		at = at[key].(map[string]any)
	}
	return at
}

// opaRules is a rule a statement, of conditions that OPA indexes
// (policy-performance, "Use indexed statements"): a membership each for
// identifier and action, and a prefix. It is what partial evaluation would
// make of a policy over data.
func opaRules(tb testing.TB, w *world) decider {
	var b strings.Builder
	b.WriteString("package peers\n\nallow if {\n\tgranted\n\tnot denied\n}\n")
	for i := range w.statements {
		s := &w.statements[i]
		name := "granted"
		if s.deny {
			name = "denied"
		}
		b.WriteString("\n" + name + " if {\n")
		switch {
		case w.single:
			b.WriteString("\tinput.user in {" + quoted(s.ids) + "}\n")
		case len(s.ids) == 1:
			b.WriteString("\tinput.ids[" + strconv.Quote(s.ids[0]) + "]\n")
		case len(s.ids) > 1:
			tb.Fatalf("%q: a rule for callers of several identifiers names one", s.ids)
		}
		b.WriteString("\tinput.action in {" + quoted(s.actions) + "}\n\tstartswith(input.resource, " + strconv.Quote(s.prefix) + ")\n}\n")
	}
	return opaDecider(tb, w, b.String(), inmem.New())
}

// quoted lists strings as Rego writes them.
func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strconv.Quote(s)
	}
	return strings.Join(out, ", ")
}
