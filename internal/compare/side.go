package compare

import (
	"maps"
	"slices"
	"strings"

	"postern/index"
	"postern/policy"
)

// A Side is one of two policy directories that Diff compares. Nothing of it is
// unavailable: what is broken is not compared.
type Side struct {
	// DefaultOrganization is `-default-org` where it is in force, else "".
	DefaultOrganization string
	// PlatformOrganizations are those that `-platform-org` names.
	PlatformOrganizations []string
	// Organizations are those that have a folder, with their documents.
	Organizations map[string]*policy.DirectoryOrganization
	// Buckets are those that have a file or are listed, by name.
	Buckets map[string]BucketFile
	// Snapshot decides.
	Snapshot *index.Snapshot
}

// A BucketFile is a bucket of a Side. Its policy is read when it is asked for,
// since most of many buckets are equal on both sides.
type BucketFile struct {
	Owner     string
	Claimants []string
	// HasPolicy tells whether there is a policy; Content is equal for two
	// policies that are equal, byte for byte, and Read reads it.
	HasPolicy bool
	Content   string
	Read      func() *policy.Document
}

// A side is a Side with its statements, read as far as they were asked for.
type side struct {
	*Checker
	Side
	orgs    map[string][]*clause
	buckets map[string][]*clause
	steps   map[string]step
	scratch index.Scratch
}

func newSide(k *Checker, s Side) *side {
	return &side{Checker: k, Side: s, orgs: map[string][]*clause{}, buckets: map[string][]*clause{}, steps: map[string]step{}}
}

// organizationClauses are the statements of an organization's policies, in order
// of path and index.
func (s *side) organizationClauses(org string) []*clause {
	if c, ok := s.orgs[org]; ok {
		return c
	}
	var out []*clause
	if o := s.Organizations[org]; o != nil {
		docs := slices.Clone(o.Policies)
		slices.SortStableFunc(docs, func(a, b *policy.Document) int { return strings.Compare(a.File, b.File) })
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
	b, listed := s.Buckets[name]
	if !listed || !b.HasPolicy {
		return []*clause{ownersAllow(owner)}
	}
	if c, ok := s.buckets[name]; ok {
		return c
	}
	out := s.Checker.bucket(name).read(b.Read())
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
		resources: []resource{newResource("*", false)},
		implied:   true,
		owner:     owner,
	}
	for i := range c.known {
		c.known[i] = ^uint64(0)
	}
	return c
}

// organizations are those that a side has a folder of, or that pass by
// themselves, sorted.
func (s *side) organizations() []string {
	names := slices.Sorted(maps.Keys(s.Organizations))
	for _, o := range s.PlatformOrganizations {
		if !slices.Contains(names, o) {
			names = append(names, o)
		}
	}
	slices.Sort(names)
	return names
}
