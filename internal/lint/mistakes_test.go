package lint

import (
	"strings"
	"testing"

	"postern/internal/policyjson"
	"postern/policy"
)

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
		{"an empty list beside", strings.Replace(bucket(everyone+`"Action": "s3:*", `+object), `"Action": "s3:*",`, `"Action": "s3:*", "NotAction": [],`, 1), "remove it"},
	} {
		f, ds := policyjson.ParseBucket("acme/buckets/b.json", "b", []byte(c.data), policyjson.Limits{})
		if !policy.HasErrors(ds) {
			ds = append(ds, NewDirectory([]string{"acme"}, nil).Warnings("acme/buckets/b.json", "b", []byte(c.data), policyjson.File{Document: f})...)
		}
		said := ""
		for _, d := range ds {
			said += d.String() + "\n"
		}
		if !strings.Contains(said, c.want) {
			t.Errorf("%s: no %s in\n%s", c.name, c.want, said)
		}
	}
	for _, c := range []struct{ name, fields, want string }{
		{"all buckets on one", `"actions": ["s3:ListAllMyBuckets", "s3:GetObject"], "resources": ["b/*"], "principals": ["*"]`, "[action-does-not-fit-resource]"},
		{"an object action on a bucket", `"actions": ["s3:GetObject"], "resources": ["b"], "principals": ["*"]`, "[action-does-not-fit-resource]"},
		{"a template", `"actions": ["s3:*"], "resources": ["${bucket}/*"], "principals": ["*"]`, "[template-left]"},
		{"a wildcard in a role", `"actions": ["s3:*"], "resources": ["b"], "principals": ["role/*-x"]`, "write each name"},
		{"an account", `"actions": ["s3:*"], "resources": ["b"], "principals": ["arn:aws:iam::other:root"]`, "the identifiers that are meant"},
	} {
		data := []byte(organization(c.fields))
		f, ds := policyjson.ParseOrganization("acme/access-policies/p.json", data, policyjson.Limits{})
		if !policy.HasErrors(ds) {
			ds = append(ds, NewDirectory([]string{"acme"}, nil).Warnings("acme/access-policies/p.json", "", data, policyjson.File{Document: f})...)
		}
		said := ""
		for _, d := range ds {
			said += d.String() + "\n"
		}
		if !strings.Contains(said, c.want) {
			t.Errorf("%s: no %s in\n%s", c.name, c.want, said)
		}
	}
}
