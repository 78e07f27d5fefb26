package compare

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/internal/policyjson"
	"postern/internal/reference"
	"postern/policy"
)

// directory makes a directory of files in one text of a line each: `path: JSON`.
func directory(t *testing.T, files map[string]string) *policy.Directory {
	t.Helper()
	d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{}, Buckets: map[string]*policy.DirectoryBucket{}, BuiltIn: policyjson.BuiltIn()}
	for path, text := range files {
		parts := strings.Split(path, "/")
		org := d.Organizations[parts[0]]
		if org == nil {
			org = &policy.DirectoryOrganization{}
			d.Organizations[parts[0]] = org
		}
		if text == "" { // a bucket without policy
			d.Buckets[parts[2]] = &policy.DirectoryBucket{Owner: parts[0]}
			continue
		}
		f := parsed(t, path+".json", text)
		switch parts[1] {
		case "access-policies":
			org.Policies = append(org.Policies, f.Document)
		case "iam":
			org.Access = append(org.Access, f.Access)
		case "buckets":
			d.Buckets[parts[2]] = &policy.DirectoryBucket{Owner: parts[0], Policy: f.Document}
		}
	}
	return d
}

// differences writes what Compare finds, a line a class: the direction, the
// caller's organization, and of the witness what is told apart.
func differences(t *testing.T, old, new *policy.Directory) string {
	t.Helper()
	before, ds := sideOf(old)
	after, more := sideOf(new)
	if policy.HasErrors(append(ds, more...)) {
		t.Fatal(ds, more)
	}
	d := Compare(before, after, 1_767_225_600)
	was, is := reference.New(old), reference.New(new)
	var lines []string
	for _, list := range [][]Change{d.Gained, d.Lost, d.Changed} {
		for _, c := range list {
			checked(t, c.Witness)
			a, b := was.Evaluate(c.Witness).Decision, is.Evaluate(c.Witness).Decision
			if a.Outcome == b.Outcome && a.MaxOpenSeconds == b.MaxOpenSeconds {
				t.Errorf("the witness %+v does not differ", *c.Witness)
			}
			line := fmt.Sprintf("%s %s %s", c.Direction, c.Organization, strings.Join(c.Witness.Principal.IDs, "+"))
			for _, k := range statedKeys(c.Witness) {
				line += " " + k
			}
			lines = append(lines, line)
		}
	}
	for _, u := range d.Unknown {
		lines = append(lines, fmt.Sprintf("unknown %s %s", u.Direction, u.Organization))
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

// TestCompareBuckets has each dimension of a bucket policy: what changes, and
// what only looks as if it did.
func TestCompareBuckets(t *testing.T) {
	const all = `{"version": "v1alpha1", "name": "p", "statements": [{"name": "s", "effect": "Allow", "actions": ["*"], "resources": ["*"], "principals": ["*"]}]}`
	const tokens = `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "roles": {"r": {"rules": [{"actions": ["stack:read"], "resources": ["stack:*"]}]}}, "tokens": {"ci": {"type": "organization", "roles": ["r"]}}}`
	world := func(statements string) *policy.Directory {
		return directory(t, map[string]string{
			"o1/access-policies/p": all, "o2/access-policies/p": all, "o1/iam/t": tokens,
			"o1/buckets/b": `{"Version": "2012-10-17", "Statement": [` + statements + `]}`,
		})
	}
	statement := func(effect string, parts ...string) string {
		s := `{"Effect": "` + effect + `"`
		for i, name := range []string{"Principal", "Action", "Resource"} {
			value := []string{`"*"`, `"s3:GetObject"`, `"*"`}[i]
			for _, p := range parts {
				if n, v, _ := strings.Cut(p, "="); n == name || n == "Not"+name {
					name, value = n, v
				}
			}
			s += `, "` + name + `": ` + value
		}
		for _, p := range parts {
			if v, ok := strings.CutPrefix(p, "Condition="); ok {
				s += `, "Condition": ` + v
			}
		}
		return s + "}"
	}
	allow := func(parts ...string) string { return statement("Allow", parts...) }
	deny := func(parts ...string) string { return statement("Deny", parts...) }
	o1 := `Principal={"AWS": "o1"}`
	role := func(name string) string { return `Principal={"AWS": "arn:aws:iam::o1:` + name + `"}` }
	spares := deny(`Condition={"ArnNotEqualsIfExists": {"aws:PrincipalArn": ["arn:aws:s3:::${subject.id}", "arn:aws:iam::o9:role/*"]}}`)
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", allow(), allow(), ""},
		{"one statement in two", allow(`Action=["s3:GetObject", "s3:PutObject"]`), allow() + "," + allow(`Action="s3:PutObject"`), ""},
		{"a Deny that an Allow never met", allow(o1), allow(o1) + "," + deny(`Action="s3:PutObject"`), ""},
		{"everyone", allow(o1), allow(), "gained o1 token/ci\ngained o2 role/x"},

		{"a role more", allow(role("role/a")), allow(role("role/a")) + "," + allow(role("role/b")), "gained o1 role/b"},
		{"two identifiers of one caller", allow(o1) + "," + deny(role("role/a")), allow(role("saml/j")) + "," + deny(role("role/a")), "lost o1 role/x"},
		{"a prefix that a name covers", allow(role("role/a*")) + "," + allow(role("role/ab")), allow(role("role/a*")), ""},
		{"another exemption", allow(o1) + "," + deny(`NotPrincipal={"AWS": "arn:aws:iam::o1:role/a"}`), allow(o1) + "," + deny(`NotPrincipal={"AWS": "arn:aws:iam::o1:role/b"}`), "gained o1 role/b\nlost o1 role/a"},
		{"an organization more", allow(o1), allow(o1) + "," + allow(`Principal={"AWS": "o2"}`), "gained o2 role/x"},
		{"the root of an organization is its callers", allow(role("root")), allow(role("*")), ""},

		{"another action", allow(o1), allow(o1, `Action="s3:PutObject"`), "gained o1 role/x\nlost o1 role/x"},
		{"an operation of the action", allow(o1), allow(o1) + "," + allow(o1, `Action="s3:HeadObject"`), ""},
		{"NotAction", allow(o1, `NotAction="s3:PutObject"`), allow(o1, `NotAction=["s3:PutObject", "s3:DeleteObject"]`), "lost o1 role/x"},

		{"a prefix less", allow(o1), allow(o1, `Resource="arn:aws:s3:::b/*"`), "lost o1 role/x"},
		{"question marks", allow(o1, `Resource="arn:aws:s3:::b/??"`), allow(o1, `Resource=["arn:aws:s3:::b/??", "arn:aws:s3:::b/?"]`), "gained o1 role/x"},
		{"question marks that are nothing new", allow(o1, `Resource="arn:aws:s3:::b/*"`), allow(o1, `Resource=["arn:aws:s3:::b/*", "arn:aws:s3:::b/?"]`), ""},
		{"NotResource", allow(o1) + "," + deny(`NotResource="arn:aws:s3:::b/x/*"`), allow(o1) + "," + deny(`NotResource="arn:aws:s3:::b/x/y/*"`), "lost o1 role/x"},
		{"a variable", allow(o1, `Resource="arn:aws:s3:::b/home/${aws:username}/*"`), allow(o1, `Resource="arn:aws:s3:::b/home/*"`), "gained o1 role/x"},
		{"a variable in what a Deny spares", allow(o1) + "," + spares, allow(o1) + "," + spares + "," + deny(`Condition={"StringNotEquals": {"k": "a"}}`), "lost o1 role/x aws:PrincipalArn"},
		{"equal variables", allow(o1, `Resource="arn:aws:s3:::b/${k}"`) + "," + allow(o1, `Action="s3:PutObject"`), allow(o1, `Action="s3:PutObject"`) + "," + allow(o1, `Resource="arn:aws:s3:::b/${k}"`), ""},

		{"a text", allow(o1, `Condition={"StringEquals": {"k": "a"}}`), allow(o1, `Condition={"StringEquals": {"k": ["a", "b"]}}`), "gained o1 role/x k"},
		{"a text in another case", allow(o1, `Condition={"StringEqualsIgnoreCase": {"k": "a"}}`), allow(o1, `Condition={"StringEquals": {"k": ["a", "A"]}}`), ""},
		{"a pattern", allow(o1, `Condition={"StringLike": {"k": "a*"}}`), allow(o1, `Condition={"StringLike": {"k": ["a", "a?*"]}}`), ""},
		{"a number", allow(o1, `Condition={"NumericLessThan": {"k": "10"}}`), allow(o1, `Condition={"NumericLessThanEquals": {"k": "10"}}`), "gained o1 role/x k"},
		{"a number, as another text", allow(o1, `Condition={"NumericEquals": {"k": "10"}}`), allow(o1, `Condition={"NumericEquals": {"k": "1e1"}}`), ""},
		{"a date", allow(o1, `Condition={"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}`), allow(o1, `Condition={"DateLessThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}}`), "lost o1 role/x"},
		{"a truth", allow(o1), allow(o1) + "," + deny(`Condition={"Bool": {"aws:SecureTransport": "false"}}`), "lost o1 role/x aws:SecureTransport"},
		{"an address", allow(o1, `Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}`), allow(o1, `Condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/9", "10.128.0.0/9"]}}`), ""},
		{"bytes", allow(o1, `Condition={"BinaryEquals": {"k": "YQ=="}}`), allow(o1, `Condition={"BinaryEquals": {"k": "Yg=="}}`), "gained o1 role/x k\nlost o1 role/x k"},
		{"an ARN", allow(`Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::o1:role/*"}}`), allow(`Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::o1:role/a*"}}`), "lost o1 role/x\nlost o2 role/x aws:PrincipalArn"},
		{"a key that is absent", allow(o1, `Condition={"StringEqualsIfExists": {"k": "a"}}`), allow(o1, `Condition={"StringEquals": {"k": "a"}}`), "lost o1 role/x"},
		{"Null says what IfExists does", allow(o1, `Condition={"StringEqualsIfExists": {"k": "a"}}`), allow(o1, `Condition={"StringEquals": {"k": "a"}}`) + "," + allow(o1, `Condition={"Null": {"k": "true"}}`), ""},
		{"several values", allow(o1, `Condition={"ForAnyValue:StringEquals": {"k": "a"}}`), allow(o1, `Condition={"ForAllValues:StringEquals": {"k": "a"}, "Null": {"k": "false"}}`), "gained o1 role/x k\nlost o1 role/x k"}, // a lone "" counts as absent to ForAllValues alone
		{"groups", allow(o1, `Condition={"StringEquals": {"iam:o1:groups": "g"}}`), allow(o1, `Condition={"StringEquals": {"iam:o1:groups": ["g", "h"]}}`), "gained o1 role/x"},
		{"a claim", allow(o1, `Condition={"StringEquals": {"oidc:o1:sub": "a"}}`), allow(o1, `Condition={"StringEquals": {"oidc:o2:sub": "a"}}`), "lost o1 role/x"},
		{"conditions that never hold together", allow(o1), allow(o1) + "," + deny(`Condition={"StringEquals": {"k": "a"}, "StringNotEquals": {"k": "a"}, "Null": {"k": "false"}}`), "lost o1 role/x k"},
	} {
		if got := differences(t, world(c.old), world(c.new)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// TestCompareOrganizations has what organization policies, facts and the iam
// layer change.
func TestCompareOrganizations(t *testing.T) {
	statement := func(effect, action, resource, principal string) string {
		return fmt.Sprintf(`{"name": "s-%s-%s-%s", "effect": %q, "actions": [%q], "resources": [%q], "principals": [%q]}`,
			strings.ToLower(effect), strings.NewReplacer("*", "all", ":", "-").Replace(action), strings.NewReplacer("*", "all", "/", "-").Replace(principal), effect, action, resource, principal)
	}
	policies := func(statements ...string) string {
		return `{"version": "v1alpha1", "name": "p", "statements": [` + strings.Join(statements, ",") + `]}`
	}
	bucket := func(principal string) string {
		return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": ` + principal + `, "Action": "s3:GetObject", "Resource": "*"}]}`
	}
	access := func(parts string) string {
		return `{"apiVersion": "postern/v1", "kind": "AccessPolicy", ` + parts + `}`
	}
	token := func(name, expires string) string {
		return access(`"roles": {"r` + name + `": {"rules": [{"actions": ["stack:read"], "resources": ["stack:*"]}]}}, "tokens": {"` + name + `": {"type": "organization", "roles": ["r` + name + `"], "expires": "` + expires + `"}}`)
	}
	onlyTokens := func(action, name string) string {
		return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "` + action + `", "Resource": "*",
			"Condition": {"StringEquals": {"subject.id": "` + name + `", "subject.type": "token"}, "Null": {"aws:PrincipalArn": "true"}}}]}`
	}
	all := statement("Allow", "s3:*", "*", "*")
	type files = map[string]string
	for _, c := range []struct {
		name     string
		old, new files
		want     string
	}{
		{"other files of the same", files{"o1/access-policies/a": policies(all)}, files{"o1/access-policies/z": policies(all)}, ""},
		{"two for one", files{"o1/access-policies/a": policies(statement("Allow", "s3:GetObject", "*", "*"), statement("Allow", "s3:PutObject", "*", "*"))},
			files{"o1/access-policies/a": `{"version": "v1alpha1", "name": "p", "statements": [{"name": "s", "effect": "Allow", "actions": ["s3:PutObject", "s3:GetObject"], "resources": ["*"], "principals": ["*"]}]}`}, ""},
		{"a bucket more", files{"o1/access-policies/a": policies(statement("Allow", "s3:GetObject", "b/*", "*"))},
			files{"o1/access-policies/a": policies(statement("Allow", "s3:GetObject", "b*", "*"))}, "gained o1 role/x"},
		{"a Deny to everyone reaches foreign callers", files{"o1/access-policies/a": policies(all), "o2/access-policies/a": policies(all), "o1/buckets/b": bucket(`"*"`)},
			files{"o1/access-policies/a": policies(all, statement("Deny", "s3:GetObject", "*", "*")), "o2/access-policies/a": policies(all), "o1/buckets/b": bucket(`"*"`)},
			"lost o1 role/x\nlost o2 role/x"},
		{"a Deny to roles does not", files{"o1/access-policies/a": policies(all), "o2/access-policies/a": policies(all), "o1/buckets/b": bucket(`"*"`)},
			files{"o1/access-policies/a": policies(all, statement("Deny", "s3:GetObject", "*", "role/*")), "o2/access-policies/a": policies(all), "o1/buckets/b": bucket(`"*"`)},
			"lost o1 role/x"},
		{"what a bucket denies anyway", files{"o1/access-policies/a": policies(all), "o1/buckets/b": bucket(`{"AWS": "o1"}`)},
			files{"o1/access-policies/a": policies(all, statement("Deny", "s3:PutObject", "b/*", "*")), "o1/buckets/b": bucket(`{"AWS": "o1"}`)}, ""},
		{"a bucket of another owner", files{"o1/access-policies/a": policies(all), "o2/access-policies/a": policies(all), "o1/buckets/b": bucket(`{"AWS": "o1"}`)},
			files{"o1/access-policies/a": policies(all), "o2/access-policies/a": policies(all), "o2/buckets/b": bucket(`{"AWS": "o1"}`)}, "gained o1 role/x\ngained o2 role/x\nlost o1 role/x"},
		{"a bucket that nobody had, and whose owner callers stated", files{"o1/access-policies/a": policies(statement("Allow", "s3:GetObject", "*", "*")), "o2/access-policies/a": policies(all)},
			files{"o1/access-policies/a": policies(statement("Allow", "s3:GetObject", "*", "*")), "o2/access-policies/a": policies(all), "o2/buckets/b": ""}, "gained o2 role/x\nlost o1 role/x"},
		{"an organization that goes", files{"o1/access-policies/a": policies(all), "o2/access-policies/a": policies(all)}, files{"o1/access-policies/a": policies(all)}, "lost o2 role/x"},

		{"a token that has expired by now had asked before", files{"o1/access-policies/a": policies(all), "o1/iam/t": token("t", "2025-01-01T00:00:00Z"), "o1/buckets/b": onlyTokens("s3:GetObject", "t")},
			files{"o1/access-policies/a": policies(all), "o1/iam/t": token("t", "2025-01-01T00:00:00Z"), "o1/buckets/b": onlyTokens("s3:PutObject", "t")}, "gained o1 token/t\nlost o1 token/t"},
		{"any of two tokens may ask", files{"o1/access-policies/a": policies(all), "o1/iam/t": token("t", "2027-01-01T00:00:00Z"), "o1/iam/u": token("u", "2026-06-01T00:00:00Z"), "o1/buckets/b": onlyTokens("s3:GetObject", "u")},
			files{"o1/access-policies/a": policies(all), "o1/iam/t": token("t", "2027-01-01T00:00:00Z"), "o1/iam/u": token("u", "2026-06-01T00:00:00Z"), "o1/buckets/b": onlyTokens("s3:GetObject", "v")}, "unknown lost o1"},
		{"iam: other files of the same", files{"o1/iam/a": access(`"bindings": [{"id": "b", "actions": ["stack:read"], "members": ["pulumi/x", "pulumi/y"], "resources": ["stack:*"]}]`)},
			files{"o1/iam/z": access(`"bindings": [{"id": "b", "actions": ["stack:read"], "members": ["pulumi/y", "pulumi/x"], "resources": ["stack:*"]}]`)}, ""},
		{"iam: a Deny more, by tags", files{"o1/iam/a": access(`"bindings": [{"id": "b", "actions": ["stack:read"], "members": ["*"], "resources": ["stack:*"]}]`)},
			files{"o1/iam/a": access(`"bindings": [{"id": "b", "actions": ["stack:read"], "members": ["*"], "resources": ["stack:*"]}, {"id": "d", "effect": "Deny", "actions": ["stack:read"], "members": ["group/g"], "resources": ["stack:*"], "selector": {"matchTags": {"env": "prod"}}}]`)},
			"lost o1 ID\nunknown lost o1"},
		{"iam: a record's tree", files{"o1/iam/a": record("dev"), "o1/iam/b": access(`"bindings": [{"id": "b", "roles": ["r"], "members": ["*"]}]`)},
			files{"o1/iam/a": record("prod"), "o1/iam/b": access(`"bindings": [{"id": "b", "roles": ["r"], "members": ["*"]}]`)},
			"gained o1 ID\nlost o1 ID\nunknown changed o1\nunknown gained o1\nunknown lost o1"},
	} {
		got := differences(t, directory(t, c.old), directory(t, c.new))
		if strings.HasPrefix(c.name, "iam:") {
			got = whoever.ReplaceAllString(got, "$1 ID")
		}
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// whoever is the caller of a witness that was found by trial.
var whoever = regexp.MustCompile(`(?m)^((?:gained|lost|changed) o1) .*$`)

// record is a Pulumi record that allows to read what has a tag.
func record(env string) string {
	return `{"id": "r", "name": "r", "resourceType": "stack", "details": {"__type": "PermissionDescriptorCondition",
  "condition": {"__type": "PermissionExpressionEqual", "left": {"__type": "PermissionExpressionTag", "context": {"__type": "PermissionExpressionStack"}, "key": "env"},
    "right": {"__type": "PermissionLiteralExpressionString", "value": "` + env + `"}},
  "subNode": {"__type": "PermissionDescriptorAllow", "permissions": ["stack:read"]}}}`
}
