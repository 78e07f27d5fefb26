package loader

import (
	"fmt"
	"strings"
	"testing"
)

// "plain files named README*, LICENSE*, NOTICE*, CODEOWNERS, OWNERS, Makefile,
// kustomization.yaml or *.md, anywhere in it, are passed over in silence"
func TestCheckoutIsPassedOver(t *testing.T) {
	files := []string{"o1/access-policies/a.json", allowAll("a"), "o1/buckets/README.json", denyAll("README"), "o1/iam/i.json", iamAllowed}
	for _, name := range []string{"README", "README.md", "README.rst", "LICENSE", "LICENSE-APACHE", "NOTICE.txt", "CODEOWNERS", "OWNERS", "Makefile", "kustomization.yaml", "changes.md"} {
		for _, dir := range []string{"", "o1/", "o1/access-policies/", "o1/buckets/", "o1/iam/"} {
			files = append(files, dir+name, "{")
		}
	}
	// What a checkout has besides: no warning, as nobody takes it for a policy.
	files = append(files, "package.json", "{}", "docs/img/a.png", "x", "docs/index.html", "x")
	tr := newTree(t, files...)
	tr.wantUnits()
	if st := tr.l.Status(); st.WarningCount != 0 {
		t.Errorf("warnings: %v", st.Warnings)
	}
	tr.want("o1", "README", bucketDeny) // it has a place

	// The same names of folders, and of links that lead nowhere, are no plain files.
	tr.mkdir("o1/GUIDE.md")
	tr.mkdir("docs/img/policies.json")
	tr.load()
	tr.wantWarning("o1/GUIDE.md: warning: GUIDE.md/ has no place here")
	tr.wantWarning("docs/img: warning: img/ has no place here")
	tr.mkdir("o1/buckets/GUIDE.md")
	tr.link("nowhere", "o1/access-policies/LICENSE.old")
	tr.load()
	tr.wantUnits("+o1/access-policies", "o1/buckets/GUIDE.md")
}

// "Any other name that has no place in the layout is a warning that serve logs
// too, with the nearest name that has one"
func TestNearestName(t *testing.T) {
	for path, want := range map[string]string{
		"o1/bucket/depot.json":          "o1/bucket: warning: bucket/ has no place here: write buckets/;",
		"o1/Buckets/depot.json":         "o1/Buckets: warning: Buckets/ has no place here: write buckets/;",
		"o1/bucket_policies/depot.json": "write buckets/;",
		"o1/access_policies/a.json":     "write access-policies/;",
		"o1/acess-policy/a.json":        "write access-policies/;",
		"o1/policies/a.json":            "write access-policies/;",
		"o1/IAM/a.json":                 "write iam/;",
		"o1/buckets.JSON":               "write buckets.json;",
		"o1/bucket.json":                "write buckets.json;",
		"o1/base.json":                  "o1/base.json: warning: base.json has no place here: put a policy of the organization into access-policies/,",
		"o1/other/base.json":            "o1/other: warning: other/ has no place here: an organization's folder holds",
		"o1/buckets/vault.JSON":         "vault.JSON has no place here: only .json files are read; write vault.json",
		"o1/access-policies/vault.yaml": "write a policy as vault.json",
		"depot.json":                    "depot.json has no place here: the policy directory holds a folder for each organization; put a policy into ORG/",
		"README.json":                   "README.json has no place here",
		"o 1/buckets/b.json":            "write o-1/",
		"docs/bucket/":                  "write buckets/;",
		"docs/x/y/z.JSON":               "docs/x: warning: x/ has no place here",
	} {
		tr := emptyTree(t)
		tr.write("o1/access-policies/base.json", allowAll("base"))
		if dir, ok := strings.CutSuffix(path, "/"); ok {
			tr.mkdir(dir)
		} else {
			tr.write(path, "{}")
		}
		tr.start()
		tr.wantUnits()
		tr.wantWarning(want)
		if st := tr.l.Status(); st.WarningCount != 1 || !strings.Contains(tr.log.String(), want) {
			t.Errorf("%s: %d warnings, logged %s", path, st.WarningCount, tr.log)
		}
	}
}

// Each warning is logged once, the first 20 of a load, and how many more.
func TestWarningsAreLogged(t *testing.T) {
	tr := emptyTree(t)
	for i := range 30 {
		tr.write(fmt.Sprintf("o1/buckets/note%02d.txt", i), "x")
	}
	tr.start()
	logged := func(part string) int { return strings.Count(tr.log.String(), part) }
	if logged("only .json files are read") != 20 || logged("and 10 more warnings") != 1 || logged("buckets/note19") != 1 {
		t.Errorf("logged:\n%s", tr.log)
	}
	tr.log.Reset()
	tr.write("o1/buckets/note30.txt", "x")
	tr.load()
	if logged("only .json files are read") != 1 || logged("buckets/note30") != 1 || logged("more") != 0 {
		t.Errorf("logged:\n%s", tr.log)
	}
	tr.log.Reset()
	tr.remove("o1/buckets/note30.txt")
	tr.load()
	if logged("WARN") != 0 {
		t.Errorf("logged:\n%s", tr.log)
	}
}
