package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern/internal/policyjson"
	"postern/policy"
)

// parsed reads the text of a policy file.
func parsed(t testing.TB, name, text string) policyjson.File {
	t.Helper()
	f, ds := policyjson.Parse(name, []byte(text), policyjson.Limits{})
	if policy.HasErrors(ds) {
		t.Fatalf("%s: %v", name, ds)
	}
	return f
}

// bucketPolicy reads statements of a bucket policy.
func bucketPolicy(t testing.TB, name string, statements ...string) *policy.Document {
	t.Helper()
	return parsed(t, name, `{"Version": "2012-10-17", "Statement": [`+strings.Join(statements, ",")+`]}`).Document
}

// organizationPolicy reads statements of an organization policy.
func organizationPolicy(t testing.TB, name string, statements ...string) *policy.Document {
	t.Helper()
	for i, s := range statements {
		statements[i] = strings.Replace(s, "{", fmt.Sprintf(`{"name": "s%d", `, i), 1)
	}
	return parsed(t, name, `{"version": "v1alpha1", "name": "`+name+`", "statements": [`+strings.Join(statements, ",")+`]}`).Document
}

// deadOf writes what Dead named as `dead by cover`, by index.
func deadOf(named []Dead) string {
	var out []string
	for _, n := range named {
		out = append(out, fmt.Sprintf("%d by %d", n.Statement.Index, n.Cover.Index))
	}
	return strings.Join(out, ", ")
}

// TestDeadInBucket has each dimension: what covers, and what nearly does.
func TestDeadInBucket(t *testing.T) {
	// with makes a statement of an effect, and replaces what is given.
	statement := func(effect string, parts ...string) string {
		s := map[string]string{"Principal": `"*"`, "Action": `"s3:GetObject"`, "Resource": `"arn:aws:s3:::b/*"`}
		for _, p := range parts {
			name, value, _ := strings.Cut(p, "=")
			if rest, ok := strings.CutPrefix(name, "Not"); ok {
				delete(s, rest)
			}
			s[name] = value
		}
		var members []string
		for name, value := range s {
			members = append(members, fmt.Sprintf("%q: %s", name, value))
		}
		slices.Sort(members)
		return fmt.Sprintf(`{"Effect": %q, %s}`, effect, strings.Join(members, ", "))
	}
	allow := func(parts ...string) string { return statement("Allow", parts...) }
	deny := func(parts ...string) string { return statement("Deny", parts...) }
	const jean, anne, roles = `{"AWS": "arn:aws:iam::o1:saml/jean"}`, `{"AWS": "arn:aws:iam::o1:saml/anne"}`, `{"AWS": "arn:aws:iam::o1:role/*"}`
	for _, c := range []struct {
		name       string
		statements []string
		want       string
	}{
		{"one", []string{allow()}, ""},
		{"equal: the first stays", []string{allow(), allow(), allow()}, "1 by 0, 2 by 0"},
		{"an Allow under a Deny", []string{allow(), deny()}, "0 by 1"},
		{"a Deny under an Allow", []string{deny("Action=\"s3:GetObject\""), allow("Action=\"s3:*\"")}, ""},
		{"an Allow that is dead covers, and goes with what covers it", []string{allow("Action=\"s3:GetObject\""), allow("Action=\"s3:Get*\""), deny("Action=\"s3:*\"")}, "0 by 2, 1 by 2"},

		{"a caller under everyone", []string{allow("Principal=" + jean), allow()}, "0 by 1"},
		{"everyone under a caller", []string{allow(), allow("Principal=" + jean)}, "1 by 0"},
		{"two callers", []string{allow("Principal=" + jean), allow("Principal=" + anne)}, ""},
		{"a caller under the organization", []string{allow("Principal=" + jean), allow(`Principal={"AWS": "o1"}`)}, "0 by 1"},
		{"a caller under another organization", []string{allow("Principal=" + jean), allow(`Principal={"AWS": "o2"}`)}, ""},
		{"a role under roles", []string{allow(`Principal={"AWS": "arn:aws:iam::o1:role/a"}`), allow("Principal=" + roles)}, "0 by 1"},
		{"a role of another organization under roles", []string{allow(`Principal={"AWS": "arn:aws:iam::o2:role/a"}`), allow("Principal=" + roles)}, ""},
		{"the root and everyone of an organization", []string{allow(`Principal={"AWS": "arn:aws:iam::o1:root"}`), allow(`Principal={"AWS": "arn:aws:iam::o1:*"}`)}, "1 by 0"},
		{"fewer exempt", []string{deny(`NotPrincipal={"AWS": ["arn:aws:iam::o1:saml/jean", "arn:aws:iam::o1:saml/anne"]}`), deny("NotPrincipal=" + jean)}, "0 by 1"},
		{"others exempt", []string{deny("NotPrincipal=" + anne), deny("NotPrincipal=" + jean)}, ""},
		{"a caller that may be exempt by another identifier", []string{deny("Principal=" + anne), deny("NotPrincipal=" + jean)}, ""},
		{"a caller of an organization of which none is exempt", []string{deny(`Principal={"AWS": "arn:aws:iam::o2:saml/anne"}`), deny("NotPrincipal=" + jean)}, "0 by 1"},
		{"an exempt root exempts nobody", []string{deny("Principal=" + anne), deny(`NotPrincipal={"AWS": "arn:aws:iam::o1:root"}`)}, "0 by 1"},
		{"exemptions under everyone", []string{deny("NotPrincipal=" + jean), deny()}, "0 by 1"},

		{"an action under a pattern", []string{allow(), allow(`Action="s3:get*"`)}, "0 by 1"},
		{"an operation under its action", []string{allow(`Action="s3:HeadObject"`), allow()}, "0 by 1"},
		{"an action under its operation", []string{allow(), allow(`Action="s3:HeadObject"`)}, "1 by 0"},
		{"aliases are one", []string{allow(`Action="s3:PutLifecycleConfiguration"`), allow(`Action="s3:PutBucketLifecycleConfiguration"`)}, "1 by 0"},
		{"a pattern that reaches beyond the table", []string{allow(`Action="s3:GetObjec*"`), allow(`Action=["s3:GetObject", "s3:GetObject?*"]`)}, "1 by 0"},
		{"patterns together", []string{allow(`Action=["s3:GetObj", "s3:GetObj?*"]`), allow(`Action="s3:GetObj*"`)}, "1 by 0"},
		{"all actions are those of s3: here", []string{allow(`Action="*"`), allow(`Action="s3:*"`)}, "1 by 0"},
		{"an unknown action", []string{allow(`Action="s3:Frobnicate"`), allow(`Action="s3:frob*"`)}, "0 by 1"},
		{"an action under what is not another", []string{allow(), allow(`NotAction="s3:PutObject"`)}, "0 by 1"},
		{"an operation that is not an action under what is not it", []string{allow(`Action="s3:HeadObject"`), allow(`NotAction="s3:GetObject"`)}, ""},
		{"NotAction under NotAction", []string{allow(`NotAction=["s3:Get*", "s3:Put*"]`), allow(`NotAction="s3:GetObject"`)}, "0 by 1"},
		{"NotAction under a pattern", []string{allow(`NotAction="s3:Get*"`), allow(`Action="s3:*"`)}, "0 by 1"},
		{"NotAction under a narrower pattern", []string{allow(`Action="s3:Get*"`), allow(`NotAction="s3:P*"`)}, "0 by 1"},
		{"a pattern under NotAction that it meets", []string{allow(`Action="s3:G*"`), allow(`NotAction="s3:Get*"`)}, ""},

		{"a key under a prefix", []string{allow(`Resource="arn:aws:s3:::b/x/y"`), allow(`Resource="arn:aws:s3:::b/x/*"`)}, "0 by 1"},
		{"a prefix under a longer one", []string{allow(`Resource="arn:aws:s3:::b/x*"`), allow(`Resource="arn:aws:s3:::b/xy*"`)}, "1 by 0"},
		{"question marks", []string{allow(`Resource="arn:aws:s3:::b/???"`), allow(`Resource="arn:aws:s3:::b/?*?"`)}, "0 by 1"},
		{"question marks, fewer", []string{allow(`Resource="arn:aws:s3:::b/?"`), allow(`Resource="arn:aws:s3:::b/?*?"`)}, ""},
		{"wildcards inside", []string{allow(`Resource="arn:aws:s3:::b/*/x/*"`), allow(`Resource="arn:aws:s3:::b/*x*"`)}, "0 by 1"},
		{"all of the bucket by its two patterns", []string{allow(`Resource="*"`), allow(`Resource=["arn:aws:s3:::b", "arn:aws:s3:::b/*"]`)}, "1 by 0"},
		{"several patterns under several", []string{allow(`Resource=["arn:aws:s3:::b/x", "arn:aws:s3:::b/y"]`), allow(`Resource=["arn:aws:s3:::b/x*", "arn:aws:s3:::b/y*"]`)}, "0 by 1"},
		{"a variable under its place", []string{allow(`Resource="arn:aws:s3:::b/${aws:username}/*"`), allow(`Resource="arn:aws:s3:::b/*"`)}, "0 by 1"},
		{"a place under a variable", []string{allow(`Resource="arn:aws:s3:::b/home/*"`), allow(`Resource="arn:aws:s3:::b/${aws:username}*"`)}, ""},
		{"equal variables", []string{allow(`Resource="arn:aws:s3:::b/${aws:username}"`), allow(`Resource=["arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/x"]`)}, "0 by 1"},
		{"an escaped star is a character", []string{allow(`Resource="arn:aws:s3:::b/${*}"`), allow(`Resource="arn:aws:s3:::b/?"`)}, "0 by 1"},
		{"a resource under what is not another", []string{allow(`Resource="arn:aws:s3:::b/x/*"`), allow(`NotResource="arn:aws:s3:::b/y/*"`)}, "0 by 1"},
		{"a Deny on objects that is asked on the bucket", []string{deny(`Resource="arn:aws:s3:::b/x/*"`), deny(`NotResource="arn:aws:s3:::b/y/*"`)}, ""},
		{"a Deny of no object action", []string{deny(`Action="s3:ListBucket"`, `Resource="arn:aws:s3:::b"`), deny(`Action="s3:ListBucket"`, `NotResource="arn:aws:s3:::b/y/*"`)}, "0 by 1"},
		{"NotResource under NotResource", []string{deny(`NotResource=["arn:aws:s3:::b/x/*", "arn:aws:s3:::b/y"]`), deny(`NotResource="arn:aws:s3:::b/x/y*"`)}, "0 by 1"},
		{"NotResource under everything", []string{deny(`NotResource="arn:aws:s3:::b/x/*"`), deny(`Resource="*"`)}, "0 by 1"},
		{"NotResource with a variable, of an Allow", []string{allow(`NotResource="arn:aws:s3:::b/x*"`), allow(`NotResource="arn:aws:s3:::b/x${k}"`)}, ""},
		{"NotResource with a variable, of a Deny", []string{deny(`NotResource="arn:aws:s3:::b/x*"`), deny(`NotResource="arn:aws:s3:::b/x${k}"`)}, "0 by 1"},

		{"a condition more", []string{allow(`Condition={"StringEquals": {"k": "a"}}`), allow()}, "0 by 1"},
		{"another value", []string{allow(`Condition={"StringEquals": {"k": "a"}}`), allow(`Condition={"StringEquals": {"k": "b"}}`)}, ""},
		{"fewer values", []string{allow(`Condition={"StringEquals": {"k": "a"}}`), allow(`Condition={"StringEquals": {"K": ["b", "a"]}}`)}, "0 by 1"},
		{"more values, negated", []string{deny(`Condition={"StringNotEquals": {"k": ["a", "b"]}}`), deny(`Condition={"StringNotEquals": {"k": "a"}}`)}, "0 by 1"},
		{"another key", []string{allow(`Condition={"StringEquals": {"k": "a"}}`), allow(`Condition={"StringEquals": {"l": "a"}}`)}, ""},
		{"another operator", []string{allow(`Condition={"StringEquals": {"k": "a"}}`), allow(`Condition={"StringLike": {"k": "a"}}`)}, ""},
		{"IfExists is wider", []string{allow(`Condition={"StringEquals": {"k": "a"}}`), allow(`Condition={"StringEqualsIfExists": {"k": "a"}}`)}, "0 by 1"},
		{"another qualifier", []string{allow(`Condition={"ForAnyValue:StringEquals": {"k": "a"}}`), allow(`Condition={"ForAllValues:StringEquals": {"k": "a"}}`)}, ""},
		{"an Allow with a condition under a Deny with it", []string{allow(`Condition={"Bool": {"k": "true"}}`), deny(`Condition={"Bool": {"k": "true"}}`)}, "0 by 1"},
		{"an Allow under a Deny with a condition", []string{allow(), deny(`Condition={"Bool": {"k": "true"}}`)}, ""},
	} {
		if got := deadOf(new(Checker).DeadInBucket("b", bucketPolicy(t, "b", c.statements...))); got != c.want {
			t.Errorf("%s: dead %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDeadInOrganization(t *testing.T) {
	statement := func(effect, action, resource, principal string) string {
		return fmt.Sprintf(`{"effect": %q, "actions": [%q], "resources": [%q], "principals": [%q]}`, effect, action, resource, principal)
	}
	for _, c := range []struct {
		name       string
		statements []string
		want       string
	}{
		{"a bucket under everything", []string{statement("Allow", "s3:GetObject", "b/*", "role/a"), statement("Allow", "s3:*", "*", "*")}, "0 by 1"},
		{"a role under roles", []string{statement("Allow", "s3:GetObject", "b/*", "role/a"), statement("Allow", "s3:GetObject", "b*", "role/*")}, "0 by 1"},
		{"a Deny to everyone is under one to everyone only", []string{statement("Deny", "s3:*", "b/*", "*"), statement("Deny", "*", "b*", "role/*")}, ""},
		{"a Deny to everyone under one", []string{statement("Deny", "s3:*", "b/*", "*"), statement("Deny", "s3:*", "b*", "*")}, "0 by 1"},
		{"all of s3: is not everything", []string{statement("Allow", "*", "*", "*"), statement("Allow", "s3:*", "*", "*")}, "1 by 0"},
		{"the whole organization asks for the star as it is written", []string{statement("Allow", "*", "*", "*"), statement("Allow", "*", "**", "*")}, "1 by 0"},
		{"the star and its like, the other way round", []string{statement("Allow", "*", "**", "*"), statement("Allow", "*", "*", "*")}, "0 by 1"},
	} {
		if got := deadOf(new(Checker).DeadInOrganization([]*policy.Document{organizationPolicy(t, "p", c.statements...)})); got != c.want {
			t.Errorf("%s: dead %q, want %q", c.name, got, c.want)
		}
	}
}

// TestDeadInFiles: of equal statements in several files the one in the first
// path stays.
func TestDeadInFiles(t *testing.T) {
	const all = `{"effect": "Allow", "actions": ["s3:*"], "resources": ["*"], "principals": ["*"]}`
	got := new(Checker).DeadInOrganization([]*policy.Document{organizationPolicy(t, "z", all), organizationPolicy(t, "a", all)})
	if len(got) != 1 || got[0].Statement.File != "z" || got[0].Cover.File != "a" {
		t.Errorf("dead %+v", got)
	}
}

// TestDeadOfMany: an organization of many statements is looked through by what
// they name, and comes to the same.
func TestDeadOfMany(t *testing.T) {
	var statements []string
	for i := range 3000 {
		statements = append(statements, fmt.Sprintf(`{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["b%d/x/*"], "principals": ["role/r%d"]}`, i%500, i))
	}
	statements = append(statements, `{"effect": "Allow", "actions": ["s3:Get*"], "resources": ["b7/*"], "principals": ["role/r*"]}`)
	got := new(Checker).DeadInOrganization([]*policy.Document{organizationPolicy(t, "p", statements...)})
	if len(got) != 6 {
		t.Fatalf("%d dead, want the 6 on b7", len(got))
	}
	for _, d := range got {
		if d.Cover.Index != 3000 || d.Statement.Index%500 != 7 {
			t.Errorf("dead %+v", d)
		}
	}
}
