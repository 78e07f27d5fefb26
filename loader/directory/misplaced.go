package directory

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"postern/internal/spelling"
	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
)

// passedOver reports whether there is no warning about a plain file that has no place in
// the layout. POLICIES may be a checkout, and these are names that a repository has
// beside its content (specification 4, Names). A name that ends in .json, in whatever
// case, always has a warning, as somebody may take it for a policy.
func passedOver(name string) bool {
	if jsonLike(name) {
		return false
	}
	switch name {
	case "CODEOWNERS", "OWNERS", "Makefile", "kustomization.yaml":
		return true
	}
	return strings.HasPrefix(name, "README") || strings.HasPrefix(name, "LICENSE") ||
		strings.HasPrefix(name, "NOTICE") || strings.HasSuffix(name, ".md")
}

// manifest is the one `.json` that a checkout has beside the organizations'
// folders and that is nobody's policy (docs/readings.md).
const manifest = "package.json"

// jsonLike reports whether a name ends in .json, in whatever case.
func jsonLike(name string) bool { return strings.EqualFold(path.Ext(name), layout.Suffix) }

// nearest returns the name of the part that name is most like, a folder's with a slash at
// the end; "" if it is like none.
func nearest(name string, isFolder bool) string {
	plain := plainName(name)
	if !isFolder {
		if spelling.Distance(plain, layout.ListName, 3) <= 2 {
			return layout.ListName
		}
		return ""
	}
	for _, want := range layout.PartNames {
		if allowed := min(2, len(want)/3); want != layout.ListName && spelling.Distance(plain, want, 3) <= allowed {
			return want + "/"
		}
	}
	switch { // a word of the layout with others around it
	case strings.Contains(plain, "bucket"):
		return layout.BucketsName + "/"
	case strings.Contains(plain, "polic"), strings.Contains(plain, "access"):
		return layout.PoliciesName + "/"
	}
	return ""
}

// plainName is a name in lower case, with hyphens between its words.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == ' ' {
			return '-'
		}
		return r
	}, strings.ToLower(name))
}

// misplacedInFolder returns the message for a name that has no place in an organization's
// folder.
func misplacedInFolder(name string, at tree.Spot) string {
	isFolder := at.Kind == tree.Folder
	written := layout.Shown(name)
	if isFolder {
		written += "/"
	}
	message := written + " has no place here: "
	if near := nearest(name, isFolder); near != "" {
		return message + "write " + near + "; nothing in it is in force"
	}
	if !isFolder && jsonLike(name) {
		return message + "put a policy of the organization into access-policies/, one of a bucket into buckets/, an AccessPolicy into iam/; it is not in force"
	}
	return message + "an organization's folder holds access-policies/, buckets/, buckets.json and iam/"
}

// misplacedInPart returns the message for a plain file in access-policies/, buckets/ or
// iam/ that does not end in .json.
func misplacedInPart(name string) string {
	message := layout.Shown(name) + " has no place here: only .json files are read"
	ext := path.Ext(name)
	switch stem := strings.TrimSuffix(name, ext); {
	case stem == "":
	case jsonLike(name):
		return message + "; write " + layout.Shown(stem) + layout.Suffix
	case strings.EqualFold(ext, ".yaml"), strings.EqualFold(ext, ".yml"), ext == "":
		return message + "; write a policy as " + layout.Shown(stem) + layout.Suffix
	}
	return message
}

// misplacedInRoot returns the message for a plain file beside the organizations' folders.
func misplacedInRoot(name string) string {
	message := layout.Shown(name) + " has no place here: the policy directory holds a folder for each organization"
	if jsonLike(name) {
		message += "; put a policy into ORG/access-policies/ or ORG/buckets/"
	}
	return message
}

// misplacedFolder returns the message for a folder beside the organizations' folders whose
// name no organization can have.
func misplacedFolder(name string) string {
	message := layout.Shown(name) + "/ has no place here: an organization's folder is 1 to 64 of A-Z a-z 0-9 - _"
	better := strings.Map(func(r rune) rune {
		if layout.MadeOf(string(r), "-_") {
			return r
		}
		return '-'
	}, name)
	if layout.ValidOrganization(better) {
		message += "; write " + better + "/"
	}
	return message
}

// mostStrange bounds how many names holdsJSON looks at.
const mostStrange = 1000

// holdsJSON reports whether a name ends in .json, or is a folder with such a name in it.
// In doubt it does. It follows no link.
func holdsJSON(at tree.Spot, name string) bool {
	if at.Kind != tree.Folder {
		return jsonLike(name)
	}
	seen := 0
	err := filepath.WalkDir(at.Real, func(p string, d fs.DirEntry, err error) error {
		if seen++; err != nil || seen > mostStrange || p != at.Real && (jsonLike(d.Name()) || d.Type()&fs.ModeSymlink != 0) {
			return os.ErrExist
		}
		return nil
	})
	return err != nil
}
