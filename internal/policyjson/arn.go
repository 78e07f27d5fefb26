package policyjson

import (
	"strings"

	"postern/internal/value"
)

// Advice on resources and principals that are spelled as another store, or
// another part of AWS, spells them. It never widens: where a text does not tell
// what is meant, the advice holds a word in capitals to fill in.

// s3Resource returns the `BUCKET`, `BUCKET/KEY` or pattern that text means,
// where it is spelled with an unusual prefix or none; false if it does not tell.
// An access point's object is that of bucket, "BUCKET" where that is unknown.
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
		rest := parts[i+1:] // region, account, resource; the first two may be empty or left out
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

// bucketFirst reports whether a resource begins with a bucket's name, or a
// pattern of one that is not all wildcards.
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

// otherService is the service whose resource an ARN names, "" if the text is no
// ARN, or one of S3.
func otherService(text string) string {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) < 6 || !isARN(text) || value.EqualFoldASCII(parts[2], "s3") {
		return ""
	}
	return parts[2]
}

// arnIdentifier returns the identifier that an ARN of IAM or STS names, "*" for
// all of an account; false if it does not tell. The role of an assumed role
// stands for its sessions.
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
