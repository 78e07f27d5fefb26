package policygen

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern/internal/policyjson"
	"postern/policy"
)

// TestAccessDocumentsAreParsed: every iam document is one that the strict
// parser produces, from the text that says the same.
func TestAccessDocumentsAreParsed(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the generator's documents of iam as text")
	}
	parsed := 0
	check := func(from string, d *policy.AccessDocument) {
		t.Helper()
		text := accessText(d)
		got, diagnostics := policyjson.ParseAccess(d.File, []byte(text), policyjson.Limits{})
		if policy.HasErrors(diagnostics) {
			t.Fatalf("%s, %s: %v\n%s", from, d.File, diagnostics[0], text)
		}
		if g, w := dump(reflect.ValueOf(*got)), dump(reflect.ValueOf(*d)); g != w {
			t.Fatalf("%s, %s: parsed\n%s\nwant\n%s\nfrom\n%s", from, d.File, g, w, text)
		}
		parsed++
	}
	for seed := range uint64(800) {
		d, _ := SmallAccess(seed)
		check("built-in", d.BuiltIn)
		accessDocuments(d, func(d *policy.AccessDocument) { check("small", d) })
		d, _ = SmallTreeFrom(rand.New(rand.NewPCG(seed, 4)), policy.EffectDeny, 0)
		accessDocuments(d, func(d *policy.AccessDocument) { check("tree", d) })
	}
	accessDocuments(Iam(1000, 5).Directory, func(d *policy.AccessDocument) { check("iam", d) })
	if parsed < 3000 {
		t.Errorf("only %d documents", parsed)
	}
}

// dump spells a value without its places, and conditions in one order.
func dump(v reflect.Value) string {
	if conditions, ok := v.Interface().([]policy.Condition); ok {
		conditions = slices.SortedFunc(slices.Values(conditions), func(a, b policy.Condition) int {
			return cmp.Or(cmp.Compare(a.Operator.String(), b.Operator.String()), cmp.Compare(a.Key, b.Key))
		})
		v = reflect.ValueOf(conditions)
	}
	switch v.Kind() {
	case reflect.Struct:
		var b strings.Builder
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type == reflect.TypeFor[policy.Position]() || f.Name == "Line" || v.Field(i).IsZero() || f.Type.Kind() == reflect.Slice && v.Field(i).Len() == 0 {
				continue
			}
			fmt.Fprintf(&b, " %s:%s", f.Name, dump(v.Field(i)))
		}
		return "{" + b.String() + "}"
	case reflect.Slice:
		var b strings.Builder
		for i := range v.Len() {
			b.WriteString(dump(v.Index(i)) + ",")
		}
		return "[" + b.String() + "]"
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		return dump(v.Elem())
	}
	return fmt.Sprintf("%#v", v.Interface())
}

// object spells a JSON object of members that are `name: value` already, and
// leaves out those that are "".
func object(members ...string) string {
	return "{" + strings.Join(slices.DeleteFunc(members, func(m string) bool { return m == "" }), ", ") + "}"
}

func member(name, value string) string { return quoted(name) + ": " + value }

// optional leaves a member out if it is not there.
func optional(there bool, name, value string) string {
	if !there {
		return ""
	}
	return member(name, value)
}

func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < 0x20:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String() + `"`
}

func list[T any](values []T, spell func(T) string) string {
	var out []string
	for _, v := range values {
		out = append(out, spell(v))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func lists[T any](name string, values []T, spell func(T) string) string {
	return optional(len(values) > 0, name, list(values, spell))
}

func named[T any](name string, values []T, spell func(T) string) string {
	var out []string
	for _, v := range values {
		out = append(out, spell(v))
	}
	return optional(len(values) > 0, name, object(out...))
}

func spellReference(r policy.Reference) string { return quoted(r.Name) }

func spellPattern(p policy.ResourcePattern) string { return quoted(p.String()) }

func spellMember(m policy.Member) string {
	switch m.Kind {
	case policy.PrincipalEveryone:
		return quoted("*")
	case policy.PrincipalPrefix:
		return quoted(m.Name + "*")
	case policy.PrincipalGroup:
		return quoted("group/" + m.Name)
	case policy.PrincipalToken:
		return quoted("token/" + m.Name)
	}
	return quoted(m.Name)
}

func spellSelector(s *policy.Selector) string {
	if s == nil {
		return ""
	}
	return member("selector", object(member("matchExpressions", list(s.Requirements, func(r policy.TagRequirement) string {
		return object(member("key", quoted(r.Key)), member("operator", quoted(r.Operator.String())), lists("values", r.Values, quoted))
	}))))
}

func spellConditions(conditions []policy.Condition) string {
	byOperator := map[string][]string{}
	for _, c := range conditions {
		byOperator[c.Operator.String()] = append(byOperator[c.Operator.String()], member(c.Key, list(c.Values, quoted)))
	}
	var out []string
	for operator, keys := range byOperator {
		out = append(out, member(operator, object(keys...)))
	}
	return optional(len(out) > 0, "condition", object(out...))
}

func spellAttribute(a policy.Attribute) string {
	return member(a.Key, list(a.Values, func(v policy.Value) string {
		if v.Kind == policy.ValueString {
			return quoted(v.Text)
		}
		return v.Text
	}))
}

// accessText spells a document as JSON.
func accessText(d *policy.AccessDocument) string {
	if d.Records != nil {
		return object(member("roles", list(d.Records, spellRecord)))
	}
	return object(member("apiVersion", `"postern/v1"`), member("kind", `"AccessPolicy"`),
		member("metadata", object(optional(d.Name != "", "name", quoted(d.Name)), optional(d.LegacyGroups, "legacyGroups", "true"))),
		named("permissionSets", d.PermissionSets, func(s policy.PermissionSet) string {
			return member(s.Name, object(member("resourceType", quoted(s.ResourceType)), lists("include", s.Include, spellReference), lists("actions", s.Actions, quoted)))
		}),
		named("roles", d.Roles, func(r policy.Role) string {
			return member(r.Name, object(lists("include", r.Include, spellReference), lists("rules", r.Rules, func(r policy.Rule) string {
				return object(lists("permissionSets", r.PermissionSets, spellReference), lists("actions", r.Actions, quoted), lists("resources", r.Resources, spellPattern), lists("notResources", r.NotResources, spellPattern),
					spellSelector(r.Selector), spellConditions(r.Conditions), optional(r.MaxOpenSeconds > 0, "constraints", object(member("maxOpenSeconds", strconv.FormatUint(r.MaxOpenSeconds, 10)))))
			})))
		}),
		named("groups", d.Groups, func(g policy.Group) string {
			return member(g.Name, object(member("members", list(g.Members, spellMember))))
		}),
		lists("bindings", d.Bindings, func(b policy.Binding) string {
			return object(optional(b.ID != "", "id", quoted(b.ID)), member("effect", quoted(b.Effect.String())), lists("roles", b.Roles, spellReference), lists("permissionSets", b.PermissionSets, spellReference),
				lists("actions", b.Actions, quoted), lists("members", b.Members, spellMember), lists("resources", b.Resources, spellPattern), spellSelector(b.Selector), spellConditions(b.Conditions))
		}),
		optional(len(d.MemberRoles) > 0, "defaults", object(member("memberRoles", list(d.MemberRoles, spellReference)))),
		named("tokens", d.Tokens, func(t policy.Token) string {
			expires := map[int64]string{1: "1970-01-01T00:00:01Z", 1767225600: "2026-01-01T01:00:00+01:00", 1767225601: "2026-01-01T00:00:01Z"}[t.Expires]
			return member(t.Name, object(member("type", quoted(t.Type.String())), lists("roles", t.Roles, spellReference), optional(t.Group.Name != "", "group", quoted(t.Group.Name)), optional(t.User.Name != "", "user", quoted(t.User.Name)),
				optional(t.HasExpires, "expires", quoted(expires))))
		}),
		named("issuers", d.Issuers, func(i policy.Issuer) string {
			return member(i.Name, object(member("url", quoted(i.URL)), member("rules", list(i.Rules, func(r policy.IssuerRule) string {
				return object(member("effect", quoted(r.Effect.String())), lists("roles", r.Roles, spellReference), named("claims", r.Claims, func(c policy.ClaimPattern) string { return member(c.Path, quoted(c.Pattern)) }))
			}))))
		}),
		named("entities", d.Entities, func(e policy.Entity) string {
			return member(e.Name(), object(named("properties", e.Properties, spellAttribute), optional(e.TagsKnown, "tags", object(func() (out []string) {
				for _, t := range e.Tags {
					out = append(out, member(t.Key, quoted(t.Value)))
				}
				return out
			}()...))))
		}))
}

func spellRecord(r policy.Record) string {
	return object(optional(r.ID != "", "id", quoted(r.ID)), optional(r.Name != "", "name", quoted(r.Name)), member("resourceType", quoted(r.ResourceType)), optional(r.OrgDefault, "isOrgDefault", "true"), member("details", spellDescriptor(r.Details)))
}

// part is a member that a record may leave out.
func part[T any](name string, p *T, spell func(*T) string) string {
	if p == nil {
		return ""
	}
	return member(name, spell(p))
}

func spellDescriptor(n *policy.Descriptor) string {
	members := []string{member("__type", quoted("PermissionDescriptor"+n.Kind.String()))}
	switch n.Kind {
	case policy.DescriptorAllow:
		members = append(members, member("permissions", list(n.Permissions, quoted)), optional(n.MaxOpenSeconds > 0, "constraints", object(member("MaxOpenDuration", strconv.FormatUint(n.MaxOpenSeconds, 10)))))
	case policy.DescriptorGroup:
		members = append(members, member("entries", list(n.Entries, spellDescriptor)))
	case policy.DescriptorCompose:
		members = append(members, member("permissionDescriptors", list(n.Include, spellReference)))
	case policy.DescriptorCondition:
		members = append(members, part("condition", n.Condition, spellExpression), part("subNode", n.Then, spellDescriptor))
	case policy.DescriptorIfThenElse:
		members = append(members, part("condition", n.Condition, spellExpression), part("subNodeForTrue", n.Then, spellDescriptor), part("subNodeForFalse", n.Else, spellDescriptor))
	case policy.DescriptorSelect:
		members = append(members, part("selector", n.Selector, spellExpression), member("options", list(n.Options, func(o policy.DescriptorOption) string {
			return object(part("value", o.Value, spellExpression), part("node", o.Node, spellDescriptor))
		})))
	}
	return object(members...)
}

func spellExpression(e *policy.Expression) string {
	entity := map[string]string{"stack": "Stack", "environment": "Environment", "insights-account": "InsightsAccount", "team": "Team"}[e.Entity]
	typed := func(name string, members ...string) string {
		return object(append([]string{member("__type", quoted(name))}, members...)...)
	}
	expression, literal := "PermissionExpression"+e.Kind.String(), "PermissionLiteralExpression"+e.Kind.String()
	switch e.Kind {
	case policy.ExpressionAnd, policy.ExpressionOr, policy.ExpressionEqual:
		return typed(expression, part("left", e.Left, spellExpression), part("right", e.Right, spellExpression))
	case policy.ExpressionNot:
		return typed(expression, part("node", e.Left, spellExpression))
	case policy.ExpressionHasTag, policy.ExpressionTag:
		return typed(expression, optional(entity != "", "context", typed("PermissionExpression"+entity)), optional(e.Key != "", "key", quoted(e.Key)))
	case policy.ExpressionEntity:
		return typed("PermissionExpression" + entity)
	case policy.ExpressionLiteralEntity:
		return typed("PermissionLiteralExpression"+entity, optional(e.Text != "", "identity", quoted(e.Text)))
	case policy.ExpressionString:
		return typed(literal, optional(e.Text != "", "value", quoted(e.Text)))
	}
	return typed(literal, member("value", e.Text))
}
