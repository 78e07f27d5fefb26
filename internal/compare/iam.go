package compare

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"postern/policy"
)

// The iam layer is compared by trial: where its documents say the same, nothing
// changes; where they do not, requests made of their own names are decided by
// both sides, and what is not found that way stays unknown.

// A piece is a named part of an organization's iam documents.
type piece struct {
	kind, name string
	text       string // equal for two pieces that say the same
	effect     policy.Effect
	// adds reports that more of it can only allow more, or deny more: a binding of
	// permission sets or actions.
	adds bool
}

// pieces are the parts of an organization's iam documents.
func pieces(docs []*policy.AccessDocument) (out []piece) {
	add := func(kind, name string, v any) {
		out = append(out, piece{kind: kind, name: name, text: said(reflect.ValueOf(v))})
	}
	for _, d := range docs {
		if d.LegacyGroups {
			add("metadata", "legacyGroups", true)
		}
		for _, p := range d.PermissionSets {
			add("permission set", p.Name, p)
		}
		for _, r := range d.Roles {
			add("role", r.Name, r)
		}
		for _, g := range d.Groups {
			add("group", g.Name, g)
		}
		for _, b := range d.Bindings {
			add("binding", b.ID, b)
			last := &out[len(out)-1]
			last.effect, last.adds = b.Effect, len(b.Roles) == 0 || b.Effect == policy.EffectDeny
		}
		for _, r := range d.MemberRoles {
			add("default", r.Name, r)
		}
		for _, t := range d.Tokens {
			add("token", t.Name, t)
		}
		for _, i := range d.Issuers {
			add("issuer", i.Name, i)
		}
		for i := range d.Entities {
			add("entity", d.Entities[i].Name(), d.Entities[i])
		}
		for _, r := range d.Records {
			add("record", r.ID, r)
		}
	}
	return out
}

// said writes a value without the places where it stands in files, and lists in
// an order of their own.
func said(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return "none"
		}
		return said(v.Elem())
	case reflect.Slice:
		var list []string
		for i := range v.Len() {
			list = append(list, said(v.Index(i)))
		}
		slices.Sort(list)
		return "[" + strings.Join(list, " ") + "]"
	case reflect.Struct:
		var out []string
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Type != reflect.TypeFor[policy.Position]() && f.Name != "Line" && f.Name != "File" {
				out = append(out, f.Name+" "+said(v.Field(i)))
			}
		}
		return "{" + strings.Join(out, " ") + "}"
	}
	return fmt.Sprintf("%q", fmt.Sprint(v))
}

// piecesOnly are those of a that b has not.
func piecesOnly(a, b []piece) (out []piece) {
	for _, p := range a {
		if !slices.ContainsFunc(b, func(q piece) bool { return q.kind == p.kind && q.name == p.name && q.text == p.text }) {
			out = append(out, p)
		}
	}
	return out
}

// trials is how many requests are tried for one organization.
const trials = 4000

// iam compares the iam layers of all organizations.
func (x *comparison) iam() {
	for _, org := range x.organizations() {
		docs := func(s *side) []*policy.AccessDocument {
			if o := s.Organizations[org]; o != nil {
				return o.Access
			}
			return nil
		}
		old, new := pieces(docs(x.old)), pieces(docs(x.new))
		gone, come := piecesOnly(old, new), piecesOnly(new, old)
		if len(gone)+len(come) == 0 {
			continue
		}
		fact := "the iam layer is another: " + namesOf(append(slices.Clone(gone), come...))
		seen := map[string]bool{}
		r := rand.New(rand.NewPCG(1, 8))
		words := newIAMWords(org, x.now, slices.Concat(docs(x.old), docs(x.new)))
		for range trials {
			w := words.request(r)
			was, is := x.old.decide(w), x.new.decide(w)
			var d Direction
			switch allowed, allows := was.Outcome == policy.Allow, is.Outcome == policy.Allow; {
			case !allowed && allows:
				d = Gained
			case allowed && !allows:
				d = Lost
			case allowed && allows && was.MaxOpenSeconds != is.MaxOpenSeconds:
				d = Changed
			default:
				continue
			}
			key := d.String() + w.Resource.Type
			if seen[key] {
				continue
			}
			seen[key] = true
			x.report(Class{Direction: d, Cause: Cause{Fact: fact}, Organization: org, Owner: org, Type: w.Resource.Type}, w, foundText, nil)
		}
		// What can be, by what kind of parts there are more or fewer of.
		possible := map[Direction]bool{}
		for i, list := range [][]piece{gone, come} {
			for _, p := range list {
				switch {
				case !p.adds:
					possible[Gained], possible[Lost], possible[Changed] = true, true, true
				case (p.effect == policy.EffectAllow) == (i == 1):
					possible[Gained] = true
				default:
					possible[Lost] = true
				}
				if p.adds && p.effect == policy.EffectAllow {
					possible[Changed] = true
				}
			}
		}
		// A token that is none is nobody in every layer, at buckets of others too.
		owner := org
		if slices.ContainsFunc(slices.Concat(gone, come), func(p piece) bool { return p.kind == "token" }) {
			owner = ""
		}
		for _, d := range []Direction{Gained, Lost, Changed} {
			if possible[d] {
				x.report(Class{Direction: d, Cause: Cause{Fact: fact}, Organization: org, Owner: owner}, nil, foundLimit, []string{"the iam layer is searched by trial"})
			}
		}
	}
}

// namesOf names pieces in a sentence, each once, up to a few.
func namesOf(list []piece) string {
	var names []string
	for _, p := range list {
		name := p.kind
		if p.name != "" {
			name += " " + p.name
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// iamWords are the words of iam documents of which requests are made.
type iamWords struct {
	org                 string
	now                 int64
	ids, groups, tokens []string
	actions             []string
	resources           []policy.Resource
	tagKeys, tagValues  []string
	claims              []policy.Attribute
	conditions          []wish
}

func newIAMWords(org string, now int64, docs []*policy.AccessDocument) *iamWords {
	w := &iamWords{org: org, now: now, ids: []string{"role/x", "coreweave/x"}}
	add := func(list *[]string, words ...string) {
		for _, word := range words {
			if word != "" && !slices.Contains(*list, word) {
				*list = append(*list, word)
			}
		}
	}
	member := func(m policy.PrincipalPattern) {
		switch m.Kind {
		case policy.PrincipalExact:
			add(&w.ids, m.Name)
		case policy.PrincipalPrefix:
			add(&w.ids, m.Name+"x")
		case policy.PrincipalGroup:
			add(&w.groups, m.Name)
		case policy.PrincipalToken:
			add(&w.tokens, m.Name)
		}
	}
	resources := func(list []policy.ResourcePattern) {
		for _, p := range list {
			r := policy.Resource{Kind: policy.ResourceTyped, Type: p.Type, ID: p.Pattern}
			switch {
			case p.Type == "":
				continue
			case p.UID:
				r.ID, r.UID = "x", p.Pattern
			case p.Type == "organization":
				r.Kind, r.ID = policy.ResourceOrganization, "*"
			default:
				g, _ := readGlob(p.Pattern, true)
				text, f := search{maxStates: 5000}.text([]demand{oneOf(g), oneOf(anything)})
				if f != foundText {
					continue
				}
				r.ID = text
			}
			w.resources = append(w.resources, r)
		}
	}
	actions := func(list []string) {
		for _, a := range list {
			g, _ := readGlob(a, false)
			if text, f := (search{maxStates: 5000}).text([]demand{oneOf(g)}); f == foundText {
				add(&w.actions, text)
			}
		}
	}
	selector := func(s *policy.Selector) {
		if s != nil {
			for _, r := range s.Requirements {
				add(&w.tagKeys, r.Key)
				add(&w.tagValues, r.Values...)
			}
		}
	}
	sc := &scenario{caller: org, owner: org, kind: policy.ResourceOrganization}
	conditions := func(list []policy.Condition) {
		doc := &policy.Document{Variables: true}
		for i := range list {
			c := &clause{Statement: &policy.Statement{Effect: policy.EffectAllow}, document: doc}
			if t, a := sc.condition(c, &list[i]); t == itDepends && strings.HasPrefix(a.slot, keySlot) {
				w.conditions = append(w.conditions, wish{a, true})
			}
		}
	}
	for _, d := range docs {
		for _, p := range d.PermissionSets {
			actions(p.Actions)
			w.resources = append(w.resources, typed(p.ResourceType, "x"))
		}
		for _, role := range d.Roles {
			for _, rule := range role.Rules {
				actions(rule.Actions)
				resources(rule.Resources)
				resources(rule.NotResources)
				selector(rule.Selector)
				conditions(rule.Conditions)
			}
		}
		for _, g := range d.Groups {
			add(&w.groups, g.Name)
			for _, m := range g.Members {
				member(m.PrincipalPattern)
			}
		}
		for _, b := range d.Bindings {
			for _, m := range b.Members {
				member(m.PrincipalPattern)
			}
			actions(b.Actions)
			resources(b.Resources)
			selector(b.Selector)
			conditions(b.Conditions)
		}
		for _, t := range d.Tokens {
			add(&w.tokens, t.Name)
			add(&w.groups, t.Group.Name)
			add(&w.ids, t.User.Name)
		}
		for _, i := range d.Issuers {
			for _, rule := range i.Rules {
				for _, c := range rule.Claims {
					g, _ := readGlob(c.Pattern, false)
					text, _ := search{maxStates: 5000}.text([]demand{oneOf(g)})
					w.claims = append(w.claims, policy.Attribute{Key: c.Path, Values: []policy.Value{{Kind: policy.ValueString, Text: text}}})
				}
				w.claims = append(w.claims, policy.Attribute{Key: "iss", Values: []policy.Value{{Kind: policy.ValueString, Text: i.URL}}})
			}
		}
		for _, e := range d.Entities {
			if e.Principal != "" {
				add(&w.ids, e.Principal)
			} else {
				w.resources = append(w.resources, typed(e.Type, e.ID))
			}
			for _, t := range e.Tags {
				add(&w.tagKeys, t.Key)
				add(&w.tagValues, t.Value)
			}
		}
		for i := range d.Records {
			w.record(&d.Records[i], add)
		}
	}
	w.ids = slices.DeleteFunc(w.ids, func(id string) bool { return strings.HasPrefix(id, "token/") || strings.HasPrefix(id, "group/") })
	w.resources = append(w.resources, policy.Resource{Kind: policy.ResourceOrganization, Type: "organization", ID: "*"})
	if len(w.actions) == 0 {
		w.actions = []string{"stack:read"}
	}
	add(&w.tagValues, "x")
	return w
}

// typed is a resource of the iam layer.
func typed(kind, id string) policy.Resource {
	if kind == "organization" {
		return policy.Resource{Kind: policy.ResourceOrganization, Type: kind, ID: "*"}
	}
	return policy.Resource{Kind: policy.ResourceTyped, Type: kind, ID: id}
}

// request makes a request of the words.
func (w *iamWords) request(r *rand.Rand) *policy.Request {
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	q := &policy.Request{Principal: policy.Principal{Org: w.org}, Action: pick(w.actions), Now: w.now}
	q.Resource = w.resources[r.IntN(len(w.resources))]
	switch {
	case len(w.tokens) > 0 && r.IntN(5) == 0:
		q.Principal.IDs = []string{"token/" + pick(w.tokens)}
	default:
		q.Principal.IDs = []string{pick(w.ids)}
		if r.IntN(3) == 0 {
			if id := pick(w.ids); id != q.Principal.IDs[0] {
				q.Principal.IDs = append(q.Principal.IDs, id)
			}
		}
		if len(w.groups) > 0 && r.IntN(2) == 0 {
			q.Principal.Groups = []string{pick(w.groups)}
		}
		if len(w.claims) > 0 && r.IntN(3) == 0 {
			q.Principal.ClaimsStated = true
			for _, c := range w.claims {
				if r.IntN(2) == 0 && !slices.ContainsFunc(q.Principal.Claims, func(a policy.Attribute) bool { return a.Key == c.Key }) {
					q.Principal.Claims = append(q.Principal.Claims, c)
				}
			}
		}
	}
	if len(w.tagKeys) > 0 && q.Resource.Kind == policy.ResourceTyped && r.IntN(4) > 0 {
		q.Resource.TagsKnown = true
		for _, k := range w.tagKeys {
			if r.IntN(2) == 0 {
				q.Resource.Tags = append(q.Resource.Tags, policy.Tag{Key: k, Value: pick(w.tagValues)})
			}
		}
	}
	if len(w.conditions) > 0 && r.IntN(4) > 0 {
		model := map[string]content{}
		sc := &scenario{caller: w.org, owner: w.org}
		for _, c := range w.conditions {
			if _, ok := model[c.atom.slot]; ok || r.IntN(3) == 0 {
				continue
			}
			if content, f := sc.slotFor(c.atom.slot, nil).fill([]wish{{c.atom, r.IntN(3) > 0}}); f == foundText {
				model[c.atom.slot] = content
			}
		}
		stated := (&choice{&scenario{caller: w.org, kind: policy.ResourceOrganization, action: asked{name: "x"}}, model}).request(w.now)
		q.Context, q.Now = stated.Context, stated.Now
		q.Principal.Properties, q.Resource.Properties, q.ActionProperties = stated.Principal.Properties, stated.Resource.Properties, stated.ActionProperties
	}
	if strings.HasPrefix(q.Action, "s3:") || strings.HasPrefix(q.Action, "cwobject:") {
		q.Resource = policy.Resource{Kind: policy.ResourceOrganization, Type: "organization", ID: "*"}
		if strings.HasPrefix(q.Action, "s3:") {
			q.Action = "s3:ListAllMyBuckets"
		}
	}
	return q
}

// record adds the words of a Pulumi record.
func (w *iamWords) record(r *policy.Record, add func(*[]string, ...string)) {
	uids := []string{""}
	var expression func(*policy.Expression)
	expression = func(e *policy.Expression) {
		if e == nil {
			return
		}
		switch e.Kind {
		case policy.ExpressionHasTag, policy.ExpressionTag:
			add(&w.tagKeys, e.Key)
		case policy.ExpressionLiteralEntity:
			add(&uids, e.Text)
		case policy.ExpressionString, policy.ExpressionNumber, policy.ExpressionBool:
			add(&w.tagValues, e.Text)
		}
		expression(e.Left)
		expression(e.Right)
	}
	var node func(*policy.Descriptor)
	node = func(d *policy.Descriptor) {
		if d == nil {
			return
		}
		add(&w.actions, d.Permissions...)
		expression(d.Condition)
		expression(d.Selector)
		for _, e := range d.Entries {
			node(e)
		}
		node(d.Then)
		node(d.Else)
		for _, o := range d.Options {
			expression(o.Value)
			node(o.Node)
		}
	}
	node(r.Details)
	for _, t := range []string{"stack", "environment", "insights-account"} {
		if r.ResourceType == t || r.ResourceType == "global" {
			for _, uid := range uids {
				w.resources = append(w.resources, policy.Resource{Kind: policy.ResourceTyped, Type: t, ID: "x", UID: uid})
			}
		}
	}
}
