package index

import (
	"strings"
	"testing"

	"postern/index/internal/statements"
	"postern/index/lowered"
	"postern/policy"
)

func allowEverything(n int) *Policies {
	list := make([]lowered.Statement, n)
	for i := range list {
		list[i] = lowered.Statement{
			Index:             i,
			Principals:        lowered.Principals{Everyone: true},
			Actions:           lowered.Actions{Known: lowered.ActionBits{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}},
			Resources:         []string{programOf("*")},
			WholeOrganization: true,
		}
	}
	return new(statements.Freezer).New(list, []lowered.Document{{Name: "p", File: "o1/access-policies/p.json"}}, nil, "", FormAuto)
}

// TestScratchOutlivesSnapshots: what a scratch remembers of one snapshot, the
// number of an organization, leads no other astray.
func TestScratchOutlivesSnapshots(t *testing.T) {
	p := allowEverything(1)
	snapshot := func(prev *Snapshot, orgs ...string) *Snapshot {
		b := NewBuilder(prev)
		for _, o := range []string{"o1", "o2", "o3"} {
			b.RemoveOrganization(o)
		}
		for _, o := range orgs {
			b.SetOrganization(o, Organization{Policies: p})
		}
		return b.Freeze(1)
	}
	first := snapshot(nil, "o1", "o2")
	owned := NewBuilder(first)
	owned.SetBucket("b", Bucket{Owner: "o4"}) // which no folder is of
	snapshots := []*Snapshot{
		first, snapshot(first, "o2", "o3"), snapshot(first), snapshot(nil, "o3", "o2", "o1"), snapshot(nil, "o2"), snapshot(nil), owned.Freeze(2),
	}
	allowed := []string{"o1 o2", "o2 o3", "", "o1 o2 o3", "o2", "", "o1 o2"}
	var used Scratch
	for round := range 3 {
		for _, org := range []string{"o1", "o2", "o3", "o4", "o1"} {
			for i := range snapshots {
				i = (i*(round+1) + round) % len(snapshots)
				want := policy.NoOrganizationPolicy
				if strings.Contains(allowed[i], org) {
					want = policy.Allowed
				}
				r := policy.Request{Principal: policy.Principal{Org: org, IDs: []string{"a/b"}}, Action: "s3:ListAllMyBuckets",
					Resource: policy.Resource{Kind: policy.ResourceOrganization, ID: "*"}}
				if got := snapshots[i].Decide(&r, &used).Reason; got != want {
					t.Fatalf("%s in snapshot %d: %v, want %v", org, i, got, want)
				}
			}
		}
	}
}

func TestZeroDecisionDenies(t *testing.T) {
	if got := (policy.Decision{}).Outcome; got != policy.ImplicitDeny {
		t.Errorf("the zero Decision is %v", got)
	}
	s := NewBuilder(nil).Freeze(1)
	for name, r := range map[string]policy.Request{
		"nothing":     {},
		"no resource": {Principal: policy.Principal{Org: "o1", IDs: []string{"a/b"}}, Action: "s3:GetObject"},
		"odd kind": {Principal: policy.Principal{Org: "o1", IDs: []string{"a/b"}}, Action: "cwobject:ListBucketInfo",
			Resource: policy.Resource{Kind: policy.ResourceObject, ID: "b/k"}},
	} {
		if got := s.Decide(&r, new(Scratch)); got.Outcome != policy.ImplicitDeny {
			t.Errorf("%s: %v", name, got)
		}
	}
}
