package fuzz

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/internal/policyjson"
	"postern/internal/request"
	"postern/policy"
)

// TestKeysThatNothingSets holds the warning of a condition key that nothing ever
// sets to what requests can do: where it stands, no property of that name, in any
// ASCII case, and no key of the server ever satisfies the condition, and where it
// does not stand something does.
func TestKeysThatNothingSets(t *testing.T) {
	names := []string{"type", "id", "name", "org", "principals", "groups", "claims", "tags", "uid", "Org", "TAGS", "uID", "level", "orgs", "tags.env", "uids", "x"}
	for _, of := range []string{"subject", "resource", "action"} {
		for _, name := range names {
			key := of + "." + name
			doc, ds := policyjson.ParseAccess("o/iam/p.json", fmt.Appendf(nil, `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "bindings": [
				{"members": ["*"], "actions": ["v:v"], "resources": ["*"], "condition": {"StringLike": {%q: "*v*"}}}]}`, key), policyjson.Limits{})
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			warned := len(ds) > 0 && strings.Contains(ds[0].Message, "nothing ever sets the condition key")
			iam, ds := compile.Compiler{}.Access("v", []*policy.AccessDocument{doc})
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			b := index.NewBuilder(nil)
			b.SetOrganization("v", index.Organization{IAM: iam})
			snapshot := b.Freeze(1)

			satisfied := false
			for _, spelled := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
				for _, value := range []string{`"v"`, `["v"]`, `{"v": "v"}`} {
					properties := map[string]string{"subject": "", "resource": "", "action": ""}
					properties[of] = fmt.Sprintf("%q: %s", spelled, value)
					if of == "subject" && spelled != "org" {
						properties[of] += `, "org": "v"`
					} else if of != "subject" {
						properties["subject"] = `"org": "v"`
					}
					body := fmt.Sprintf(`{"subject": {"type": "v", "id": "v", "properties": {%s}}, "action": {"name": "v:v", "properties": {%s}}, "resource": {"type": "v", "id": "v", "properties": {%s}}}`,
						properties["subject"], properties["action"], properties["resource"])
					r, err := new(request.Decoder).Evaluation([]byte(body), 0)
					if err != nil {
						continue // not every value is one of such a property
					}
					satisfied = satisfied || snapshot.Decide(r, new(index.Scratch)).Outcome == policy.Allow
				}
			}
			if satisfied == warned {
				t.Errorf("%s: satisfied by a request: %v, a warning that nothing sets it: %v", key, satisfied, warned)
			}
		}
	}
}

// TestWarningsOfNoEffectAreCertain: a binding of which a warning says that it
// grants or denies nothing never determines, and a resource of which one says
// that it never matches can be exchanged for one that nobody asks about.
func TestWarningsOfNoEffectAreCertain(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the warnings of many worlds of iam documents")
	}
	bindings, resources := 0, 0
	for seed := range uint64(600) {
		d, requests := policygen.SmallAccessFrom(rand.New(rand.NewPCG(seed, 3)))
		idle := map[policy.Position]bool{} // bindings, by their places
		var never []*policy.ResourcePattern
		for org, o := range d.Organizations {
			_, ds := compile.Compiler{BuiltIn: d.BuiltIn}.Access(org, o.Access)
			warned := map[policy.Position]string{}
			for _, w := range ds {
				warned[w.Position] += w.Message
			}
			look := func(list []policy.ResourcePattern) {
				for i := range list {
					if strings.Contains(warned[list[i].At], "never matches: the organization") {
						never = append(never, &list[i])
					}
				}
			}
			for _, doc := range o.Access {
				for i := range doc.Roles {
					for j := range doc.Roles[i].Rules {
						look(doc.Roles[i].Rules[j].Resources)
						look(doc.Roles[i].Rules[j].NotResources)
					}
				}
				for i := range doc.Bindings {
					b := &doc.Bindings[i]
					if len(b.Resources) > 0 && strings.Contains(warned[b.Resources[0].At], "are of other types than all that its roles are about") {
						idle[policy.Position{File: doc.File, Line: b.At.Line}] = true
					}
					look(b.Resources)
				}
			}
		}
		if len(idle) == 0 && len(never) == 0 {
			continue
		}
		bindings, resources = bindings+len(idle), resources+len(never)
		explain := func() (out []policy.Explanation) {
			s, ds := compile.Compiler{BuiltIn: d.BuiltIn}.Directory(d, 1)
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			for _, r := range requests {
				out = append(out, s.Explain(r))
			}
			return out
		}
		before := explain()
		for _, p := range never {
			*p = policy.ResourcePattern{Type: "nobodys", Pattern: "nothing", At: p.At}
		}
		for i, after := range explain() {
			if before[i].Decision != after.Decision {
				t.Errorf("seed %d, %+v: %+v, and %+v without resources that never match", seed, *requests[i], before[i].Decision, after.Decision)
			}
			for _, ref := range before[i].Determining {
				if idle[policy.Position{File: ref.File, Line: ref.Line}] {
					t.Errorf("seed %d, %+v: determined by %+v, of which a warning says that it does nothing", seed, *requests[i], ref)
				}
			}
		}
	}
	t.Logf("%d bindings and %d resources", bindings, resources)
	if bindings < 20 || resources < 20 {
		t.Errorf("%d bindings and %d resources, want 20 of each at least", bindings, resources)
	}
}
