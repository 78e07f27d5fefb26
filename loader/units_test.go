package loader

import (
	"context"
	"strings"
	"testing"

	"postern/policy"
)

func TestFirstLoadPublishesGenerationOne(t *testing.T) {
	tr := newTree(t)
	tr.wantGeneration(1)
	tr.load()
	tr.wantGeneration(1) // nothing changed
	tr.want("o1", "b", policy.OwnerUnknown)
}

func TestLayout(t *testing.T) {
	tr := newTree(t,
		"o1/access-policies/a.json", allowAll("a"),
		"o1/access-policies/b.json", denyBucket("b", "locked"),
		"o1/buckets/open.json", allowBucket("open"),
		"o1/buckets/shut.json", denyAll("shut"),
		"o1/buckets.json", `{"buckets":["plain","open","locked"]}`)
	tr.wantUnits()
	tr.want("o1", "open", allowed)
	tr.want("o1", "shut", bucketDeny)
	tr.want("o1", "plain", allowed) // listed, no policy
	tr.want("o1", "locked", policy.OrganizationDeny)
	tr.want("o1", "other", policy.OwnerUnknown)
	tr.want("o2", "plain", policy.NoOrganizationPolicy)
	st := tr.l.Status()
	if st.Files != 5 || st.Buckets != 4 || st.Statements[policy.LayerOrganization] != 2 || st.Statements[policy.LayerBucket] != 2 {
		t.Errorf("status counts %d files, %d buckets, %v statements", st.Files, st.Buckets, st.Statements)
	}
	if len(st.Organizations) != 1 || st.Organizations[0] != (policy.OrganizationStatus{Name: "o1", Statements: 4, Buckets: 4, Files: 5}) {
		t.Errorf("organizations: %+v", st.Organizations)
	}
}

// "A broken file in a unit, or an error between its files, keeps the whole
// unit at its last good content; ... everything else goes on being updated."
// Attack class 21: a broken push never widens access.
func TestAttack21BrokenFileKeepsTheWholeUnit(t *testing.T) {
	tr := newTree(t,
		"o1/access-policies/a.json", allowAll("a"),
		"o1/buckets/x.json", allowBucket("x"), "o1/buckets/y.json", allowBucket("y"),
		"o2/access-policies/a.json", allowAll("a"), "o2/buckets/z.json", allowBucket("z"))
	tr.write("o1/access-policies/b.json", denyBucket("b", "x"))
	tr.write("o1/access-policies/c.json", "{")
	tr.write("o1/buckets/y.json", denyAll("y"))
	tr.write("o2/buckets/z.json", denyAll("z"))
	tr.load()
	tr.wantUnits("+o1/access-policies")
	tr.wantError("o1/access-policies/c.json:1:2:")
	tr.want("o1", "x", allowed) // b.json is good, but its unit is not
	tr.want("o1", "y", bucketDeny)
	tr.want("o2", "z", bucketDeny)

	tr.remove("o1/access-policies/c.json")
	tr.load()
	tr.wantUnits()
	tr.want("o1", "x", policy.OrganizationDeny)
}

func TestErrorBetweenFilesOfAUnit(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("same"), "o1/buckets/b.json", allowBucket("b"))
	tr.write("o1/access-policies/b.json", denyBucket("same", "b"))
	tr.load()
	tr.wantUnits("+o1/access-policies")
	tr.wantError(`o1/access-policies/b.json:1:`)
	tr.want("o1", "b", allowed)
}

// "All errors of a file are reported at once", and those of a unit's files.
func TestAllErrorsOfAUnit(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", "{", "o1/access-policies/b.json", "[]", "o1/access-policies/c/x.json", "{}")
	tr.wantUnits("o1/access-policies")
	for _, f := range []string{"a.json:1:2: ", "b.json:1:1: ", "c: "} {
		tr.wantError("o1/access-policies/" + f)
	}
	q := tr.l.Status().Quarantined[0]
	sorted := append([]policy.Diagnostic{}, q.Diagnostics...)
	policy.SortDiagnostics(sorted)
	for i := range sorted {
		if sorted[i] != q.Diagnostics[i] {
			t.Fatalf("not sorted: %v", q.Diagnostics)
		}
	}
}

// "That a file was not there is good content too: the first, broken policy of
// a bucket leaves the bucket as it was."
func TestFirstBrokenPolicyLeavesTheBucketAsItWas(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets.json", `{"buckets":["b"]}`)
	tr.want("o1", "b", allowed)
	tr.write("o1/buckets/b.json", brokenFile)
	tr.write("o1/buckets/new.json", brokenFile)
	tr.load()
	tr.wantUnits("+o1/buckets/b.json", "+o1/buckets/new.json")
	tr.want("o1", "b", allowed)
	tr.want("o1", "new", policy.OwnerUnknown)
	// The same for whatever else was not there.
	tr.write("o1/iam/x.json", "{}")
	tr.write("o2/access-policies/a.json", "{")
	tr.write("o2/buckets.json", "{")
	tr.load()
	tr.wantUnits("+o1/buckets/b.json", "+o1/buckets/new.json", "+o1/iam", "+o2/access-policies", "+o2/buckets.json")
	tr.want("o2", "b", policy.NoOrganizationPolicy)
	if tr.l.orgs["o1"].now().IAMUnavailable {
		t.Error("iam/ was not there before it broke, and counts as never good")
	}
}

func TestLastGoodOfABucket(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"))
	tr.write("o1/buckets/b.json", brokenFile)
	tr.load()
	tr.wantUnits("+o1/buckets/b.json")
	tr.want("o1", "b", bucketDeny)
	tr.remove("o1/buckets/b.json")
	tr.load() // "A file that vanishes is a removal and takes effect."
	tr.wantUnits()
	tr.want("o1", "b", policy.OwnerUnknown)
}

// "Without a last good content (a cold start), what the unit could speak of
// denies."
func TestColdStart(t *testing.T) {
	good := []string{"o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", allowBucket("b"), "o1/buckets.json", `{"buckets":["plain"]}`}
	with := func(files ...string) *testTree { return newTree(t, append(append([]string{}, good...), files...)...) }

	tr := with("o1/access-policies/x.json", "{")
	tr.wantUnits("o1/access-policies")
	tr.want("o1", "b", policy.OrganizationUnavailable)

	tr = with("o1/iam/x.json", "{}")
	tr.wantUnits("o1/iam")
	tr.wantError("o1/iam/x.json")
	tr.want("o1", "b", allowed)
	if !tr.l.orgs["o1"].now().IAMUnavailable {
		t.Error("iam is available")
	}

	tr = with("o1/buckets.json", "[]")
	tr.wantUnits("o1/buckets.json")
	tr.want("o1", "b", allowed) // it has a file
	r := get("o1", "plain")
	r.Resource.Org = "o1"
	if got := tr.current.Load().Explain(r).Decision.Reason; got != unavailable {
		t.Errorf("a bucket without a file: %v", got)
	}

	tr = with("o1/buckets/b.json", brokenFile, "o1/buckets/c.json", allowBucket("c"))
	tr.wantUnits("o1/buckets/b.json")
	tr.want("o1", "b", unavailable)
	tr.want("o1", "c", allowed)

	tr = with("o1/iam/sub/x.json", "{}")
	tr.wantUnits("o1/iam")
	tr = with("o1/iam/notes.txt", "")
	tr.mkdir("o2/iam")
	tr.load()
	tr.wantUnits()
}

// "A bucket that two organizations claim, by file or list, denies while both
// do; both files stay in force otherwise, and status names both."
func TestBucketClaimedTwice(t *testing.T) {
	for _, by := range []string{"file", "list"} {
		tr := newTree(t,
			"o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", allowBucket("b"),
			"o2/access-policies/a.json", allowAll("a"), "o2/buckets/other.json", allowBucket("other"))
		tr.want("o1", "b", allowed)
		if by == "file" {
			tr.write("o2/buckets/b.json", allowBucket("b"))
		} else {
			tr.write("o2/buckets.json", `{"buckets":["b"]}`)
		}
		tr.load()
		tr.wantUnits()
		tr.want("o1", "b", unavailable)
		tr.want("o2", "b", unavailable)
		tr.want("o2", "other", allowed)
		tr.wantWarning("o1/buckets/b.json: warning: bucket \"b\" is claimed by o2 too")
		tr.wantWarning("is claimed by o1 too")
		if by == "file" { // a broken file keeps its claim
			tr.write("o2/buckets/b.json", brokenFile)
			tr.load()
			tr.want("o1", "b", unavailable)
		}
		tr.remove("o1")
		tr.load()
		if by == "file" {
			tr.want("o2", "b", allowed)
		}
		if n := tr.l.Status().WarningCount; n != 0 {
			t.Errorf("%d warnings: %v", n, tr.l.Status().Warnings)
		}
		tr.want("o1", "b", policy.NoOrganizationPolicy)
	}
}

// A broken file that never was good says nothing, so it claims nothing; at a
// cold start it could say anything.
func TestBrokenClaims(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", allowBucket("b"))
	tr.write("o2/buckets/b.json", brokenFile)
	tr.load()
	tr.want("o1", "b", allowed)
	tr.start()
	tr.want("o1", "b", unavailable)
}

func TestNames(t *testing.T) {
	tr := newTree(t,
		"o1/access-policies/a.json", allowAll("a"),
		"o1/access-policies/.hidden.json", "{", "o1/access-policies/a.json~", "{", "o1/access-policies/.a.json.swp", "{",
		"o1/access-policies/a.swp", "{", "o1/access-policies/new.json.tmp", "{",
		"o1/buckets/.x.json", "{", "o1/buckets/x.json~", "{", ".git/HEAD", "x", "o1/.DS_Store", "x")
	tr.wantUnits()
	if n := tr.l.Status().WarningCount; n != 0 {
		t.Fatalf("ignored names are warned about: %v", tr.l.Status().Warnings)
	}
	// "Any other name that has no place in the layout is a warning"
	for _, f := range []string{"TODO", "o.2/access-policies/a.json", "o1/todo.txt", "o1/access-policies/notes.txt", "o1/buckets/notes.txt",
		"o1/iam/notes.txt", "o1/policies/a.json", strings.Repeat("o", 65) + "/access-policies/a.json"} {
		tr.write(f, "x")
	}
	tr.load()
	tr.wantUnits()
	for _, w := range []string{"TODO:", "o.2:", "o1/todo.txt:", "o1/access-policies/notes.txt:", "o1/buckets/notes.txt:", "o1/iam/notes.txt:", "o1/policies:", "ooo:"} {
		tr.wantWarning(w + " warning: ")
	}
	for _, f := range []string{"TODO", "o.2", "o1/todo.txt", "o1/access-policies/notes.txt", "o1/buckets/notes.txt", "o1/iam/notes.txt", "o1/policies", strings.Repeat("o", 65)} {
		tr.remove(f)
	}
	tr.load()
	if n := tr.l.Status().WarningCount; n != 0 {
		t.Errorf("warnings stay: %v", tr.l.Status().Warnings)
	}
	// "a folder inside ..., or a .json whose stem is no valid name, is an error"
	tr.mkdir("o1/buckets/folder")
	tr.mkdir("o1/buckets/folder.json")
	tr.mkdir("o1/access-policies/folder")
	tr.mkdir("o1/iam/folder")
	tr.write("o1/buckets/bad name.json", allowBucket("x"))
	tr.write("o1/buckets/"+strings.Repeat("b", 250)+".json", allowBucket("x"))
	tr.load()
	tr.wantUnits("+o1/access-policies", "+o1/buckets/bad name.json", "o1/buckets/folder", "+o1/buckets/folder.json", "+o1/iam")
	tr.remove("o1/buckets/folder")
	tr.remove("o1/buckets/folder.json")
	tr.remove("o1/access-policies/folder")
	tr.remove("o1/iam/folder")
	tr.remove("o1/buckets/bad name.json")
	tr.load()
	tr.wantUnits()
}

func TestNamesAreBytes(t *testing.T) {
	tr := newTree(t, "O1/access-policies/a.json", allowAll("a"), "O1/buckets/B.json", allowBucket("B"), "O1/buckets/b.json", denyAll("b"))
	tr.want("O1", "B", allowed)
	tr.want("O1", "b", bucketDeny)
	tr.want("o1", "B", policy.NoOrganizationPolicy)
	tr.write("O1/buckets/\xff.json", allowBucket("x"))
	tr.load()
	tr.wantUnits("+O1/buckets/\uFFFD.json")
}

// "an organization's folder that vanishes is the removal of the organization"
func TestOrganizationVanishes(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", allowBucket("b"), "o1/buckets/c.json", "{", "o1/buckets.json", `{"buckets":["p"]}`,
		"o2/access-policies/a.json", allowAll("a"))
	tr.remove("o1")
	tr.load()
	tr.wantUnits()
	tr.want("o1", "b", policy.OwnerUnknown)
	tr.want("o2", "b", policy.OwnerUnknown)
	st := tr.l.Status()
	if st.Buckets != 0 || st.Files != 1 || st.Statements != [policy.LayerCount]int{policy.LayerOrganization: 1} {
		t.Errorf("left over: %+v", st)
	}
	tr.write("o1/access-policies/a.json", allowAll("a"))
	tr.load()
	tr.wantUnits("+o1/buckets") // without the policies that it held
	tr.want("o1", "b", allowed)
	tr.want("o1", "c", unavailable)
	tr.sighup()
	tr.wantUnits()
	tr.want("o1", "b", policy.OwnerUnknown)
}

// "`buckets/` that vanishes while the organization's folder stays is the
// removal of its policy if it held one, and a fault if it held more, until it
// is back or SIGHUP confirms"
func TestBucketsFolderVanishes(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"), "o1/buckets.json", `{"buckets":["b"]}`)
	tr.remove("o1/buckets")
	tr.load()
	tr.wantUnits()
	tr.want("o1", "b", allowed) // it held one

	tr = newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", denyAll("c"), "o1/buckets.json", `{"buckets":["b"]}`)
	tr.rename("o1/buckets", "elsewhere")
	for range 3 {
		tr.load()
		tr.wantUnits("+o1/buckets")
		tr.want("o1", "b", bucketDeny)
	}
	tr.rename("elsewhere", "o1/buckets")
	tr.remove("o1/buckets/b.json")
	tr.load()
	tr.wantUnits("+o1/buckets")
	tr.want("o1", "b", bucketDeny)
	tr.sighup()
	tr.wantUnits()
	tr.want("o1", "b", allowed)
	tr.want("o1", "c", bucketDeny)

	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.load()
	tr.remove("o1/buckets")
	tr.load()
	tr.wantUnits("+o1/buckets")
	tr.sighup()
	tr.wantUnits()
	tr.want("o1", "b", allowed)
	tr.want("o1", "c", policy.OwnerUnknown)

	// Other folders that vanish are removals.
	tr.remove("o1/access-policies")
	tr.load()
	tr.wantUnits()
	tr.want("o1", "b", policy.NoOrganizationPolicy)
}

// Specification 1.5: -default-org is in force until another organization's
// folder is there.
func TestDefaultOrganization(t *testing.T) {
	tr := emptyTree(t)
	tr.config.DefaultOrganization = "o1"
	tr.write("o1/access-policies/a.json", allowAll("a"))
	tr.start()
	tr.want("", "unheard", allowed)
	tr.mkdir("o2")
	tr.load()
	tr.want("", "unheard", policy.Anonymous)
	tr.want("o1", "unheard", policy.OwnerUnknown)
	tr.remove("o2")
	tr.load()
	tr.want("", "unheard", allowed)
}

// "past a bound is an error on that file, not a crash"
func TestBounds(t *testing.T) {
	tr := emptyTree(t)
	tr.config.MaxFile = 400
	tr.config.Limits.Depth = 5
	tr.config.MaxFiles = 5
	tr.write("o1/access-policies/a.json", allowAll("a"))
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.write("o1/buckets/big.json", allowBucket("big")+strings.Repeat(" ", 400))
	tr.write("o1/buckets/deep.json", strings.Repeat("[", 100))
	tr.start()
	tr.wantUnits("o1/buckets/big.json", "o1/buckets/deep.json")
	tr.wantError("big.json: this file is larger than 400 bytes; raise -max-file, or ")
	tr.want("o1", "b", allowed)
	tr.want("o1", "big", unavailable)
	tr.write("o1/buckets/e.json", allowBucket("e"))
	tr.write("o1/buckets/f.json", allowBucket("f"))
	tr.write("o1/buckets/g.json", allowBucket("g"))
	for range 3 {
		tr.load()
		tr.wantUnits("o1/buckets/big.json", "o1/buckets/deep.json", "+o1/buckets/f.json", "+o1/buckets/g.json")
		tr.wantError("more than 5 files")
	}
	tr.remove("o1/buckets/big.json")
	tr.remove("o1/buckets/deep.json")
	tr.load()
	tr.wantUnits()
	tr.want("o1", "g", allowed)
}

// "error only if Root itself cannot be read"; the generation in force stays.
func TestRootCannotBeRead(t *testing.T) {
	tr := emptyTree(t)
	tr.remove("")
	tr.open()
	if err := tr.l.Load(context.Background()); err == nil {
		t.Fatal("a missing policy directory was loaded")
	}
	if tr.current.Load() != nil {
		t.Error("a generation was published")
	}
	tr.write("o1/access-policies/a.json", allowAll("a"))
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.load()
	tr.want("o1", "b", allowed)
	n := len(tr.seen)
	tr.rename("", "../moved")
	for range 2 {
		if err := tr.l.Load(context.Background()); err == nil || strings.Contains(err.Error(), tr.root) {
			t.Errorf("error %v", err)
		}
	}
	if st := tr.l.Status(); st.Result != policy.ReloadFailed || st.Failure == "" || st.Generation != 1 || len(tr.seen) != n+1 {
		t.Errorf("status %+v, %d more observed", st, len(tr.seen)-n)
	}
	tr.want("o1", "b", allowed)
	tr.rename("../moved", "")
	tr.load()
	if st := tr.l.Status(); st.Result != policy.ReloadOK || st.Failure != "" || len(tr.seen) != n+2 {
		t.Errorf("status %+v", st)
	}
}
