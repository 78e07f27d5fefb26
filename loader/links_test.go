package loader

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"postern/policy"
)

// kubelet writes a version of the policies the way the kubelet does, and
// points ..data at it in one step.
func (tr *testTree) kubelet(version string, files ...string) {
	tr.t.Helper()
	for i := 0; i < len(files); i += 2 {
		tr.write("..v"+version+"/"+files[i], files[i+1])
	}
	tr.link("..v"+version, "..data")
}

// "Links, to files and to folders (the kubelet writes `o1 -> ..data/o1`), are
// followed if their final target lies inside POLICIES"; "a folder swapped
// whole is one generation".
func TestKubeletLayout(t *testing.T) {
	tr := emptyTree(t)
	files := func(b string) []string {
		return []string{"o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", b,
			"o2/access-policies/a.json", allowAll("a"), "o2/buckets/c.json", strings.ReplaceAll(b, ":b", ":c")}
	}
	tr.kubelet("1", files(allowBucket("b"))...)
	tr.link("..data/o1", "o1")
	tr.link("..data/o2", "o2")
	tr.start()
	tr.wantUnits()
	tr.want("o1", "b", allowed)
	tr.kubelet("2", files(denyAll("b"))...)
	tr.remove("..v1")
	parses := tr.parses()
	tr.load()
	tr.wantUnits()
	tr.wantGeneration(2)
	tr.want("o1", "b", bucketDeny)
	tr.want("o2", "c", bucketDeny)
	if n := tr.parses() - parses; n != 2 {
		t.Errorf("%d files parsed of which 2 changed", n)
	}
}

func TestLinksInside(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"), "..store/b", denyAll("c"), "..store/d/x.json", allowAll("d"))
	tr.link("../../..store/b", "o1/buckets/c.json")          // relative
	tr.link(tr.path("..store/b"), "o1/buckets/abs.json")     // absolute
	tr.link("c.json", "o1/buckets/chain.json")               // a link to a link
	tr.link("../..store/d", "o2/access-policies")            // a folder
	tr.link("../o1/buckets", "o2/buckets")                   // claims what o1 claims
	tr.link("../..store/nothing/../d", "o3/access-policies") // leads through what is not there
	tr.load()
	tr.wantUnits("+o3/access-policies")
	tr.want("o1", "c", unavailable) // o2 claims it too
	tr.remove("o2/buckets")
	tr.sighup()
	tr.want("o1", "c", bucketDeny)
	tr.want("o1", "abs", policy.BucketNoMatch)
	tr.want("o1", "chain", policy.BucketNoMatch) // a policy about c
}

// "any other link, a loop too, is an error on that name, as a broken file is"
func TestOtherLinks(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"), "o2/access-policies/a.json", allowAll("a"))
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "x.json"), []byte(allowBucket("b")), 0o644); err != nil {
		t.Fatal(err)
	}
	tr.link(outside+"/x.json", "o1/buckets/b.json")
	tr.link("loop2.json", "o1/buckets/loop1.json")
	tr.link("loop1.json", "o1/buckets/loop2.json")
	tr.link("nowhere.json", "o1/buckets/dangling.json")
	tr.link("/dev/zero", "o1/access-policies/dev.json")
	tr.link("/etc/passwd", "o1/README")
	tr.rename("o2", "..o2")
	tr.link(outside, "o2")
	tr.link("..", "o2-up")
	tr.link(".", "o2-self")
	tr.link(outside, "no.organization")
	tr.load()
	tr.wantUnits("no.organization", "o1/README", "+o1/access-policies", "+o1/buckets/b.json", "+o1/buckets/dangling.json", "+o1/buckets/loop1.json", "+o1/buckets/loop2.json",
		"+o2/access-policies", "+o2/buckets", "+o2/buckets.json", "+o2/iam",
		"+o2-self/access-policies", "+o2-self/buckets", "+o2-self/buckets.json", "+o2-self/iam",
		"+o2-up/access-policies", "+o2-up/buckets", "+o2-up/buckets.json", "+o2-up/iam")
	tr.wantError("o1/buckets/b.json: this link leads out")
	tr.wantError("loop1.json: this link is part of a loop")
	tr.wantError("dangling.json: this link leads to nothing")
	tr.want("o1", "b", bucketDeny)
	if strings.Contains(tr.describe(), outside) {
		t.Errorf("messages name paths of the machine:\n%s", tr.describe())
	}
	tr.start() // cold
	tr.want("o1", "b", policy.OrganizationUnavailable)
	tr.remove("o1/access-policies/dev.json")
	tr.load()
	tr.want("o1", "b", unavailable)
	tr.want("o1", "dangling", unavailable)
	tr.want("o2", "b", policy.OrganizationUnavailable)
}

// "Regular files only: a FIFO, device or socket is an error, without opening it."
func TestFIFOIsNotOpened(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"))
	tr.remove("o1/buckets/b.json")
	for _, p := range []string{"o1/buckets/b.json", "o1/buckets/plain", "o1/access-policies/f.json", "o1/access-policies/f", "o1/buckets.json", "o1/iam", "o3", "x.y"} {
		if err := syscall.Mkfifo(tr.path(p), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tr.link("b.json", "o1/buckets/l.json")
	// Opening a FIFO to read without blocking would let a writer in.
	writes := func() bool {
		fd, err := syscall.Open(tr.path("o1/buckets/b.json"), syscall.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			syscall.Close(fd)
		}
		return err == nil
	}
	reads := tr.dir().Reader.Reads.Load()
	tr.load()
	if n := tr.dir().Reader.Reads.Load() - reads; n != 1 || writes() { // a.json, whose unit broke
		t.Errorf("%d files opened", n)
	}
	tr.wantUnits("+o1/access-policies", "+o1/buckets/b.json", "+o1/buckets/l.json", "o1/buckets/plain", "+o1/buckets.json", "+o1/iam",
		"+o3/access-policies", "+o3/buckets", "+o3/buckets.json", "+o3/iam", "x.y")
	tr.want("o1", "b", bucketDeny)
	for _, line := range []string{"o1/buckets/b.json: this is a FIFO", "o1/access-policies/f: this is a FIFO", "x.y: this is a FIFO"} {
		tr.wantError(line)
	}
}

func TestFolderAndFileInEachOthersPlace(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"))
	tr.remove("o1/buckets")
	tr.write("o1/buckets", "x")
	tr.write("o1/iam", "x")
	tr.mkdir("o1/buckets.json")
	tr.load()
	tr.wantUnits("+o1/buckets", "+o1/buckets.json", "+o1/iam")
	tr.want("o1", "b", bucketDeny)
	tr.start()
	tr.wantUnits("o1/buckets", "o1/buckets.json", "o1/iam")
}

// "POLICIES itself may be a link, and may be re-pointed"
func TestRootIsALink(t *testing.T) {
	tr := newTree(t)
	base := filepath.Dir(tr.root)
	for i, policy := range []string{allowBucket("b"), denyAll("b")} {
		dir := "../rev" + string(rune('1'+i))
		tr.write(dir+"/o1/access-policies/a.json", allowAll("a"))
		tr.write(dir+"/o1/buckets/b.json", policy)
	}
	os.Symlink("rev1", filepath.Join(base, "current"))
	os.Symlink("policies/../current", filepath.Join(base, "link"))
	tr.config.Root = filepath.Join(base, "link")
	tr.root = tr.config.Root
	tr.start()
	tr.want("o1", "b", allowed)
	// An absolute link that names the root by its link.
	tr.link(filepath.Join(base, "current", "o1"), "o2")
	tr.load()
	tr.wantUnits()
	tr.remove("o2")
	tr.load()
	os.Symlink("rev2", filepath.Join(base, "next"))
	os.Rename(filepath.Join(base, "next"), filepath.Join(base, "current"))
	parses := tr.parses()
	tr.load()
	tr.want("o1", "b", bucketDeny)
	if n := tr.parses() - parses; n != 1 {
		t.Errorf("%d files parsed of which 1 changed", n)
	}
}

// Permissions mean nothing to root, so the test runs again as nobody.
func TestPermissions(t *testing.T) {
	const child = "POSTERN_TEST_CHILD"
	if os.Getuid() == 0 && os.Getenv(child) == "" {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		dir, err := os.MkdirTemp("", "postern")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		data, err := os.ReadFile(exe)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, "test")
		if err := os.WriteFile(at, data, 0o755); err != nil {
			t.Fatal(err)
		}
		os.Chmod(dir, 0o777)
		cmd := exec.Command(at, "-test.run=^TestPermissions$", "-test.v")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), child+"=1", "TMPDIR="+dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestPermissions") {
			t.Fatalf("as nobody: %v\n%s", err, out)
		}
		return
	}
	if os.Getuid() == 0 {
		t.Fatal("the child is root")
	}

	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", denyAll("c"), "o1/buckets.json", `{"buckets":["plain"]}`)
	chmod := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(tr.path(path), mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(tr.path(path), 0o755) })
	}
	denied := func(path, units string, plain policy.Reason, mode os.FileMode) {
		t.Helper()
		chmod(path, mode)
		tr.load()
		var kept []string
		for u := range strings.FieldsSeq(units) {
			kept = append(kept, "+"+u)
		}
		tr.wantUnits(kept...)
		tr.wantError("permission denied")
		tr.want("o1", "b", bucketDeny)
		tr.want("o1", "plain", allowed)
		tr.start()
		tr.wantUnits(strings.Fields(units)...)
		tr.want("o1", "plain", plain)
		if got := tr.decide("o1", "b"); got == allowed {
			t.Errorf("%s: b is %v at a cold start", path, got)
		}
		r := get("o1", "unheard")
		r.Resource.Org = "o1"
		if got := tr.current.Load().Explain(r).Decision.Reason; (got == allowed) != (path == "o1/buckets/b.json") {
			t.Errorf("%s: an unheard bucket of o1 is %v at a cold start", path, got)
		}
		chmod(path, 0o755)
		tr.load()
		tr.wantUnits()
		tr.want("o1", "b", bucketDeny)
		tr.want("o1", "plain", allowed)
	}
	// "A folder that cannot be listed is a fault: last good holds, and at a
	// cold start it denies what it could hold"
	for _, c := range []struct {
		path  string
		units string
		plain policy.Reason // cold
	}{
		{"o1", "o1/access-policies o1/buckets o1/buckets.json o1/iam", policy.OrganizationUnavailable},
		{"o1/access-policies", "o1/access-policies", policy.OrganizationUnavailable},
		{"o1/buckets", "o1/buckets", unavailable},
		{"o1/buckets.json", "o1/buckets.json", policy.OwnerUnknown},
		{"o1/buckets/b.json", "o1/buckets/b.json", allowed},
	} {
		denied(c.path, c.units, c.plain, 0)
		if !strings.HasSuffix(c.path, ".json") { // it can be listed, or entered, and not both
			denied(c.path, c.units, c.plain, 0o444)
			denied(c.path, c.units, c.plain, 0o111)
		}
	}

	// Nor can one behind it, that a link leads to.
	tr.link("o1/buckets", "behind")
	tr.load()
	tr.wantUnits()
	chmod("o1", 0o111)
	tr.load()
	tr.wantUnits("+behind/access-policies", "+behind/buckets", "+behind/buckets.json", "+behind/iam",
		"+o1/access-policies", "+o1/buckets", "+o1/buckets.json", "+o1/iam")
	tr.want("o1", "b", bucketDeny)
	chmod("o1", 0o755)
	tr.load()
	tr.wantUnits()
}
