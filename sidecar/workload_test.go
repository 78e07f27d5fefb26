//go:build !race

package sidecar

import (
	"encoding/json"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/policy"
)

// TestEveryWorkloadAllocatesNothing: the plain path through the real handler,
// on requests of every workload, decided as the workload says.
func TestEveryWorkloadAllocatesNothing(t *testing.T) {
	for _, w := range []*policygen.Workload{
		policygen.Users(100, 1), policygen.Groups(1000, 1), policygen.Orgwide(1000, 1), policygen.Wildcards(1000, 1),
		policygen.Buckets(10, 1), policygen.Conditions(10, 1), policygen.Tenants(5, 20, 400, 1), policygen.Field(40, 1), policygen.FieldTenants(60, 1), policygen.Iam(200, 1),
	} {
		snapshot, ds := compile.Compiler{}.Directory(w.Directory, 1)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		var current index.Current
		current.Store(snapshot)
		s := build(t, func(c *Config) { c.Current, c.Now = &current, nil })
		for _, q := range w.Requests(40) {
			ctx := call(t, s, post(pathEvaluation, bodyOf(t, &q.Request)))
			s.handle(ctx) // what grows has grown
			n := testing.AllocsPerRun(20, func() {
				ctx.Response.Reset()
				s.handle(ctx)
			})
			answer := string(ctx.Response.Body())
			if allow := strings.HasPrefix(answer, `{"decision":true`); ctx.Response.StatusCode() != 200 || allow != (q.Want == policy.Allow) {
				t.Fatalf("%s: %d %s to %s, want %v", w.Name, ctx.Response.StatusCode(), answer, ctx.Request.Body(), q.Want)
			}
			if n != 0 {
				t.Errorf("%s: %v allocations for %s", w.Name, n, ctx.Request.Body())
			}
		}
	}
}

// bodyOf is a request as an AuthZEN client would state it.
func bodyOf(t *testing.T, r *policy.Request) string {
	t.Helper()
	kind, id, _ := strings.Cut(r.Principal.IDs[0], "/")
	subject := attributes(r.Principal.Properties)
	resource := attributes(r.Resource.Properties)
	set := func(m map[string]any, key string, value any, is bool) {
		if is {
			m[key] = value
		}
	}
	set(subject, "org", r.Principal.Org, r.Principal.Org != "")
	set(subject, "principals", r.Principal.IDs[1:], len(r.Principal.IDs) > 1)
	set(subject, "groups", r.Principal.Groups, len(r.Principal.Groups) > 0)
	set(resource, "org", r.Resource.Org, r.Resource.Org != "")
	tags := map[string]string{}
	for _, tag := range r.Resource.Tags {
		tags[tag.Key] = tag.Value
	}
	set(resource, "tags", tags, r.Resource.TagsKnown)
	if len(r.Principal.Claims) > 0 {
		t.Fatal("a workload has claims: state them here")
	}
	b, err := json.Marshal(map[string]any{
		"subject":  map[string]any{"type": kind, "id": id, "properties": subject},
		"action":   map[string]any{"name": r.Action, "properties": attributes(r.ActionProperties)},
		"resource": map[string]any{"type": r.Resource.Type, "id": r.Resource.ID, "properties": resource},
		"context":  attributes(r.Context),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func attributes(list []policy.Attribute) map[string]any {
	out := map[string]any{}
	for _, a := range list {
		values := []any{}
		for _, v := range a.Values {
			switch v.Kind {
			case policy.ValueNumber:
				values = append(values, json.Number(v.Text))
			case policy.ValueBool:
				values = append(values, v.Text == "true")
			default:
				values = append(values, v.Text)
			}
		}
		out[a.Key] = values
	}
	return out
}
