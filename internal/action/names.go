package action

// The facts of this file come from two public sources, read on 2026-11-30: the
// service authorization reference of Amazon S3 as of 2026-09-26 (180 actions,
// with the types of resource that each is asked on), and the API model of
// Amazon S3 in release 3.1175.0 of the AWS SDK for JavaScript (112 operations,
// with the permissions that its documentation asks for). What neither says is
// marked (choice), as in the specification.

// objectActions, bucketActions and otherActions are all actions of the
// reference, by the type of resource that they are asked on. One that is asked
// on several types is an object action if objects are among them, else a bucket
// action if buckets are. Actions that policies name often should come early:
// the index is smaller for low numbers.
const objectActions = `
GetObject PutObject DeleteObject AbortMultipartUpload ListMultipartUploadParts
GetObjectVersion DeleteObjectVersion GetObjectAcl PutObjectAcl GetObjectVersionAcl PutObjectVersionAcl
GetObjectTagging PutObjectTagging DeleteObjectTagging
GetObjectVersionTagging PutObjectVersionTagging DeleteObjectVersionTagging
GetObjectAttributes GetObjectVersionAttributes GetObjectLegalHold PutObjectLegalHold
GetObjectRetention PutObjectRetention BypassGovernanceRetention RestoreObject
GetObjectTorrent GetObjectVersionTorrent UpdateObjectEncryption
GetObjectAnnotation PutObjectAnnotation DeleteObjectAnnotation ListObjectAnnotations
GetObjectVersionAnnotation PutObjectVersionAnnotation DeleteObjectVersionAnnotation ListObjectVersionAnnotations
GetObjectVersionForReplication GetObjectVersionAnnotationForReplication
InitiateReplication ReplicateObject ReplicateDelete ReplicateTags ReplicateObjectAnnotation
ObjectOwnerOverrideToBucketOwner`

const bucketActions = `
ListBucket GetBucketLocation ListBucketVersions ListBucketMultipartUploads
CreateBucket DeleteBucket GetBucketPolicy PutBucketPolicy DeleteBucketPolicy GetBucketPolicyStatus
GetBucketVersioning PutBucketVersioning GetBucketTagging PutBucketTagging GetBucketAcl PutBucketAcl
GetBucketCORS PutBucketCORS GetLifecycleConfiguration PutLifecycleConfiguration
GetEncryptionConfiguration PutEncryptionConfiguration GetBucketLogging PutBucketLogging
GetBucketNotification PutBucketNotification GetBucketObjectLockConfiguration PutBucketObjectLockConfiguration
GetBucketOwnershipControls PutBucketOwnershipControls GetBucketPublicAccessBlock PutBucketPublicAccessBlock
GetBucketRequestPayment PutBucketRequestPayment GetBucketWebsite PutBucketWebsite DeleteBucketWebsite
GetAccelerateConfiguration PutAccelerateConfiguration GetAnalyticsConfiguration PutAnalyticsConfiguration
GetIntelligentTieringConfiguration PutIntelligentTieringConfiguration
GetInventoryConfiguration PutInventoryConfiguration GetMetricsConfiguration PutMetricsConfiguration
GetReplicationConfiguration PutReplicationConfiguration GetBucketAbac PutBucketAbac
CreateBucketMetadataTableConfiguration GetBucketMetadataTableConfiguration DeleteBucketMetadataTableConfiguration
UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration
UpdateBucketMetadataJournalTableConfiguration
ListTagsForResource TagResource UntagResource PauseReplication AllowVendedLogDeliveryForResource`

const otherActions = `
ListAllMyBuckets GetAccountPublicAccessBlock PutAccountPublicAccessBlock
CreateAccessPoint GetAccessPoint DeleteAccessPoint ListAccessPoints
GetAccessPointPolicy PutAccessPointPolicy DeleteAccessPointPolicy GetAccessPointPolicyStatus
PutAccessPointPublicAccessBlock
CreateAccessPointForObjectLambda GetAccessPointForObjectLambda DeleteAccessPointForObjectLambda
ListAccessPointsForObjectLambda
GetAccessPointConfigurationForObjectLambda PutAccessPointConfigurationForObjectLambda
GetAccessPointPolicyForObjectLambda PutAccessPointPolicyForObjectLambda DeleteAccessPointPolicyForObjectLambda
GetAccessPointPolicyStatusForObjectLambda
CreateMultiRegionAccessPoint GetMultiRegionAccessPoint DeleteMultiRegionAccessPoint ListMultiRegionAccessPoints
GetMultiRegionAccessPointPolicy PutMultiRegionAccessPointPolicy GetMultiRegionAccessPointPolicyStatus
GetMultiRegionAccessPointRoutes SubmitMultiRegionAccessPointRoutes DescribeMultiRegionAccessPointOperation
CreateAccessGrant GetAccessGrant DeleteAccessGrant ListAccessGrants ListCallerAccessGrants
CreateAccessGrantsInstance GetAccessGrantsInstance DeleteAccessGrantsInstance ListAccessGrantsInstances
GetAccessGrantsInstanceForPrefix GetAccessGrantsInstanceResourcePolicy
PutAccessGrantsInstanceResourcePolicy DeleteAccessGrantsInstanceResourcePolicy
CreateAccessGrantsLocation GetAccessGrantsLocation UpdateAccessGrantsLocation DeleteAccessGrantsLocation
ListAccessGrantsLocations GetDataAccess
AssociateAccessGrantsIdentityCenter DissociateAccessGrantsIdentityCenter
CreateJob DescribeJob ListJobs UpdateJobPriority UpdateJobStatus GetJobTagging PutJobTagging DeleteJobTagging
GetStorageLensConfiguration PutStorageLensConfiguration DeleteStorageLensConfiguration
ListStorageLensConfigurations GetStorageLensDashboard
GetStorageLensConfigurationTagging PutStorageLensConfigurationTagging DeleteStorageLensConfigurationTagging
CreateStorageLensGroup GetStorageLensGroup UpdateStorageLensGroup DeleteStorageLensGroup ListStorageLensGroups`

// cwobjectActions are the actions of CoreWeave's Object Storage control plane.
const cwobjectActions = `
CreateAccessKey CreateAccessKeyOIDC CreateAccessKeySAML DeleteAccessPolicy
EnsureAccessPolicy ListAccessKeyInfo ListAccessPolicy ListBucketInfo RevokeAccessKeyByAccessKey`

// operationsAsActions are the operations whose name, but for ASCII case, is
// that of the action that they need (GetBucketCors needs GetBucketCORS).
const operationsAsActions = `
AbortMultipartUpload CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket
DeleteBucketMetadataTableConfiguration DeleteBucketPolicy DeleteBucketWebsite DeleteObject
DeleteObjectAnnotation DeleteObjectTagging GetBucketAbac GetBucketAcl GetBucketCors GetBucketLocation
GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification GetBucketOwnershipControls
GetBucketPolicy GetBucketPolicyStatus GetBucketRequestPayment GetBucketTagging GetBucketVersioning
GetBucketWebsite GetObject GetObjectAcl GetObjectAnnotation GetObjectAttributes GetObjectLegalHold
GetObjectRetention GetObjectTagging GetObjectTorrent ListObjectAnnotations PutBucketAbac PutBucketAcl
PutBucketCors PutBucketLogging PutBucketNotification PutBucketOwnershipControls PutBucketPolicy
PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutObject PutObjectAcl
PutObjectAnnotation PutObjectLegalHold PutObjectRetention PutObjectTagging RestoreObject
UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration
UpdateBucketMetadataJournalTableConfiguration UpdateObjectEncryption`

// operations are all other operations, each with the action that it needs.
// Together with operationsAsActions they are the 112 of the API model, the
// older forms GetBucketLifecycle, PutBucketLifecycle, GetBucketNotification and
// PutBucketNotification, and PostObject, the upload by an HTML form.
var operations = [][2]string{
	{"CompleteMultipartUpload", "PutObject"},
	{"CopyObject", "PutObject"}, // the action on the target; the caller asks about the source apart
	{"CreateBucketMetadataConfiguration", "CreateBucketMetadataTableConfiguration"},
	{"CreateMultipartUpload", "PutObject"},
	{"CreateSession", "CreateSession"}, // (choice) no s3: action; see beside
	{"DeleteBucketAnalyticsConfiguration", "PutAnalyticsConfiguration"},
	{"DeleteBucketCors", "PutBucketCORS"},
	{"DeleteBucketEncryption", "PutEncryptionConfiguration"},
	{"DeleteBucketIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration"},
	{"DeleteBucketInventoryConfiguration", "PutInventoryConfiguration"},
	{"DeleteBucketLifecycle", "PutLifecycleConfiguration"},
	{"DeleteBucketMetadataConfiguration", "DeleteBucketMetadataTableConfiguration"},
	{"DeleteBucketMetricsConfiguration", "PutMetricsConfiguration"},
	{"DeleteBucketOwnershipControls", "PutBucketOwnershipControls"},
	{"DeleteBucketReplication", "PutReplicationConfiguration"},
	{"DeleteBucketTagging", "PutBucketTagging"},
	{"DeleteObjects", "DeleteObject"},
	{"DeletePublicAccessBlock", "PutBucketPublicAccessBlock"},
	{"GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"},
	{"GetBucketAnalyticsConfiguration", "GetAnalyticsConfiguration"},
	{"GetBucketEncryption", "GetEncryptionConfiguration"},
	{"GetBucketIntelligentTieringConfiguration", "GetIntelligentTieringConfiguration"},
	{"GetBucketInventoryConfiguration", "GetInventoryConfiguration"},
	{"GetBucketLifecycle", "GetLifecycleConfiguration"},
	{"GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"},
	{"GetBucketMetadataConfiguration", "GetBucketMetadataTableConfiguration"},
	{"GetBucketMetricsConfiguration", "GetMetricsConfiguration"},
	{"GetBucketNotificationConfiguration", "GetBucketNotification"},
	{"GetBucketReplication", "GetReplicationConfiguration"},
	{"GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"},
	{"GetPublicAccessBlock", "GetBucketPublicAccessBlock"},
	{"HeadBucket", "ListBucket"},
	{"HeadObject", "GetObject"},
	{"ListBucketAnalyticsConfigurations", "GetAnalyticsConfiguration"},
	{"ListBucketIntelligentTieringConfigurations", "GetIntelligentTieringConfiguration"},
	{"ListBucketInventoryConfigurations", "GetInventoryConfiguration"},
	{"ListBucketMetricsConfigurations", "GetMetricsConfiguration"},
	{"ListBuckets", "ListAllMyBuckets"},
	{"ListDirectoryBuckets", "ListAllMyBuckets"}, // (choice) no s3: action; it lists buckets
	{"ListMultipartUploads", "ListBucketMultipartUploads"},
	{"ListObjectVersions", "ListBucketVersions"},
	{"ListObjects", "ListBucket"},
	{"ListObjectsV2", "ListBucket"},
	{"ListParts", "ListMultipartUploadParts"},
	{"PostObject", "PutObject"},
	{"PutBucketAccelerateConfiguration", "PutAccelerateConfiguration"},
	{"PutBucketAnalyticsConfiguration", "PutAnalyticsConfiguration"},
	{"PutBucketEncryption", "PutEncryptionConfiguration"},
	{"PutBucketIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration"},
	{"PutBucketInventoryConfiguration", "PutInventoryConfiguration"},
	{"PutBucketLifecycle", "PutLifecycleConfiguration"},
	{"PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"},
	{"PutBucketMetricsConfiguration", "PutMetricsConfiguration"},
	{"PutBucketNotificationConfiguration", "PutBucketNotification"},
	{"PutBucketReplication", "PutReplicationConfiguration"},
	{"PutObjectLockConfiguration", "PutBucketObjectLockConfiguration"},
	{"PutPublicAccessBlock", "PutBucketPublicAccessBlock"},
	{"RenameObject", "PutObject"}, // (choice) no s3: action; on its target, see beside
	{"SelectObjectContent", "GetObject"},
	{"UploadPart", "PutObject"},
	{"UploadPartCopy", "PutObject"},                      // on its target, as CopyObject
	{"WriteGetObjectResponse", "WriteGetObjectResponse"}, // (choice) no s3: action; it is asked as itself
}

// aliases are the operations whose name is another name of the action: a
// pattern that matches the operation's name matches the action.
var aliases = [...]string{"PutBucketLifecycleConfiguration", "GetBucketLifecycleConfiguration"}

// besides are the actions that an action or operation needs besides its own.
var besides = [][2]string{
	{"GetObjectAttributes", "GetObject"},
	{"GetObjectVersionAttributes", "GetObjectVersion"},
	// (choice) A rename deletes its source, which is in the same bucket.
	{"RenameObject", "DeleteObject"},
	// (choice) A session of a bucket may list the bucket, and read, write and
	// delete its objects, without asking again.
	{"CreateSession", "ListBucket"},
	{"CreateSession", "GetObject"},
	{"CreateSession", "PutObject"},
	{"CreateSession", "DeleteObject"},
}

// classes are the actions of other classes than Bucket.
var classes = map[string]Class{
	"ListAllMyBuckets":   ListAllMyBuckets,
	"PutBucketPolicy":    PutBucketPolicy,
	"CreateBucket":       CreateBucket,
	"GetBucketPolicy":    BucketPolicy,
	"DeleteBucketPolicy": BucketPolicy,
}
