package loader

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/index"
	"postern/loader/directory"
	"postern/loader/internal/rest"
	"postern/loader/source"
	"postern/policy"
)

// testTree is a policy directory under test, its loader, and a clock.
type testTree struct {
	t       *testing.T
	root    string
	config  Config
	l       *Loader
	current *index.Current
	log     *strings.Builder
	seen    []*policy.Status // what Observe was given
	passed  *atomic.Int64    // nanoseconds by which the clock of rest and hold is ahead
}

// newTree makes a policy directory of the files given, path and content in
// turns, and loads it.
func newTree(t *testing.T, files ...string) *testTree {
	t.Helper()
	tr := emptyTree(t)
	for i := 0; i < len(files); i += 2 {
		tr.write(files[i], files[i+1])
	}
	tr.start()
	return tr
}

func emptyTree(t *testing.T) *testTree {
	t.Helper()
	root := filepath.Join(t.TempDir(), "policies")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	tr := &testTree{t: t, root: root, log: &strings.Builder{}, passed: new(atomic.Int64)}
	tr.config = Config{Root: root, Hold: time.Millisecond, Logger: slog.New(slog.NewTextHandler(tr.log, nil)), Observe: func(s *policy.Status) { tr.seen = append(tr.seen, s) }}
	return tr
}

// start makes a new loader, as a start of the process does, and loads.
func (tr *testTree) start() {
	tr.t.Helper()
	tr.open()
	tr.load()
}

func (tr *testTree) open() {
	tr.t.Helper()
	tr.current = &index.Current{}
	tr.config.Current = tr.current
	l, err := New(tr.config)
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.l = l
	now := func() time.Time { return time.Now().Add(time.Duration(tr.passed.Load())) }
	l.rest.Now, l.hold.Now = now, now
	tr.rest(l.rest.Hold)
}

// rest has a folder wait for as long until it is at rest. Where that is longer
// than a test takes, it rests when rests says so, and never for too long.
func (tr *testTree) rest(hold time.Duration) {
	tr.l.rest.Hold, tr.l.rest.Longest = hold, rest.Longest
	if hold >= rest.Longest {
		tr.l.rest.Longest = 1000 * hold
	}
}

// rests lets time pass until what waits is due.
func (tr *testTree) rests() { tr.passed.Add(int64(tr.l.rest.Hold)) }

// neverRests lets time pass until what waits has waited for too long.
func (tr *testTree) neverRests() { tr.passed.Add(int64(tr.l.rest.Longest)) }

// waits are the organizations that are arriving, and the folders that something
// vanished from which waits.
func (tr *testTree) waits() (arriving, departing int) {
	sc := source.Scope{AtOnce: true}
	tr.l.rest.AddDue(&sc)
	for _, o := range sc.Orgs {
		if o.Whole {
			arriving++
		}
		for _, u := range o.Units {
			if u {
				departing++
			}
		}
		if o.Buckets || len(o.Files) > 0 {
			departing++
		}
	}
	return arriving, departing
}

func (tr *testTree) load() {
	tr.t.Helper()
	if err := tr.l.Load(context.Background()); err != nil {
		tr.t.Fatal(err)
	}
}

// sighup is what SIGHUP does.
func (tr *testTree) sighup() {
	tr.t.Helper()
	tr.l.Rescan()
	tr.load()
}

func (tr *testTree) path(p string) string { return filepath.Join(tr.root, p) }

func (tr *testTree) write(path, data string) {
	tr.t.Helper()
	at := tr.path(path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(data), 0o644); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *testTree) mkdir(path string) {
	tr.t.Helper()
	if err := os.MkdirAll(tr.path(path), 0o755); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *testTree) remove(path string) {
	tr.t.Helper()
	if err := os.RemoveAll(tr.path(path)); err != nil {
		tr.t.Fatal(err)
	}
}

// link makes path a link to target, in one step if it is there already.
func (tr *testTree) link(target, path string) {
	tr.t.Helper()
	at := tr.path(path)
	os.MkdirAll(filepath.Dir(at), 0o755)
	if err := os.Symlink(target, at+".tmp"); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.Rename(at+".tmp", at); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *testTree) rename(from, to string) {
	tr.t.Helper()
	if err := os.Rename(tr.path(from), tr.path(to)); err != nil {
		tr.t.Fatal(err)
	}
}

// get is a request for an object by a caller of org.
func get(org, bucket string) *policy.Request {
	return &policy.Request{
		Principal: policy.Principal{Org: org, IDs: []string{"coreweave/u1"}}, Action: "s3:GetObject",
		Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: bucket + "/k"}, Now: 1_700_000_000,
	}
}

func (tr *testTree) decide(org, bucket string) policy.Reason {
	tr.t.Helper()
	var sc index.Scratch
	return tr.current.Load().Decide(get(org, bucket), &sc).Reason
}

// want checks the reason for which org may, or may not, read the bucket.
func (tr *testTree) want(org, bucket string, want policy.Reason) {
	tr.t.Helper()
	if got := tr.decide(org, bucket); got != want {
		tr.t.Errorf("%s reads %s: %v, want %v\n%s", org, bucket, got, want, tr.describe())
	}
}

// wantUnits checks which units are quarantined; a `+` in front of a unit says
// that its last good content is in force.
func (tr *testTree) wantUnits(want ...string) {
	tr.t.Helper()
	slices.SortFunc(want, func(a, b string) int { return strings.Compare(strings.TrimPrefix(a, "+"), strings.TrimPrefix(b, "+")) })
	var got []string
	for _, q := range tr.l.Status().Quarantined {
		u := q.Unit
		if q.LastGood {
			u = "+" + u
		}
		got = append(got, u)
		if len(q.Diagnostics) == 0 || !policy.HasErrors(q.Diagnostics) {
			tr.t.Errorf("%s is quarantined without an error", q.Unit)
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		tr.t.Errorf("quarantined: %v, want %v\n%s", got, want, tr.describe())
	}
	if wantResult := policy.ReloadOK; len(want) > 0 {
		wantResult = policy.ReloadQuarantined
		if got := tr.l.Status().Result; got != wantResult {
			tr.t.Errorf("result %v, want %v", got, wantResult)
		}
	}
}

// wantError checks that a quarantined unit has an error that holds the text.
func (tr *testTree) wantError(text string) {
	tr.t.Helper()
	if !strings.Contains(tr.describe(), text) {
		tr.t.Errorf("no error says %q\n%s", text, tr.describe())
	}
}

func (tr *testTree) wantWarning(text string) {
	tr.t.Helper()
	for _, d := range tr.l.Status().Warnings {
		if strings.Contains(d.String(), text) {
			return
		}
	}
	tr.t.Errorf("no warning says %q: %v", text, tr.l.Status().Warnings)
}

func (tr *testTree) wantGeneration(want uint64) {
	tr.t.Helper()
	if got := tr.current.Load().Generation(); got != want {
		tr.t.Errorf("generation %d, want %d", got, want)
	}
}

func (tr *testTree) describe() string {
	var b strings.Builder
	for _, q := range tr.l.Status().Quarantined {
		fmt.Fprintf(&b, "quarantined %s (last good %v)\n", q.Unit, q.LastGood)
		for _, d := range q.Diagnostics {
			fmt.Fprintf(&b, "  %v\n", d)
		}
	}
	return b.String()
}

// allowAll is an organization policy that allows everything on everything.
func allowAll(name string) string {
	return `{"policy":{"version":"v1alpha1","name":"` + name + `","statements":[{"name":"all","effect":"Allow",` +
		`"actions":["s3:*"],"resources":["*"],"principals":["*"]}]}}`
}

// denyBucket is an organization policy that denies everything in one bucket.
func denyBucket(name, bucket string) string {
	return `{"version":"v1alpha1","name":"` + name + `","statements":[{"name":"no","effect":"Deny",` +
		`"actions":["s3:*"],"resources":["` + bucket + `/*"],"principals":["*"]}]}`
}

const brokenFile = `{"Version":"2012-10-17","Statement":[`

// The bucket policies of the tests; each is told by what it answers.
func allowBucket(bucket string) string { return bucketPolicy("Allow", bucket) }
func denyAll(bucket string) string     { return bucketPolicy("Deny", bucket) }

func bucketPolicy(effect, bucket string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"` + effect + `","Principal":"*","Action":"s3:*",` +
		`"Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}]}`
}

const (
	allowed     = policy.Allowed
	bucketDeny  = policy.BucketDeny
	unavailable = policy.BucketPolicyUnavailable
)

// dir is the loader's source.
func (tr *testTree) dir() *directory.Source { return tr.l.src.(*directory.Source) }

// parses are the files parsed since the loader began.
func (tr *testTree) parses() int64 {
	n, _, _ := tr.l.maker.Done()
	return n
}

// onRead has do called after each file that a look reads, one call at a time:
// files are read side by side.
func (tr *testTree) onRead(do func(path string)) {
	var mu sync.Mutex
	tr.dir().Reader.OnRead = func(path string) {
		mu.Lock()
		defer mu.Unlock()
		do(path)
	}
}
