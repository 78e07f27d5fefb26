package lint

import (
	"os"
	"slices"
	"strings"
	"testing"

	"postern/internal/policyjson"
	"postern/policy"
)

// said reports an error if nothing that is said of a file has the words that are wanted.
func said(t *testing.T, name, want, path, data string, f policyjson.File, ds []policy.Diagnostic) {
	t.Helper()
	if !policy.HasErrors(ds) {
		d := NewDirectory([]string{"acme"}, nil)
		ds = append(ds, d.Warnings(path, "b", []byte(data), f)...)
		ds = append(ds, d.Whole(func(string) []byte { return []byte(data) }, func(string) bool { return true })...)
	}
	all := ""
	for _, d := range ds {
		all += d.String() + "\n"
	}
	if !strings.Contains(all, want) {
		t.Errorf("%s: no %s in\n%s", name, want, all)
	}
}

// TestCommonMistakes: none of the mistakes that people are known to make is passed
// over in silence; what is said of each has the words that help.
func TestCommonMistakes(t *testing.T) {
	bucket := func(statement string) string {
		return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"CW": "acme"}, "Action": "s3:*", "Resource": "*"}, {"Effect": "Deny", ` + statement + `}]}`
	}
	organization := func(fields string) string {
		return `{"version": "v1alpha1", "name": "p", "statements": [{"name": "s", "effect": "Deny", ` + fields + `}]}`
	}
	const (
		everyone = `"Principal": "*", `
		object   = `"Resource": "arn:aws:s3:::b/*"`
	)
	for _, c := range []struct{ name, data, want string }{
		{"a comment of two slashes", "{\"Version\": \"2012-10-17\", // ours\n\"Statement\": []}", "JSON has no comments"},
		{"a comment between stars", `{/* ours */"Version": "2012-10-17"}`, "JSON has no comments"},
		{"a policy as text", `{"Policy": "{}"}`, "get-bucket-policy"},
		{"CloudFormation", `{"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "b", "PolicyDocument": {}}}`, "template"},
		{"an organization policy", organization(`"actions": ["*"], "resources": ["*"], "principals": ["*"]`), "belongs in"},
		{"a list of policies", `{"policies": []}`, "list"},
		{"a user as text", bucket(`"Principal": "user1", "Action": "s3:*", ` + object), "arn:aws:iam::ORG:provider/user1"},
		{"users as a list", bucket(`"Principal": ["a"], "Action": "s3:*", ` + object), `{"AWS": `},
		{"a wildcard in a role", bucket(`"Principal": {"AWS": "arn:aws:iam::acme:role/*-admin"}, "Action": "s3:*", ` + object), "write each name"},
		{"an access point", bucket(everyone + `"Action": "s3:*", "Resource": "arn:aws:s3:us-west-2:123456789012:accesspoint/ap"`), "is no resource of a bucket policy"},
		{"a topic", bucket(everyone + `"Action": "s3:*", "Resource": "arn:aws:sns:eu-west-1:1:t"`), `service "sns"`},
		{"another store's name", bucket(everyone + `"Action": "s3:*", "Resource": "urn:sgws:s3:::b/*"`), `"arn:aws:s3:::b/*"`},
		{"a misspelt action", bucket(everyone + `"Action": "s3:GetObjcet", ` + object), "[unknown-action]"},
		{"an operation", bucket(everyone + `"Action": "s3:ListObjectsV2", "Resource": "arn:aws:s3:::b"`), "[operation-name]"},
		{"a misspelt operation", bucket(everyone + `"Action": "s3:ListObject", "Resource": "arn:aws:s3:::b"`), "[unknown-action]"},
		{"a service", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "s3:*", "Resource": "*"}}`, "no such callers"},
		{"a session", bucket(`"NotPrincipal": {"AWS": "arn:aws:sts::acme:assumed-role/reader/s"}, "Action": "s3:*", ` + object), "role/reader"},
		{"objects on the bucket", bucket(everyone + `"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"`), "[action-does-not-fit-resource]"},
		{"the bucket on objects", bucket(everyone + `"Action": ["s3:ListBucket"], ` + object), "[action-does-not-fit-resource]"},
		{"the policy itself", bucket(everyone + `"Action": "s3:PutBucketPolicy", "Resource": "arn:aws:s3:::b"`), "[never-read-here]"},
		{"all buckets", bucket(everyone + `"Action": "s3:ListAllMyBuckets", "Resource": "*"`), "[never-read-here]"},
		{"the control plane", bucket(everyone + `"Action": "cwobject:*", "Resource": "*"`), "[never-read-here]"},
		{"Denies alone", `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}}`, "[deny-without-allow]"},
		{"a star under equals", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"StringEquals": {"aws:userid": "A*"}}`), "[wildcard-without-like]"},
		{"a range under equals", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"StringEquals": {"aws:SourceIp": "10.0.0.0/8"}}`), "[wildcard-without-like]"},
		{"an unknown key", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"Bool": {"aws:SecureTransprot": "false"}}`), "[unknown-condition-key]"},
		{"a key of another action", bucket(everyone + `"Action": "s3:GetObject", ` + object + `, "Condition": {"StringEquals": {"s3:prefix": "x"}}`), "[key-does-not-fit-action]"},
		{"a template", bucket(everyone + `"Action": "s3:*", "Resource": "arn:aws:s3:::${bucket}/*"`), "[template-left]"},
		{"an escaped template", bucket(everyone + `"Action": "s3:*", "Resource": "arn:aws:s3:::$${bucket}/*"`), "[template-left]"},
		{"a template of another form", bucket(everyone + `"Action": "s3:*", "Resource": "arn:aws:s3:::&{bucket}/*"`), "[template-left]"},
		{"a variable in 2008", strings.Replace(bucket(everyone+`"Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}/*"`), "2012", "2008", 1), "[variable-in-2008]"},
		{"a number of an account", bucket(`"Principal": {"AWS": "1111-2222-3333"}, "Action": "s3:*", ` + object), "[unknown-organization]"},
		{"an id that was left", bucket(`"Principal": {"AWS": "AIDAEXAMPLEID1234567"}, "Action": "s3:*", ` + object), "[unknown-organization]"},
		{"a user's name", bucket(`"Principal": {"AWS": "lee"}, "Action": "s3:*", ` + object), "[unknown-organization]"},
		{"a year", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"DateLessThan": {"aws:CurrentTime": "2031"}}`), "[date-like-number]"},
		{"a comma at the end", `{"Version": "2012-10-17", "Statement": [],}`, "remove the comma"},
		{"text of 16 bits", "\xff\xfe{\x00}\x00", "UTF-16"},
		{"text of Latin-1", "{\"Version\": \"2012-10-17\", \"Id\": \"caf\xe9\"}", "UTF-8"},
		{"nothing", "", "empty"},
		{"null", "null", "null"},
		{"a list", "[]", "list"},
		{"a text cut off", `{"Version": "2012-10-17", "Statement": [`, "ends"},
		{"two documents", bucket(everyone+`"Action": "s3:*", `+object) + "{}", "follows"},
		{"an effect in lower case", strings.Replace(bucket(everyone+`"Action": "s3:*", `+object), `"Deny"`, `"deny"`, 1), `"Deny"`},
		{"an element in lower case", strings.Replace(bucket(everyone+`"Action": "s3:*", `+object), `"Action"`, `"action"`, 1), "[element-case]"},
		{"an operator in lower case", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"stringequals": {"aws:userid": "x"}}`), `"StringEquals"`},
		{"an action without service", bucket(everyone + `"Action": "GetObject", ` + object), `"s3:GetObject"`},
		{"another version", strings.Replace(bucket(everyone+`"Action": "s3:*", `+object), "2012-10-17", "2012-10-71", 1), `"2012-10-17"`},
		{"a resource that is short", bucket(everyone + `"Action": "s3:*", "Resource": "b/*"`), `"arn:aws:s3:::b/*"`},
		{"a URL", bucket(everyone + `"Action": "s3:*", "Resource": "s3://b/*"`), `"arn:aws:s3:::b/*"`},
		{"a partition", bucket(everyone + `"Action": "s3:*", "Resource": "arn:aws-cn:s3:::b/*"`), `"arn:aws:s3:::b/*"`},
		{"a region", bucket(everyone + `"Action": "s3:*", "Resource": "arn:aws:s3:eu-west-1::b/*"`), `"arn:aws:s3:::b/*"`},
		{"a group of IAM", bucket(`"Principal": {"AWS": "arn:aws:iam::acme:group/g"}, "Action": "s3:*", ` + object), "group"},
		{"an address of mail", bucket(`"Principal": {"AWS": "kim@example.com"}, "Action": "s3:*", ` + object), "kim@example.com"},
		{"a number for text", bucket(everyone + `"Action": 1, ` + object), "number"},
		{"an unknown element", bucket(everyone + `"Action": "s3:*", "Resources": "*", ` + object), `"Resource"`},
		{"a bad date", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"DateLessThan": {"aws:CurrentTime": "31.12.2031"}}`), "31.12.2031"},
		{"a bad number", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"NumericLessThan": {"s3:max-keys": "ten"}}`), "ten"},
		{"a bad truth", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"Bool": {"aws:SecureTransport": "yes"}}`), "yes"},
		{"an empty Condition", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {}`), "[empty-condition]"},
		{"a key twice", bucket(everyone + `"Action": "s3:*", "Action": "s3:*", ` + object), "twice"},
		{"a Sid twice", strings.ReplaceAll(bucket(everyone+`"Action": "s3:*", `+object), `"Effect"`, `"Sid": "x", "Effect"`), `"x"`},
		{"an open variable", bucket(everyone + `"Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username/*"`), "no closing"},
		{"Federated", bucket(`"Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "s3:*", ` + object), "no such callers"},
		{"CanonicalUser", strings.Replace(bucket(`"Principal": {"CanonicalUser": "79a5"}, "Action": "s3:*", `+object), "Deny", "Allow", 1), "[no-such-caller]"},
		{"another bucket", bucket(everyone + `"Action": "s3:*", "Resource": "arn:aws:s3:::other/*"`), "[other-bucket]"},
		{"bits past a range", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"IpAddress": {"aws:SourceIp": "198.51.77.4/16"}}`), "[host-bits]"},
		{"ForAllValues in an Allow", strings.Replace(bucket(everyone+`"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b", "Condition": {"ForAllValues:StringEquals": {"s3:prefix": "x"}}`), "Deny", "Allow", 1), "[for-all-values-open]"},
		{"ForAnyValue with IfExists", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": "x"}}`), "[if-exists-without-effect]"},
		{"a list without qualifier", bucket(everyone + `"Action": "s3:*", ` + object + `, "Condition": {"StringEquals": {"iam:acme:groups": "x"}}`), "[list-without-qualifier]"},
		{"a statement twice", bucket(everyone + `"Action": "s3:*", ` + object + `}, {"Effect": "Deny", ` + everyone + `"Action": "s3:*", ` + object), "[dead-statement]"},
		{"an Allow under a Deny", bucket(`"Principal": "*", "Action": "s3:*", "Resource": "*"`), "denies all that it allows"},
		{"an empty list beside", strings.Replace(bucket(everyone+`"Action": "s3:*", `+object), `"Action": "s3:*",`, `"Action": "s3:*", "NotAction": [],`, 1), "remove it"},
	} {
		f, ds := policyjson.ParseBucket("acme/buckets/b.json", "b", []byte(c.data), policyjson.Limits{})
		said(t, c.name, c.want, "acme/buckets/b.json", c.data, policyjson.File{Document: f}, ds)
	}
	for _, c := range []struct{ name, fields, want string }{
		{"all buckets on one", `"actions": ["s3:ListAllMyBuckets", "s3:GetObject"], "resources": ["b/*"], "principals": ["*"]`, "[action-does-not-fit-resource]"},
		{"an object action on a bucket", `"actions": ["s3:GetObject"], "resources": ["b"], "principals": ["*"]`, "[action-does-not-fit-resource]"},
		{"a bucket made on objects", `"actions": ["s3:CreateBucket"], "resources": ["b/*"], "principals": ["*"]`, "[action-does-not-fit-resource]"},
		{"a template", `"actions": ["s3:*"], "resources": ["${bucket}/*"], "principals": ["*"]`, "[template-left]"},
		{"a wildcard in a role", `"actions": ["s3:*"], "resources": ["b"], "principals": ["role/*-x"]`, "write each name"},
		{"a variable", `"actions": ["s3:*"], "resources": ["b/${aws:username}/*"], "principals": ["*"]`, "[plain-variable]"},
		{"an ARN of a bucket", `"actions": ["s3:*"], "resources": ["arn:aws:s3:::b/*"], "principals": ["*"]`, `"b/*"`},
		{"a misspelt action", `"actions": ["s3:GetObjcet"], "resources": ["*"], "principals": ["*"]`, "[unknown-action]"},
		{"an operation", `"actions": ["s3:ListObjectsV2"], "resources": ["b"], "principals": ["*"]`, "[operation-name]"},
		{"a statement twice", `"actions": ["s3:*"], "resources": ["*"], "principals": ["*"]}, {"name": "t", "effect": "Deny", "actions": ["s3:GetObject"], "resources": ["*"], "principals": ["*"]`, "[dead-statement]"},
		{"nobody", `"actions": ["s3:*"], "resources": ["*"], "principals": []`, "principals"},
		{"another effect", `"effect": "allow", "actions": ["s3:*"], "resources": ["*"], "principals": ["*"]`, "twice"},
		{"an account", `"actions": ["s3:*"], "resources": ["b"], "principals": ["arn:aws:iam::other:root"]`, "the identifiers of those who are meant"},
	} {
		data := organization(c.fields)
		f, ds := policyjson.ParseOrganization("acme/access-policies/p.json", []byte(data), policyjson.Limits{})
		said(t, c.name, c.want, "acme/access-policies/p.json", data, policyjson.File{Document: f}, ds)
	}
	rule := func(fields string) string {
		return `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "roles": {"r": {"rules": [{` + fields + `}]}}, "bindings": [{"roles": ["r"], "members": ["*"]}]}`
	}
	for _, c := range []struct{ name, data, want string }{
		{"an action of S3", rule(`"actions": ["s3:GetObject"], "resources": ["stack:*"]`), "[never-read-here]"},
		{"a misspelt action", rule(`"actions": ["stack:reed"], "resources": ["stack:*"]`), "[unknown-action]"},
		{"types that do not meet", rule(`"actions": ["stack:read"], "resources": ["environment:*"]`), "[types-do-not-meet]"},
		{"types that do not meet in a set", `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "permissionSets": {"s": {"resourceType": "stack", "actions": ["environment:open"]}}}`, "[types-do-not-meet]"},
		{"Pulumi's global", `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "permissionSets": {"s": {"resourceType": "global", "actions": ["team:list"]}}}`, "[global-type]"},
		{"a selector of what is not", rule(`"actions": ["stack:read"], "resources": ["stack:*"], "selector": {"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod"]}]}`), "[negative-only-selector]"},
		{"an unknown key", rule(`"actions": ["stack:read"], "resources": ["stack:*"], "condition": {"Bool": {"aws:SecureTransprot": "true"}}`), "[unknown-condition-key]"},
		{"a key of S3", rule(`"actions": ["stack:read"], "resources": ["stack:*"], "condition": {"StringEquals": {"s3:prefix": "x"}}`), "[key-does-not-fit-action]"},
		{"a star under equals", rule(`"actions": ["stack:read"], "resources": ["stack:*"], "condition": {"StringEquals": {"aws:username": "k*"}}`), "[wildcard-without-like]"},
		{"a year", rule(`"actions": ["stack:read"], "resources": ["stack:*"], "condition": {"DateLessThan": {"aws:CurrentTime": "2031"}}`), "[date-like-number]"},
		{"a template", rule(`"actions": ["stack:read"], "resources": ["stack:<STACK-ID>"]`), "[template-left]"},
		{"an organization without folder", rule(`"actions": ["stack:read"], "resources": ["stack:*"], "condition": {"StringEquals": {"cw:PrincipalOrgID": "globex"}}`), "[unknown-organization]"},
		{"a group in Kubernetes' way", strings.Replace(rule(`"actions": ["stack:read"], "resources": ["stack:*"]`), `["*"]}]}`, `["group:ops"]}]}`, 1), `"group/ops"`},
	} {
		f, ds := policyjson.ParseAccess("acme/iam/a.json", []byte(c.data), policyjson.Limits{})
		said(t, c.name, c.want, "acme/iam/a.json", c.data, policyjson.File{Access: f}, ds)
	}
}

// notOfOneFile are the codes of what is said of a directory, whose tests are the
// loader's, the compiler's and those of Whole, or of more than one message, and of Pulumi's records,
// whose golden cases are the parser's.
var notOfOneFile = []policy.Code{
	policy.CodeMoreWarnings, policy.CodeOtherOrganization, policy.CodeMisplacedName, policy.CodeClaimedTwice, policy.CodeUnknownBucket, policy.CodePublic, policy.CodeUnknownGroup,
	policy.CodeURLClaim, policy.CodeUnreadField, policy.CodeEmptyPermission, policy.CodeNeverEqual, policy.CodeKeyNeverSet,
}

// TestEveryCodeIsAMistake: each code of a warning about one file is met by
// TestCommonMistakes, so that no kind of mistake is without a row there.
func TestEveryCodeIsAMistake(t *testing.T) {
	rows, err := os.ReadFile("mistakes_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range policy.Codes() {
		if !slices.Contains(notOfOneFile, c) && !strings.Contains(string(rows), `"[`+c.String()+`]"`) {
			t.Errorf("TestCommonMistakes has no mistake that is warned of by [%s]", c)
		}
	}
}
