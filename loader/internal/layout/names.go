package layout

import (
	"strings"
	"unicode/utf8"

	"postern/policy"
)

// Suffix is what the names of policy files end in (specification 4).
const Suffix = ".json"

// ValidOrganization reports whether an organization can have that name: 1 to 64
// of `A-Z a-z 0-9 - _` (specification 4, Names).
func ValidOrganization(name string) bool { return len(name) <= 64 && MadeOf(name, "-_") }

// validBucket reports whether a bucket can have that name: 1 to 255 of `A-Z a-z 0-9 . - _`.
func validBucket(name string) bool { return len(name) <= 255 && MadeOf(name, ".-_") }

// MadeOf reports whether name is not empty and has only bytes of `A-Z a-z 0-9` and
// of also.
func MadeOf(name, also string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return name != ""
}

// BadStem returns what is wrong with the name of a `.json` file of a part, or "".
// The stem of a bucket file is the name of the bucket. The stem of another file
// means nothing but has to be text that messages can show.
func BadStem(p Part, name string) string {
	stem := strings.TrimSuffix(name, Suffix)
	switch {
	case p == Buckets && !validBucket(stem):
		return "the file's name must be the bucket's name and .json: 1 to 255 of A-Z a-z 0-9 . - _"
	case !utf8.ValidString(stem) || strings.ContainsFunc(stem, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return "the file's name must be UTF-8 without control characters; rename it"
	}
	return ""
}

// Shown returns a path as messages and JSON can show it: with whatever is not UTF-8
// replaced.
func Shown(path string) string { return strings.ToValidUTF8(path, "\uFFFD") }

// Problem returns an error about the file or folder at a path.
func Problem(path, message string) policy.Diagnostic {
	return policy.Diagnostic{Severity: policy.Error, Position: policy.Position{File: Shown(path)}, Message: message}
}

func Warning(code policy.Code, path, message string) policy.Diagnostic {
	return policy.Diagnostic{Severity: policy.Warning, Code: code, Position: policy.Position{File: Shown(path)}, Message: message}
}

// BucketOf returns the bucket of a bucket file, by the file's name or path.
func BucketOf(file string) string {
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[i+1:]
	}
	return strings.TrimSuffix(file, Suffix)
}
