package loader

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/index"
	"postern/loader/internal/layout"
	"postern/loader/internal/mirror"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// stateTree is a tree with a mirror.
func stateTree(t *testing.T, files ...string) *testTree {
	t.Helper()
	tr := emptyTree(t)
	tr.config.StateDir = filepath.Join(t.TempDir(), "state")
	for i := 0; i < len(files); i += 2 {
		tr.write(files[i], files[i+1])
	}
	tr.start()
	return tr
}

func (tr *testTree) mirrored() []string {
	var out []string
	filepath.WalkDir(tr.config.StateDir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != mirror.MarksName {
			rel, _ := filepath.Rel(tr.config.StateDir, path)
			out = append(out, rel)
		}
		return nil
	})
	slices.Sort(out)
	return out
}

func (tr *testTree) wantMirror(want ...string) {
	tr.t.Helper()
	if got := tr.mirrored(); !slices.Equal(got, want) {
		tr.t.Errorf("the mirror holds %v, want %v", got, want)
	}
}

var stateFiles = []string{
	"o1/access-policies/a.json", allowAll("a"), "o1/access-policies/b.json", denyBucket("b", "locked"),
	"o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", allowBucket("c"), "o1/buckets.json", `{"buckets":["plain","locked"]}`,
}

// "With -state DIR the last good content of every quarantined unit survives a
// restart"
func TestLastGoodSurvivesARestart(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	tr.wantMirror("o1/access-policies", "o1/buckets.json", "o1/buckets/b.json", "o1/buckets/c.json")
	for _, f := range []string{"o1/access-policies/a.json", "o1/buckets/b.json", "o1/buckets.json", "o1/iam/x.json", "o1/buckets/new.json"} {
		tr.write(f, "{")
	}
	check := func() {
		t.Helper()
		tr.wantUnits("+o1/access-policies", "+o1/buckets/b.json", "+o1/buckets.json", "+o1/iam", "+o1/buckets/new.json")
		tr.want("o1", "b", bucketDeny)
		tr.want("o1", "c", allowed)
		tr.want("o1", "plain", allowed)
		tr.want("o1", "locked", policy.OrganizationDeny)
		tr.want("o1", "new", policy.OwnerUnknown) // that it was not there is good content too
	}
	tr.load()
	check()
	for range 3 {
		tr.start()
		check()
	}
	if st := tr.l.Status(); st.Statements[policy.LayerOrganization] != 2 || st.Statements[policy.LayerBucket] != 2 {
		t.Errorf("statements in force: %v", st.Statements)
	}
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.load()
	tr.want("o1", "b", allowed)
	tr.remove("o1/buckets/new.json")
	tr.remove("o1/iam")
	tr.load()
	tr.wantMirror("o1/access-policies", "o1/buckets.json", "o1/buckets/b.json", "o1/buckets/c.json")
	tr.remove("o1/buckets/b.json")
	tr.load()
	tr.wantMirror("o1/access-policies", "o1/buckets.json", "o1/buckets/c.json")
	tr.remove("o1")
	tr.load()
	tr.wantMirror("o1/buckets.names", "o1/buckets/c.json", "o1/vanished") // until SIGHUP, or it is back
}

// Files that break while the process is down.
func TestBrokenWhileDown(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	tr.write("o1/buckets/b.json", "{")
	tr.write("o1/buckets/never.json", "{")
	tr.start()
	tr.wantUnits("+o1/buckets/b.json", "o1/buckets/never.json")
	tr.want("o1", "b", bucketDeny)
	tr.want("o1", "never", unavailable) // nobody knows that it was not there
}

// A removal while the process is down is a removal.
func TestRemovedWhileDown(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	tr.remove("o1/buckets/b.json")
	tr.write("o2/access-policies/a.json", allowAll("a"))
	tr.start()
	tr.wantUnits()
	tr.want("o1", "b", policy.OwnerUnknown)
	tr.wantMirror("o1/access-policies", "o1/buckets.json", "o1/buckets/c.json", "o2/access-policies")
	tr.remove("o1")
	tr.start()
	tr.wantMirror("o1/buckets/c.json", "o1/vanished", "o2/access-policies")
}

// buckets/ and an organization's folder at fault, across a restart.
func TestFolderFaultSurvivesARestart(t *testing.T) {
	for _, org := range []bool{false, true} {
		tr := stateTree(t, stateFiles...)
		units := []string{"+o1/buckets"}
		if org {
			tr.rename("o1", "..o1")
			tr.link("nowhere", "o1")
			units = []string{"+o1/access-policies", "+o1/buckets", "+o1/buckets.json", "+o1/iam"}
		} else {
			tr.rename("o1/buckets", "..b")
			tr.link("nowhere", "o1/buckets")
		}
		tr.load()
		for i := range 3 {
			tr.wantUnits(units...)
			tr.want("o1", "b", bucketDeny)
			tr.want("o1", "c", allowed)
			tr.want("o1", "plain", allowed)
			if i < 2 {
				tr.start()
			}
		}
		// Of two files that held the buckets one is rotten.
		tr.flip("o1/buckets/c.json", 60)
		tr.start()
		tr.want("o1", "b", bucketDeny)
		tr.want("o1", "c", unavailable)
		tr.want("o1", "plain", allowed)
		os.Remove(filepath.Join(tr.config.StateDir, "o1/buckets/c.json"))
		tr.start()
		tr.want("o1", "c", unavailable)
		if org {
			tr.remove("o1")
			tr.rename("..o1", "o1")
		} else {
			tr.remove("o1/buckets")
			tr.rename("..b", "o1/buckets")
		}
		tr.load()
		tr.wantUnits()
		tr.want("o1", "c", allowed)
		tr.wantMirror("o1/access-policies", "o1/buckets.json", "o1/buckets/b.json", "o1/buckets/c.json")
	}
}

// buckets/ that broke or vanished while the process was down: what the mirror
// has is last good; of other buckets nothing is known.
func TestFolderFaultWhileDown(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	tr.rename("o1/buckets", "..b")
	for range 2 {
		tr.start()
		tr.wantUnits("o1/buckets")
		tr.wantError("2 stay in force, each until its file is back")
		tr.want("o1", "b", bucketDeny)
		tr.want("o1", "c", allowed)
		tr.want("o1", "plain", unavailable)
		tr.load()
		tr.wantUnits("o1/buckets")
	}
	tr.sighup()
	tr.wantUnits()
	tr.want("o1", "b", policy.OwnerUnknown)
	tr.want("o1", "plain", allowed)
	tr.wantMirror("o1/access-policies", "o1/buckets.json")

	tr = stateTree(t, stateFiles[:6]...) // one bucket: its removal
	tr.remove("o1/buckets")
	tr.start()
	tr.wantUnits()
}

// buckets/ that is at fault when the process ends, and is back, broken, when it
// starts: what is known of its names survives.
func TestFolderMendedWhileDown(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	tr.rename("o1/buckets", "..b")
	tr.link("nowhere", "o1/buckets")
	tr.load()
	tr.remove("o1/buckets")
	tr.rename("..b", "o1/buckets")
	tr.write("o1/buckets/b.json", "{")
	tr.write("o1/buckets/new.json", "{")
	tr.remove("o1/buckets/c.json")
	tr.start()
	tr.wantUnits("+o1/buckets/b.json", "+o1/buckets/new.json")
	tr.want("o1", "b", bucketDeny)
	tr.want("o1", "c", policy.OwnerUnknown)
	tr.want("o1", "new", policy.OwnerUnknown)
	tr.wantMirror("o1/access-policies", "o1/buckets.json", "o1/buckets/b.json", "o1/buckets/new.json")
}

// flip changes one bit of a file of the mirror.
func (tr *testTree) flip(file string, at int) {
	tr.t.Helper()
	path := filepath.Join(tr.config.StateDir, file)
	data, err := os.ReadFile(path)
	if err != nil {
		tr.t.Fatal(err)
	}
	data[at%len(data)] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

// "checked against bit rot on load"
func TestBitRot(t *testing.T) {
	tr := stateTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", allowBucket("b"))
	file := filepath.Join(tr.config.StateDir, "o1/buckets/b.json")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tr.write("o1/buckets/b.json", "{")
	tr.load()
	tr.flip("o1/buckets/b.json", 70)
	tr.start()
	tr.wantUnits("o1/buckets/b.json")
	tr.want("o1", "b", unavailable)
	if !strings.Contains(tr.log.String(), "the mirror of this unit is damaged") {
		t.Error("the log does not say so")
	}
	// A good unit whose mirror rots is mirrored again at the next start.
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.load()
	tr.flip("o1/buckets/b.json", 70)
	tr.start()
	if data, err := os.ReadFile(file); err != nil || string(data) != string(good) {
		t.Errorf("not mended: %v\n%s", err, data)
	}
}

// "written atomically after each generation, only what changed"
func TestOnlyWhatChangedIsMirrored(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	inode := func(file string) uint64 {
		fi, err := os.Stat(filepath.Join(tr.config.StateDir, file))
		if err != nil {
			t.Fatal(err)
		}
		return tree.StampOf(fi).Inode
	}
	files := tr.mirrored()
	// Hold on to the inodes, so that none is used again.
	before := map[string]uint64{}
	for _, f := range files {
		before[f] = inode(f)
		os.Link(filepath.Join(tr.config.StateDir, f), filepath.Join(t.TempDir(), "hold"))
	}
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.load()
	tr.start()
	for _, f := range files {
		if changed := inode(f) != before[f]; changed != (f == "o1/buckets/b.json") {
			t.Errorf("%s: written anew: %v", f, changed)
		}
	}
}

// What is left of a killed process is no harm and goes away.
func TestLeftovers(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	want := tr.mirrored()
	for _, f := range []string{".tmp-1", "o1/.tmp-2", "o1/buckets/.tmp-3"} {
		os.WriteFile(filepath.Join(tr.config.StateDir, f), []byte("half"), 0o600)
	}
	os.MkdirAll(filepath.Join(tr.config.StateDir, "o9/buckets"), 0o700)
	tr.start()
	tr.wantMirror(want...)
}

// Files past the budget of kept bytes are read again for the mirror.
func TestMirrorWithoutKeptBytes(t *testing.T) {
	tr := emptyTree(t)
	tr.config.StateDir = filepath.Join(t.TempDir(), "state")
	for i := 0; i < len(stateFiles); i += 2 {
		tr.write(stateFiles[i], stateFiles[i+1])
	}
	tr.open()
	tr.l.mu.Lock()
	if err := tr.l.look(context.Background(), &source.Scope{All: true}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []layout.Place{{Org: "o1", Part: layout.Policies}, {Org: "o1", Part: layout.List}, {Org: "o1", Part: layout.Buckets, Name: "b.json"}, {Org: "o1", Part: layout.Buckets, Name: "c.json"}} {
		tr.l.state.Note(p, nil) // the bytes are not kept
	}
	// One changed before it could be mirrored: better none than another.
	tr.write("o1/buckets/c.json", denyAll("c"))
	tr.l.flush(context.Background())
	tr.l.mu.Unlock()
	tr.wantMirror("o1/access-policies", "o1/buckets.json", "o1/buckets/b.json")
	tr.write("o1/buckets/c.json", "{")
	tr.start()
	tr.want("o1", "b", bucketDeny)
	tr.want("o1", "c", unavailable)
}

// A state directory that fails is logged once, and is made good later.
func TestStateFails(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	dir := filepath.Join(tr.config.StateDir, "o1/buckets")
	os.RemoveAll(dir)
	os.WriteFile(dir, nil, 0o600)
	for range 2 {
		tr.write("o1/buckets/b.json", allowBucket("b")+strings.Repeat(" ", rand.IntN(100)))
		tr.load()
	}
	tr.want("o1", "b", allowed)
	if n := strings.Count(tr.log.String(), "cannot be written"); n != 1 {
		t.Errorf("%d log lines", n)
	}
	os.Remove(dir)
	tr.load()
	tr.wantMirror("o1/access-policies", "o1/buckets.json", "o1/buckets/b.json")

	tr.config.StateDir = tr.path("o1/state")
	if _, err := New(tr.config); err == nil {
		t.Error("a state directory inside the policy directory is accepted")
	}
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	tr.config.StateDir = file
	if _, err := New(tr.config); err == nil {
		t.Error("a file is accepted as a state directory")
	}
}

// kill -9 at any moment leaves the mirror usable.
func TestKill(t *testing.T) {
	if dir := os.Getenv("POSTERN_TEST_KILL"); dir != "" {
		l, err := New(Config{Root: filepath.Join(dir, "p"), StateDir: filepath.Join(dir, "s"), Current: &index.Current{}})
		for i := 0; err == nil; i++ {
			for _, f := range []string{"b", "c"} {
				at := filepath.Join(dir, "p/o1/buckets/"+f+".json")
				os.WriteFile(at+".tmp", []byte(denyAll(f)+strings.Repeat(" ", i)), 0o600)
				os.Rename(at+".tmp", at)
			}
			at := filepath.Join(dir, "p/o1/access-policies/n.json")
			os.WriteFile(at+".tmp", []byte(denyBucket("n"+strconv.Itoa(i), "locked")), 0o600)
			os.Rename(at+".tmp", at)
			err = l.Load(context.Background())
		}
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		tr := emptyTree(t)
		dir := t.TempDir()
		tr.root = filepath.Join(dir, "p")
		tr.config.Root, tr.config.StateDir = tr.root, filepath.Join(dir, "s")
		for j := 0; j < len(stateFiles); j += 2 {
			tr.write(stateFiles[j], stateFiles[j+1])
		}
		tr.start()
		cmd := exec.Command(exe, "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "POSTERN_TEST_KILL="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+rand.IntN(60)) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		for _, f := range []string{"o1/buckets/b.json", "o1/buckets/c.json", "o1/access-policies/a.json", "o1/buckets.json"} {
			tr.write(f, "{")
		}
		tr.start()
		// Every unit is at what was in force last, or, killed before that was
		// mirrored, it denies.
		if got := tr.decide("o1", "locked"); got != policy.OrganizationDeny && got != policy.OrganizationUnavailable {
			t.Errorf("locked: %v", got)
		}
		if got := tr.l.orgs["o1"].Buckets["b.json"]; got.Known && got.Good == nil {
			t.Error("b is taken for a bucket without a policy")
		}
		if got := tr.decide("o1", "b"); got != bucketDeny && got != unavailable && got != policy.OrganizationUnavailable {
			t.Errorf("b: %v", got)
		}
		if t.Failed() {
			t.Fatalf("round %d: %v\n%s", i, tr.mirrored(), tr.log)
		}
	}
}
