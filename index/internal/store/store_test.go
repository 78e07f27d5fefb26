package store

import (
	"fmt"
	"testing"

	"postern/index/internal/match"
	"postern/index/internal/statements"
	"postern/index/lowered"
)

// TestUnchangedIsShared: a change copies what it names and nothing else, and
// the store before it stays as it was.
func TestUnchangedIsShared(t *testing.T) {
	b := NewBuilder(nil)
	p := new(statements.Freezer).New([]lowered.Statement{{WholeOrganization: true}}, []lowered.Document{{Name: "p"}}, nil, "", lowered.FormAuto)
	b.SetOrganization("o1", Organization{Policies: p})
	for i := range 3000 {
		b.SetBucket(fmt.Sprintf("b%d", i), Bucket{Owner: "o1", Policy: p})
	}
	first := b.Freeze()

	b = NewBuilder(&first)
	b.SetBucket("b7", Bucket{Owner: "o2"})
	b.RemoveBucket("b8")
	second := b.Freeze()

	if got := find(&first, "b7").owner; got != "o1" || find(&first, "b8") == nil {
		t.Errorf("the first store changed: b7 belongs to %s", got)
	}
	if got := find(&second, "b7").owner; got != "o2" || find(&second, "b8") != nil {
		t.Errorf("the second store has b7 of %s", got)
	}
	for i := range 3000 {
		if name := fmt.Sprintf("b%d", i); i != 7 && i != 8 && find(&first, name) != find(&second, name) {
			t.Fatalf("%s was copied", name)
		}
	}
	if first.organizations["o1"] != second.organizations["o1"] {
		t.Error("the organization was copied")
	}

	b = NewBuilder(&second)
	b.SetBucket("b7", Bucket{Owner: "o1", Policy: p})
	b.SetBucket("b8", Bucket{Owner: "o1", Policy: p})
	if got := b.Freeze().bytes; got != first.bytes {
		t.Errorf("%d bytes after changing back, %d before", got, first.bytes)
	}
}

func find(s *Store, name string) *bucketEntry {
	if x := s.Bucket(name, match.HashBucket(name)); x != nil {
		return x.entry
	}
	return nil
}
