package index_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/action"
	"postern/internal/policygen"
	"postern/internal/request"
	"postern/policy"
)

// TestSearchAgreesWithDecide is attack class 13: over random worlds, every
// result of a search is allowed, and of everything that the documents name
// without wildcard, whatever is allowed is a result. What they name is read
// from the documents here, and all of it is tried.
func TestSearchAgreesWithDecide(t *testing.T) {
	worlds := map[string]func(*rand.Rand) (*policy.Directory, []*policy.Request){
		"small":  policygen.SmallFrom,
		"access": policygen.SmallAccessFrom,
	}
	for name, world := range worlds {
		found := map[string]int{}
		seeds := uint64(24)
		if testing.Short() {
			seeds = 6
		}
		for seed := range seeds {
			r := rand.New(rand.NewPCG(seed, 13))
			d, requests := world(r)
			form := []string{"auto", "roaring", "scan"}[seed%3]
			s, ds := compile.Compiler{Form: forms[form]}.Directory(d, 1)
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			for i, q := range requests {
				for what, n := range searchAll(t, fmt.Sprintf("%s, seed %d, %s, request %d", name, seed, form, i), r, d, s, q) {
					found[what] += n
				}
			}
		}
		for _, what := range []string{"subject", "resource", "action"} {
			if found[what] < 50 {
				t.Errorf("%s: only %d results of searches for a %s; the test says little", name, found[what], what)
			}
		}
	}
}

// searchAll tries the three searches around one request.
func searchAll(t *testing.T, at string, r *rand.Rand, d *policy.Directory, s *index.Snapshot, q *policy.Request) map[string]int {
	t.Helper()
	found := map[string]int{}
	org := q.Principal.Org
	if org == "" {
		org = d.DefaultOrganization
	}
	k := namesIn(d, org, q)
	if len(q.Principal.IDs) > 0 {
		first := q.Principal.IDs[0]
		for _, provider := range []string{first[:strings.IndexByte(first, '/')+1], "role/", "user/"} {
			open := *q
			open.Principal.IDs = append([]string{provider}, q.Principal.IDs[1:]...)
			put := func(id string) (*policy.Request, bool) {
				whole := open
				whole.Principal.IDs = append([]string{provider + id}, q.Principal.IDs[1:]...)
				return &whole, true
			}
			var known []string
			for _, name := range k.principals {
				if id, ok := strings.CutPrefix(name, provider); ok {
					known = append(known, id)
				}
			}
			found["subject"] += holdSearch(t, at+", subjects "+provider, r, s, known, put, func(p index.Page) (index.Found, error) { return s.SearchSubjects(&open, p) })
		}
		if !strings.HasPrefix(first, "token/") && len(q.Principal.IDs) == 1 && len(q.Principal.Groups) == 0 && !q.Principal.ClaimsStated {
			open := *q
			open.Principal.IDs = []string{"token/"}
			put := func(id string) (*policy.Request, bool) {
				whole := open
				whole.Principal.IDs = []string{"token/" + id}
				return &whole, true
			}
			found["token"] += holdSearch(t, at+", tokens", r, s, k.tokens, put, func(p index.Page) (index.Found, error) { return s.SearchSubjects(&open, p) })
		}
	}
	for _, typ := range []string{q.Resource.Type, "bucket", "object", "organization", "stack"} {
		open := *q
		open.Resource.Type, open.Resource.ID, open.Resource.Kind = typ, "", policy.ResourceNone
		put := func(id string) (*policy.Request, bool) {
			whole := open
			whole.Resource.ID = id
			return fitted(&whole)
		}
		found["resource"] += holdSearch(t, at+", resources "+typ, r, s, k.resources(typ), put, func(p index.Page) (index.Found, error) { return s.SearchResources(&open, p) })
	}
	open := *q
	open.Action = "ignored:Name"
	put := func(name string) (*policy.Request, bool) {
		whole := open
		whole.Action = name
		return fitted(&whole)
	}
	found["action"] += holdSearch(t, at+", actions", r, s, k.actions, put, func(p index.Page) (index.Found, error) { return s.SearchActions(&open, p) })
	return found
}

// fitted fills the kind of a request's resource as internal/request does; false
// if the two do not fit.
func fitted(r *policy.Request) (*policy.Request, bool) {
	check := &policy.Request{
		Principal: policy.Principal{IDs: []string{"role/x"}}, Action: r.Action,
		Resource: policy.Resource{Type: r.Resource.Type, ID: r.Resource.ID},
	}
	if request.Check(check) != nil {
		return nil, false
	}
	r.Resource.Kind = check.Resource.Kind
	return r, true
}

// holdSearch holds the pages of one search to Decide, and returns the number
// of results.
func holdSearch(t *testing.T, at string, r *rand.Rand, s *index.Snapshot, known []string, put func(string) (*policy.Request, bool), search func(index.Page) (index.Found, error)) int {
	t.Helper()
	var sc index.Scratch
	var all []string
	limit := []int{0, 1, 2, 3, 1000}[r.IntN(5)]
	page := index.Page{Limit: limit}
	for {
		found, err := search(page)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if limit > 0 && len(found.IDs) > limit {
			t.Fatalf("%s: %d results on a page of %d", at, len(found.IDs), limit)
		}
		all = append(all, found.IDs...)
		if found.Next == "" {
			break
		}
		if len(found.IDs) != limit {
			t.Fatalf("%s: a page of %d ends after %d results", at, limit, len(found.IDs))
		}
		page = index.Page{Token: found.Next, Limit: r.IntN(10)} // the token's limit counts
	}
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Fatalf("%s: not in byte order, each once: %q", at, all)
	}
	for _, id := range all {
		if q, ok := put(id); !ok || s.Decide(q, &sc).Outcome != policy.Allow {
			t.Fatalf("%s: %q was found and is not allowed", at, id)
		}
	}
	for _, id := range known {
		if q, ok := put(id); ok && s.Decide(q, &sc).Outcome == policy.Allow {
			same := func(other string) bool { return other == id }
			if strings.HasSuffix(at, "actions") { // of several spellings one is named
				same = func(other string) bool { return strings.EqualFold(other, id) }
			}
			if !slices.ContainsFunc(all, same) {
				t.Fatalf("%s: %q is known and allowed, and was not found among %q", at, id, all)
			}
		}
	}
	return len(all)
}

// documentNames are what the documents name without wildcard.
type documentNames struct {
	principals, tokens, buckets, objects, typed, actions []string
	org                                                  string
}

func (k *documentNames) resources(typ string) (out []string) {
	switch typ {
	case "bucket":
		out = append(out, k.buckets...)
	case "object":
		out = append(out, k.objects...)
	case "organization":
		out = append(out, k.org)
	}
	for _, name := range k.typed {
		if id, ok := strings.CutPrefix(name, typ+":"); ok && typ != "organization" {
			out = append(out, id)
		}
	}
	return slices.DeleteFunc(out, func(id string) bool { return id == "" })
}

func namesIn(d *policy.Directory, org string, q *policy.Request) *documentNames {
	k := &documentNames{org: org}
	for id := range action.Count() {
		k.actions = append(k.actions, action.Name(action.ID(id)))
	}
	document := func(doc *policy.Document, ofOwner bool) {
		for _, st := range doc.Statements {
			for _, p := range st.Principals {
				if p.Kind == policy.PrincipalExact && (p.Org == "" || p.Org == org) {
					k.principals = append(k.principals, p.Name)
				}
			}
			for _, text := range st.Resources {
				if !ofOwner || strings.ContainsAny(text, "*?") || doc.Variables && strings.Contains(text, "${") {
					continue
				}
				if strings.Contains(text, "/") {
					k.objects = append(k.objects, text)
				} else {
					k.buckets = append(k.buckets, text)
				}
			}
		}
	}
	if o := d.Organizations[org]; o != nil {
		for _, doc := range o.Policies {
			if !o.PoliciesUnavailable {
				document(doc, true)
			}
		}
		for _, doc := range o.Access {
			if !o.IAMUnavailable {
				k.access(doc)
			}
		}
		if len(o.Access) > 0 && d.BuiltIn != nil && !o.IAMUnavailable {
			k.access(&policy.AccessDocument{Roles: d.BuiltIn.Roles, PermissionSets: d.BuiltIn.PermissionSets})
		}
	}
	of := q.Resource.Org
	if of == "" {
		of = org
	}
	asked, _, _ := strings.Cut(q.Resource.ID, "/")
	if action.ClassOf(q.Action) == action.IAM {
		asked = "" // no bucket policy is asked
	}
	for name, b := range d.Buckets {
		if b.Owner == of || slices.Contains(b.Claimants, of) {
			k.buckets = append(k.buckets, name)
		}
		if b.Policy != nil && !b.PolicyUnavailable && (b.Owner == org || b.Owner == of || name == asked) {
			document(b.Policy, b.Owner == of)
		}
	}
	return k
}

func (k *documentNames) access(doc *policy.AccessDocument) {
	members := func(list []policy.Member) {
		for _, m := range list {
			switch m.Kind {
			case policy.PrincipalExact:
				k.principals = append(k.principals, m.Name)
			case policy.PrincipalToken:
				k.tokens = append(k.tokens, m.Name)
			}
		}
	}
	actions := func(list []string) {
		for _, name := range list {
			if _, inTable := action.Lookup(name); !inTable && !strings.ContainsAny(name, "*?") {
				k.actions = append(k.actions, name)
			}
		}
	}
	resources := func(list []policy.ResourcePattern) {
		for _, p := range list {
			if p.Type != "" && !p.UID && !strings.ContainsAny(p.Pattern, "*?$") {
				k.typed = append(k.typed, p.Type+":"+p.Pattern)
			}
		}
	}
	for _, set := range doc.PermissionSets {
		actions(set.Actions)
	}
	for _, role := range doc.Roles {
		for _, rule := range role.Rules {
			actions(rule.Actions)
			resources(rule.Resources)
			resources(rule.NotResources)
		}
	}
	for _, g := range doc.Groups {
		members(g.Members)
	}
	for _, b := range doc.Bindings {
		members(b.Members)
		actions(b.Actions)
		resources(b.Resources)
	}
	for _, token := range doc.Tokens {
		k.tokens = append(k.tokens, token.Name)
		if token.User.Name != "" {
			k.principals = append(k.principals, token.User.Name)
		}
	}
	for _, e := range doc.Entities {
		switch {
		case strings.HasPrefix(e.Principal, "token/"):
			k.tokens = append(k.tokens, e.Principal[len("token/"):])
		case e.Principal != "":
			k.principals = append(k.principals, e.Principal)
		default:
			k.typed = append(k.typed, e.Name())
		}
	}
}

// TestSearchReadsFactsOfTheSearched: a variable takes its value from what an
// entity says of the principal that is searched.
func TestSearchReadsFactsOfTheSearched(t *testing.T) {
	team := func(name, team string) policy.Entity {
		return policy.Entity{Principal: name, Properties: []policy.Attribute{{Key: "team", Values: []policy.Value{{Kind: policy.ValueString, Text: team}}}}}
	}
	d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{"o1": {Access: []*policy.AccessDocument{{
		File: "o1/iam/a.json",
		Bindings: []policy.Binding{{
			Effect: policy.EffectAllow, Actions: []string{"stack:read"},
			Members:   []policy.Member{{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalEveryone}}},
			Resources: []policy.ResourcePattern{{Type: "stack", Pattern: "${subject.team}/*"}},
		}},
		Entities: []policy.Entity{team("user/alice", "pay"), team("user/bob", "net"), {Type: "stack", ID: "net/x"}, {Type: "stack", ID: "pay/x"}},
	}}}}}
	s, ds := compile.Compiler{}.Directory(d, 1)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	r := &policy.Request{
		Principal: policy.Principal{Org: "o1", IDs: []string{"user/"}}, Action: "stack:read",
		Resource: policy.Resource{Kind: policy.ResourceTyped, Type: "stack", ID: "pay/x"},
	}
	if got, err := s.SearchSubjects(r, index.Page{}); err != nil || !slices.Equal(got.IDs, []string{"alice"}) {
		t.Errorf("who reads pay/x: %q, %v", got.IDs, err)
	}
	r.Principal.IDs[0], r.Resource = "user/bob", policy.Resource{Type: "stack"}
	if got, err := s.SearchResources(r, index.Page{}); err != nil || !slices.Equal(got.IDs, []string{"net/x"}) {
		t.Errorf("what bob reads: %q, %v", got.IDs, err)
	}
}
