package s3request

// The facts of this file are the forms of the operations in HTTP, from the API
// model of Amazon S3 in release 3.1175.0 of the AWS SDK for JavaScript, read on
// 2026-11-30: the same 112 operations as in internal/action, which tells what
// each of them needs. The form upload (PostObject) is no operation of the model.

// form is an operation as HTTP has it.
type form struct {
	name   string
	method string
	place  place
	// marks are the names in the query that choose the operation: exactly these
	// are there. params are the other ones that it may have, those with a ! that
	// it must have.
	marks, params string
	// copies: the request has x-amz-copy-source, which it must not have otherwise.
	copies bool
	// refused is why the operation is never asked, if it is not.
	refused Reason
}

// responses are the parameters of GetObject and HeadObject that set headers of
// the answer.
const responses = "response-cache-control response-content-disposition response-content-encoding " +
	"response-content-language response-content-type response-expires"

// forms has a row for each operation but WriteGetObjectResponse, which is asked
// of Object Lambda at a path that is no bucket, and the older names (see older).
// CreateSession, ListDirectoryBuckets and RenameObject have no `s3:` action.
var forms = [...]form{
	{name: "AbortMultipartUpload", method: "DELETE", place: onObject, marks: "uploadId"},
	{name: "CompleteMultipartUpload", method: "POST", place: onObject, marks: "uploadId"},
	{name: "CopyObject", method: "PUT", place: onObject, copies: true},
	{name: "CreateBucket", method: "PUT", place: onBucket},
	{name: "CreateBucketMetadataConfiguration", method: "POST", place: onBucket, marks: "metadataConfiguration"},
	{name: "CreateBucketMetadataTableConfiguration", method: "POST", place: onBucket, marks: "metadataTable"},
	{name: "CreateMultipartUpload", method: "POST", place: onObject, marks: "uploads"},
	{name: "CreateSession", method: "GET", place: onBucket, marks: "session", refused: UnknownOperation},
	{name: "DeleteBucket", method: "DELETE", place: onBucket},
	{name: "DeleteBucketAnalyticsConfiguration", method: "DELETE", place: onBucket, marks: "analytics", params: "id!"},
	{name: "DeleteBucketCors", method: "DELETE", place: onBucket, marks: "cors"},
	{name: "DeleteBucketEncryption", method: "DELETE", place: onBucket, marks: "encryption"},
	{name: "DeleteBucketIntelligentTieringConfiguration", method: "DELETE", place: onBucket, marks: "intelligent-tiering", params: "id!"},
	{name: "DeleteBucketInventoryConfiguration", method: "DELETE", place: onBucket, marks: "inventory", params: "id!"},
	{name: "DeleteBucketLifecycle", method: "DELETE", place: onBucket, marks: "lifecycle"},
	{name: "DeleteBucketMetadataConfiguration", method: "DELETE", place: onBucket, marks: "metadataConfiguration"},
	{name: "DeleteBucketMetadataTableConfiguration", method: "DELETE", place: onBucket, marks: "metadataTable"},
	{name: "DeleteBucketMetricsConfiguration", method: "DELETE", place: onBucket, marks: "metrics", params: "id!"},
	{name: "DeleteBucketOwnershipControls", method: "DELETE", place: onBucket, marks: "ownershipControls"},
	{name: "DeleteBucketPolicy", method: "DELETE", place: onBucket, marks: "policy"},
	{name: "DeleteBucketReplication", method: "DELETE", place: onBucket, marks: "replication"},
	{name: "DeleteBucketTagging", method: "DELETE", place: onBucket, marks: "tagging"},
	{name: "DeleteBucketWebsite", method: "DELETE", place: onBucket, marks: "website"},
	{name: "DeleteObject", method: "DELETE", place: onObject, params: "versionId"},
	{name: "DeleteObjectAnnotation", method: "DELETE", place: onObject, marks: "annotation", params: "annotationName! versionId"},
	{name: "DeleteObjectTagging", method: "DELETE", place: onObject, marks: "tagging", params: "versionId"},
	{name: "DeleteObjects", method: "POST", place: onBucket, marks: "delete", refused: KeysInBody},
	{name: "DeletePublicAccessBlock", method: "DELETE", place: onBucket, marks: "publicAccessBlock"},
	{name: "GetBucketAbac", method: "GET", place: onBucket, marks: "abac"},
	{name: "GetBucketAccelerateConfiguration", method: "GET", place: onBucket, marks: "accelerate"},
	{name: "GetBucketAcl", method: "GET", place: onBucket, marks: "acl"},
	{name: "GetBucketAnalyticsConfiguration", method: "GET", place: onBucket, marks: "analytics", params: "id!"},
	{name: "GetBucketCors", method: "GET", place: onBucket, marks: "cors"},
	{name: "GetBucketEncryption", method: "GET", place: onBucket, marks: "encryption"},
	{name: "GetBucketIntelligentTieringConfiguration", method: "GET", place: onBucket, marks: "intelligent-tiering", params: "id!"},
	{name: "GetBucketInventoryConfiguration", method: "GET", place: onBucket, marks: "inventory", params: "id!"},
	{name: "GetBucketLifecycleConfiguration", method: "GET", place: onBucket, marks: "lifecycle"},
	{name: "GetBucketLocation", method: "GET", place: onBucket, marks: "location"},
	{name: "GetBucketLogging", method: "GET", place: onBucket, marks: "logging"},
	{name: "GetBucketMetadataConfiguration", method: "GET", place: onBucket, marks: "metadataConfiguration"},
	{name: "GetBucketMetadataTableConfiguration", method: "GET", place: onBucket, marks: "metadataTable"},
	{name: "GetBucketMetricsConfiguration", method: "GET", place: onBucket, marks: "metrics", params: "id!"},
	{name: "GetBucketNotificationConfiguration", method: "GET", place: onBucket, marks: "notification"},
	{name: "GetBucketOwnershipControls", method: "GET", place: onBucket, marks: "ownershipControls"},
	{name: "GetBucketPolicy", method: "GET", place: onBucket, marks: "policy"},
	{name: "GetBucketPolicyStatus", method: "GET", place: onBucket, marks: "policyStatus"},
	{name: "GetBucketReplication", method: "GET", place: onBucket, marks: "replication"},
	{name: "GetBucketRequestPayment", method: "GET", place: onBucket, marks: "requestPayment"},
	{name: "GetBucketTagging", method: "GET", place: onBucket, marks: "tagging"},
	{name: "GetBucketVersioning", method: "GET", place: onBucket, marks: "versioning"},
	{name: "GetBucketWebsite", method: "GET", place: onBucket, marks: "website"},
	{name: "GetObject", method: "GET", place: onObject, params: "versionId partNumber " + responses},
	{name: "GetObjectAcl", method: "GET", place: onObject, marks: "acl", params: "versionId"},
	{name: "GetObjectAnnotation", method: "GET", place: onObject, marks: "annotation", params: "annotationName! versionId"},
	{name: "GetObjectAttributes", method: "GET", place: onObject, marks: "attributes", params: "versionId"},
	{name: "GetObjectLegalHold", method: "GET", place: onObject, marks: "legal-hold", params: "versionId"},
	{name: "GetObjectLockConfiguration", method: "GET", place: onBucket, marks: "object-lock"},
	{name: "GetObjectRetention", method: "GET", place: onObject, marks: "retention", params: "versionId"},
	{name: "GetObjectTagging", method: "GET", place: onObject, marks: "tagging", params: "versionId"},
	{name: "GetObjectTorrent", method: "GET", place: onObject, marks: "torrent"},
	{name: "GetPublicAccessBlock", method: "GET", place: onBucket, marks: "publicAccessBlock"},
	{name: "HeadBucket", method: "HEAD", place: onBucket},
	{name: "HeadObject", method: "HEAD", place: onObject, params: "versionId partNumber " + responses},
	{name: "ListBucketAnalyticsConfigurations", method: "GET", place: onBucket, marks: "analytics", params: "continuation-token"},
	{name: "ListBucketIntelligentTieringConfigurations", method: "GET", place: onBucket, marks: "intelligent-tiering", params: "continuation-token"},
	{name: "ListBucketInventoryConfigurations", method: "GET", place: onBucket, marks: "inventory", params: "continuation-token"},
	{name: "ListBucketMetricsConfigurations", method: "GET", place: onBucket, marks: "metrics", params: "continuation-token"},
	{name: "ListBuckets", method: "GET", place: onService, params: "max-buckets continuation-token prefix bucket-region"},
	{name: "ListDirectoryBuckets", method: "GET", place: onService, params: "continuation-token max-directory-buckets!", refused: UnknownOperation},
	{name: "ListMultipartUploads", method: "GET", place: onBucket, marks: "uploads", params: "delimiter encoding-type key-marker max-uploads prefix upload-id-marker"},
	{name: "ListObjectAnnotations", method: "GET", place: onObject, marks: "annotation", params: "versionId max-annotation-results annotation-prefix continuation-token"},
	{name: "ListObjectVersions", method: "GET", place: onBucket, marks: "versions", params: "delimiter encoding-type key-marker max-keys prefix version-id-marker"},
	{name: "ListObjects", method: "GET", place: onBucket, params: "delimiter encoding-type marker max-keys prefix"},
	{name: "ListObjectsV2", method: "GET", place: onBucket, marks: "list-type", params: "delimiter encoding-type max-keys prefix continuation-token fetch-owner start-after"},
	{name: "ListParts", method: "GET", place: onObject, marks: "uploadId", params: "max-parts part-number-marker"},
	{name: "PostObject", method: "POST", place: onBucket, refused: KeysInBody},
	{name: "PutBucketAbac", method: "PUT", place: onBucket, marks: "abac"},
	{name: "PutBucketAccelerateConfiguration", method: "PUT", place: onBucket, marks: "accelerate"},
	{name: "PutBucketAcl", method: "PUT", place: onBucket, marks: "acl"},
	{name: "PutBucketAnalyticsConfiguration", method: "PUT", place: onBucket, marks: "analytics", params: "id!"},
	{name: "PutBucketCors", method: "PUT", place: onBucket, marks: "cors"},
	{name: "PutBucketEncryption", method: "PUT", place: onBucket, marks: "encryption"},
	{name: "PutBucketIntelligentTieringConfiguration", method: "PUT", place: onBucket, marks: "intelligent-tiering", params: "id!"},
	{name: "PutBucketInventoryConfiguration", method: "PUT", place: onBucket, marks: "inventory", params: "id!"},
	{name: "PutBucketLifecycleConfiguration", method: "PUT", place: onBucket, marks: "lifecycle"},
	{name: "PutBucketLogging", method: "PUT", place: onBucket, marks: "logging"},
	{name: "PutBucketMetricsConfiguration", method: "PUT", place: onBucket, marks: "metrics", params: "id!"},
	{name: "PutBucketNotificationConfiguration", method: "PUT", place: onBucket, marks: "notification"},
	{name: "PutBucketOwnershipControls", method: "PUT", place: onBucket, marks: "ownershipControls"},
	{name: "PutBucketPolicy", method: "PUT", place: onBucket, marks: "policy"},
	{name: "PutBucketReplication", method: "PUT", place: onBucket, marks: "replication"},
	{name: "PutBucketRequestPayment", method: "PUT", place: onBucket, marks: "requestPayment"},
	{name: "PutBucketTagging", method: "PUT", place: onBucket, marks: "tagging"},
	{name: "PutBucketVersioning", method: "PUT", place: onBucket, marks: "versioning"},
	{name: "PutBucketWebsite", method: "PUT", place: onBucket, marks: "website"},
	{name: "PutObject", method: "PUT", place: onObject},
	{name: "PutObjectAcl", method: "PUT", place: onObject, marks: "acl", params: "versionId"},
	{name: "PutObjectAnnotation", method: "PUT", place: onObject, marks: "annotation", params: "annotationName! versionId"},
	{name: "PutObjectLegalHold", method: "PUT", place: onObject, marks: "legal-hold", params: "versionId"},
	{name: "PutObjectLockConfiguration", method: "PUT", place: onBucket, marks: "object-lock"},
	{name: "PutObjectRetention", method: "PUT", place: onObject, marks: "retention", params: "versionId"},
	{name: "PutObjectTagging", method: "PUT", place: onObject, marks: "tagging", params: "versionId"},
	{name: "PutPublicAccessBlock", method: "PUT", place: onBucket, marks: "publicAccessBlock"},
	{name: "RenameObject", method: "PUT", place: onObject, marks: "renameObject", refused: UnknownOperation},
	{name: "RestoreObject", method: "POST", place: onObject, marks: "restore", params: "versionId"},
	{name: "SelectObjectContent", method: "POST", place: onObject, marks: "select select-type", refused: KeysInBody},
	{name: "UpdateBucketMetadataAnnotationTableConfiguration", method: "PUT", place: onBucket, marks: "metadataAnnotationTable"},
	{name: "UpdateBucketMetadataInventoryTableConfiguration", method: "PUT", place: onBucket, marks: "metadataInventoryTable"},
	{name: "UpdateBucketMetadataJournalTableConfiguration", method: "PUT", place: onBucket, marks: "metadataJournalTable"},
	{name: "UpdateObjectEncryption", method: "PUT", place: onObject, marks: "encryption", params: "versionId"},
	{name: "UploadPart", method: "PUT", place: onObject, marks: "uploadId", params: "partNumber!"},
	{name: "UploadPartCopy", method: "PUT", place: onObject, marks: "uploadId", params: "partNumber!", copies: true},
}

// older are the names that the API had for a form before.
var older = map[string]string{
	"GetBucketLifecycle":    "GetBucketLifecycleConfiguration",
	"PutBucketLifecycle":    "PutBucketLifecycleConfiguration",
	"GetBucketNotification": "GetBucketNotificationConfiguration",
	"PutBucketNotification": "PutBucketNotificationConfiguration",
}
