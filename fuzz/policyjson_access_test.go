package fuzz

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"postern/policy"
)

// checkAccessDocument checks what the comments of policy.AccessDocument, and of
// all that stands in it, promise.
func checkAccessDocument(t *testing.T, doc *policy.AccessDocument, lines int) {
	c := accessCheck{t, doc, lines}
	c.must(len(doc.Records) == 0 || reflect.DeepEqual(*doc, policy.AccessDocument{File: doc.File, Records: doc.Records}), "records stand alone", doc)
	c.placed(doc.NameAt, doc.Name != "")
	c.placed(doc.LegacyGroupsAt, doc.LegacyGroups)
	c.references(doc.MemberRoles)
	for _, s := range doc.PermissionSets {
		c.named(s.Name, s.At)
		c.must(s.ResourceType != "" && !strings.ContainsAny(s.ResourceType, "*?:/") && len(s.Include)+len(s.Actions) > 0, "set", s)
		c.references(s.Include)
		c.actions(s.Actions)
	}
	for _, r := range doc.Roles {
		c.named(r.Name, r.At)
		c.must(len(r.Include)+len(r.Rules) > 0, "role", r)
		c.references(r.Include)
		for _, rule := range r.Rules {
			c.placed(rule.At, true)
			c.must(len(rule.PermissionSets)+len(rule.Actions) > 0 && len(rule.Resources) > 0, "rule", rule)
			c.references(rule.PermissionSets)
			c.actions(rule.Actions)
			c.resources(rule.Resources)
			c.resources(rule.NotResources)
			c.selector(rule.Selector)
			c.conditions(rule.Conditions)
		}
	}
	for _, g := range doc.Groups {
		c.named(g.Name, g.At)
		c.must(!strings.Contains(g.Name, "*"), "group", g)
		c.members(g.Members)
	}
	ids := map[string]bool{}
	for _, b := range doc.Bindings {
		c.placed(b.At, true)
		c.placed(b.IDAt, b.ID != "")
		grants := len(b.PermissionSets) + len(b.Actions)
		c.must((len(b.Roles) > 0) != (grants > 0) && len(b.Members) > 0 && (len(b.Roles) > 0 || len(b.Resources) > 0) &&
			(b.Effect == policy.EffectAllow || b.Effect == policy.EffectDeny) && (b.ID == "" || !ids[b.ID]), "binding", b)
		ids[b.ID] = true
		c.references(b.Roles)
		c.references(b.PermissionSets)
		c.actions(b.Actions)
		c.members(b.Members)
		c.resources(b.Resources)
		c.selector(b.Selector)
		c.conditions(b.Conditions)
	}
	for _, k := range doc.Tokens {
		c.named(k.Name, k.At)
		kind := policy.TokenType(0)
		for _, is := range []struct {
			set  bool
			kind policy.TokenType
		}{{len(k.Roles) > 0, policy.TokenOrganization}, {k.Group.Name != "", policy.TokenTeam}, {k.User.Name != "", policy.TokenPersonal}} {
			if is.set {
				c.must(kind == 0, "token of two types", k)
				kind = is.kind
			}
		}
		c.must(kind != 0 && kind == k.Type && !strings.Contains(k.Name, "*") && (k.HasExpires || k.Expires == 0), "token", k)
		c.references(k.Roles)
	}
	for _, i := range doc.Issuers {
		c.named(i.Name, i.At)
		c.placed(i.URLAt, true)
		c.must(i.URL != "" && len(i.Rules) > 0, "issuer", i)
		for _, r := range i.Rules {
			c.placed(r.At, true)
			c.must(len(r.Claims) > 0 && (r.Effect == policy.EffectAllow && len(r.Roles) > 0 || r.Effect == policy.EffectDeny && len(r.Roles) == 0), "issuer rule", r)
			c.references(r.Roles)
			for _, claim := range r.Claims {
				c.named(claim.Path, claim.At)
				c.must(len(claim.Pattern) <= 2048, "claim", claim)
			}
		}
	}
	for _, e := range doc.Entities {
		c.named(e.Name(), e.At)
		c.must((e.Principal == "") == (e.Type != "") && (e.Type == "") == (e.ID == "") && (e.Principal == "" || !e.TagsKnown) && (e.TagsKnown || len(e.Tags) == 0), "entity", e)
		for _, a := range e.Properties {
			c.must(a.Key != "" && a.Key != "org" && a.Key != "tags" && !a.Unreadable, "property", a)
		}
	}
	for _, r := range doc.Records {
		c.placed(r.At, true)
		c.must(r.ID+r.Name != "" && r.ResourceType != "" && r.Details != nil, "record", r)
		c.descriptor(r.Details)
	}
}

type accessCheck struct {
	t     *testing.T
	doc   *policy.AccessDocument
	lines int
}

func (c accessCheck) must(holds bool, what string, of any) {
	if !holds {
		c.t.Fatalf("%s: %+v in %+v", what, of, c.doc)
	}
}

func (c accessCheck) placed(p policy.Position, there bool) {
	c.must((p != policy.Position{}) == there && (!there || p.File == c.doc.File && p.Line >= 1 && p.Line <= c.lines && p.Column >= 1), "place", p)
}

func (c accessCheck) named(name string, p policy.Position) {
	c.must(name != "", "no name", p)
	c.placed(p, true)
}

func (c accessCheck) references(rs []policy.Reference) {
	for _, r := range rs {
		c.named(r.Name, r.At)
	}
}

func (c accessCheck) actions(as []string) {
	for _, a := range as {
		service, name, colon := strings.Cut(a, ":")
		c.must(a != "" && len(a) <= 2048 && !strings.ContainsAny(service, "*?") && (!colon || name != "" && service != ""), "action", a)
	}
}

func (c accessCheck) resources(rs []policy.ResourcePattern) {
	for _, r := range rs {
		c.placed(r.At, true)
		c.must((r.Type == "") == (r.Pattern == "") && (r.Type != "" || !r.UID) && !strings.ContainsAny(r.Type, "*?:/") &&
			(!r.UID || !strings.ContainsAny(r.Pattern, "*?")), "resource", r)
	}
}

func (c accessCheck) selector(s *policy.Selector) {
	if s == nil {
		return
	}
	c.placed(s.At, true)
	c.must(len(s.Requirements) > 0, "selector", s)
	for _, r := range s.Requirements {
		c.named(r.Key, r.At)
		listed := r.Operator == policy.TagIn || r.Operator == policy.TagNotIn
		c.must(listed == (len(r.Values) > 0) && r.Operator >= policy.TagIn && r.Operator <= policy.TagDoesNotExist, "requirement", r)
	}
}

func (c accessCheck) conditions(cs []policy.Condition) {
	seen := map[string]bool{}
	for _, k := range cs {
		id := k.Operator.String() + " " + k.Key
		c.must(k.Operator.Test != policy.TestNone && k.Key != "" && len(k.Values) > 0 && k.Line >= 1 && k.Line <= c.lines && !seen[id], "condition", k)
		seen[id] = true
	}
}

func (c accessCheck) members(ms []policy.Member) {
	for _, m := range ms {
		c.placed(m.At, true)
		c.must(m.Org == "" && !strings.Contains(m.Name, "*") && (m.Kind == policy.PrincipalEveryone) == (m.Name == ""), "member", m)
		switch m.Kind {
		case policy.PrincipalEveryone, policy.PrincipalGroup, policy.PrincipalToken:
		case policy.PrincipalExact, policy.PrincipalPrefix:
			provider, name, ok := strings.Cut(m.Name, "/")
			c.must(ok && provider != "" && provider != "group" && provider != "token" && (name != "" || m.Kind == policy.PrincipalPrefix), "member", m)
		default:
			c.must(false, "member", m)
		}
	}
}

func (c accessCheck) descriptor(d *policy.Descriptor) {
	if d == nil { // left out
		return
	}
	c.placed(d.At, true)
	want := policy.Descriptor{Kind: d.Kind, At: d.At} // with the fields that the kind lists
	switch d.Kind {
	case policy.DescriptorAllow:
		want.Permissions, want.MaxOpenSeconds = d.Permissions, d.MaxOpenSeconds
		for _, p := range d.Permissions {
			c.must(strings.Contains(p, ":") && !strings.ContainsAny(p, "*?"), "permission", p)
		}
	case policy.DescriptorGroup:
		want.Entries = d.Entries
		for _, e := range d.Entries {
			c.descriptor(e)
		}
	case policy.DescriptorCompose:
		want.Include = d.Include
		c.references(d.Include)
	case policy.DescriptorCondition, policy.DescriptorIfThenElse:
		want.Condition, want.Then = d.Condition, d.Then
		c.boolean(d.Condition)
		c.must(d.Condition == nil || d.Condition.Kind != policy.ExpressionBool, "condition", d)
		c.descriptor(d.Then)
		if d.Kind == policy.DescriptorIfThenElse {
			want.Else = d.Else
			c.descriptor(d.Else)
		}
	case policy.DescriptorSelect:
		want.Selector, want.Options = d.Selector, d.Options
		c.expression(d.Selector)
		seen := map[string]bool{}
		for _, o := range d.Options {
			c.descriptor(o.Node)
			if o.Value == nil {
				continue
			}
			c.expression(o.Value)
			id := fmt.Sprint(o.Value.Kind, o.Value.Entity, " ", o.Value.Text)
			c.must(o.Value.Kind.Literal() && !seen[id], "option", o)
			seen[id] = true
		}
	default:
		c.must(false, "descriptor", d)
	}
	c.must(reflect.DeepEqual(*d, want), "field of another kind", d)
}

func (c accessCheck) boolean(e *policy.Expression) {
	c.expression(e)
	c.must(e == nil || e.Kind.Boolean(), "neither true nor false", e)
}

func (c accessCheck) expression(e *policy.Expression) {
	if e == nil { // left out
		return
	}
	c.placed(e.At, true)
	want := policy.Expression{Kind: e.Kind, At: e.At}
	switch e.Kind {
	case policy.ExpressionAnd, policy.ExpressionOr:
		want.Left, want.Right = e.Left, e.Right
		c.boolean(e.Left)
		c.boolean(e.Right)
	case policy.ExpressionNot:
		want.Left = e.Left
		c.boolean(e.Left)
	case policy.ExpressionEqual:
		want.Left, want.Right = e.Left, e.Right
		c.expression(e.Left)
		c.expression(e.Right)
	case policy.ExpressionHasTag, policy.ExpressionTag:
		want.Entity, want.Key = e.Entity, e.Key
	case policy.ExpressionEntity:
		want.Entity = e.Entity
		c.must(e.Entity != "", "entity", e)
	case policy.ExpressionLiteralEntity:
		want.Entity, want.Text = e.Entity, e.Text
		c.must(e.Entity != "", "identity", e)
	case policy.ExpressionString, policy.ExpressionNumber, policy.ExpressionBool:
		want.Text = e.Text
	default:
		c.must(false, "expression", e)
	}
	c.must(reflect.DeepEqual(*e, want), "field of another kind", e)
}
