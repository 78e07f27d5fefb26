package index

import (
	"iter"
	"slices"

	"postern/index/internal/match"
	"postern/index/internal/statements"
)

// Buckets goes through all buckets that a folder holds or a list names, with the
// organization that each belongs to, in no order. It does not allocate.
func (s *Snapshot) Buckets() iter.Seq2[string, string] {
	return func(yield func(name, owner string) bool) {
		for slot := range s.store.Buckets() {
			if !yield(slot.Name(), s.store.Owner(slot)) {
				return
			}
		}
	}
}

// Principals returns the principals, as `provider/name`, that the organization
// policies and the iam documents of org name without wildcard, and of org's and
// of no organization's those that the policy of bucket names, if there is such a
// bucket: sorted, each once. It allocates; the strings may alias the snapshot.
func (s *Snapshot) Principals(org, bucket string) []string {
	own := s.store.Organization(org)
	out := slices.Clone(own.Policies.Names().Principals)
	if own.IAM != nil {
		out = append(out, own.IAM.Names().Principals...)
	}
	if slot := s.store.Bucket(bucket, match.HashBucket(bucket)); slot != nil && slot.HasPolicy() {
		var k statements.Names
		k.Add(slot.Policy(), org)
		out = append(out, k.Principals...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
