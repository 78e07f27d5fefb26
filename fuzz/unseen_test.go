package fuzz

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/policy"
)

// blinded are the requests as a door asks them that cannot see some of their
// condition keys (specification 7, Keys): these are not stated, and the others are
// all that it sees.
func blinded(r *rand.Rand, requests []*policy.Request) []*policy.Request {
	var out []*policy.Request
	for _, q := range requests {
		b := *q
		b.Seen = &policy.KeySet{}
		set := func(list []policy.Attribute, prefix string) []policy.Attribute {
			if r.IntN(2) == 0 { // sees them all
				if prefix != "" {
					b.Seen.Beginnings = append(b.Seen.Beginnings, prefix)
				}
				return list
			}
			if prefix != "" && len(list) > 0 && r.IntN(2) == 0 {
				return list[:r.IntN(len(list))]
			}
			return nil
		}
		if !slices.ContainsFunc(q.Principal.Claims, func(a policy.Attribute) bool { return a.Key == "iss" }) {
			b.Principal.Claims = set(q.Principal.Claims, "oidc:") // else they say who asks
		}
		b.Principal.Properties = set(q.Principal.Properties, "subject.")
		b.ActionProperties = set(q.ActionProperties, "action.")
		b.Resource.Properties = set(q.Resource.Properties, "resource.")
		b.Context = nil
		for _, a := range q.Context {
			switch key := strings.ToLower(a.Key); {
			case key == "aws:currenttime" || key == "aws:epochtime" || strings.HasPrefix(key, "aws:principal") || key == "aws:username":
				b.Context = append(b.Context, a) // the server has its own where none is stated
			case r.IntN(3) > 0:
				b.Context = append(b.Context, a)
				b.Seen.Names = append(b.Seen.Names, key)
			}
		}
		if r.IntN(3) == 0 {
			b.Seen.Names = append(b.Seen.Names, "s3:prefix", "aws:sourceip", "x:k")
			b.Seen.Names = slices.DeleteFunc(b.Seen.Names, func(name string) bool {
				return slices.ContainsFunc(q.Context, func(a policy.Attribute) bool {
					return strings.EqualFold(a.Key, name) && !slices.ContainsFunc(b.Context, func(s policy.Attribute) bool { return s.Key == a.Key })
				})
			})
		}
		out = append(out, &b)
	}
	return out
}

// holdBlind checks that what is allowed to a door that cannot see some of a
// request's keys is allowed whatever they are: it is allowed with those that the
// request has.
func holdBlind(t *testing.T, s *index.Snapshot, requests, blind []*policy.Request) (allowed int) {
	t.Helper()
	var sc index.Scratch
	for i, b := range blind {
		if s.Decide(b, &sc).Outcome != policy.Allow {
			continue
		}
		allowed++
		if d := s.Decide(requests[i], &sc); d.Outcome != policy.Allow && d.Reason != policy.TooCostly {
			t.Fatalf("request %d is allowed blind, and not with what was hidden: %+v\nblind %+v\nseen %+v\nfull  %+v", i, d, *b, *b.Seen, *requests[i])
		}
	}
	return allowed
}

// TestBlind is holdBlind over generated policies. FuzzDecide and FuzzAccess hold
// the same requests to the reference.
func TestBlind(t *testing.T) {
	for name, make := range map[string]func(*rand.Rand) (*policy.Directory, []*policy.Request){
		"layers": policygen.SmallFrom, "iam": policygen.SmallAccessFrom,
	} {
		allowed, differ := 0, 0
		for seed := range uint64(150) {
			r := rand.New(rand.NewPCG(seed, 7))
			d, requests := make(r)
			blind := blinded(r, requests)
			s, _ := compile.Compiler{}.Directory(d, 1)
			allowed += holdBlind(t, s, requests, blind)
			var sc index.Scratch
			for i := range blind {
				if s.Decide(blind[i], &sc).Outcome != s.Decide(requests[i], &sc).Outcome {
					differ++
				}
			}
		}
		t.Logf("%s: %d requests were allowed blind; %d are denied for what is hidden", name, allowed, differ)
		if allowed < 100 || differ < 20 {
			t.Errorf("%s: the test says little", name)
		}
	}
}
