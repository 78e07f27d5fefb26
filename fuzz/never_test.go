package fuzz

import (
	"fmt"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
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
