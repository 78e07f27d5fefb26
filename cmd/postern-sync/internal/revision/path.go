package revision

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// MostPath bounds the bytes of a path.
const MostPath = 1024

// CheckPath returns an error unless a policy file may have that path below the policy
// directory (specification 4): the layout's files and no other, so that no message can
// name a file outside it, a hidden one or one that the sidecar does not read.
func CheckPath(p string) error {
	parts := strings.Split(p, "/")
	bad := func(why string) error { return fmt.Errorf("%.120q is no path of a policy file: %s", p, why) }
	if len(p) > MostPath || !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return bad("it is too long, or is no plain text")
	}
	if path.Clean(p) != p {
		return bad("it is not in its shortest form")
	}
	if !IsOrganization(parts[0]) {
		return bad("no organization has its first folder's name")
	}
	switch {
	case len(parts) == 2 && parts[1] == "buckets.json":
		return nil
	case len(parts) != 3 || !IsPart(parts[1]) || parts[1] == "buckets.json":
		return bad("want ORG/access-policies/*.json, ORG/iam/*.json, ORG/buckets/*.json or ORG/buckets.json")
	}
	stem, ok := strings.CutSuffix(parts[2], ".json")
	switch {
	case !ok || strings.HasPrefix(stem, ".") || stem == "":
		return bad("want a name that ends in .json and is not hidden")
	case parts[1] == "buckets" && (len(stem) > 255 || !madeOf(stem, ".-_")):
		return bad("no bucket has that name")
	case len(parts[2]) > 255:
		return bad("its name is longer than file systems allow")
	}
	return nil
}

// IsOrganization reports whether an organization can have that name.
func IsOrganization(name string) bool { return len(name) <= 64 && madeOf(name, "-_") }

// IsPart reports whether a name below an organization's folder is one of the layout.
func IsPart(name string) bool {
	switch name {
	case "access-policies", "iam", "buckets", "buckets.json":
		return true
	}
	return false
}

// madeOf reports whether name is not empty and has only letters and digits of ASCII and
// bytes of also.
func madeOf(name, also string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return name != ""
}
