package policyjson

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/policy"
)

// What the fixtures say, in a short form that the tests below can show. Every
// file is as Pulumi's REST API returns it.
func TestPulumiRecords(t *testing.T) {
	want := map[string]string{
		"console-all-entities":       `policy All stacks: {set 3, set 1} | role Deployers: {policy 10}`,
		"console-one-entity":         `policy One stack, one environment: ({set 3} + if stack == stack:70 {set 1} + if environment == environment:71 {set 2}) | role One of each: {policy 11}`,
		"console-tag-equals":         `policy Dev stacks: (if stack.Owner == "DevTeam" {set 1}) | default role Dev: {policy 12}`,
		"console-tag-not-equals":     `policy Not production: (if !(stack.env == "prod") {set 1}) | role Not production: {policy 13}`,
		"console-tag-present":        `policy Owned: (if has(stack.team) {set 1}) | role Owned: {policy 14}`,
		"console-tags-together":      `policy Owned by dev: ({set 3} + if ((stack.Owner == "DevTeam" && !(stack.env == "prod")) && has(stack.team)) {set 1}) | role Owned by dev: {policy 15}`,
		"console-default-identifier": `stack set Stack Read (stack-read): allow stack:read stack:export`,
		"api-raw-allow":              `role Reader: allow stack:read`,
		"api-or":                     `role Dev or test: if (stack.env == "dev" || "test" == stack.env) allow stack:read stack:write`,
		"api-if-then-else":           `role Write in dev, read elsewhere: if stack.env == "dev" allow stack:read stack:write else (allow stack:read + if !has(stack.secret) allow stack:export)`,
		"api-select":                 `role By level: select environment.level ["open": allow environment:read environment:open for 3600, "closed": allow environment:read]`,
		"api-select-entity":          `role By account: select insights-account [insights-account:72: allow insights_account:scan, insights-account:73: allow insights_account:read]`,
		"api-literals":               `role Literals inside: if (true && (1 == 1.0 || has(stack.x) == false)) allow stack:read`,
		"api-team":                   `role One team: if team == team:platform allow team:read team:update`,
	}
	const sets = `stack set Deploy: allow stack:read stack:write stack_deployment:create | environment set Look at environments: allow environment:read | set Read the organization: allow organization:read_usage team:list | `
	paths, _ := filepath.Glob("testdata/pulumi/*.json")
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		text, ok := want[name]
		if !ok {
			t.Errorf("%s is not expected", name)
			continue
		}
		delete(want, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, ds := Parse(name, data, Limits{})
		if f.Kind != policy.KindAccess || f.Access == nil {
			t.Errorf("%s: kind %v, %v", name, f.Kind, ds)
			continue
		}
		// What Pulumi's API adds is nothing to warn of.
		if len(ds) != 0 {
			t.Errorf("%s: %v", name, ds)
		}
		var got []string
		for _, r := range f.Access.Records {
			got = append(got, showRecord(t, &r))
		}
		if shown := strings.TrimPrefix(strings.Join(got, " | "), sets); shown != text {
			t.Errorf("%s: got\n%s\nwant\n%s", name, shown, text)
		}
	}
	for name := range want {
		t.Errorf("no fixture %s", name)
	}
}

// short turns the uuids of the fixtures into their numbers.
func short(id string) string {
	number, rest, ok := strings.Cut(id, "-")
	if !ok || rest != "1111-4111-8111-111111111111" {
		return id
	}
	return strings.TrimLeft(number, "0")
}

func showRecord(t *testing.T, r *policy.Record) string {
	s := r.Purpose + " " + r.Name
	if r.ResourceType != "global" {
		s = r.ResourceType + " " + s
	}
	if r.OrgDefault {
		s = "default " + s
	}
	if r.DefaultIdentifier != "" {
		s += " (" + r.DefaultIdentifier + ")"
	}
	if r.ID == "" || r.At.Line == 0 || r.IDAt.Line < r.At.Line || r.NameAt.Line < r.At.Line {
		t.Errorf("%s: places %v %v %v", r.Name, r.At, r.IDAt, r.NameAt)
	}
	return s + ": " + showDescriptor(t, r.Details)
}

func showDescriptor(t *testing.T, d *policy.Descriptor) string {
	if d.At.Line == 0 || d.At.Column == 0 {
		t.Errorf("%v has no place", d.Kind)
	}
	var parts []string
	switch d.Kind {
	case policy.DescriptorAllow:
		s := "allow " + strings.Join(d.Permissions, " ")
		if d.MaxOpenSeconds > 0 {
			s += fmt.Sprint(" for ", d.MaxOpenSeconds)
		}
		return s
	case policy.DescriptorGroup:
		for _, e := range d.Entries {
			parts = append(parts, showDescriptor(t, e))
		}
		if len(parts) == 1 && d.Entries[0].Kind == policy.DescriptorCompose {
			return parts[0]
		}
		return "(" + strings.Join(parts, " + ") + ")"
	case policy.DescriptorCompose:
		for _, r := range d.Include {
			kind := "set "
			if len(short(r.Name)) > 1 {
				kind = "policy "
			}
			parts = append(parts, kind+short(r.Name))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case policy.DescriptorCondition:
		return "if " + showExpression(d.Condition) + " " + showDescriptor(t, d.Then)
	case policy.DescriptorIfThenElse:
		return "if " + showExpression(d.Condition) + " " + showDescriptor(t, d.Then) + " else " + showDescriptor(t, d.Else)
	case policy.DescriptorSelect:
		for _, o := range d.Options {
			parts = append(parts, showExpression(o.Value)+": "+showDescriptor(t, o.Node))
		}
		return "select " + showExpression(d.Selector) + " [" + strings.Join(parts, ", ") + "]"
	}
	return d.Kind.String()
}

func showExpression(e *policy.Expression) string {
	switch e.Kind {
	case policy.ExpressionAnd:
		return "(" + showExpression(e.Left) + " && " + showExpression(e.Right) + ")"
	case policy.ExpressionOr:
		return "(" + showExpression(e.Left) + " || " + showExpression(e.Right) + ")"
	case policy.ExpressionNot:
		if s := showExpression(e.Left); e.Left.Kind == policy.ExpressionHasTag {
			return "!" + s
		} else {
			return "!(" + s + ")"
		}
	case policy.ExpressionEqual:
		return showExpression(e.Left) + " == " + showExpression(e.Right)
	case policy.ExpressionHasTag:
		return "has(" + e.Entity + "." + e.Key + ")"
	case policy.ExpressionTag:
		return e.Entity + "." + e.Key
	case policy.ExpressionEntity:
		return e.Entity
	case policy.ExpressionLiteralEntity:
		return e.Entity + ":" + short(e.Text)
	case policy.ExpressionString:
		return fmt.Sprintf("%q", e.Text)
	}
	return e.Text
}

// A node's type may stand behind its other fields.
func TestPulumiTypeLast(t *testing.T) {
	doc, ds := ParseAccess("f", []byte(`{"details": {"subNode": {"permissions": ["stack:read"], "__type": "PermissionDescriptorAllow"},
		"condition": {"key": "a", "context": {"__type": "PermissionExpressionStack"}, "__type": "PermissionExpressionHasTag", "node": null}, "__type": "PermissionDescriptorCondition"}, "name": "n"}`), Limits{})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if got := showDescriptor(t, doc.Records[0].Details); got != "if has(stack.a) allow stack:read" {
		t.Error(got)
	}
}
