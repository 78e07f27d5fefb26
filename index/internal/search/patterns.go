package search

import (
	"cmp"
	"slices"
	"strings"

	"postern/index/internal/iam"
	"postern/index/internal/open"
	"postern/index/internal/statements"
	"postern/index/internal/store"
	"postern/policy"
)

// maxPatterns bounds the patterns of an answer (specification 3.2).
const maxPatterns = 1000

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
func (sr *search) cannotList(out *Found, list func(*unlisted, *iam.Inquiry) []open.Admitted) bool {
	p := &unlisted{search: sr, Patterns: open.Patterns{More: sr.more}}
	v := &iam.Inquiry{}
	v.Begin(sr.open, sr.store.DefaultOrganization)
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

// layers returns what the layers in front of iam admit on one bucket, or on the
// whole organization: admit tells of the statements of one of them.
func (p *unlisted) layers(v *iam.Inquiry, own *store.Organization, bucket *store.Slot, admit func(*statements.Policies, policy.Layer) []open.Admitted) []open.Admitted {
	var as []open.Admitted
	switch {
	case own.Policies != nil:
		as = admit(own.Policies, policy.LayerOrganization)
	case v.Owner != v.Org && p.s.IsPlatform(&v.View):
		as = open.Everything()
	}
	if len(as) == 0 {
		return nil
	}
	return p.behindBucketStep(v, bucket, as, func(asked *statements.Policies) []open.Admitted { return admit(asked, policy.LayerBucket) })
}

// behindBucketStep returns what the bucket step leaves of what the organization
// step admits; admit tells of the bucket's policy.
func (p *unlisted) behindBucketStep(v *iam.Inquiry, bucket *store.Slot, as []open.Admitted, admit func(*statements.Policies) []open.Admitted) []open.Admitted {
	switch passes, asked := p.s.BucketStep(&v.View, bucket); {
	case passes:
		return as
	case asked != nil:
		return p.Both(as, admit(asked))
	}
	return nil
}
