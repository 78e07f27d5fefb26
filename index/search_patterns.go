package index

import (
	"cmp"
	"slices"
	"strings"

	"postern/index/internal/open"
	"postern/index/internal/store"
	"postern/internal/action"
	"postern/policy"
)

const (
	// maxPatterns bounds the patterns of an answer (specification 3.2).
	maxPatterns = 1000
)

// Pattern is what a search cannot list: a pattern on the searched side of an
// Allow that could hold for others than the listed ones (specification 3.2).
type Pattern struct {
	// Text is the pattern as policies write it: `*`, `role/x*`, `bucket/*`,
	// `stack:acme/*`, `s3:Get*`. A whole organization is `arn:aws:iam::ORG:*`;
	// `role/*` also stands for a statement that holds for every name of the
	// searched provider because of what else the request states.
	Text string
	// Statement is where it stands.
	Statement policy.StatementRef
}

// unlisted is one search for what a search cannot list.
type unlisted struct {
	*search
	open.Patterns
}

// cannotList completes the last page: what the search, whose open request is
// open, cannot list; false if More stopped it.
func (sr *search) cannotList(out *Found, list func(*unlisted, *view) []open.Admitted) bool {
	p := &unlisted{search: sr, Patterns: open.Patterns{More: sr.more}}
	var sc Scratch
	v := &sc.view
	v.begin(sr.open, sr.s.store.DefaultOrganization)
	all := list(p, v)
	p.Doubt(&v.View)
	slices.SortFunc(all, func(a, b open.Admitted) int {
		return cmp.Or(strings.Compare(a.Text, b.Text), policy.ByPlace(a.At, b.At), strings.Compare(a.At.Document, b.At.Document))
	})
	all = slices.CompactFunc(all, func(a, b open.Admitted) bool { return a.Text == b.Text && a.At == b.At })
	if len(all) > maxPatterns {
		all, p.Truncated = all[:maxPatterns], true
	}
	bytes := 0
	for i, a := range all {
		if bytes += len(a.Text) + len(a.At.Document) + len(a.At.Statement) + len(a.At.File); p.bytes > 0 && bytes > p.bytes {
			all, p.Truncated = all[:i], true
			break
		}
	}
	out.Complete, out.Truncated = len(all) == 0 && !p.Truncated, p.Truncated
	for _, a := range all {
		out.Patterns = append(out.Patterns, Pattern{Text: a.Text, Statement: a.At})
	}
	return !p.Stopped
}

// bucketStep says what the bucket step of a request that its organization step
// lets pass comes to (specification 1.3): it passes, or asks the policy asked,
// or neither. v has the bucket's owner. Of a foreign caller the owner's Denies
// are asked beside.
func (s *Snapshot) bucketStep(v *view, bucket *store.Slot) (passes bool, asked *Policies) {
	foreign, contested := v.Owner != v.Org, bucket.Contested()
	switch {
	case v.Class == action.ListAllMyBuckets:
		return true, nil
	case v.Class == action.CreateBucket:
		return !foreign && !contested, nil
	case contested, foreign && (v.Class == action.PutBucketPolicy || v.Class == action.BucketPolicy):
		return false, nil
	case v.Class == action.PutBucketPolicy:
		return true, nil
	}
	owner := s.store.Organization(v.Owner)
	switch {
	case foreign && owner.PoliciesUnavailable,
		bucket.Unavailable() || !bucket.Known() && owner.BucketsUnavailable:
		return false, nil
	case !bucket.HasPolicy():
		return !foreign, nil
	}
	return false, bucket.Policy()
}

// layers returns what the layers in front of iam admit on one bucket, or on the
// whole organization: admit tells of the statements of one of them.
func (p *unlisted) layers(v *view, own *Organization, bucket *store.Slot, admit func(*Policies, policy.Layer) []open.Admitted) []open.Admitted {
	var as []open.Admitted
	switch {
	case own.Policies != nil:
		as = admit(own.Policies, policy.LayerOrganization)
	case p.s.passesAsPlatform(v):
		as = open.Everything()
	}
	if len(as) == 0 {
		return nil
	}
	return p.behindBucketStep(v, bucket, as, func(asked *Policies) []open.Admitted { return admit(asked, policy.LayerBucket) })
}

// behindBucketStep returns what the bucket step leaves of what the organization
// step admits; admit tells of the bucket's policy.
func (p *unlisted) behindBucketStep(v *view, bucket *store.Slot, as []open.Admitted, admit func(*Policies) []open.Admitted) []open.Admitted {
	switch passes, asked := p.s.bucketStep(v, bucket); {
	case passes:
		return as
	case asked != nil:
		return p.Both(as, admit(asked))
	}
	return nil
}
