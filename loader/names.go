package loader

import (
	"strings"
	"unicode/utf8"

	"postern/policy"
)

// The names of the layout (specification 4).
const (
	policiesName = "access-policies"
	iamName      = "iam"
	listName     = "buckets.json"
	bucketsName  = "buckets"
	suffix       = ".json"
)

// ValidOrganization reports whether an organization can have that name: 1 to 64
// of `A-Z a-z 0-9 - _` (specification 4, Names).
func ValidOrganization(name string) bool { return len(name) <= 64 && made(name, "-_") }

// validBucket: 1 to 255 of `A-Z a-z 0-9 . - _`.
func validBucket(name string) bool { return len(name) <= 255 && made(name, ".-_") }

func made(name, also string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return name != ""
}

// badStem says what is wrong with the name of a `.json` file, "" if nothing.
// The stem of a bucket file is the bucket's name; that of another document
// means nothing, but has to be text that messages can show.
func badStem(p part, name string) string {
	stem := strings.TrimSuffix(name, suffix)
	switch {
	case p == partBuckets && !validBucket(stem):
		return "the file's name must be the bucket's name and .json: 1 to 255 of A-Z a-z 0-9 . - _"
	case !utf8.ValidString(stem) || strings.ContainsFunc(stem, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return "the file's name must be UTF-8 without control characters; rename it"
	}
	return ""
}

// shown makes a path from names of the file system fit for messages and for
// JSON: whatever is not UTF-8 is replaced.
func shown(path string) string { return strings.ToValidUTF8(path, "\uFFFD") }

func problem(path, message string) policy.Diagnostic {
	return policy.Diagnostic{Severity: policy.Error, Position: policy.Position{File: shown(path)}, Message: message}
}

func warning(path, message string) policy.Diagnostic {
	return policy.Diagnostic{Severity: policy.Warning, Position: policy.Position{File: shown(path)}, Message: message}
}

// bucketOf is the bucket that a bucket file's name or path speaks of.
func bucketOf(file string) string {
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[i+1:]
	}
	return strings.TrimSuffix(file, suffix)
}
