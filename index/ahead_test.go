package index_test

import (
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/policy"
)

// TestAhead: whatever Ahead was given, in whatever order, decisions are the same.
func TestAhead(t *testing.T) {
	for _, w := range []*policygen.Workload{policygen.Field(300, 1), policygen.Tenants(5, 20, 400, 1), policygen.Orgwide(100, 1), policygen.Iam(100, 1)} {
		s, ds := compile.Compiler{}.Directory(w.Directory, 1)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		list := w.Requests(200)
		unknown := policy.Request{Resource: policy.Resource{Kind: policy.ResourceObject, ID: "nobody's/key"}}
		var plain, ahead index.Scratch
		for i := range list {
			r := &list[i].Request
			want := s.Decide(r, &plain)
			for _, next := range []*policy.Request{r, &list[(i+7)%len(list)].Request, &unknown, nil, {}} {
				s.Ahead(next, &ahead)
				if got := s.Decide(r, &ahead); got != want {
					t.Fatalf("%s: %+v: %+v after Ahead, else %+v", w.Name, *r, got, want)
				}
			}
		}
	}
	index.NewBuilder(nil).Freeze(1).Ahead(&policy.Request{Resource: policy.Resource{ID: "b/k"}}, new(index.Scratch))
}
