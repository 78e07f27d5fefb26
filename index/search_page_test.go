package index

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern/index/internal/search"
	"postern/index/internal/statements"
	"postern/index/lowered"
	"postern/internal/action"
	"postern/policy"
)

// TestSearchIsBounded: a page that has looked at enough candidates ends early,
// and the pages add up all the same.
func TestSearchIsBounded(t *testing.T) {
	const n = 3*search.MaxLooked + 7
	b := NewBuilder(nil)
	for i := range n {
		b.SetBucket(fmt.Sprintf("b-%06d", i), Bucket{Owner: "o1"})
	}
	for _, name := range []string{"zz", "zy"} {
		b.SetBucket(name, Bucket{Owner: "o1"})
	}
	var p lowered.Program
	p.AnyRun()
	p.Literal("z")
	p.AnyOne()
	var put lowered.ActionBits
	id, _ := action.Lookup("s3:PutBucketPolicy")
	put.Add(id)
	b.SetOrganization("o1", Organization{Policies: new(statements.Freezer).New([]lowered.Statement{
		{Principals: lowered.Principals{Everyone: true}, Actions: lowered.Actions{Known: put}, Resources: []string{p.String()}},
	}, []lowered.Document{{Name: "p", File: "p.json"}}, nil, "", FormAuto)})
	s := b.Freeze(1)
	r := &policy.Request{Principal: policy.Principal{Org: "o1", IDs: []string{"role/A"}}, Action: "s3:PutBucketPolicy", Resource: policy.Resource{Type: "bucket"}}
	var all []string
	pages := 0
	for page := (Page{Limit: 1}); ; pages++ {
		found, err := s.SearchResources(r, page)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found.IDs...)
		if page.Token = found.Next; page.Token == "" {
			break
		}
	}
	if want := []string{"zy", "zz"}; !slices.Equal(all, want) || pages < 3 {
		t.Errorf("%q on %d pages, want %q on at least 4", all, pages+1, want)
	}
}

// TestNarrowing: what policies name exactly is all that is decided.
func TestNarrowing(t *testing.T) {
	var read lowered.ActionBits
	id, _ := action.Lookup("s3:GetObject")
	read.Add(id)
	var bucket lowered.Program
	bucket.Literal("b/")
	bucket.AnyRun()
	var any lowered.Program
	any.AnyRun()
	statement := func(program string, who lowered.Principals) []lowered.Statement {
		return []lowered.Statement{{Principals: who, Actions: lowered.Actions{Known: read}, Resources: []string{program}}}
	}
	documents := []lowered.Document{{Name: "p", File: "p.json"}}
	build := func(organization, ofBucket lowered.Principals) *Snapshot {
		b := NewBuilder(nil)
		b.SetOrganization("o1", Organization{Policies: new(statements.Freezer).New(statement(any.String(), organization), documents, nil, "", FormAuto)})
		b.SetBucket("b", Bucket{Owner: "o1", Policy: new(statements.Freezer).New(statement(bucket.String(), ofBucket), documents, nil, "b", FormAuto)})
		b.SetBucket("c", Bucket{Owner: "o1", Policy: new(statements.Freezer).New(statement(any.String(), lowered.Principals{Exact: []lowered.Name{{Org: "o1", Text: "role/other"}}}), documents, nil, "c", FormAuto)})
		return b.Freeze(1)
	}
	exact := func(org string, names ...string) (p lowered.Principals) {
		for _, n := range names {
			p.Exact = append(p.Exact, lowered.Name{Org: org, Text: n})
		}
		return p
	}
	everyone := lowered.Principals{Everyone: true}
	for name, c := range map[string]struct {
		organization, bucket lowered.Principals
		candidates           []string
	}{
		"bucket names":       {everyone, exact("o1", "role/a", "saml/x"), []string{"a"}},
		"organization names": {exact("", "role/a"), everyone, []string{"a"}},
		"both name":          {exact("", "role/a", "role/b"), exact("o1", "role/b"), []string{"b"}},
		"none":               {exact("", "saml/a"), everyone, nil},
		"all":                {everyone, everyone, []string{"other"}},
		"prefixes":           {lowered.Principals{Prefix: []lowered.Name{{Org: "", Text: "role/o"}}}, everyone, []string{"other"}},
		"other prefixes":     {lowered.Principals{Prefix: []lowered.Name{{Org: "", Text: "role/x"}}}, everyone, nil},
	} {
		s := build(c.organization, c.bucket)
		r := &policy.Request{Principal: policy.Principal{Org: "o1", IDs: []string{"role/"}}, Action: "s3:GetObject",
			Resource: policy.Resource{Type: "object", ID: "b/k", Kind: policy.ResourceObject}}
		decided := &deciding{searched: searched{Snapshot: s}}
		if _, err := search.Subjects(decided, r, Page{}); err != nil {
			t.Fatal(err)
		}
		got := decided.names
		if !slices.Equal(got, c.candidates) {
			t.Errorf("%s: %q, want %q", name, got, c.candidates)
		}
	}
}

// deciding notes the names that a search has decided.
type deciding struct {
	searched
	names []string
}

func (d *deciding) Allows(r *policy.Request) bool {
	d.names = append(d.names, strings.TrimPrefix(r.Principal.IDs[0], "role/"))
	return d.searched.Allows(r)
}
