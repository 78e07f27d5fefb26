package compare

import (
	"slices"

	"postern/policy"
)

// A side is what one policy directory says of s3: and cwobject: requests, read
// as far as it was asked for.
type side struct {
	*Checker
	directory *policy.Directory
	orgs      map[string][]*clause
	buckets   map[string][]*clause
}

func newSide(k *Checker, d *policy.Directory) *side {
	return &side{Checker: k, directory: d, orgs: map[string][]*clause{}, buckets: map[string][]*clause{}}
}

// organizationClauses are the statements of an organization's policies, in order
// of path and index.
func (s *side) organizationClauses(org string) []*clause {
	if c, ok := s.orgs[org]; ok {
		return c
	}
	var out []*clause
	if o := s.directory.Organizations[org]; o != nil {
		docs := slices.Clone(o.Policies)
		slices.SortStableFunc(docs, func(a, b *policy.Document) int { return compareText(a.File, b.File) })
		r := s.organization()
		for _, d := range docs {
			out = append(out, r.read(d)...)
		}
	}
	s.orgs[org] = out
	return out
}

// bucketClauses are the statements of a bucket's policy. A bucket without one is
// open to the callers of its owner (specification 1.3): it is as if it had one
// statement that says so.
func (s *side) bucketClauses(name, owner string) []*clause {
	b := s.directory.Buckets[name]
	if b == nil || b.Policy == nil {
		return []*clause{ownersAllow(owner)}
	}
	if c, ok := s.buckets[name]; ok {
		return c
	}
	out := s.Checker.bucket(name).read(b.Policy)
	s.buckets[name] = out
	return out
}

// ownersAllow is the statement that stands for a bucket without policy.
func ownersAllow(owner string) *clause {
	c := &clause{
		Statement: &policy.Statement{
			Effect:     policy.EffectAllow,
			Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}},
			Actions:    []string{"*"},
			Resources:  []string{"*"},
		},
		document:  &policy.Document{Kind: policy.KindBucket},
		layer:     policy.LayerBucket,
		actions:   []glob{everything},
		known:     newIDSet(),
		resources: []resource{{everything, "*", true}},
		implied:   true,
		owner:     owner,
	}
	for i := range c.known {
		c.known[i] = ^uint64(0)
	}
	return c
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
