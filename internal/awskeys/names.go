package awskeys

// The facts of this file are those of two public sources, read on 2026-11-30:
// the service authorization reference of Amazon S3 in its state of 2026-09-26
// (64 condition keys; of each the actions that have it, or whose types of resource
// have it), and the page on global condition context keys of the IAM user guide.
// What neither says is marked (choice), as in the specification.

// globalKeys are the keys that any service may have, `aws:` left out. A name that
// ends in `/` has a tag's key behind it.
const globalKeys = `
PrincipalArn PrincipalAccount PrincipalOrgPaths PrincipalOrgID PrincipalTag/
PrincipalIsAWSService PrincipalServiceName PrincipalServiceNamesList PrincipalType
userid username
AssumedRoot FederatedProvider TokenIssueTime MultiFactorAuthAge MultiFactorAuthPresent
ChatbotSourceArn Ec2InstanceSourceVpc Ec2InstanceSourcePrivateIPv4 SourceIdentity
SourceIp SourceVpc SourceVpcArn SourceVpce VpceAccount VpceOrgID VpceOrgPaths VpcSourceIp
ResourceAccount ResourceOrgPaths ResourceOrgID ResourceTag/
CalledVia CalledViaFirst CalledViaLast ViaAWSService CalledViaAWSMCP ViaAWSMCPService
CurrentTime EpochTime Referer RequestedRegion RequestTag/ TagKeys SecureTransport
SourceArn SourceAccount SourceOrgPaths SourceOrgID UserAgent IsMcpServiceAction`

// crossServiceKeys are those that other services than `aws:` put into requests of
// every service.
const crossServiceKeys = `
ec2:RoleDelivery ec2:SourceInstanceArn glue:RoleAssumedBy glue:CredentialIssuingService
codebuild:BuildArn codebuild:ProjectArn lambda:SourceFunctionArn ssm:SourceInstanceArn
identitystore:UserId`

// coreWeaveKeys are those of CoreWeave's documentation, `cw:` left out.
const coreWeaveKeys = `PrincipalOrgID ResourceOrgID`

// everyAction are the keys of S3 that go with every action. The reference has not
// got the first seven at a few actions of the account and of replication; the
// others are of whatever type of resource is asked for, through an access point
// too (choice).
const everyAction = `
ResourceAccount TlsVersion authType signatureAge signatureversion x-amz-content-sha256
AccessGrantsInstanceArn AccessPointNetworkOrigin AccessPointTag/ BucketTag/
DataAccessPointAccount DataAccessPointArn`

// someActions are the other keys of S3, each with the actions that have it.
var someActions = [...][2]string{
	{"prefix", "ListBucket ListBucketVersions"},
	{"delimiter", "ListBucket ListBucketVersions"},
	{"max-keys", "ListBucket ListBucketVersions"},
	{"annotation-prefix", "ListObjectAnnotations ListObjectVersionAnnotations"},
	{"max-annotation-results", "ListObjectAnnotations ListObjectVersionAnnotations"},
	{"versionid", `DeleteObjectVersion DeleteObjectVersionAnnotation DeleteObjectVersionTagging
		GetObjectVersion GetObjectVersionAcl GetObjectVersionAnnotation GetObjectVersionAttributes
		GetObjectVersionTagging GetObjectVersionTorrent ListObjectVersionAnnotations
		PutObjectVersionAcl PutObjectVersionAnnotation PutObjectVersionTagging`},
	{"ExistingObjectTag/", `GetObject GetObjectVersion GetObjectAcl GetObjectVersionAcl
		GetObjectTagging GetObjectVersionTagging GetObjectAttributes GetObjectVersionAttributes
		GetObjectAnnotation GetObjectVersionAnnotation ListObjectAnnotations ListObjectVersionAnnotations
		PutObjectAcl PutObjectVersionAcl PutObjectTagging PutObjectVersionTagging
		PutObjectAnnotation PutObjectVersionAnnotation UpdateObjectEncryption
		DeleteObjectTagging DeleteObjectVersionTagging DeleteObjectAnnotation DeleteObjectVersionAnnotation`},
	{"RequestObjectTag/", "PutObject PutObjectTagging PutObjectVersionTagging BypassGovernanceRetention"},
	{"RequestObjectTagKeys", "PutObject PutObjectTagging PutObjectVersionTagging BypassGovernanceRetention"},
	{"x-amz-acl", "PutObject PutObjectAcl PutObjectVersionAcl CreateBucket PutBucketAcl CreateAccessPoint BypassGovernanceRetention"},
	{"x-amz-grant-full-control", grants},
	{"x-amz-grant-read", grants},
	{"x-amz-grant-read-acp", grants},
	{"x-amz-grant-write", grants},
	{"x-amz-grant-write-acp", grants},
	{"x-amz-server-side-encryption", "PutObject ReplicateObject UpdateObjectEncryption BypassGovernanceRetention"},
	{"x-amz-server-side-encryption-aws-kms-key-id", "PutObject ReplicateObject UpdateObjectEncryption BypassGovernanceRetention"},
	{"x-amz-server-side-encryption-customer-algorithm", "PutObject ReplicateObject BypassGovernanceRetention"},
	{"x-amz-storage-class", "PutObject PutObjectAcl PutObjectVersionAcl BypassGovernanceRetention"},
	{"x-amz-copy-source", "PutObject BypassGovernanceRetention"},
	{"x-amz-metadata-directive", "PutObject BypassGovernanceRetention"},
	{"x-amz-website-redirect-location", "PutObject BypassGovernanceRetention"},
	{"x-amz-object-annotation-directive", "PutObject"},
	{"x-amz-object-if-match", "PutObjectAnnotation PutObjectVersionAnnotation DeleteObjectAnnotation DeleteObjectVersionAnnotation"},
	{"if-match", "PutObject DeleteObject"},
	{"if-none-match", "PutObject"},
	{"ObjectCreationOperation", "PutObject"},
	{"object-lock-mode", "PutObject PutObjectRetention"},
	{"object-lock-remaining-retention-days", "PutObject PutObjectRetention"},
	{"object-lock-retain-until-date", "PutObject PutObjectRetention"},
	{"object-lock-legal-hold", "PutObject PutObjectLegalHold"},
	{"object-lock-event-hold", "PutObject PutObjectRetention ReplicateObject"},
	{"object-lock-event-hold-duration-days", "PutObject PutObjectRetention ReplicateObject"},
	{"locationconstraint", "CreateBucket CreateAccessPoint"},
	{"x-amz-bucket-namespace", "CreateBucket"},
	{"x-amz-object-ownership", "CreateBucket"},
	{"InventoryAccessibleOptionalFields", "PutInventoryConfiguration"},
	{"isReplicationPauseRequest", "PutReplicationConfiguration"},
	{"destinationRegion", "PauseReplication"},
	{"deliverySourceArn", "AllowVendedLogDeliveryForResource"},
	{"logType", "AllowVendedLogDeliveryForResource"},
	{"resourceArnBeingAuthorized", "AllowVendedLogDeliveryForResource"},
	{"AccessGrantScope", "CreateAccessGrant GetAccessGrant DeleteAccessGrant"},
	{"AccessGrantsLocationScope", "CreateAccessGrantsLocation GetAccessGrantsLocation UpdateAccessGrantsLocation DeleteAccessGrantsLocation"},
	{"RequestJobOperation", "CreateJob"},
	{"RequestJobPriority", "CreateJob UpdateJobPriority"},
	{"ExistingJobOperation", "UpdateJobPriority UpdateJobStatus PutJobTagging DeleteJobTagging"},
	{"ExistingJobPriority", "UpdateJobPriority UpdateJobStatus PutJobTagging DeleteJobTagging"},
	{"JobSuspendedCause", "UpdateJobStatus"},
}

const grants = "PutObject PutObjectAcl PutObjectVersionAcl CreateBucket PutBucketAcl BypassGovernanceRetention"
