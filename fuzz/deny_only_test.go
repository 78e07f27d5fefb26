package fuzz

import (
	"math/rand/v2"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/action"
	"postern/internal/policygen"
	"postern/policy"
)

// denyOnly are some of the requests as ones that ask about Denies only
// (specification 7.4).
func denyOnly(r *rand.Rand, requests []*policy.Request) []*policy.Request {
	var out []*policy.Request
	for _, q := range requests {
		if r.IntN(2) == 0 {
			d := *q
			d.DenyOnly = true
			out = append(out, &d)
		}
	}
	return out
}

// TestDenyOnly: what asks about Denies only is answered as the whole question is
// once every document of organizations and buckets allows everything beside, and
// is never denied where the whole question is allowed. FuzzDecide and FuzzAccess
// hold the same requests to the reference.
func TestDenyOnly(t *testing.T) {
	everything := policy.Statement{Name: "everything", Effect: policy.EffectAllow, Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}},
		Actions: []string{"*"}, Resources: []string{"*"}}
	for name, make := range map[string]func(*rand.Rand) (*policy.Directory, []*policy.Request){
		"layers": policygen.SmallFrom, "iam": policygen.SmallAccessFrom,
	} {
		count := map[policy.Outcome]int{}
		more := 0
		for seed := range uint64(60) {
			r := rand.New(rand.NewPCG(seed, 9))
			d, requests := make(r)
			requests = append(requests, blinded(r, requests)...)
			generous := policygen.Edit(d, func(doc *policy.Document) { doc.Statements = append(doc.Statements, everything) })
			s, _ := compile.Compiler{}.Directory(d, 1)
			g, _ := compile.Compiler{}.Directory(generous, 1)
			var sc index.Scratch
			for i, q := range requests {
				asked := *q
				asked.DenyOnly = true
				whole, deny := s.Decide(q, &sc), s.Decide(&asked, &sc)
				if whole.Reason == policy.TooCostly || deny.Reason == policy.TooCostly {
					continue
				}
				count[deny.Outcome]++
				if whole.Outcome == policy.Allow && deny.Outcome != policy.Allow || whole.Outcome == policy.ExplicitDeny && deny != whole {
					t.Fatalf("%s, seed %d, request %d %+v: the whole question %+v, its Denies %+v", name, seed, i, *q, whole, deny)
				}
				if whole.Outcome != policy.Allow && deny.Outcome == policy.Allow {
					more++
				}
				if !action.ClassOf(q.Action).S3() {
					continue // other layers decide with these documents
				}
				if want := g.Decide(q, &sc); want.Reason != policy.TooCostly && want != deny {
					t.Fatalf("%s, seed %d, request %d %+v: Denies %+v, and where everything is allowed %+v", name, seed, i, *q, deny, want)
				}
			}
		}
		t.Logf("%s: %v; %d are in no Deny's way and not allowed", name, count, more)
		if count[policy.Allow] < 200 || count[policy.ExplicitDeny] < 100 || more < 100 {
			t.Errorf("%s: the test says little", name)
		}
	}
}
