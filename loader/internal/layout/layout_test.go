package layout

import "testing"

func TestPath(t *testing.T) {
	for want, p := range map[string]Place{
		"o1":                 {Org: "o1", Part: Folder},
		"o1/docs":            {Org: "o1", Part: Folder, Name: "docs"},
		"o1/access-policies": {Org: "o1", Part: Policies},
		"o1/iam":             {Org: "o1", Part: IAM},
		"o1/buckets.json":    {Org: "o1", Part: List},
		"o1/buckets":         {Org: "o1", Part: Buckets},
		"o1/buckets/b.json":  {Org: "o1", Part: Buckets, Name: "b.json"},
		"README.md":          {Part: Root, Name: "README.md"},
	} {
		if got := p.Path(); got != want {
			t.Errorf("path %q, want %q", got, want)
		}
	}
}

// TestSumOfUnit tells sets apart that have the same bytes under other names.
func TestSumOfUnit(t *testing.T) {
	set := []File{{"a.json", []byte("1")}, {"b.json", []byte("2")}}
	sums := map[Sum]string{SumOfNone: "no files", SumOfGone: "what was removed"}
	for what, files := range map[string][]File{
		"two": set, "one": set[:1], "other names": {{"a.json", []byte("2")}, {"b.json", []byte("1")}}, "one name": {{"a.jsonb.json", []byte("1")}},
	} {
		s := SumOfUnit(Policies, files)
		if other, ok := sums[s]; ok {
			t.Errorf("%s has the sum of %s", what, other)
		}
		sums[s] = what
	}
	if got := SumOfUnit(Buckets, set[:1]); got != SumOf([]byte("1")) {
		t.Error("the sum of a bucket file is not that of its bytes")
	}
}
