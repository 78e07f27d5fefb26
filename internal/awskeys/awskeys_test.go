package awskeys

import (
	"strings"
	"testing"

	"postern/internal/action"
	"postern/internal/value"
)

// TestTable walks the data: every name stands once, in a form that a key can
// have, and the number of S3's keys is that of the reference.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	services := map[string]int{}
	for _, n := range names {
		folded := value.FoldASCII(n)
		if seen[folded] {
			t.Errorf("%s stands twice", n)
		}
		seen[folded] = true
		service, name, ok := strings.Cut(n, ":")
		if !ok || name == "" || strings.ContainsAny(n, " *?$") || strings.Count(n, "/") > 1 || strings.Contains(strings.TrimSuffix(n, "/"), "/") {
			t.Errorf("%q has not the form of a key", n)
		}
		services[service]++
		key := n
		if strings.HasSuffix(n, "/") {
			key += "team"
			if Known(n) {
				t.Errorf("%s is known without a tag's key", n)
			}
		}
		if !Known(key) || !Known(strings.ToUpper(key)) {
			t.Errorf("%s is not known", key)
		}
		if near, ok := Nearest(key); !ok || near != key {
			t.Errorf("what is nearest to %s is %q, %t", key, near, ok)
		}
	}
	// 64 keys are in the reference, three of them with the service aws.
	if services["s3"] != 61 {
		t.Errorf("%d keys of s3, want 61", services["s3"])
	}
	for _, key := range []string{"aws:ResourceTag/x", "aws:RequestTag/x", "aws:TagKeys"} {
		if !Known(key) {
			t.Errorf("%s is not known", key)
		}
	}
	for _, row := range someActions {
		n := len(strings.Fields(row[1]))
		if got := len(Actions("s3:" + strings.ReplaceAll(row[0], "/", "/x"))); got != n {
			t.Errorf("%s: %d actions, want %d", row[0], got, n)
		}
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		key, action string
		want        bool
	}{
		{"s3:prefix", "s3:ListBucket", true},
		{"S3:Prefix", "s3:ListBucketVersions", true},
		{"s3:prefix", "s3:ListObjectsV2", true}, // needs ListBucket
		{"s3:prefix", "s3:GetObject", false},
		{"s3:x-amz-acl", "s3:PutObject", true},
		{"s3:x-amz-acl", "s3:GetObject", false},
		{"s3:ExistingObjectTag/team", "s3:GetObject", true},
		{"s3:ExistingObjectTag/team", "s3:PutObject", false},
		{"s3:VersionId", "s3:GetObjectVersion", true},
		{"s3:VersionId", "s3:GetObject", false},
		{"s3:TlsVersion", "s3:GetBucketObjectLockConfiguration", true},
		{"aws:SourceIp", "s3:GetObject", true},
		{"nobody:knows", "s3:GetObject", true},
	} {
		id, ok := action.Lookup(c.action)
		if !ok {
			t.Fatalf("no action %s", c.action)
		}
		if got := Fits(c.key, id); got != c.want {
			t.Errorf("Fits(%s, %s) = %t", c.key, c.action, got)
		}
	}
}

func TestNearest(t *testing.T) {
	for key, want := range map[string]string{
		"aws:SecureTransports":          "aws:SecureTransport",
		"aws:SourceIP":                  "aws:SourceIp",
		"aws:sourceips":                 "aws:SourceIp",
		"s3:perfix":                     "s3:prefix",
		"s3:x-amz-server-side-encypton": "s3:x-amz-server-side-encryption",
		"s3:ExistingObjectTags/team":    "s3:ExistingObjectTag/team",
		"s3:ExistingObjectTag":          "s3:ExistingObjectTag/KEY",
		"s3:ExistingObjectTag/":         "s3:ExistingObjectTag/KEY",
		"aws:PrincipleTag/team":         "aws:PrincipalTag/team",
		"cw:PrincipalOrgId":             "cw:PrincipalOrgID",
		"aw:SourceIp":                   "aws:SourceIp",
		"jwt:sub":                       "",
		"x":                             "",
	} {
		if got, _ := Nearest(key); got != want {
			t.Errorf("Nearest(%s) = %q, want %q", key, got, want)
		}
	}
}
