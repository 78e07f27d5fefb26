package compare

import (
	"fmt"
	"slices"
	"strings"

	"postern/compile"
	"postern/index"
	"postern/internal/action"
	"postern/internal/conditionkey"
	"postern/policy"
)

// A Bucket is a bucket with what decides about callers from elsewhere.
type Bucket struct {
	Name, Owner string
	Policy      *policy.Document
	// OwnerPolicies are the organization policies of Owner, of which some Denies
	// reach callers of other organizations (specification 1.3).
	OwnerPolicies []*policy.Document
	// Organizations are those that have a folder.
	Organizations []string
}

// Public tells that a bucket is open to strangers (specification 8.1, public).
type Public struct {
	// Witness is a request that the bucket step allows, of a caller of an
	// organization that nobody names. It is nil if there may be one, and the
	// search for it ended at a limit.
	Witness *policy.Request
	// Keys are the condition keys that Witness states, sorted.
	Keys []string
	// Statements are the Allows that let it pass.
	Statements []policy.StatementRef
	// Unknown says, where Witness is nil, what left it open.
	Unknown []string
}

// Public finds out whether a caller of an organization that no statement and no
// folder names, and whose own organization lets it, is allowed by the bucket
// step in some context, by the Allows of the bucket's policy and in spite of all
// Denies that count. The context states no key that the server sets where nobody
// does, as aws:PrincipalArn. It returns nil if there is certainly none.
func (k *Checker) Public(b Bucket) *Public {
	clauses := k.bucket(b.Name).read(b.Policy)
	var allows, denies []*clause
	for _, c := range clauses {
		switch {
		case c.Effect == policy.EffectDeny:
			denies = append(denies, c)
		case slices.ContainsFunc(c.Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalEveryone }):
			allows = append(allows, c)
		}
	}
	if len(allows) == 0 {
		return nil
	}
	ownerDenies, reach := forEveryone(b.OwnerPolicies)
	r := k.organization()
	for _, d := range ownerDenies {
		denies = append(denies, r.read(d)...)
	}
	budget := newBudget()
	var unknown doubts
	for _, org := range strangers(b, clauses) {
		engine := strangersEngine(b, ownerDenies, reach, org)
		for _, asked := range askedActions(append(slices.Clone(allows), denies...), func(c action.Class) bool { return c == action.Bucket }) {
			for _, kind := range []policy.ResourceKind{policy.ResourceObject, policy.ResourceBucket} {
				sc := &scenario{caller: org, owner: b.Owner, bucket: b.Name, kind: kind, action: asked}
				var out *Public
				s := &solver{scenario: sc, budget: budget, accept: func(c *choice) bool {
					q := c.request(0)
					e := engine.Explain(q)
					if e.Decision.Outcome != policy.Allow {
						return false
					}
					out = &Public{Witness: q, Keys: statedKeys(q), Statements: e.Determining}
					return true
				}}
				switch s.everyWay(sc.hands(), [][]*clause{allows}, denies) {
				case foundText:
					return out
				case foundLimit:
					for _, why := range s.doubts {
						unknown.add(why)
					}
				}
			}
		}
	}
	if unknown != nil {
		return &Public{Unknown: unknown}
	}
	return nil
}

// hands is how many actions statements are held to.
func (sc *scenario) hands() int { return max(1, len(sc.action.hands)) }

// everyWay looks for a request that each list of Allows lets pass, for each of
// the actions at hand, and that no Deny refuses.
//
// Where policy variables leave it open, values for them are tried.
func (s *solver) everyWay(hands int, allows [][]*clause, denies []*clause) found {
	f := s.everyWayOnce(hands, allows, denies)
	if f != foundLimit {
		return f
	}
	lists := append(slices.Clone(allows), denies)
	keys := s.scenario.variableKeys(lists...)
	if len(keys) == 0 {
		return f
	}
	free := s.scenario
	defer func() { s.scenario = free }()
	for _, values := range assignments(keys, lists...) {
		sc := *free
		sc.fixed = values
		s.scenario = &sc
		if s.everyWayOnce(hands, allows, denies) == foundText {
			return foundText
		}
	}
	return f
}

func (s *solver) everyWayOnce(hands int, allows [][]*clause, denies []*clause) found {
	var fail []item
	for _, d := range denies {
		for hand := range hands {
			fail = append(fail, s.scenario.item(d, hand))
		}
	}
	var choices [][]item
	for _, list := range allows {
		for hand := range hands {
			var ways []item
			for _, c := range list {
				if it := s.scenario.item(c, hand); !it.never {
					ways = append(ways, it)
				}
			}
			choices = append(choices, ways)
		}
	}
	return s.solve(nil, choices, fail)
}

// forEveryone are the Denies of an organization's policies that reach callers of
// other organizations, as documents of their own, and whether there is any.
func forEveryone(docs []*policy.Document) (out []*policy.Document, any bool) {
	for _, d := range docs {
		var denies []policy.Statement
		for _, s := range d.Statements {
			if s.Effect == policy.EffectDeny && slices.ContainsFunc(s.Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalEveryone }) {
				denies = append(denies, s)
			}
		}
		if len(denies) > 0 {
			c := *d
			c.Statements = denies
			out = append(out, &c)
		}
	}
	return out, len(out) > 0
}

// strangersEngine decides requests about the bucket of callers of an
// organization without folder whose own step allows.
func strangersEngine(b Bucket, ownerDenies []*policy.Document, reach bool, org string) *index.Snapshot {
	d := &policy.Directory{
		PlatformOrganizations: []string{org},
		Organizations:         map[string]*policy.DirectoryOrganization{b.Owner: {}},
		Buckets:               map[string]*policy.DirectoryBucket{b.Name: {Owner: b.Owner, Policy: b.Policy}},
	}
	if reach {
		d.Organizations[b.Owner].Policies = ownerDenies
	}
	s, _ := compile.Compiler{}.Directory(d, 1)
	return s
}

// strangers are organizations that nobody names: one of no special name, and for
// each pattern that conditions hold the caller's organization to, one that it
// matches.
func strangers(b Bucket, clauses []*clause) []string {
	named := slices.Clone(b.Organizations)
	named = append(named, b.Owner)
	var patterns []glob
	for _, c := range clauses {
		for _, p := range c.Principals {
			named = append(named, p.Org)
		}
		for i := range c.Conditions {
			condition := &c.Conditions[i]
			switch kind, _ := conditionkey.Split(condition.Key); kind {
			case conditionkey.PrincipalOrg, conditionkey.PrincipalAccount:
				for _, v := range condition.Values {
					named = append(named, v)
					if g, exact := readGlob(v, c.document.Variables); exact && strings.ContainsAny(v, "*?") {
						patterns = append(patterns, g)
					}
				}
			}
		}
	}
	out := []string{}
	for i := 0; len(out) == 0; i++ {
		name := "stranger"
		if i > 0 {
			name = fmt.Sprintf("stranger-%d", i)
		}
		if !slices.Contains(named, name) {
			out = append(out, name)
		}
	}
	look := search{avoid: newWordTree(named...), maxChars: 64}
	add := func(demands ...demand) {
		text, f := look.text(append(demands, oneOf(anything), noneOf(withSlash)))
		if f == foundText && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, g := range patterns {
		add(oneOf(g))
		add(oneOf(g), noneOf(slices.DeleteFunc(slices.Clone(patterns), g.equal)...))
	}
	if len(patterns) > 0 {
		add(noneOf(patterns...))
	}
	return out
}

// statedKeys are the condition keys that a request states, sorted.
func statedKeys(r *policy.Request) []string {
	var out []string
	add := func(before string, list []policy.Attribute) {
		for _, a := range list {
			out = append(out, before+a.Key)
		}
	}
	add("", r.Context)
	add("subject.", r.Principal.Properties)
	add("resource.", r.Resource.Properties)
	add("action.", r.ActionProperties)
	slices.Sort(out)
	return out
}
