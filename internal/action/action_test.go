package action

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for id := ID(0); int(id) < Count(); id++ {
		name := Name(id)
		if seen[strings.ToLower(name)] {
			t.Errorf("%s stands twice", name)
		}
		seen[strings.ToLower(name)] = true
		if got, ok := Lookup(strings.ToUpper(name)); !ok || got != id {
			t.Errorf("Lookup(%s) = %d, %v, want %d", strings.ToUpper(name), got, ok, id)
		}
		if ClassOf(name) != ClassOfID(id) {
			t.Errorf("%s has two classes", name)
		}
		for _, other := range Also(id) {
			if _, ok := Lookup(other); !ok {
				t.Errorf("%s is also %s, which is unknown", name, other)
			}
		}
	}
	for _, pair := range append(append([][2]string{}, aliases...), needs...) {
		a, _ := Lookup(pair[0])
		b, _ := Lookup(pair[1])
		if ClassOfID(a) != ClassOfID(b) {
			t.Errorf("%s and %s have different classes", pair[0], pair[1])
		}
	}
}

func TestClassOf(t *testing.T) {
	for name, want := range map[string]Class{
		"S3:putBUCKETpolicy": PutBucketPolicy, "s3:Unheard": Bucket, "CWOBJECT:x": ControlPlane,
		"\u017f3:GetObject": IAM, "read": IAM, "s3": IAM, "iam:ListUsers": IAM, "s3:ListBuckets": ListAllMyBuckets,
		"s3:": Bucket, "s3x:GetObject": IAM,
	} {
		if got := ClassOf(name); got != want {
			t.Errorf("ClassOf(%q) = %d, want %d", name, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	if got, ok := Nearest("s3:GetObjet"); !ok || got != "s3:GetObject" {
		t.Errorf("Nearest = %q, %v", got, ok)
	}
	if got, ok := Nearest("s3:Frobnicate"); ok {
		t.Errorf("Nearest(s3:Frobnicate) = %q", got)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Lookup("s3:GetObject"); ClassOf("s3:Unheard") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
