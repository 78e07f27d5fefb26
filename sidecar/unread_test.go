package sidecar

import (
	"fmt"
	"strings"
	"testing"

	"postern/policy"
)

// TestUnread: each door says which keys of the policies it cannot read.
func TestUnread(t *testing.T) {
	files := map[string]string{
		"o1/access-policies/all.json": doorPolicy["o2/access-policies/all.json"],
		"o1/buckets/b.json":           doorPolicy["o1/buckets/b.json"],
		"o1/buckets/c.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::c/${x:team}/*",
  "Condition":{"StringEquals":{"AWS:sourceip":"1","oidc:o1:sub":"x","subject.level":"y","aws:PrincipalOrgID":"o1","s3:x-amz-acl":"private","aws:CurrentTime":"z"}}},
  {"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:securetransport":"false"},"StringEquals":{"x:vouched":"a"}}}]}`,
		"o1/iam/a.json": `{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"a"},"bindings":[
  {"id":"x","actions":["admin:GetUser"],"resources":["*"],"members":["*"],"condition":{"StringEquals":{"x:iam":"1"}}}]}`,
	}
	secrets := [][]byte{[]byte(doorSecret)}
	ask := func(d Doors) string {
		d.Secrets = func() [][]byte { return secrets }
		s := build(t, func(c *Config) { c.Doors = d })
		if got := s.Unread(); got != nil {
			t.Errorf("before the first snapshot: %v", got)
		}
		s.config.Current.Store(snapshotOf(t, 7, files))
		text := ""
		for _, u := range s.Unread() {
			text += u.Door + ":"
			for _, k := range u.Keys {
				text += fmt.Sprintf(" %s/%t/%s/%d", k.Key, k.Deny, k.File, k.Policies)
			}
			text += "\n"
		}
		return text
	}
	vouch := []policy.Attribute{{Key: "X:Vouched", Values: []policy.Value{{Kind: policy.ValueString, Text: "a"}}}}
	const tls, tag, team, sub, level, iam = "aws:SecureTransport/true/o1/buckets/b.json/2", "s3:ExistingObjectTag/class/true/o1/buckets/b.json/1", "x:team/true/o1/buckets/c.json/1",
		"oidc:o1:sub/false/o1/buckets/c.json/1", "subject.level/false/o1/buckets/c.json/1", "x:iam/false/o1/iam/1"
	const address, acl, vouched = "aws:SourceIp/true/o1/buckets/b.json/2", "s3:x-amz-acl/false/o1/buckets/c.json/1", "x:vouched/true/o1/buckets/c.json/1"
	list := func(door string, keys ...string) string { return door + ": " + strings.Join(keys, " ") + "\n" }
	for _, c := range []struct {
		doors Doors
		want  string
	}{
		{Doors{}, ""},
		{Doors{Forward: &Forward{Mode: "nginx"}}, list("authorize", tag, team, vouched, sub, level, iam)},
		{Doors{Ceph: true, Context: vouch}, list("ceph", tls, address, tag, team, sub, acl, level, iam)},
		{Doors{MinIO: &MinIO{}, Ceph: true}, list("ceph", tls, address, tag, team, vouched, sub, acl, level, iam) + list("minio", address, tag, team, vouched, level, iam)},
		{Doors{MinIO: &MinIO{TrustTags: true, TrustSourceIP: true}}, list("minio", team, vouched, level, iam)},
	} {
		if got := ask(c.doors); got != c.want {
			t.Errorf("%+v:\n%swant\n%s", c.doors, got, c.want)
		}
	}
	files = map[string]string{"o1/access-policies/all.json": doorPolicy["o2/access-policies/all.json"]}
	if got := ask(Doors{Ceph: true}); got != "" {
		t.Errorf("of no condition: %s", got)
	}
}
