package index

import (
	"fmt"
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
	return statements.New(list, []lowered.Document{{Name: "p", File: "o1/access-policies/p.json"}}, nil, "", FormAuto)
}

// TestUnchangedIsShared: a change copies what it names and nothing else, and
// the snapshot before it stays as it was.
func TestUnchangedIsShared(t *testing.T) {
	b := NewBuilder(nil)
	p := allowEverything(1)
	b.SetOrganization("o1", Organization{Policies: p})
	for i := range 3000 {
		b.SetBucket(fmt.Sprintf("b%d", i), Bucket{Owner: "o1", Policy: p})
	}
	first := b.Freeze(1)

	b = NewBuilder(first)
	b.SetBucket("b7", Bucket{Owner: "o2"})
	b.RemoveBucket("b8")
	second := b.Freeze(2)

	if got := find(first, "b7").owner; got != "o1" || find(first, "b8") == nil {
		t.Errorf("the first snapshot changed: b7 belongs to %s", got)
	}
	if got := find(second, "b7").owner; got != "o2" || find(second, "b8") != nil {
		t.Errorf("the second snapshot has b7 of %s", got)
	}
	for i := range 3000 {
		if name := fmt.Sprintf("b%d", i); i != 7 && i != 8 && find(first, name) != find(second, name) {
			t.Fatalf("%s was copied", name)
		}
	}
	if first.organizations["o1"] != second.organizations["o1"] {
		t.Error("the organization was copied")
	}

	b = NewBuilder(second)
	b.SetBucket("b7", Bucket{Owner: "o1", Policy: p})
	b.SetBucket("b8", Bucket{Owner: "o1", Policy: p})
	if got := b.Freeze(3).Bytes(); got != first.Bytes() {
		t.Errorf("%d bytes after changing back, %d before", got, first.Bytes())
	}
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

func find(s *Snapshot, name string) *bucketEntry {
	if x := s.bucket(name, hash64(name)); x != nil {
		return x.entry
	}
	return nil
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
