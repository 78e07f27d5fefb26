// Package action is the table of the actions that postern knows: their names,
// the names under which a pattern may match them, and what they are asked on
// (specification 1.2, 1.3). Parser warnings, compiler, index and reference
// read it; it holds data and lookups, and matches no pattern.
package action

import "strings"

// ID numbers a known action, from 0 to Count-1.
type ID uint16

// Class says which layers decide an action, and on what it is asked
// (specification 1.3).
type Class uint8

// The classes.
const (
	// IAM is everything but `s3:` and `cwobject:`: the iam layer decides.
	IAM Class = iota
	// ControlPlane is every `cwobject:` action, asked on the organization.
	ControlPlane
	// ListAllMyBuckets is asked on the organization; its policies decide.
	ListAllMyBuckets
	// PutBucketPolicy is decided by organization policies and ownership.
	PutBucketPolicy
	// CreateBucket is decided by organization policies and has no owner yet.
	CreateBucket
	// BucketPolicy is GetBucketPolicy and DeleteBucketPolicy: like Bucket, and
	// refused to callers of other organizations.
	BucketPolicy
	// Bucket is every other `s3:` action: organization, then bucket.
	Bucket
)

// WholeOrganization reports whether actions of the class are asked on the
// whole organization, not on a bucket or object.
func (c Class) WholeOrganization() bool { return c == ControlPlane || c == ListAllMyBuckets }

// OrganizationOnly reports whether the bucket step is never asked for actions
// of the class (specification 1.3, Tenant boundary).
func (c Class) OrganizationOnly() bool { return c <= CreateBucket }

// S3 reports whether the class is one of `s3:` actions.
func (c Class) S3() bool { return c >= ListAllMyBuckets }

// aliases names equal actions, both ways; needs names the action that an
// operation's name also counts as, one way (specification 1.2).
var aliases = [][2]string{
	{"s3:PutLifecycleConfiguration", "s3:PutBucketLifecycleConfiguration"},
	{"s3:GetLifecycleConfiguration", "s3:GetBucketLifecycleConfiguration"},
}

var needs = [][2]string{
	{"s3:HeadObject", "s3:GetObject"},
	{"s3:HeadBucket", "s3:ListBucket"},
	{"s3:ListObjects", "s3:ListBucket"},
	{"s3:ListObjectsV2", "s3:ListBucket"},
	{"s3:ListBuckets", "s3:ListAllMyBuckets"},
	{"s3:DeleteObjects", "s3:DeleteObject"},
	{"s3:CreateMultipartUpload", "s3:PutObject"},
	{"s3:UploadPart", "s3:PutObject"},
	{"s3:CompleteMultipartUpload", "s3:PutObject"},
}

const s3Names = `AbortMultipartUpload BypassGovernanceRetention CompleteMultipartUpload CreateBucket
CreateMultipartUpload DeleteBucket DeleteBucketCORS DeleteBucketEncryption DeleteBucketLifecycle
DeleteBucketOwnershipControls DeleteBucketPolicy DeleteBucketTagging DeleteBucketWebsite DeleteObject
DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionTagging DeleteObjects
GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAcl GetBucketCORS GetBucketLifecycleConfiguration
GetBucketLocation GetBucketLogging GetBucketNotification GetBucketObjectLockConfiguration
GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock
GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration
GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration
GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging
GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionForReplication
GetObjectVersionTagging GetObjectVersionTorrent GetReplicationConfiguration HeadBucket HeadObject
InitiateReplication ListAllMyBuckets ListBucket ListBucketMultipartUploads ListBucketVersions ListBuckets
ListMultipartUploadParts ListObjects ListObjectsV2 ObjectOwnerOverrideToBucketOwner
PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAcl PutBucketCORS PutBucketLifecycleConfiguration
PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls
PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning
PutBucketWebsite PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration
PutLifecycleConfiguration PutMetricsConfiguration PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention
PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging PutReplicationConfiguration RenameObject
ReplicateDelete ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption UploadPart`

const cwobjectNames = `CreateAccessKey CreateAccessKeyOIDC CreateAccessKeySAML DeleteAccessPolicy
EnsureAccessPolicy ListAccessKeyInfo ListAccessPolicy ListBucketInfo RevokeAccessKeyByAccessKey`

type entry struct {
	name  string
	also  []string // further names under which a pattern matches it
	class Class
}

var table []entry

func init() {
	add := func(name string, class Class) {
		table = append(table, entry{name: name, class: class})
		addSlot(ID(len(table) - 1))
	}
	for _, n := range strings.Fields(s3Names) {
		class := Bucket
		switch n {
		case "ListAllMyBuckets", "ListBuckets":
			class = ListAllMyBuckets
		case "PutBucketPolicy":
			class = PutBucketPolicy
		case "CreateBucket":
			class = CreateBucket
		case "GetBucketPolicy", "DeleteBucketPolicy":
			class = BucketPolicy
		}
		add("s3:"+n, class)
	}
	for _, n := range strings.Fields(cwobjectNames) {
		add("cwobject:"+n, ControlPlane)
	}
	also := func(name, other string) {
		id, ok := Lookup(name)
		if !ok {
			panic("action: " + name + " has another name and is not in the table")
		}
		table[id].also = append(table[id].also, other)
	}
	for _, p := range aliases {
		also(p[0], p[1])
		also(p[1], p[0])
	}
	for _, p := range needs {
		also(p[0], p[1])
	}
}

// Count returns how many actions are known.
func Count() int { return len(table) }

// Name returns the action's name as the table spells it.
func Name(id ID) string { return table[id].name }

// Also returns the further names of the action: a pattern that matches one of
// them, or the name itself, matches the action. The caller must not change it.
func Also(id ID) []string { return table[id].also }

// ClassOf tells the class of an action, known or not. A name without `:` and
// every service but `s3:` and `cwobject:` (compared without regard to ASCII
// case) belong to the iam layer.
func ClassOf(name string) Class {
	if id, ok := Lookup(name); ok {
		return table[id].class
	}
	i := strings.IndexByte(name, ':')
	switch {
	case i == 2 && equalFold(name[:2], "s3"):
		return Bucket
	case i == 8 && equalFold(name[:8], "cwobject"):
		return ControlPlane
	}
	return IAM
}

// ClassOfID tells the class of a known action.
func ClassOfID(id ID) Class { return table[id].class }

// Nearest returns the known action whose name is closest to the given one,
// compared without case, and whether one is close enough to be worth
// suggesting. It allocates: it is for messages.
func Nearest(name string) (string, bool) {
	folded := strings.ToLower(name)
	best, bestAt := 4, -1
	for i := range table {
		if d := distance(folded, strings.ToLower(table[i].name), best); d < best {
			best, bestAt = d, i
		}
	}
	if bestAt < 0 {
		return "", false
	}
	return table[bestAt].name, true
}

// distance is Levenshtein's, or limit if it is that or more.
func distance(a, b string, limit int) int {
	if max(len(a), len(b))-min(len(a), len(b)) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return min(row[len(b)], limit)
}
