package compare

import (
	"slices"
	"strings"
	"testing"

	"postern/policy"
)

func TestPublic(t *testing.T) {
	const (
		all    = `{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}`
		read   = `{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"`
		closed = "closed"
	)
	when := func(start, condition string) string { return start + `, "Condition": {` + condition + `}}` }
	deny := func(principal, action, resource, condition string) string {
		return when(`{"Effect": "Deny", `+principal+`, "Action": "`+action+`", "Resource": "`+resource+`"`, condition)
	}
	const everyone = `"Principal": "*"`
	for _, c := range []struct {
		name         string
		statements   []string
		organization []string
		// want is closed, or the action and the keys that the witness states.
		want string
	}{
		{"everyone", []string{read + "}"}, nil, "s3:GetObject"},
		{"an organization", []string{`{"Effect": "Allow", "Principal": {"AWS": "o1"}, "Action": "s3:*", "Resource": "*"}`}, nil, closed},
		{"everyone of organizations", []string{when(read, `"StringEquals": {"cw:PrincipalOrgID": ["o1", "o2"]}`)}, nil, closed},
		{"everyone of an account", []string{when(read, `"StringEquals": {"aws:PrincipalAccount": "o1"}`)}, nil, closed},
		{"everyone but an organization", []string{when(read, `"StringNotEquals": {"cw:PrincipalOrgID": "o1"}`)}, nil, "s3:GetObject"},
		{"organizations by a pattern", []string{when(read, `"StringLike": {"cw:PrincipalOrgID": "acme-*"}`)}, nil, "s3:GetObject"},
		{"a role of an organization by its ARN", []string{when(read, `"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::o1:role/*"}`)}, nil, closed},
		{"a role of any organization by its ARN", []string{when(read, `"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}`)}, nil, "s3:GetObject"},
		{"an address", []string{when(read, `"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}`)}, nil, "s3:GetObject aws:SourceIp"},
		{"a key that is there", []string{when(read, `"Null": {"aws:SourceVpce": "false"}`)}, nil, "s3:GetObject aws:SourceVpce"},
		{"a key that is there and is not", []string{when(read, `"Null": {"k": "false"}, "StringEquals": {"k": "x"}, "StringNotEquals": {"k": "x"}`)}, nil, closed},
		{"the groups of an organization", []string{when(read, `"StringEquals": {"iam:o1:groups": "g"}`)}, nil, closed},
		{"users by their names", []string{`{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}/*"}`}, nil, closed},
		{"users by a claim", []string{`{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${k}/*"}`}, nil, "s3:GetObject k"},

		{"a Deny of all else", []string{all, deny(everyone, "s3:*", "*", `"StringNotEquals": {"aws:PrincipalOrgID": "o1"}`)}, nil, closed},
		{"a Deny of plain HTTP", []string{all, deny(everyone, "s3:*", "*", `"Bool": {"aws:SecureTransport": "false"}`)}, nil, "s3:GetObject"},
		{"a Deny of what is not TLS", []string{all, deny(everyone, "s3:*", "*", `"BoolIfExists": {"aws:SecureTransport": "false"}`)}, nil, "s3:GetObject aws:SecureTransport"},
		{"a Deny to all but one", []string{all, `{"Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::o1:role/a"}, "Action": "s3:*", "Resource": "*"}`}, nil, closed},
		{"a Deny of objects", []string{all, `{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}`}, nil, "s3:ListBucket"},
		{"a Deny of all but a prefix", []string{all, `{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/public/*"}`}, nil, "s3:GetObject"},
		{"two Denies that leave nothing", []string{read + "}", deny(everyone, "s3:*", "*", `"Null": {"k": "true"}`), deny(everyone, "s3:*", "*", `"Null": {"k": "false"}`)}, nil, closed},
		{"two Denies between which an address is left", []string{read + "}", deny(everyone, "s3:*", "*", `"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}`),
			deny(everyone, "s3:*", "*", `"IpAddress": {"aws:SourceIp": "10.0.0.0/9"}`)}, nil, "s3:GetObject aws:SourceIp"},

		{"a Deny to everyone of the owner's", []string{all}, []string{`{"effect": "Deny", "actions": ["s3:*"], "resources": ["b*"], "principals": ["*"]}`}, closed},
		{"a Deny to roles of the owner's", []string{all}, []string{`{"effect": "Deny", "actions": ["s3:*"], "resources": ["b*"], "principals": ["role/*"]}`}, "s3:GetObject"},
		{"only the policy's own actions", []string{`{"Effect": "Allow", "Principal": "*", "Action": "s3:*BucketPolicy", "Resource": "*"}`}, nil, "s3:bucketpolicy"},
	} {
		b := Bucket{Name: "b", Owner: "o1", Policy: bucketPolicy(t, "b", c.statements...), Organizations: []string{"o1", "acme-prod"}}
		if c.organization != nil {
			b.OwnerPolicies = []*policy.Document{organizationPolicy(t, "p", c.organization...)}
		}
		got := closed
		switch p := new(Checker).Public(b); {
		case p == nil:
		case p.Witness == nil:
			got = strings.Join(p.Unknown, "; ")
		default:
			checked(t, p.Witness)
			got = strings.Join(append([]string{p.Witness.Action}, p.Keys...), " ")
			if slices.Contains(b.Organizations, p.Witness.Principal.Org) || len(p.Statements) == 0 {
				t.Errorf("%s: witness %+v by %+v", c.name, p.Witness, p.Statements)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
