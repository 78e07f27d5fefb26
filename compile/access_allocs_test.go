//go:build !race

package compile

import (
	"testing"

	"postern/index"
	"postern/internal/policyjson"
	"postern/policy"
)

// TestIAMAllocatesNothing: deciding in the iam layer, and a caller's groups,
// cost nothing on the heap, whatever the request meets (page 5, P4).
func TestIAMAllocatesNothing(t *testing.T) {
	docs, requests := platform()
	docs = append(docs, iamDoc(t, "acme/iam/more.json", `
		"roles": {"open": {"rules": [{"actions": ["environment:open"], "resources": ["environment:acme/${subject.team, 'x'}/*"], "notResources": ["environment:uid:no"], "constraints": {"maxOpenSeconds": 60}}]}},
		"bindings": [{"roles": ["open"], "members": ["pulumi/u*", "group/everyone"], "resources": ["environment:*", "environment:uid:u"],
			"selector": {"matchExpressions": [{"key": "owner", "operator": "DoesNotExist"}]}, "condition": {"DateLessThan": {"aws:CurrentTime": "2100-01-01"}}},
			{"roles": ["rec"], "members": ["*"]}, {"actions": ["cwobject:*"], "resources": ["*"], "members": ["*"]}],
		"groups": {"everyone": {"members": ["*"]}},
		"issuers": {"i": {"url": "https://i", "rules": [{"effect": "Allow", "roles": ["open"], "claims": {"sub": "repo:*"}}]}},
		"entities": {"pulumi/u1": {"properties": {"team": "p1"}}, "environment:acme/p1/s1": {"tags": {"a": "b"}}}`),
		iamDoc(t, "acme/iam/records.json", `[{"id": "rec", "details": {"__type": "PermissionDescriptorCondition",
			"condition": {"__type": "PermissionExpressionEqual", "left": {"__type": "PermissionExpressionTag", "context": {"__type": "PermissionExpressionStack"}, "key": "env"},
				"right": {"__type": "PermissionLiteralExpressionString", "value": "dev"}},
			"subNode": {"__type": "PermissionDescriptorAllow", "permissions": ["stack:export", "stack:read"]}}}]`))
	one := func(key, text string) []policy.Attribute {
		return []policy.Attribute{{Key: key, Values: []policy.Value{{Kind: policy.ValueString, Text: text}}}}
	}
	for _, r := range requests[:64] { // the same with claims, facts, uids and unknown actions
		q := *r
		if isTokenRequest(r) {
			continue
		}
		q.Principal.ClaimsStated = true
		q.Principal.Claims = append(one("iss", "https://i"), one("sub", "repo:x")...)
		q.Principal.IDs = append([]string{"pulumi/u1"}, q.Principal.IDs...)
		q.Principal.Properties = one("team", "p2")
		q.Resource.UID, q.Resource.Tags, q.Resource.TagsKnown = "u", nil, false
		q.Action = []string{"environment:open", "Environment:Open", "stack:nothing", "cwobject:EnsureAccessPolicy"}[len(q.Resource.ID)%4]
		if q.Action[0] == 'c' {
			q.Resource = policy.Resource{Kind: policy.ResourceOrganization, Type: "organization", ID: "*"}
		}
		requests = append(requests, &q)
	}
	for name, form := range map[string]index.Form{"auto": index.FormAuto, "roaring": index.FormRoaring, "names": index.FormNames, "scan": index.FormScan} {
		m, ds := Compiler{Form: form, BuiltIn: policyjson.BuiltIn()}.Access("acme", docs)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		b := index.NewBuilder(nil)
		b.SetOrganization("acme", index.Organization{IAM: m})
		s := b.Freeze(1)
		var sc index.Scratch
		reasons := map[policy.Reason]bool{}
		all := requests[len(requests)-256:]
		for _, r := range all {
			reasons[s.Decide(r, &sc).Reason] = true
		}
		if !reasons[policy.Allowed] || !reasons[policy.IAMDeny] || !reasons[policy.IAMNoMatch] || !reasons[policy.Anonymous] {
			t.Errorf("%s: only %v", name, reasons)
		}
		if n := testing.AllocsPerRun(5, func() {
			for _, r := range all {
				s.Decide(r, &sc)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations in %d decisions", name, n, len(all))
		}
	}
}

func isTokenRequest(r *policy.Request) bool { return r.Principal.IDs[0][:6] == "token/" }
