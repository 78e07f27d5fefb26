package compare

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/conditionkey"
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/internal/request"
	"postern/policy"
)

// FuzzPublic holds Public to both evaluators: the witness of a bucket that it
// calls public is allowed, and a stranger's random requests to one that it does
// not are denied.
func FuzzPublic(f *testing.F) {
	for i := range 64 {
		f.Add(uint64(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		r := rand.New(&byteSource{data: data, rest: rand.NewPCG(seed, 10)})
		d, requests := policygen.SmallFrom(r)
		publicIsTrue(t, withRelatives(r, d), mixed(r, requests, 100))
	})
}

var publicSays [3]atomic.Int64 // closed, public, unknown

// checked sees that a witness is a request that a door lets through, as it
// stands.
func checked(t *testing.T, r *policy.Request) {
	t.Helper()
	c := asStated(r)
	if err := request.Check(c); err != nil {
		t.Fatalf("the witness %+v is no request: %v", *r, err)
	}
	if len(c.Context) != len(r.Context) || c.Resource.Kind != r.Resource.Kind {
		t.Fatalf("the witness %+v is read as %+v", *r, c)
	}
}

func publicIsTrue(t *testing.T, d *policy.Directory, requests []*policy.Request) {
	t.Helper()
	var k Checker
	for _, name := range slices.Sorted(maps.Keys(d.Buckets)) {
		b := d.Buckets[name]
		owner := d.Organizations[b.Owner]
		if b.Policy == nil || b.PolicyUnavailable || len(b.Claimants) > 0 || owner == nil || owner.PoliciesUnavailable {
			continue
		}
		p := k.Public(Bucket{Name: name, Owner: b.Owner, Policy: b.Policy, OwnerPolicies: owner.Policies, Organizations: slices.Sorted(maps.Keys(d.Organizations))})
		world := *d
		switch {
		case p == nil:
			publicSays[0].Add(1)
			world.PlatformOrganizations = []string{"stranger"}
			ref := reference.New(&world)
			for _, r := range requests {
				q := *r
				q.Principal.Org = "stranger"
				q.Context = slices.DeleteFunc(slices.Clone(r.Context), func(a policy.Attribute) bool {
					kind, _ := conditionkey.Split(a.Key)
					return kind == conditionkey.PrincipalArn || kind == conditionkey.PrincipalAccount || kind == conditionkey.Username
				})
				if q.Resource.ID != name && (len(q.Resource.ID) <= len(name) || q.Resource.ID[:len(name)+1] != name+"/") {
					continue
				}
				if ref.Evaluate(&q).Decision.Outcome == policy.Allow {
					t.Fatalf("the bucket %s is called closed, and %+v is allowed by %+v", name, q, b.Policy)
				}
			}
		case p.Witness == nil:
			publicSays[2].Add(1)
			if len(p.Unknown) == 0 {
				t.Fatalf("the bucket %s is unknown, and nothing says why", name)
			}
			t.Logf("unknown: %q", p.Unknown)
		default:
			publicSays[1].Add(1)
			checked(t, p.Witness)
			org := p.Witness.Principal.Org
			if d.Organizations[org] != nil {
				t.Fatalf("the stranger %s has a folder", org)
			}
			world.PlatformOrganizations = []string{org}
			if e := reference.New(&world).Evaluate(p.Witness); e.Decision.Outcome != policy.Allow {
				t.Fatalf("the bucket %s is called public, and the reference decides %+v on %+v", name, e.Decision, *p.Witness)
			}
			s, _ := compile.Compiler{}.Directory(&world, 1)
			if got := s.Decide(p.Witness, new(index.Scratch)); got.Outcome != policy.Allow {
				t.Fatalf("the bucket %s is called public, and the index decides %+v on %+v", name, got, *p.Witness)
			}
		}
	}
}

func TestPublicOfManyWorlds(t *testing.T) {
	for i := range publicSays {
		publicSays[i].Store(0)
	}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 11))
		d, requests := policygen.SmallFrom(r)
		publicIsTrue(t, withRelatives(r, d), mixed(r, requests, 60))
	}
	closed, public, unknown := publicSays[0].Load(), publicSays[1].Load(), publicSays[2].Load()
	t.Logf("%d closed, %d public, %d unknown", closed, public, unknown)
	if closed < 20 || public < 20 || unknown*10 > closed+public {
		t.Errorf("%d closed, %d public, %d unknown: the worlds or the search went wrong", closed, public, unknown)
	}
}

// asStated returns a request as its caller states it: without the key of the time
// that follows from the other.
func asStated(r *policy.Request) *policy.Request {
	out := *r
	out.Context = nil
	timeStated := false
	for _, a := range r.Context {
		kind, _ := conditionkey.Split(a.Key)
		if kind == conditionkey.CurrentTime || kind == conditionkey.EpochTime {
			if timeStated {
				continue
			}
			timeStated = true
		}
		out.Context = append(out.Context, a)
	}
	return &out
}
