package index_test

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
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/policy"
)

// TestSearchSaysWhatItCannotList: over random worlds, an id that a search does
// not list, and for which the reference allows the request, is one that a
// pattern of its last page admits. The ids are patterns of the world with their
// wildcards filled in, and some that nothing names.
func TestSearchSaysWhatItCannotList(t *testing.T) {
	worlds := map[string]func(*rand.Rand) (*policy.Directory, []*policy.Request){
		"small":  policygen.SmallFrom,
		"access": policygen.SmallAccessFrom,
	}
	for name, world := range worlds {
		c := &unlistedCounts{of: map[string]*unlistedCount{}}
		for seed := range uint64(24) {
			r := rand.New(rand.NewPCG(seed, 31))
			d, requests := world(r)
			holdUnlisted(t, fmt.Sprintf("%s, seed %d", name, seed), c, r, d, requests, []string{"auto", "roaring", "scan"}[seed%3])
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

type unlistedCounts struct{ of map[string]*unlistedCount }

type unlistedCount struct{ searches, complete, allowed int }

// holdUnlisted holds the three searches around each request to the reference.
func holdUnlisted(t *testing.T, at string, c *unlistedCounts, r *rand.Rand, d *policy.Directory, requests []*policy.Request, form string) {
	t.Helper()
	s, ds := compile.Compiler{Form: searchForms[form]}.Directory(d, 1)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	texts := textsIn(d)
	evaluator := reference.New(d)
	for i, q := range requests {
		at := fmt.Sprintf("%s, %s, request %d", at, form, i)
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
			for _, id := range ids { // of several spellings one is listed
				if slices.ContainsFunc(found.IDs, func(other string) bool { return strings.EqualFold(other, id) }) {
					found.IDs = append(found.IDs, id)
				}
			}
			return found, err
		}
		hold("action", put, matches, listed, append(ids, "s3:Stranger", "cwobject:Stranger", "stack:stranger"))
	}
}

func sample(r *rand.Rand, from []string, n int) (out []string) {
	for range n {
		if len(from) > 0 {
			out = append(out, from[r.IntN(len(from))])
		}
	}
	return out
}

// fill puts something in for the wildcards and variables of a pattern.
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
