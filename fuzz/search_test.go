package fuzz

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/action"
	"postern/internal/conformance"
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/internal/request"
	"postern/policy"
)

// TestSearchSaysWhatItCannotList: over random worlds, an id that a search does
// not list, and for which the reference allows the request, is one that a
// pattern of its last page admits. The ids are patterns of the world with their
// wildcards filled in, and some that nothing names.
func TestSearchSaysWhatItCannotList(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the search of random policies: TestSearchOfTheCorpusSaysWhatItCannotList searches the corpus")
	}
	worlds := map[string]func(*rand.Rand) (*policy.Directory, []*policy.Request){
		"small":  policygen.SmallFrom,
		"access": policygen.SmallAccessFrom,
	}
	for name, world := range worlds {
		c := &unlistedCounts{of: map[string]*unlistedCount{}}
		for seed := range uint64(12) {
			r := rand.New(rand.NewPCG(seed, 31))
			d, requests := world(r)
			form := []string{"auto", "roaring", "scan"}[seed%3]
			s, ds := compile.Compiler{Form: forms[form]}.Directory(d, 1)
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			holdUnlisted(t, fmt.Sprintf("%s, seed %d, %s", name, seed, form), c, r, d, s, requests)
		}
		for _, what := range []string{"subject", "resource", "action"} {
			n := c.of[what]
			t.Logf("%s: %s: %d searches, %d complete; %d ids that were not listed are allowed", name, what, n.searches, n.complete, n.allowed)
			if n.allowed < 50 || n.complete < n.searches/20 || n.complete > n.searches*19/20 {
				t.Errorf("%s: searches for a %s: %+v; the test says little", name, what, *n)
			}
		}
	}
}

// FuzzSearch is TestSearchSaysWhatItCannotList without end, over worlds of
// organization and bucket policies, or with access of the iam layer.
func FuzzSearch(f *testing.F) {
	for i := range 6 {
		f.Add(uint64(i), i%2 == 0, []byte{})
	}
	f.Fuzz(func(t *testing.T, seed uint64, access bool, data []byte) {
		r := rand.New(&byteSource{data: data, rest: rand.NewPCG(seed, 31)})
		world := policygen.SmallFrom
		if access {
			world = policygen.SmallAccessFrom
		}
		d, requests := world(r)
		s, ds := compile.Compiler{}.Directory(d, 1)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		holdUnlisted(t, "a world", &unlistedCounts{of: map[string]*unlistedCount{}}, r, d, s, requests[:min(len(requests), 4)])
	})
}

// TestSearchOfTheCorpusSaysWhatItCannotList: likewise over worlds of the corpus,
// one in some, since the reference takes its time.
func TestSearchOfTheCorpusSaysWhatItCannotList(t *testing.T) {
	const few, oneIn = 1, 24
	r := rand.New(rand.NewPCG(32, 32))
	byWorld := map[*conformance.World][]*policy.Request{}
	names := map[*conformance.World]string{}
	var worlds []*conformance.World
	for _, c := range conformance.Load(t) {
		q, err := new(request.Decoder).Evaluation(c.Body, conformance.Now)
		if err != nil || len(byWorld[c.World]) == few {
			continue
		}
		if byWorld[c.World] == nil {
			worlds, names[c.World] = append(worlds, c.World), c.Name
		}
		byWorld[c.World] = append(byWorld[c.World], q)
	}
	c := &unlistedCounts{of: map[string]*unlistedCount{}}
	for i, w := range worlds {
		if i%oneIn != 0 {
			continue
		}
		s, _ := compile.Compiler{}.Directory(w.Directory, 1)
		holdUnlisted(t, names[w], c, r, w.Directory, s, byWorld[w])
	}
	for what, n := range c.of {
		t.Logf("%s: %d searches, %d complete; %d ids that were not listed are allowed", what, n.searches, n.complete, n.allowed)
		if n.allowed < 5 {
			t.Errorf("%s: %+v; the test says little", what, *n)
		}
	}
}

// TestSearchOfWorkloadsSaysWhatItCannotList: likewise over larger worlds, in
// which patterns are many.
func TestSearchOfWorkloadsSaysWhatItCannotList(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the search of workloads: TestSearchOfTheCorpusSaysWhatItCannotList searches the corpus")
	}
	r := rand.New(rand.NewPCG(33, 33))
	for _, w := range []*policygen.Workload{
		policygen.Groups(300, 1), policygen.Orgwide(300, 1), policygen.Wildcards(300, 1), policygen.Conditions(10, 1), policygen.Tenants(4, 12, 200, 1), policygen.Field(10, 1), policygen.FieldTenants(20, 1), policygen.Iam(100, 1),
	} {
		s, ds := compile.Compiler{}.Directory(w.Directory, 1)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		var requests []*policy.Request
		for _, q := range w.Requests(8) {
			requests = append(requests, &q.Request)
		}
		c := &unlistedCounts{of: map[string]*unlistedCount{}}
		holdUnlisted(t, w.Name, c, r, w.Directory, s, requests)
		for what, n := range c.of {
			t.Logf("%s: %s: %d searches, %d complete; %d ids that were not listed are allowed", w.Name, what, n.searches, n.complete, n.allowed)
		}
	}
}

// TestPatternsAreBounded: past a bound the answer says that it is truncated.
func TestPatternsAreBounded(t *testing.T) {
	principals := func(n int) (out []policy.PrincipalPattern) {
		for i := range n {
			out = append(out, policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Name: fmt.Sprintf("role/p%06d-", i)})
		}
		return out
	}
	const many = 70_000 // more than a search looks at
	stop := index.Page{More: func() bool { return false }}
	for _, c := range []struct {
		principals []policy.PrincipalPattern
		page       index.Page
		patterns   int
		truncated  bool
	}{
		{principals(1), index.Page{}, 1, false}, {principals(1000), index.Page{}, 1000, false},
		{principals(1001), index.Page{}, 1000, true}, {principals(many), index.Page{}, 1000, true},
		{principals(10), index.Page{Bytes: 60}, 4, true}, {principals(10), index.Page{Bytes: 150}, 10, false},
		{principals(10), stop, 10, false}, {principals(1000), stop, 254, true},
	} {
		d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: []*policy.Document{{Kind: policy.KindOrganization, Statements: []policy.Statement{{
			Effect: policy.EffectAllow, Principals: c.principals, Actions: []string{"s3:*"}, Resources: []string{"*"},
		}}}}}}}
		s, ds := compile.Compiler{}.Directory(d, 1)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		found, err := s.SearchSubjects(&policy.Request{
			Principal: policy.Principal{Org: "o1", IDs: []string{"role/"}}, Action: "s3:GetObject",
			Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/k", Org: "o1"},
		}, c.page)
		if err != nil || found.Next != "" || found.Complete || len(found.Patterns) != c.patterns || found.Truncated != c.truncated {
			t.Errorf("%d: complete %t, truncated %t, %d patterns, next %q, %v", len(c.principals), found.Complete, found.Truncated, len(found.Patterns), found.Next, err)
		}
	}
}

// TestPatternsHaveTime: patterns that a page has no time left for, beside its
// candidates, are the next page's.
func TestPatternsHaveTime(t *testing.T) {
	list := []policy.PrincipalPattern{{Kind: policy.PrincipalExact, Name: "role/a"}, {Kind: policy.PrincipalExact, Name: "role/b"}}
	for i := range 400 {
		list = append(list, policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Name: fmt.Sprintf("role/p%06d-", i)})
	}
	d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: []*policy.Document{{Kind: policy.KindOrganization, Statements: []policy.Statement{{
		Effect: policy.EffectAllow, Principals: list, Actions: []string{"s3:*"}, Resources: []string{"*"},
	}}}}}}}
	s, ds := compile.Compiler{}.Directory(d, 1)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	var ids []string
	page, asked := index.Page{}, 0
	page.More = func() bool { asked++; return asked%2 == 1 } // one candidate, then no more
	for pages := 1; ; pages++ {
		found, err := s.SearchSubjects(&policy.Request{
			Principal: policy.Principal{Org: "o1", IDs: []string{"role/"}}, Action: "s3:GetObject",
			Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/k", Org: "o1"},
		}, page)
		if err != nil || pages > 10 {
			t.Fatalf("page %d: %v", pages, err)
		}
		ids = append(ids, found.IDs...)
		if found.Next != "" {
			if len(found.Patterns) > 0 || found.Complete || found.Truncated {
				t.Errorf("page %d, not the last, has %d patterns", pages, len(found.Patterns))
			}
			page.Token = found.Next
			continue
		}
		if len(found.Patterns) != 400 || found.Truncated || !slices.Equal(ids, []string{"a", "b"}) || pages < 2 {
			t.Errorf("page %d: %d patterns, truncated %t, ids %q", pages, len(found.Patterns), found.Truncated, ids)
		}
		return
	}
}

type unlistedCounts struct{ of map[string]*unlistedCount }

type unlistedCount struct{ searches, complete, allowed int }

// holdUnlisted holds the three searches around each request to the reference.
func holdUnlisted(t *testing.T, at string, c *unlistedCounts, r *rand.Rand, d *policy.Directory, s *index.Snapshot, requests []*policy.Request) {
	t.Helper()
	texts := textsIn(d)
	evaluator := reference.New(d)
	for i, q := range requests {
		at := fmt.Sprintf("%s, request %d", at, i)
		hold := func(what string, put func(string) (*policy.Request, bool), matches func(pattern, id string) bool, search func(index.Page) (index.Found, error), ids []string) {
			n := c.of[what]
			if n == nil {
				n = &unlistedCount{}
				c.of[what] = n
			}
			n.searches++
			found, err := search(index.Page{Limit: index.MaxLimit})
			if err != nil || found.Next != "" {
				t.Fatalf("%s: %v, next %q", at, err, found.Next)
			}
			if found.Complete {
				n.complete++
			}
			if found.Complete != (len(found.Patterns) == 0 && !found.Truncated) {
				t.Fatalf("%s: complete %t with the patterns %v", at, found.Complete, found.Patterns)
			}
			for _, id := range ids {
				whole, ok := put(id)
				if !ok || slices.Contains(found.IDs, id) {
					continue
				}
				if evaluator.Evaluate(whole).Decision.Outcome != policy.Allow {
					continue
				}
				n.allowed++
				if !slices.ContainsFunc(found.Patterns, func(p index.Pattern) bool { return matches(p.Text, id) }) {
					t.Fatalf("%s: %s %q is allowed, and neither listed nor matched by a pattern of %v\nrequest %+v", at, what, id, found.Patterns, *q)
				}
			}
		}
		org := q.Principal.Org
		if org == "" {
			org = d.DefaultOrganization
		}
		if len(q.Principal.IDs) > 0 {
			for _, provider := range []string{q.Principal.IDs[0][:strings.IndexByte(q.Principal.IDs[0], '/')+1], "role/", "saml/"} {
				open := *q
				open.Principal.IDs = append([]string{provider}, q.Principal.IDs[1:]...)
				put := func(id string) (*policy.Request, bool) {
					whole := open
					whole.Principal.IDs = append([]string{provider + id}, q.Principal.IDs[1:]...)
					return &whole, true
				}
				matches := func(pattern, id string) bool {
					begin, ok := strings.CutSuffix(pattern, "*")
					return pattern == "arn:aws:iam::"+org+":*" || ok && strings.HasPrefix(provider+id, begin)
				}
				var ids []string
				for _, text := range sample(r, texts.principals, 12) {
					if id, ok := strings.CutPrefix(fill(r, text), provider); ok && id != "" {
						ids = append(ids, id)
					}
				}
				hold("subject", put, matches, func(p index.Page) (index.Found, error) { return s.SearchSubjects(&open, p) }, append(ids, "stranger"))
			}
		}
		for _, typ := range []string{q.Resource.Type, "bucket", "object", "stack"} {
			open := *q
			open.Resource.Type, open.Resource.ID, open.Resource.Kind = typ, "", policy.ResourceNone
			if typ == "organization" {
				continue
			}
			put := func(id string) (*policy.Request, bool) {
				whole := open
				whole.Resource.ID = id
				return fitted(&whole)
			}
			iam := action.ClassOf(q.Action) == action.IAM
			matches := func(pattern, id string) bool {
				if iam {
					return asRegexp(pattern).MatchString(typ + ":" + id)
				}
				return asRegexp(pattern).MatchString(id)
			}
			var ids []string
			for _, text := range sample(r, texts.resources, 16) {
				id := fill(r, text)
				if iam {
					ids = append(ids, strings.TrimPrefix(id, typ+":"))
				}
				ids = append(ids, id)
			}
			ids = slices.DeleteFunc(append(ids, "stranger", "stranger/x"), func(id string) bool { return id == "" })
			hold("resource", put, matches, func(p index.Page) (index.Found, error) { return s.SearchResources(&open, p) }, ids)
		}
		open := *q
		open.Action = ""
		put := func(name string) (*policy.Request, bool) {
			whole := open
			whole.Action = name
			return fitted(&whole)
		}
		matches := func(pattern, id string) bool {
			return asRegexp(strings.ToLower(pattern)).MatchString(strings.ToLower(id))
		}
		var ids []string
		for _, text := range sample(r, texts.actions, 16) {
			if id := fill(r, text); id != "" {
				if known, ok := action.Lookup(id); ok {
					id = action.Name(known)
				}
				ids = append(ids, id)
			}
		}
		listed := func(p index.Page) (index.Found, error) {
			found, err := s.SearchActions(&open, p)
			for _, id := range ids { // of several spellings of an id one is listed
				if slices.ContainsFunc(found.IDs, func(other string) bool { return strings.EqualFold(other, id) }) {
					found.IDs = append(found.IDs, id)
				}
			}
			return found, err
		}
		hold("action", put, matches, listed, append(ids, "s3:Stranger", "cwobject:Stranger", "stack:stranger"))
	}
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

func sample(r *rand.Rand, from []string, n int) (out []string) {
	for range n {
		if len(from) > 0 {
			out = append(out, from[r.IntN(len(from))])
		}
	}
	return out
}

// fill replaces the wildcards and variables of a pattern by some text.
func fill(r *rand.Rand, pattern string) string {
	pattern = variablePart.ReplaceAllStringFunc(pattern, func(string) string { return []string{"a", "x", "projects"}[r.IntN(3)] })
	var b strings.Builder
	for _, c := range pattern {
		switch c {
		case '*':
			b.WriteString([]string{"", "z", "/", "b/", "a", "b/k", "zz/é"}[r.IntN(7)])
		case '?':
			b.WriteString([]string{"z", "/", "a", "é"}[r.IntN(4)])
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

var variablePart = regexp.MustCompile(`\$\{[^}]*\}`)

// asRegexp reads a pattern as answers write it; a variable may be anything.
func asRegexp(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	last := 0
	literal := func(text string) {
		text = regexp.QuoteMeta(text)
		b.WriteString(strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(text))
	}
	for _, at := range variablePart.FindAllStringIndex(pattern, -1) {
		literal(pattern[last:at[0]])
		b.WriteString(`.*`)
		last = at[1]
	}
	literal(pattern[last:])
	return regexp.MustCompile(b.String() + `$`)
}

// worldTexts are the patterns and names of a world.
type worldTexts struct{ principals, resources, actions []string }

func textsIn(d *policy.Directory) (out worldTexts) {
	document := func(doc *policy.Document) {
		for _, st := range doc.Statements {
			for _, p := range st.Principals {
				if p.Kind == policy.PrincipalPrefix {
					out.principals = append(out.principals, p.Name+"*")
				} else if p.Kind == policy.PrincipalExact {
					out.principals = append(out.principals, p.Name)
				}
			}
			out.resources = append(out.resources, st.Resources...)
			out.actions = append(out.actions, st.Actions...)
		}
	}
	rules := func(list []policy.ResourcePattern, actions []string) {
		for _, p := range list {
			if p.Type != "" {
				out.resources = append(out.resources, p.Type+":"+p.Pattern)
			}
		}
		out.actions = append(out.actions, actions...)
	}
	members := func(list []policy.Member) {
		for _, m := range list {
			if m.Kind == policy.PrincipalPrefix {
				out.principals = append(out.principals, m.Name+"*")
			} else if m.Kind == policy.PrincipalExact {
				out.principals = append(out.principals, m.Name)
			}
		}
	}
	for _, o := range d.Organizations {
		for _, doc := range o.Policies {
			document(doc)
		}
		for _, doc := range o.Access {
			for _, role := range doc.Roles {
				for _, rule := range role.Rules {
					rules(rule.Resources, rule.Actions)
				}
			}
			for _, set := range doc.PermissionSets {
				rules(nil, set.Actions)
			}
			for _, g := range doc.Groups {
				members(g.Members)
			}
			for _, b := range doc.Bindings {
				members(b.Members)
				rules(b.Resources, b.Actions)
			}
		}
	}
	for name, b := range d.Buckets {
		out.resources = append(out.resources, name, name+"/*")
		if b.Policy != nil {
			document(b.Policy)
		}
	}
	slices.Sort(out.principals)
	slices.Sort(out.resources)
	slices.Sort(out.actions)
	return out
}
