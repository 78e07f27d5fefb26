package search

import (
	"slices"
	"strings"

	"postern/index/internal/iam"
	"postern/index/internal/match"
	"postern/index/internal/open"
	"postern/index/internal/statements"
	"postern/index/internal/store"
	"postern/internal/action"
	"postern/policy"
)

// The bounds of one search request, so that no search can hold up checks.
const (
	// DefaultLimit is the number of results of a page that states none.
	DefaultLimit = 1000
	// MaxLimit is the most that a page holds, whatever it states.
	MaxLimit = 10_000
	// MaxLooked bounds the candidates that one page decides; a page that
	// reaches it ends early, with a token, and may be empty.
	MaxLooked = 16_384
)

// Page says which part of the results is asked for.
type Page struct {
	// Limit is the most results, DefaultLimit if it is 0; with a Token it is
	// not read, since a token goes on with its first limit.
	Limit int
	// Token is Found.Next of the page before, "" for the first.
	Token string
	// Bytes ends the page early, with a token, once its names together have
	// about that many bytes; 0 is no bound. Patterns past it are left out, which
	// Truncated says.
	Bytes int
	// More is asked between candidates; the page ends early, with a token, when
	// it returns false. It may be nil. It is asked too while patterns are looked
	// for, which then end, with Truncated if the page has nothing else.
	More func() bool
}

// Found is one page of results.
type Found struct {
	// IDs are in byte order, each once. They may alias the snapshot.
	IDs []string
	// Next is the token of the next page, "" at the end.
	Next string
	// Of the last page, Complete says that no Allow could hold for others than
	// those that the pages list; where one could, Patterns say for which, each
	// once, in byte order. Truncated says that there may be more of them.
	Complete  bool
	Patterns  []Pattern
	Truncated bool
}

// Subjects finds the known principals of one provider for which the
// request is allowed (specification 3.2). r is as Decide takes it, but that its
// first identifier is only `provider/`: each candidate is put in behind it. The
// results are without the provider.
//
// Known are the principals that the files of the caller's organization name
// without wildcard, and that the policy of the bucket in question names of it.
// The only error is ErrToken. Search allocates; its work is bounded, but for the
// first search after a change, which lists the names of what changed.
func Subjects(s Snapshot, r *policy.Request, page Page) (Found, error) {
	sr, err := newSearch(s, 's', r, page)
	if err != nil || sr.v.Org == "" {
		return Found{Complete: err == nil}, err
	}
	provider := r.Principal.IDs[0]
	sr.subjects(provider)
	ids := slices.Clone(r.Principal.IDs)
	sr.request.Principal.IDs = ids
	return sr.run(func(id string) bool {
		ids[0] = provider + id
		return true
	}, (*unlisted).ofSubjects), nil
}

// Resources finds the known resources of r.Resource.Type for which the
// request is allowed; r.Resource.ID and Kind are not read. Known are the buckets
// of the organization that r.Resource.Org names, else of the caller's, and what
// the files of these, and of the caller's organization, name without wildcard.
// See Subjects for the rest.
func Resources(s Snapshot, r *policy.Request, page Page) (Found, error) {
	sr, err := newSearch(s, 'r', r, page)
	if err != nil || sr.v.Org == "" || len(r.Principal.IDs) == 0 {
		return Found{Complete: err == nil}, err
	}
	sr.resources()
	out := &sr.request.Resource
	return sr.run(func(id string) (fits bool) {
		out.ID = id
		out.Kind, fits = kindOf(sr.v.Class, out.Type, id)
		return fits
	}, (*unlisted).ofResources), nil
}

// Actions finds the known actions for which the request is allowed;
// r.Action is not read. Known are the table of actions, and what the iam
// documents of the caller's organization, and the built-in roles, name without
// wildcard. See Subjects for the rest.
func Actions(s Snapshot, r *policy.Request, page Page) (Found, error) {
	sr, err := newSearch(s, 'a', r, page)
	if err != nil || sr.v.Org == "" || len(r.Principal.IDs) == 0 {
		return Found{Complete: err == nil}, err
	}
	sr.names.add(open.KnownActions(), "", sr.after, open.EveryName)
	if own := sr.store.Organization(sr.v.Org); own.IAM != nil {
		sr.names.add(own.IAM.Names().Actions, "", sr.after, open.EveryName)
	}
	out := &sr.request
	return sr.run(func(name string) (fits bool) {
		out.Action = name
		out.Resource.Kind, fits = kindOf(action.ClassOf(name), out.Resource.Type, out.Resource.ID)
		return fits
	}, (*unlisted).ofActions), nil
}

// kindOf is the kind of a resource that an action of the class is asked on;
// false if it is not asked on such a one. internal/request holds whole requests
// to the same rule (specification 1.3, 3.1), and a test holds the two together.
func kindOf(class action.Class, resourceType, id string) (policy.ResourceKind, bool) {
	slash := strings.IndexByte(id, '/')
	switch {
	case class == action.IAM && resourceType == "organization":
		return policy.ResourceOrganization, true
	case class == action.IAM:
		return policy.ResourceTyped, true
	case class.WholeOrganization():
		return policy.ResourceOrganization, resourceType == "organization"
	case resourceType == "bucket":
		return policy.ResourceBucket, slash < 0
	case resourceType == "object":
		return policy.ResourceObject, slash > 0 && slash < len(id)-1
	}
	return policy.ResourceNone, false
}

// Snapshot is what a search asks of the snapshot that it goes through: what is
// known there, and the steps of specification 1.3.
type Snapshot interface {
	Store() *store.Store
	// Allows decides a request.
	Allows(r *policy.Request) bool
	// OutsideTenant reports that the request states an organization other than
	// the caller's, as the owner or, with organization, as what is asked about.
	OutsideTenant(v *match.View, organization bool) bool
	// Owner works out whom the resource belongs to, and sets it in v; the bucket
	// is store.UnknownBucket where none is known, or the request about none.
	Owner(v *match.View) (bucket *store.Slot, reason policy.Reason)
	// IsPlatform reports that the caller's organization needs no folder, and has none.
	IsPlatform(v *match.View) bool
	// BucketStep says what the bucket step comes to: it passes, or asks the policy
	// asked, or neither.
	BucketStep(v *match.View, bucket *store.Slot) (passes bool, asked *statements.Policies)
}

// search is one search at work.
type search struct {
	s       Snapshot
	store   *store.Store
	open    *policy.Request // the asker's
	request policy.Request  // the same, with candidates put in
	v       *iam.Inquiry    // of the open request
	mark    uint64
	limit   int
	bytes   int // see Page, as is more
	more    func() bool
	after   string // names up to this one were looked at before
	names   names
}

func newSearch(s Snapshot, kind byte, r *policy.Request, page Page) (*search, error) {
	sr := &search{s: s, store: s.Store(), open: r, request: *r, limit: page.Limit, bytes: page.Bytes, more: page.More, mark: markOf(kind, r)}
	if sr.limit <= 0 {
		sr.limit = DefaultLimit
	}
	if page.Token != "" {
		var ok bool
		if sr.limit, sr.after, ok = readToken(page.Token, sr.mark); !ok {
			return nil, ErrToken
		}
	}
	sr.limit = min(sr.limit, MaxLimit)
	sr.v = &iam.Inquiry{}
	sr.v.Begin(sr.open, sr.store.DefaultOrganization)
	return sr, nil
}

// run decides the candidates in byte order, and keeps those that are allowed.
// put makes a candidate part of the request; false if it does not fit there. A
// page that is full looks on for one more, so that the last page says that it
// is the last; that one has what rest says of the others.
func (sr *search) run(put func(name string) bool, rest func(*unlisted, *iam.Inquiry) []open.Admitted) (out Found) {
	last := sr.after
	bytes := 0
	for looked := 0; ; looked++ {
		name, ok := sr.names.next()
		switch {
		case !ok:
			// What was cut short beside candidates has a page of its own.
			if whole := sr.cannotList(&out, rest); !whole && looked > 0 {
				return Found{IDs: out.IDs, Next: pageToken(sr.limit, last, sr.mark)}
			}
			return out
		case looked == MaxLooked, looked > 0 && (sr.bytes > 0 && bytes >= sr.bytes || sr.more != nil && !sr.more()):
			out.Next = pageToken(sr.limit, last, sr.mark)
			return out
		}
		if put(name) && sr.s.Allows(&sr.request) {
			if len(out.IDs) == sr.limit {
				out.Next = pageToken(sr.limit, last, sr.mark)
				return out
			}
			out.IDs = append(out.IDs, name)
			bytes += len(name)
		}
		last = name
	}
}
