package policyjson

import (
	"strings"

	"postern/internal/value"
)

// This file gives advice on resources and principals that are spelled as
// another store, or another part of AWS, spells them. Advice never widens:
// where a text does not say what is meant, the advice holds a word in capitals
// to fill in.

// s3Resource returns the `BUCKET`, `BUCKET/KEY` or pattern that text means if
// its prefix is unusual or missing; ok is false if that cannot be told. The
// object of an access point is taken for one of bucket, or of "BUCKET" if that
// is "".
func s3Resource(text, bucket string) (short string, ok bool) {
	if rest, ok := cutPrefixFold(text, "s3://"); ok {
		return rest, bucketFirst(rest)
	}
	head, _, _ := strings.Cut(text, "/")
	if !strings.Contains(head, ":") {
		return text, bucketFirst(text)
	}
	parts := strings.Split(text, ":")
	for i, p := range parts {
		if !value.EqualFoldASCII(p, "s3") || i == len(parts)-1 {
			continue
		}
		rest := parts[i+1:] // region, account and resource; the first two may be empty or missing
		for n := 0; n < 2 && len(rest) > 1 && (rest[0] == "" || len(rest) >= 3-n && isName(rest[0], "-", 64)); n++ {
			rest = rest[1:]
		}
		short = strings.Join(rest, ":")
		if point, ok := strings.CutPrefix(short, "accesspoint/"); ok {
			_, key, ok := strings.Cut(point, "/object/")
			return orBucket(bucket) + "/" + key, ok && key != ""
		}
		return short, bucketFirst(short)
	}
	return "", false
}

// bucketFirst reports whether a resource begins with the name of a bucket, or
// with a pattern of one that is more than wildcards.
func bucketFirst(resource string) bool {
	name, _, _ := strings.Cut(resource, "/")
	literal := strings.NewReplacer("*", "", "?", "").Replace(name)
	return isName(literal, ".-_", 255)
}

func orBucket(bucket string) string {
	if bucket == "" {
		return "BUCKET"
	}
	return bucket
}

func cutPrefixFold(text, prefix string) (rest string, ok bool) {
	if len(text) >= len(prefix) && value.EqualFoldASCII(text[:len(prefix)], prefix) {
		return text[len(prefix):], true
	}
	return text, false
}

// otherService returns the service whose resource an ARN names; "" if the text
// is no ARN, or an ARN of S3.
func otherService(text string) string {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) < 6 || !isARN(text) || value.EqualFoldASCII(parts[2], "s3") {
		return ""
	}
	return parts[2]
}

// arnIdentifier returns the identifier that an ARN of IAM or STS means, "*" if
// it means the whole account; ok is false if that cannot be told. An assumed
// role is taken for its role.
func arnIdentifier(arn string) (string, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "", false
	}
	name := parts[5]
	if name == "root" || name == "*" {
		return "*", true
	}
	provider, rest, ok := strings.Cut(name, "/")
	if provider == "assumed-role" {
		provider = "role"
		rest, _, _ = strings.Cut(rest, "/")
	}
	return provider + "/" + rest, ok && isName(provider, "._-", 64) && rest != ""
}
