package peers

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"postern/policy"
)

const opaModule = `package peers

default allow := false

allow if {
	some prefix in data.statements[input.user].allow[input.action]
	startswith(input.resource, prefix)
	not denied
}

denied if {
	some prefix in data.statements[input.user].deny[input.action]
	startswith(input.resource, prefix)
}
`

func opaInputs(w *world) []ast.Value {
	out := make([]ast.Value, len(w.questions))
	for i := range w.questions {
		r := &w.questions[i].Request
		out[i] = ast.NewObject(
			ast.Item(ast.StringTerm("user"), ast.StringTerm(r.Principal.IDs[0])),
			ast.Item(ast.StringTerm("action"), ast.StringTerm(r.Action)),
			ast.Item(ast.StringTerm("resource"), ast.StringTerm(r.Resource.ID)),
		)
	}
	return out
}

func opaDecider(tb testing.TB, w *world, module string, store storage.Store) decider {
	ctx := context.Background()
	q, err := rego.New(rego.Query("data.peers.allow"), rego.Module("peers.rego", module), rego.Store(store)).PrepareForEval(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	cancel := topdown.NewCancel()
	inputs := opaInputs(w)
	return func(i int) policy.Outcome {
		rs, err := q.Eval(ctx, rego.EvalParsedInput(inputs[i]), rego.EvalTransaction(txn), rego.EvalExternalCancel(cancel))
		if err != nil {
			panic(err)
		}
		if rs.Allowed() {
			return policy.Allow
		}
		return policy.ImplicitDeny
	}
}

func opaData(tb testing.TB, w *world) decider {
	type lists struct{ allow, deny map[string][]*ast.Term }
	users := map[string]*lists{}
	for i := range w.statements {
		s := &w.statements[i]
		for _, id := range s.ids {
			u := users[id]
			if u == nil {
				u = &lists{map[string][]*ast.Term{}, map[string][]*ast.Term{}}
				users[id] = u
			}
			m := u.allow
			if s.deny {
				m = u.deny
			}
			for _, a := range s.actions {
				m[a] = append(m[a], ast.StringTerm(s.prefix))
			}
		}
	}
	obj := func(m map[string][]*ast.Term) *ast.Term {
		o := ast.NewObject()
		for a, l := range m {
			o.Insert(ast.StringTerm(a), ast.ArrayTerm(l...))
		}
		return ast.NewTerm(o)
	}
	all := ast.NewObject()
	for id, u := range users {
		all.Insert(ast.StringTerm(id), ast.ObjectTerm(ast.Item(ast.StringTerm("allow"), obj(u.allow)), ast.Item(ast.StringTerm("deny"), obj(u.deny))))
	}
	data := ast.NewObject(ast.Item(ast.StringTerm("statements"), ast.NewTerm(all)))
	return opaDecider(tb, w, opaModule, inmem.NewFromASTObject(data))
}

func opaSet(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = strconv.Quote(s)
	}
	return "{" + strings.Join(q, ", ") + "}"
}

func opaRules(tb testing.TB, w *world) decider {
	var b strings.Builder
	b.WriteString("package peers\n\ndefault allow := false\n\nallow if {\n\tgranted\n\tnot denied\n}\n\ndefault denied := false\n\n")
	for i := range w.statements {
		s := &w.statements[i]
		name := "granted"
		if s.deny {
			name = "denied"
		}
		b.WriteString(name + " if {\n\tinput.user in " + opaSet(s.ids) + "\n\tinput.action in " + opaSet(s.actions) + "\n\tstartswith(input.resource, " + strconv.Quote(s.prefix) + ")\n}\n\n")
	}
	return opaDecider(tb, w, b.String(), inmem.New())
}
