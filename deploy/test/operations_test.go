package test

import "maps"

// names are keys of objects that proxies, stores and clients are likely to read
// differently.
var names = []string{
	"plain.txt", "with space.txt", "plus+sign", "percent%2Fslash", "ünï/cødé €", "dir/", "question?mark&amp", "hash#tag",
	"quote'\"", "tilde~(1)!*", "a=b;c,d@e:f$g", "secret/key", "keep/log", "..hidden", "back\\slash", "100%",
}

// An operation is one that a client does, and what it asks for.
type operation struct {
	name string
	do   string // of client.py
	args func(bucket, key string) map[string]any
	asks func(bucket, key string) []question
	// destroys says that the object is gone behind it.
	destroys bool
	// refused operations are denied whoever asks: what they do cannot be told.
	refused bool
	// once says that the key plays no part.
	once bool
}

// on is an operation that takes a bucket and a key, and more.
func on(more map[string]any) func(bucket, key string) map[string]any {
	return func(bucket, key string) map[string]any {
		args := map[string]any{"Bucket": bucket, "Key": key}
		maps.Copy(args, more)
		return args
	}
}

// within is one that takes a bucket, and more.
func within(more map[string]any) func(bucket, key string) map[string]any {
	return func(bucket, _ string) map[string]any {
		args := map[string]any{"Bucket": bucket}
		maps.Copy(args, more)
		return args
	}
}

// overTLS are the condition keys that every request has here, and more.
func overTLS(more ...any) map[string]any {
	context := map[string]any{"aws:SecureTransport": true}
	for i := 0; i < len(more); i += 2 {
		context[more[i].(string)] = more[i+1]
	}
	return context
}

// objects are the actions that an operation needs on its object.
func objects(context map[string]any, actions ...string) func(bucket, key string) []question {
	return func(bucket, key string) (out []question) {
		for _, a := range actions {
			out = append(out, question{a, bucket + "/" + key, context})
		}
		return out
	}
}

// buckets is the action that an operation needs on its bucket.
func buckets(context map[string]any, action string) func(bucket, key string) []question {
	return func(bucket, _ string) []question { return []question{{action, bucket, context}} }
}

var operations = []operation{
	{name: "ListObjectsV2", do: "list_objects_v2", once: true, args: within(map[string]any{"Prefix": "dir/", "Delimiter": "/"}),
		asks: buckets(overTLS("s3:prefix", "dir/", "s3:delimiter", "/"), "s3:ListBucket")},
	{name: "ListObjectsV2 of secrets", do: "list_objects_v2", once: true, args: within(map[string]any{"Prefix": "secret/"}),
		asks: buckets(overTLS("s3:prefix", "secret/"), "s3:ListBucket")},
	{name: "ListObjects", do: "list_objects", once: true, args: within(nil), asks: buckets(overTLS(), "s3:ListBucket")},
	{name: "ListObjectVersions", do: "list_object_versions", once: true, args: within(nil), asks: buckets(overTLS(), "s3:ListBucketVersions")},
	{name: "HeadBucket", do: "head_bucket", once: true, args: within(nil), asks: buckets(overTLS(), "s3:ListBucket")},
	{name: "GetBucketLocation", do: "get_bucket_location", once: true, args: within(nil), asks: buckets(overTLS(), "s3:GetBucketLocation")},
	{name: "GetBucketVersioning", do: "get_bucket_versioning", once: true, args: within(nil), asks: buckets(overTLS(), "s3:GetBucketVersioning")},
	{name: "GetBucketAcl", do: "get_bucket_acl", once: true, args: within(nil), asks: buckets(overTLS(), "s3:GetBucketAcl")},
	{name: "ListMultipartUploads", do: "list_multipart_uploads", once: true, args: within(nil), asks: buckets(overTLS(), "s3:ListBucketMultipartUploads")},
	{name: "PutBucketAcl", do: "put_bucket_acl", once: true, args: within(map[string]any{"ACL": "private"}),
		asks: buckets(overTLS("s3:x-amz-acl", "private"), "s3:PutBucketAcl")},
	{name: "GetObject", do: "get_object", args: on(nil), asks: objects(overTLS(), "s3:GetObject")},
	{name: "GetObject, presigned", do: "presigned", args: on(nil), asks: objects(overTLS(), "s3:GetObject")},
	{name: "GetObject of a version", do: "get_object", args: on(map[string]any{"VersionId": "null"}), asks: objects(overTLS(), "s3:GetObjectVersion")},
	{name: "HeadObject", do: "head_object", args: on(nil), asks: objects(overTLS(), "s3:GetObject")},
	{name: "GetObjectTagging", do: "get_object_tagging", args: on(nil), asks: objects(overTLS(), "s3:GetObjectTagging")},
	{name: "GetObjectAcl", do: "get_object_acl", args: on(nil), asks: objects(overTLS(), "s3:GetObjectAcl")},
	{name: "PutObject", do: "put_object", args: on(map[string]any{"Body": "new"}), asks: objects(overTLS(), "s3:PutObject")},
	{name: "PutObject with an ACL", do: "put_object", args: on(map[string]any{"Body": "new", "ACL": "private"}),
		asks: objects(overTLS("s3:x-amz-acl", "private"), "s3:PutObject", "s3:PutObjectAcl")},
	{name: "PutObject to the public", do: "put_object", args: on(map[string]any{"Body": "new", "ACL": "public-read"}),
		asks: objects(overTLS("s3:x-amz-acl", "public-read"), "s3:PutObject", "s3:PutObjectAcl")},
	{name: "PutObject with tags", do: "put_object", args: on(map[string]any{"Body": "new", "Tagging": "team=data"}),
		asks: objects(overTLS("s3:RequestObjectTag/team", "data"), "s3:PutObject", "s3:PutObjectTagging")},
	{name: "PutObjectTagging", do: "put_object_tagging", args: on(map[string]any{"Tagging": map[string]any{"TagSet": []any{map[string]any{"Key": "a", "Value": "b"}}}}),
		asks: objects(overTLS(), "s3:PutObjectTagging")},
	{name: "PutObjectAcl", do: "put_object_acl", args: on(map[string]any{"ACL": "private"}),
		asks: objects(overTLS("s3:x-amz-acl", "private"), "s3:PutObjectAcl")},
	{name: "multipart upload", do: "multipart", args: on(nil), asks: objects(overTLS(), "s3:PutObject", "s3:ListMultipartUploadParts")},
	{name: "multipart upload, aborted", do: "aborted", args: on(nil), asks: objects(overTLS(), "s3:PutObject", "s3:AbortMultipartUpload")},
	{name: "CopyObject", do: "copy_object",
		args: func(bucket, key string) map[string]any {
			return map[string]any{"Bucket": bucket, "Key": "copied/" + key, "CopySource": map[string]any{"Bucket": "guarded", "Key": key}}
		},
		asks: func(bucket, key string) []question {
			return []question{{"s3:PutObject", bucket + "/copied/" + key, overTLS()}, {"s3:GetObject", "guarded/" + key, overTLS()}}
		}},
	{name: "DeleteObjects", do: "delete_objects", refused: true,
		args: func(bucket, key string) map[string]any {
			return map[string]any{"Bucket": bucket, "Delete": map[string]any{"Objects": []any{map[string]any{"Key": key}}}}
		}},
	{name: "DeleteObject", do: "delete_object", destroys: true, args: on(nil), asks: objects(overTLS(), "s3:DeleteObject")},
	{name: "GetObject of a path with an empty segment", do: "get_object", refused: true, once: true, args: func(bucket, _ string) map[string]any {
		return map[string]any{"Bucket": bucket, "Key": "a//b"}
	}},
}
