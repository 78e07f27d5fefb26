package index_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/reference"
	"postern/policy"
)

// named makes policies of hundreds of statements on three names, and requests
// of them: with segments, prefixes, and patterns that tell nothing.
type named struct {
	*rand.Rand
	few bool // different segments, so that many statements have one
}

func (n named) pick(list ...string) string { return list[n.IntN(len(list))] }

func (n named) bucket() string {
	return n.pick("b-1", "b-12", "b-123", "bucket-of-some-length", "bucket-of-some-lengths", "c") + n.pick("", "", "0", "77")
}

func (n named) segment() string {
	if n.few && n.IntN(8) > 0 {
		return n.pick("logs", "x", "somewhat-longer-0123456789")
	}
	return n.pick("", "x", "y", "x0", "logs", "longlogs", "long-logs", "of-nine-b", "somewhat-longer-0123456789", "somewhat-longer-x123456789") +
		n.pick("", "", "", "1", "2", strconv.Itoa(n.IntN(100)))
}

func (n named) resource() string {
	form := n.IntN(14)
	if n.few {
		form = 8 + n.IntN(6)
	}
	switch form {
	case 0:
		return "*"
	case 1, 2, 3:
		return n.bucket() + "*"
	case 4:
		return "*" + n.segment()
	case 5:
		return "?" + n.bucket()[1:] + "/" + n.segment() + "/*"
	case 6:
		return n.bucket() + "*/" + n.segment() + "/?" + n.segment() + "*"
	case 7:
		return n.bucket() + "?/" + n.segment()
	case 8:
		return "*/" + n.segment()
	case 9:
		return "*/" + n.segment() + n.pick("?", "*") + "/" + n.segment() + "/*"
	}
	return "*/" + n.segment() + "/*"
}

func (n named) statement(i int) policy.Statement {
	s := policy.Statement{
		Effect:     policy.EffectAllow,
		Line:       i + 2,
		Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalExact, Name: "role/" + n.pick("a", "a", "a", "b")}},
		Actions:    []string{n.pick("s3:GetObject", "s3:GetObject", "s3:PutObject", "s3:Frob*", "s3:*")},
	}
	if n.IntN(40) == 0 {
		s.Principals[0].Name = "role/c" // of few statements
	}
	if n.IntN(3) == 0 && (!n.few || s.Actions[0] == "s3:PutObject") {
		s.Effect = policy.EffectDeny
	}
	for range max(1, n.IntN(8)-4) {
		s.Resources = append(s.Resources, n.resource())
	}
	s.NotResource = n.IntN(60) == 0 && s.Resources[0] != "*"
	return s
}

func (n named) request() *policy.Request {
	r := &policy.Request{
		Principal: policy.Principal{Org: "acme", IDs: []string{"role/" + n.pick("a", "b", "c", "d")}},
		Action:    n.pick("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:Frobnicate"),
		Resource:  policy.Resource{Kind: policy.ResourceObject, Type: "object"},
		Now:       1780272000,
	}
	if n.IntN(2) == 0 {
		r.Principal.IDs = append(r.Principal.IDs, "role/"+n.pick("a", "b", "c", "d")+n.pick("", "x"))
	}
	if n.IntN(20) == 0 {
		r.Action = "s3:ListAllMyBuckets"
		r.Resource = policy.Resource{Kind: policy.ResourceOrganization, Type: "organization", ID: "*"}
		return r
	}
	key := n.segment()
	for range n.IntN(6) {
		key += "/" + n.segment()
	}
	r.Resource.ID = n.bucket() + "/" + n.pick("", "k") + key
	return r
}

// TestManyOfAName holds Decide to the reference evaluator where names are listed
// by so many statements that parts of names have tables and words.
func TestManyOfAName(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out many statements of one name against the reference")
	}
	outcomes := map[policy.Outcome]int{}
	for seed := range uint64(16) {
		n := named{rand.New(rand.NewPCG(seed, 6)), seed%4 == 3}
		doc := &policy.Document{Kind: policy.KindOrganization, Name: "p", NameLine: 1, NameColumn: 1, File: "acme/access-policies/p.json"}
		sparse := n.few || n.IntN(3) > 0 // so that not all is denied
		size := 300 + n.IntN(600)
		if n.few {
			size = 800
		}
		for i := range size {
			s := n.statement(i)
			if s.Resources[0] == "*" && (sparse || s.Effect == policy.EffectDeny) && n.IntN(100) > 0 || s.NotResource && sparse {
				continue
			}
			doc.Statements = append(doc.Statements, s)
		}
		d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{"acme": {Policies: []*policy.Document{doc}}}, DefaultOrganization: "acme"}
		ref := reference.New(d)
		requests := make([]*policy.Request, 150)
		wanted := make([]policy.Decision, len(requests))
		for i := range requests {
			requests[i] = n.request()
			wanted[i] = ref.Evaluate(requests[i]).Decision
			wanted[i].Generation = 1
			outcomes[wanted[i].Outcome]++
		}
		for _, form := range []index.Form{index.FormAuto, index.FormNames} {
			s, ds := compile.Compiler{Form: form}.Directory(d, 1)
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			var sc index.Scratch
			for i, r := range requests {
				if got := s.Decide(r, &sc); got != wanted[i] {
					t.Errorf("seed %d, form %d, %s: decided %+v, want %+v", seed, form, said(r), got, wanted[i])
				}
			}
		}
	}
	t.Log(outcomes)
	for _, outcome := range []policy.Outcome{policy.Allow, policy.ExplicitDeny, policy.ImplicitDeny} {
		if outcomes[outcome] < 100 {
			t.Errorf("only %d requests are answered by %v", outcomes[outcome], outcome)
		}
	}
}

func said(r *policy.Request) string {
	return fmt.Sprintf("%s asks %s of %q", strings.Join(r.Principal.IDs, "+"), r.Action, r.Resource.ID)
}
