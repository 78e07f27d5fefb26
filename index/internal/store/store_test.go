package store

import (
	"fmt"
	"reflect"
	"strings"
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

	if got := owner(&first, "b7"); got != "o1" || find(&first, "b8") == nil {
		t.Errorf("the first store changed: b7 belongs to %s", got)
	}
	if got := owner(&second, "b7"); got != "o2" || find(&second, "b8") != nil {
		t.Errorf("the second store has b7 of %s", got)
	}
	in := func(name string) int { return shardOf(match.HashBucket(name)) }
	for i := range 3000 {
		name := fmt.Sprintf("b%d", i)
		if i == 7 || i == 8 {
			continue
		}
		x, y := find(&first, name), find(&second, name)
		if x.Policy() != p || y.Policy() != p || x != y && in(name) != in("b7") && in(name) != in("b8") {
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

func find(s *Store, name string) *Slot { return s.Bucket(name, match.HashBucket(name)) }

func owner(s *Store, name string) string { return s.Owner(find(s, name)) }

// TestWhatSlotsHaveNoRoomFor: buckets with long names and with claimants are
// found as any other is, and have their policies, whatever is changed beside them.
func TestWhatSlotsHaveNoRoomFor(t *testing.T) {
	p := new(statements.Freezer).New([]lowered.Statement{{WholeOrganization: true}}, []lowered.Document{{Name: "p"}}, nil, "", lowered.FormAuto)
	b := NewBuilder(nil)
	want := map[string]Bucket{}
	for i := range 5000 {
		name := fmt.Sprintf("b%d", i) + strings.Repeat("x", i%64)
		k := Bucket{Owner: fmt.Sprintf("o%d", i%5), PolicyUnavailable: i%7 == 0}
		if i%3 == 0 {
			k.Policy = p
		}
		if i%11 == 0 {
			k.Claimants = []string{"o8", "o9"}
		}
		want[name] = k
		b.SetBucket(name, k)
	}
	s := b.Freeze()
	for range 2 {
		count := 0
		for x := range s.Buckets() {
			if _, ok := want[x.Name()]; ok {
				count++
			}
		}
		if count != len(want) {
			t.Errorf("%d of %d buckets are visited", count, len(want))
		}
		for name, k := range want {
			x := find(&s, name)
			if x == nil || x.Name() != name || !reflect.DeepEqual(s.BucketIn(x), k) {
				t.Fatalf("%s: %+v, want %+v", name, x, k)
			}
			if x.HasPolicy() != (k.Policy != nil) || x.Contested() != (k.Claimants != nil) || x.ClaimedBy("o9") != (k.Claimants != nil) || x.ClaimedBy(k.Owner) {
				t.Fatalf("%s: %+v, want %+v", name, x, k)
			}
		}
		b = NewBuilder(&s)
		for i := range 2000 {
			b.SetBucket(fmt.Sprint("n", i), Bucket{Owner: "o1"})
			want[fmt.Sprint("n", i)] = Bucket{Owner: "o1"}
		}
		s = b.Freeze()
	}
}
