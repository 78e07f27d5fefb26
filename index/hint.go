package index

import (
	"fmt"
	"slices"
	"strings"

	"postern/index/internal/match"
	"postern/index/internal/search"
	"postern/internal/action"
	"postern/internal/spelling"
	"postern/internal/value"
	"postern/policy"
)

const (
	// maxHintNames bounds the names that one hint lists.
	maxHintNames = 8
	// maxHintSearch bounds the names among which the nearest is looked for.
	maxHintSearch = 20_000
)

// Hints says what in a request is likely to be a mistake, where it was denied
// as d says: sentences for people, none for an Allow. They say what to write
// instead, in the words of specification 3.1, with the flags of postern check
// in parentheses. It allocates; it is not for the plain path.
func (s *Snapshot) Hints(r *policy.Request, d policy.Decision) []string {
	if d.Outcome == policy.Allow {
		return nil
	}
	h := &hints{s: s, r: r, org: r.Principal.Org}
	if h.org == "" {
		h.org = s.store.DefaultOrganization
	}
	h.properties("subject", r.Principal.Properties, subjectWords, func(word string) bool {
		return word == "org" && r.Principal.Org == "" || word == "groups" && len(r.Principal.Groups) == 0 ||
			word == "claims" && !r.Principal.ClaimsStated || word == "principals" && len(r.Principal.IDs) < 2
	})
	h.properties("resource", r.Resource.Properties, resourceWords, func(word string) bool {
		return word == "org" && r.Resource.Org == "" || word == "tags" && !r.Resource.TagsKnown
	})
	h.action()
	if d.Reason == policy.Anonymous {
		h.anonymous()
		return h.out
	}
	h.organization(h.org, "subject.properties.org (-org)")
	if r.Resource.Org != h.org {
		h.organization(r.Resource.Org, "resource.properties.org (-resource-org)")
	}
	switch d.Reason {
	case policy.OwnerUnknown:
		h.ownerUnknown()
	case policy.OwnerMismatch:
		h.ownerMismatch()
	}
	return h.out
}

// hints collects the hints of one request.
type hints struct {
	s   *Snapshot
	r   *policy.Request
	org string // the caller's
	out []string
}

func (h *hints) add(format string, args ...any) { h.out = append(h.out, fmt.Sprintf(format, args...)) }

// The words for properties that have another name (specification 3.1).
var (
	subjectWords = map[string]string{
		"organization": "org", "organisation": "org", "organizationid": "org", "organization_id": "org", "orgid": "org", "org_id": "org", "owner": "org", "tenant": "org",
		"principal": "principals", "group": "groups", "claim": "claims",
	}
	resourceWords = map[string]string{
		"organization": "org", "organisation": "org", "organizationid": "org", "organization_id": "org", "orgid": "org", "org_id": "org", "owner": "org", "tenant": "org",
		"tag": "tags",
	}
)

// properties tells of properties whose name is not the one that is read; missing
// says whether that one is not stated.
func (h *hints) properties(entity string, list []policy.Attribute, words map[string]string, missing func(word string) bool) {
	for i := range list {
		key := list[i].Key
		if word := words[value.FoldASCII(key)]; word != "" && missing(word) {
			h.add("%s.properties has %q, which is a condition key and no more; write it as %s.properties.%s", entity, match.Cut(key), entity, word)
		}
	}
}

// action tells of an action that has no service, or is not spelled as a known one.
func (h *hints) action() {
	name := h.r.Action
	if _, known := action.Lookup(name); known {
		return
	}
	if strings.IndexByte(name, ':') < 0 {
		for _, service := range search.Services {
			if id, known := action.Lookup(service.Prefix + name); known && service.Prefix != "" {
				h.add("the action %q has no service, and so belongs to the iam layer; write %q", name, action.Name(id))
				return
			}
		}
	}
	if action.ClassOf(name) != action.IAM {
		if near, ok := action.Nearest(name); ok {
			h.add("no table knows the action %q; the nearest is %q", match.Cut(name), near)
		}
		return
	}
	own := h.s.store.Organization(h.org)
	if own.IAM == nil {
		return
	}
	known := own.IAM.Names().Actions
	if len(known) > maxHintSearch {
		known = known[:maxHintSearch]
	}
	if slices.ContainsFunc(known, func(other string) bool { return value.EqualFoldASCII(other, name) }) {
		return
	}
	folded := value.FoldASCII(name)
	if i := spelling.Nearest(folded, len(known), func(i int) string { return value.FoldASCII(known[i]) }); i >= 0 {
		h.add("no policy of the organization names the action %q; the nearest is %q", match.Cut(name), known[i])
	}
}

// anonymous tells what a caller lacks.
func (h *hints) anonymous() {
	switch p := &h.r.Principal; {
	case h.org == "":
		h.add("the caller has no organization; state it in subject.properties.org (-org)")
	case len(p.IDs) == 0:
		h.add("the caller has no identifier; state one as the subject's type and id (-principal)")
	case match.IsToken(h.r):
		h.organization(h.org, "subject.properties.org (-org)")
		h.add("no file in iam/ of the organization %q defines %q, or it has expired", match.Cut(h.org), match.Cut(p.IDs[0]))
	}
}

// organization tells of an organization that has no folder, and is none of the
// platform's, which need none.
func (h *hints) organization(name, where string) {
	if name == "" || slices.Contains(h.s.store.Platform, name) {
		return
	}
	if h.s.store.Has(name) {
		return
	}
	all := slices.Sorted(h.s.store.All())
	text := fmt.Sprintf("there is no organization %q, which is stated in %s", match.Cut(name), where)
	if name == h.s.store.DefaultOrganization && h.r.Principal.Org == "" {
		text = fmt.Sprintf("there is no organization %q, which -default-org fills in", match.Cut(name))
	}
	folded, searched := value.FoldASCII(name), all[:min(len(all), maxHintSearch)]
	if i := spelling.Nearest(folded, len(searched), func(i int) string { return value.FoldASCII(searched[i]) }); i >= 0 {
		text += fmt.Sprintf("; the nearest is %q", searched[i])
	}
	switch n := len(all); {
	case n == 0:
		text += "; no organization has a folder"
	case n <= maxHintNames:
		text += "; there are " + strings.Join(all, ", ")
	default:
		text += fmt.Sprintf("; there are %s and %d more", strings.Join(all[:maxHintNames], ", "), n-maxHintNames)
	}
	h.out = append(h.out, text)
}

// ownerUnknown tells how a bucket gets an owner.
func (h *hints) ownerUnknown() {
	name := match.BucketOf(h.r.Resource.ID)
	text := fmt.Sprintf("no folder has the bucket %q; state its organization in resource.properties.org (-resource-org), or list it in buckets.json of its organization", match.Cut(name))
	if near := h.nearestBucket(name); near != "" {
		text += fmt.Sprintf("; the nearest bucket is %q", near)
	}
	h.out = append(h.out, text)
}

// nearestBucket is the bucket of the caller's organization whose name is nearest.
func (h *hints) nearestBucket(name string) string {
	var all []string
	looked := 0
	for b := range h.s.store.Buckets() {
		if looked++; looked > maxHintSearch {
			return "" // which would depend on their order
		}
		if h.s.store.Owner(b) == h.org {
			all = append(all, b.Name())
		}
	}
	slices.Sort(all)
	if i := spelling.Nearest(name, len(all), func(i int) string { return all[i] }); i >= 0 {
		return all[i]
	}
	return ""
}

// ownerMismatch tells whose a bucket is.
func (h *hints) ownerMismatch() {
	stated := h.r.Resource.Org
	if stated == "" {
		stated = h.r.Resource.ID // of the whole organization
	}
	if h.r.Resource.Kind == policy.ResourceBucket || h.r.Resource.Kind == policy.ResourceObject {
		name := match.BucketOf(h.r.Resource.ID)
		if b := h.s.store.Bucket(name, match.HashBucket(name)); b != nil && h.s.store.Owner(b) != stated {
			h.add("the bucket %q belongs to the organization %q by the directory, and the request states %q; leave resource.properties.org (-resource-org) out", match.Cut(name), h.s.store.Owner(b), match.Cut(stated))
			return
		}
	}
	h.add("the caller's organization is %q, and the request is about one of %q; this action is decided by the caller's own organization alone", match.Cut(h.org), match.Cut(stated))
}
