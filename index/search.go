package index

import (
	"postern/index/internal/match"
	"postern/index/internal/search"
	"postern/index/internal/store"
	"postern/policy"
)

// The bounds of one search request.
const (
	// DefaultLimit is the number of results of a page that states none.
	DefaultLimit = search.DefaultLimit
	// MaxLimit is the most that a page holds, whatever it states.
	MaxLimit = search.MaxLimit
)

// Page says which part of the results is asked for.
type Page = search.Page

// Found is one page of results.
type Found = search.Found

// Pattern is what a search cannot list: a pattern on the searched side of an
// Allow that could hold for others than the listed ones (specification 3.2).
type Pattern = search.Pattern

// ErrToken is what a search answers to a page's token that it did not give out,
// or that it gave out for another search.
var ErrToken = search.ErrToken

// SearchSubjects finds the known principals of one provider for which the
// request is allowed (specification 3.2). r is as Decide takes it, but that its
// first identifier is only `provider/`: each candidate is put in behind it. The
// results are without the provider.
//
// Known are the principals that the files of the caller's organization name
// without wildcard, and that the policy of the bucket in question names of it.
// The only error is ErrToken. Search allocates; its work is bounded, but for the
// first search after a change, which lists the names of what changed.
func (s *Snapshot) SearchSubjects(r *policy.Request, page Page) (Found, error) {
	return search.Subjects(&searched{Snapshot: s}, r, page)
}

// SearchResources finds the known resources of r.Resource.Type for which the
// request is allowed; r.Resource.ID and Kind are not read. Known are the buckets
// of the organization that r.Resource.Org names, else of the caller's, and what
// the files of these, and of the caller's organization, name without wildcard.
// See SearchSubjects for the rest.
func (s *Snapshot) SearchResources(r *policy.Request, page Page) (Found, error) {
	return search.Resources(&searched{Snapshot: s}, r, page)
}

// SearchActions finds the known actions for which the request is allowed;
// r.Action is not read. Known are the table of actions, and what the iam
// documents of the caller's organization, and the built-in roles, name without
// wildcard. See SearchSubjects for the rest.
func (s *Snapshot) SearchActions(r *policy.Request, page Page) (Found, error) {
	return search.Actions(&searched{Snapshot: s}, r, page)
}

// searched is a snapshot as a search sees it.
type searched struct {
	*Snapshot
	scratch Scratch
}

func (s *searched) Store() *store.Store { return &s.store }

func (s *searched) Allows(r *policy.Request) bool {
	return s.Decide(r, &s.scratch).Outcome == policy.Allow
}

func (s *searched) OutsideTenant(v *match.View, organization bool) bool {
	return outsideTenant(v, organization)
}

func (s *searched) Owner(v *match.View) (*store.Slot, policy.Reason) { return s.owner(v) }

func (s *searched) IsPlatform(v *match.View) bool { return s.isPlatform(v) }

func (s *searched) BucketStep(v *match.View, bucket *store.Slot) (passes bool, asked *Policies) {
	return s.bucketStep(v, bucket)
}
