package loader

import (
	"fmt"
	"testing"

	"postern/index"
	"postern/policy"
)

// iam asks whether a caller of o1 may iam:ListUsers.
func (tr *testTree) iam(id string) policy.Reason {
	tr.t.Helper()
	r := &policy.Request{
		Principal: policy.Principal{Org: "o1", IDs: []string{id}},
		Action:    "iam:ListUsers",
		Resource:  policy.Resource{Kind: policy.ResourceOrganization, Type: "organization", ID: "*"},
	}
	return tr.l.c.Current.Load().Decide(r, new(index.Scratch)).Reason
}

const (
	iamGroup = `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "metadata": {"name": "groups"}, "groups": {"g": {"members": [%s]}}}`
	iamBound = `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "metadata": {"name": "bindings"},
		"bindings": [{"id": "b", "roles": ["iam-viewer"], "members": ["group/g"]}]}`
)

// "o1/iam/: one unit": its documents are in force together, a broken one or an
// unknown name between them keeps the last good content, and one that changes
// members alone shares the statements.
func TestIAMUnit(t *testing.T) {
	alice, both := fmt.Sprintf(iamGroup, `"u/alice"`), fmt.Sprintf(iamGroup, `"u/alice", "u/bob"`)
	tr := newTree(t, "o1/iam/groups.json", alice, "o1/iam/bindings.json", iamBound)
	tr.wantUnits()
	if a, b := tr.iam("u/alice"), tr.iam("u/bob"); a != policy.Allowed || b != policy.IAMNoMatch {
		t.Fatalf("alice %v, bob %v", a, b)
	}
	if st := tr.l.Status(); st.Statements[policy.LayerIAM] != 1 || st.Organizations[0].Statements != 1 {
		t.Errorf("statements %v", st.Statements)
	}

	before := tr.l.orgs["o1"].now().IAM.Grants()
	tr.write("o1/iam/groups.json", both)
	tr.load()
	if got := tr.iam("u/bob"); got != policy.Allowed {
		t.Errorf("bob, now a member: %v", got)
	}
	if tr.l.orgs["o1"].now().IAM.Grants() != before {
		t.Error("a new member made new statements")
	}

	tr.write("o1/iam/bindings.json", `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "bindings": [{"id": "b", "roles": ["nobody-wrote-it"], "members": ["*"]}]}`)
	tr.load()
	tr.wantUnits("+o1/iam")
	tr.wantError("nobody-wrote-it")
	if got := tr.iam("u/bob"); got != policy.Allowed {
		t.Errorf("bob, while the unit is quarantined: %v", got)
	}

	tr.remove("o1/iam")
	tr.load()
	tr.wantUnits()
	if got := tr.iam("u/bob"); got != policy.IAMNoMatch {
		t.Errorf("bob, without iam/: %v", got)
	}
	if st := tr.l.Status(); st.Statements[policy.LayerIAM] != 0 {
		t.Errorf("statements %v", st.Statements)
	}
}

// At a cold start a unit that breaks between its files was never good.
func TestIAMColdStart(t *testing.T) {
	tr := newTree(t, "o1/iam/b.json", `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "bindings": [{"id": "b", "roles": ["nobody-wrote-it"], "members": ["*"]}]}`)
	tr.wantUnits("o1/iam")
	if got := tr.iam("u/bob"); got != policy.IAMUnavailable {
		t.Errorf("bob: %v", got)
	}
}
