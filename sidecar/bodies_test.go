package sidecar

import (
	"strings"
	"testing"

	"postern/internal/s3request"
)

// TestKeysInBodies: what stands in the body of a request no door sees, so that a
// Deny holds there whatever it asks of it, and an Allow does not; where the head has
// it, it is read (specification 7.1, Keys read).
func TestKeysInBodies(t *testing.T) {
	const all = `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`
	deny := func(condition string) string {
		return all + `,{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{` + condition + `}}`
	}
	allow := func(condition string) string {
		return `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{` + condition + `}}`
	}
	const (
		aclIs      = `"StringEquals":{"s3:x-amz-acl":"public-read"}`
		grantIs    = `"StringLike":{"s3:x-amz-grant-read":"*"}`
		tagIs      = `"StringEquals":{"s3:RequestObjectTag/class":"public"}`
		tagsAmong  = `"ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["class"]}`
		noTag      = `"Null":{"s3:RequestObjectTag/class":"true"}`
		modeIs     = `"StringEquals":{"s3:object-lock-mode":"COMPLIANCE"}`
		daysBelow  = `"NumericLessThan":{"s3:object-lock-remaining-retention-days":"10"}`
		holdIs     = `"StringEquals":{"s3:object-lock-legal-hold":"ON"}`
		locationIs = `"StringEquals":{"s3:LocationConstraint":"eu"}`
	)
	type files = map[string]string
	nginx := func(method, target string, headers ...string) func(files) bool {
		return func(policies files) bool {
			s := doorServer(t, Doors{Forward: &Forward{Mode: "nginx"}})
			s.config.Current.Store(snapshotOf(t, 7, policies))
			return answerOf(t, s, forwardHead("nginx", method, target, "10.1.2.3", true, append(headers, jean...)...)) == "200"
		}
	}
	ceph := func(method, object, params string) func(files) bool {
		return func(policies files) bool {
			s := storeServer(t, MinIO{})
			s.config.Current.Store(snapshotOf(t, 7, policies))
			return resultOf(t, s, cephPost(cephBody(method, "/b", params, object, "b")))
		}
	}
	for i, c := range []struct {
		policy string
		ask    func(files) bool
		want   bool
	}{
		// Tags of PutObjectTagging stand in its body, of PutObject in its head.
		{deny(tagIs), nginx("PUT", "/b/k?tagging"), false},
		{deny(tagIs), nginx("PUT", "/b/k?tagging&versionId=v"), false},
		{deny(tagIs), nginx("PUT", "/b/k"), true},
		{deny(tagIs), nginx("PUT", "/b/k", "x-amz-tagging: class=public"), false},
		{deny(tagIs), nginx("PUT", "/b/k", "x-amz-tagging: class=other"), true},
		{deny(noTag), nginx("PUT", "/b/k?tagging"), false},
		{deny(noTag), nginx("PUT", "/b/k", "x-amz-tagging: class=other"), true},
		{allow(tagIs), nginx("PUT", "/b/k?tagging"), false},
		{allow(noTag), nginx("PUT", "/b/k?tagging"), false},
		{allow(noTag), nginx("PUT", "/b/k"), true},
		{allow(tagsAmong), nginx("PUT", "/b/k?tagging"), false},
		{allow(tagsAmong), nginx("PUT", "/b/k"), true},
		{deny(tagIs), ceph("PUT", "k", ""), false}, // radosgw shows no head
		{deny(tagIs), ceph("PUT", "k", "tagging"), false},
		// Grants of PutObjectAcl and PutBucketAcl stand in their bodies, or in their heads.
		{deny(aclIs), nginx("PUT", "/b/k?acl"), false},
		{deny(aclIs), nginx("PUT", "/b/k?acl&versionId=v"), false},
		{deny(aclIs), nginx("PUT", "/b?acl"), false},
		{deny(grantIs), nginx("PUT", "/b/k?acl"), false},
		{deny(grantIs), nginx("PUT", "/b?acl"), false},
		{deny(grantIs), nginx("PUT", "/b/k?acl", "x-amz-acl: private"), false},
		{deny(aclIs), nginx("PUT", "/b/k?acl", "x-amz-acl: private"), true},
		{deny(aclIs), nginx("PUT", "/b/k"), true},
		{deny(grantIs), nginx("PUT", "/b/k"), true},
		{deny(aclIs), nginx("PUT", "/b/k", "x-amz-acl: public-read"), false},
		{deny(aclIs), ceph("PUT", "k", ""), false},
		// Locks and locations are read of no request.
		{deny(modeIs), nginx("PUT", "/b/k?retention"), false},
		{deny(daysBelow), nginx("PUT", "/b/k?retention"), false},
		{deny(holdIs), nginx("PUT", "/b/k?legal-hold"), false},
		{deny(modeIs), nginx("PUT", "/b?object-lock"), false},
		{deny(locationIs), nginx("PUT", "/b?requestPayment"), false},
		{allow(modeIs), nginx("PUT", "/b/k?retention"), false},
		{all, nginx("PUT", "/b/k?retention"), true},
		{all, nginx("PUT", "/b/k?tagging"), true},
		{all, nginx("PUT", "/b/k?acl"), true},
		{all, ceph("PUT", "k", "tagging"), true},
	} {
		policies := files{"o1/access-policies/all.json": doorPolicy["o2/access-policies/all.json"], "o1/buckets/b.json": `{"Version":"2012-10-17","Statement":[` + c.policy + `]}`}
		if got := c.ask(policies); got != c.want {
			t.Errorf("%d, %s: %v", i, strings.TrimPrefix(c.policy, all), got)
		}
	}
}

// TestOneDecisionForCeph: radosgw waits for each answer, and a decision is bounded
// (specification 1.6); so no request of its may ask for more than one.
func TestOneDecisionForCeph(t *testing.T) {
	names := []string{"acl", "cors", "lifecycle", "policy", "tagging", "uploads", "uploadId=u", "versionId=v", "versioning", "website", "torrent", "object-lock",
		"retention", "legal-hold", "uploadId=u&partNumber=1", "tagging&versionId=v", "acl&versionId=v", "attributes", "list-type=2&prefix=a+b", "restore", ""}
	var r s3request.Reader
	asked := 0
	for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE"} {
		for _, key := range []string{"", "k", "a+b", "a b"} {
			for _, query := range names {
				for _, bucket := range []string{"b", ""} {
					if r.Read(&s3request.Request{Method: method, Told: true, Bucket: bucket, Key: key, Query: query, NoHeaders: true}) != s3request.None {
						continue
					}
					asked++
					if len(r.Questions) != 1 {
						t.Errorf("%s %s %q: %d questions", method, r.Operation, key, len(r.Questions))
					}
				}
			}
		}
	}
	if asked < 100 {
		t.Errorf("%d requests are asked", asked)
	}
}
