package action

import (
	"slices"
	"strings"
	"testing"
)

// operationNames are all operations, with the action that each needs.
func operationNames() map[string]string {
	out := map[string]string{}
	for _, n := range strings.Fields(operationsAsActions) {
		out[n] = n
	}
	for _, o := range operations {
		out[o[0]] = o[1]
	}
	return out
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for id := ID(0); int(id) < Count(); id++ {
		name := Name(id)
		if seen[strings.ToLower(name)] {
			t.Errorf("%s stands twice", name)
		}
		seen[strings.ToLower(name)] = true
		if got, ok := Lookup(strings.ToUpper(name)); !ok || got != id {
			t.Errorf("Lookup(%s) = %d, %v, want %d", strings.ToUpper(name), got, ok, id)
		}
		if ClassOf(name) != ClassOfID(id) {
			t.Errorf("%s has two classes", name)
		}
		also := map[string]bool{name: true}
		for _, other := range Also(id) {
			n, ok := Lookup(other)
			if !ok || Name(n) != other {
				t.Errorf("%s is also %s, which the table does not hold", name, other)
				continue
			}
			if also[other] {
				t.Errorf("%s has the name %s twice", name, other)
			}
			also[other] = true
			if ClassOfID(id) != ClassOfID(n) || KindOf(id) != KindOf(n) {
				t.Errorf("%s and %s differ in class or kind", name, other)
			}
			if Needed(id) != Needed(n) {
				t.Errorf("%s and %s need different actions", name, other)
			}
		}
		for _, n := range Beside(id) {
			if len(Beside(n)) > 0 || Needed(n) != n || Needed(id) == n || ClassOfID(n) != ClassOfID(id) {
				t.Errorf("%s needs %s beside it, which is its own action, an operation, of another class, or needs more", name, Name(n))
			}
		}
	}
}

// TestCounts holds the tables to the numbers of their sources, in their states
// of 2026-09-26 (actions) and release 3.1175.0 (operations); see names.go.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"actions on objects", len(strings.Fields(objectActions)), 44},
		{"actions on buckets", len(strings.Fields(bucketActions)), 62},
		{"actions on anything else", len(strings.Fields(otherActions)), 74},
		{"operations, with the four older ones and the form upload", len(operationNames()), 112 + 5},
		{"operations, each once", len(strings.Fields(operationsAsActions)) + len(operations), 112 + 5},
		{"cwobject: actions", len(strings.Fields(cwobjectActions)), 9},
		{"all names", Count(), 44 + 62 + 74 + 62 + 9},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.what, c.got, c.want)
		}
	}
}

// TestOperationsNeedActions walks the operations: each counts as an action of
// the reference, or is one of those that have none.
func TestOperationsNeedActions(t *testing.T) {
	actions := map[string]bool{}
	for _, n := range strings.Fields(objectActions + bucketActions + otherActions) {
		actions[n] = true
	}
	none := map[string]bool{"CreateSession": true, "WriteGetObjectResponse": true}
	for operation, needed := range operationNames() {
		id, ok := Lookup("s3:" + operation)
		if !ok {
			t.Errorf("%s is not in the table", operation)
			continue
		}
		if none[operation] {
			if actions[operation] || Needed(id) != id {
				t.Errorf("%s is an action of the reference, or counts as one", operation)
			}
			continue
		}
		want, ok := Lookup("s3:" + needed)
		if !ok || !actions[Name(want)[len("s3:"):]] {
			t.Errorf("%s needs %s, which is no action of the reference", operation, needed)
			continue
		}
		if Needed(id) != want {
			t.Errorf("%s needs %s, want %s", operation, Name(Needed(id)), Name(want))
		}
		if id != want && !slices.Contains(Also(id), Name(want)) {
			t.Errorf("%s does not count as %s", operation, Name(want))
		}
	}
	// And back: a name that counts as another is an operation.
	for id := ID(0); int(id) < Count(); id++ {
		name := strings.TrimPrefix(Name(id), "s3:")
		if Needed(id) != id && operationNames()[name] == "" {
			t.Errorf("%s counts as %s and is no operation", Name(id), Name(Needed(id)))
		}
	}
}

// TestFamilies holds what the specification spells out of the table (1.2).
func TestFamilies(t *testing.T) {
	for operation, want := range map[string]string{
		"HeadObject": "GetObject", "HeadBucket": "ListBucket", "ListObjects": "ListBucket", "listobjectsv2": "ListBucket",
		"ListBuckets": "ListAllMyBuckets", "DeleteObjects": "DeleteObject", "CreateMultipartUpload": "PutObject",
		"UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject", "CopyObject": "PutObject",
		"UploadPartCopy": "PutObject", "PostObject": "PutObject", "SelectObjectContent": "GetObject",
		"ListObjectVersions": "ListBucketVersions", "ListMultipartUploads": "ListBucketMultipartUploads",
		"ListParts": "ListMultipartUploadParts", "GetBucketEncryption": "GetEncryptionConfiguration",
		"PutBucketEncryption": "PutEncryptionConfiguration", "DeleteBucketCors": "PutBucketCORS",
		"DELETEBUCKETCORS": "PutBucketCORS", "DeleteBucketEncryption": "PutEncryptionConfiguration",
		"DeletePublicAccessBlock": "PutBucketPublicAccessBlock", "DeleteBucketLifecycle": "PutLifecycleConfiguration",
		"PutBucketLifecycle": "PutLifecycleConfiguration", "DeleteBucketPolicy": "DeleteBucketPolicy",
		"DeleteBucketWebsite": "DeleteBucketWebsite", "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
	} {
		id, ok := Lookup("s3:" + operation)
		if !ok || Name(Needed(id)) != "s3:"+want {
			t.Errorf("%s is not known to need %s", operation, want)
		}
	}
	id, _ := Lookup("s3:DeleteBucketLifecycle")
	if got, want := Also(id), []string{"s3:PutLifecycleConfiguration", "s3:PutBucketLifecycleConfiguration"}; !slices.Equal(got, want) {
		t.Errorf("DeleteBucketLifecycle is also %v, want %v", got, want)
	}
}

func TestClassOf(t *testing.T) {
	for name, want := range map[string]Class{
		"S3:putBUCKETpolicy": PutBucketPolicy, "s3:Unheard": Bucket, "CWOBJECT:x": ControlPlane,
		"\u017f3:GetObject": IAM, "read": IAM, "s3": IAM, "iam:ListUsers": IAM, "s3:ListBuckets": ListAllMyBuckets,
		"s3:": Bucket, "s3x:GetObject": IAM, "S3:listDIRECTORYbuckets": ListAllMyBuckets, "s3:DeleteBucketCors": Bucket,
		"CwObject:EnsureAccessPolicy": ControlPlane, "S3:createbucket": CreateBucket, "s3:CreateSession": Bucket,
	} {
		if got := ClassOf(name); got != want {
			t.Errorf("ClassOf(%q) = %d, want %d", name, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"s3:GetObjet": "s3:GetObject", "s3:ListObject": "s3:ListBucket", "S3:HEADOBJECTS": "s3:GetObject",
		"s3:GetBucketCor": "s3:GetBucketCORS", "s3:DeleteBucketPolice": "s3:DeleteBucketPolicy",
		"s3:PutBucketLifecycleConfiguratio": "s3:PutLifecycleConfiguration",
	} {
		if got, ok := Nearest(name); !ok || got != want {
			t.Errorf("Nearest(%s) = %q, %v, want %s", name, got, ok, want)
		}
	}
	if got, ok := Nearest("s3:Frobnicate"); ok {
		t.Errorf("Nearest(s3:Frobnicate) = %q", got)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Lookup("s3:GetObject"); ClassOf("s3:Unheard") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
