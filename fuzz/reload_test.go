package fuzz

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/compile"
	"postern/index"
	"postern/internal/policyjson"
	"postern/internal/reference"
	"postern/loader"
	"postern/policy"
)

// FuzzReload writes, breaks, links, moves and removes in a real policy
// directory, as the bytes say, looks at it with the loader every now and then,
// and holds what the loader says to a model of specification 4 that is as
// simple as possible: it reads the whole tree anew at each look.
func FuzzReload(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte("\x00\x00\x00\x01\x00\x02\x03\x0d\x00\x02\x08\x0d\x0e\x0f"))
	seeds := 24
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		var b []byte
		x := uint32(seed*2654435761 + 1)
		for range 160 {
			x = x*1664525 + 1013904223
			b = append(b, byte(x>>24))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 400 {
			script = script[:400]
		}
		newReload(t, script).run()
	})
}

func (r *reload) run() {
	r.look(false)
	r.watch()
	for len(r.script) > 0 && r.n < mostLooks {
		r.step()
		r.boundary()
	}
	r.look(false)
	r.unwatch()
	r.clients.end(r)
	r.collect()
}

// mostLooks bounds a run.
const mostLooks = 60

// TestReload runs random scripts, and makes sure that they come upon what the
// target is about.
func TestReload(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out random scripts: FuzzReload runs its seeds")
	}
	const runs = 90
	reached := map[string]int{}
	for seed := range runs {
		rnd := rand.New(rand.NewPCG(uint64(seed), 4))
		script := make([]byte, 250)
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newReload(t, script)
			r.run()
			for what, n := range r.reached {
				reached[what] += n
			}
		})
	}
	for _, what := range []string{"ok", "quarantined", "failed", "last good true", "last good false", "bucket allowed", "organization allowed", "bucket bucket_deny", "bucket bucket_policy_unavailable",
		"organization organization_unavailable", "organization organization_deny", "organization no_organization_policy", "none owner_mismatch", "none owner_unknown",
		"organization not_bucket_owner", "bucket cross_organization_no_allow", "iam allowed", "iam iam_no_match", "iam iam_unavailable",
		"first and broken, and denied", "overflow", "held", "a hold ended", "a hold is .held", "a hold that ended by time", "missed", "re-pointed", "a platform organization that vanished",
		"a start", "a start after changes", "a start after a kill", "a kill before the mirror was written", "a start under a transaction", "no start under a transaction",
		"brought about by events", "a generation asked while in force", "a generation between two looks"} {
		if reached[what] == 0 {
			t.Errorf("no look came upon %q: %v", what, reached)
		}
	}
}

var builtIn = policyjson.BuiltIn()

// reload is one run: the directory, the loader, the model.
//
// In a live run the loader watches, and may look at any time: the model looks
// after each step, and the events alone have to bring the loader to what it
// says. In the other runs the loader looks when it is told to, so that it can
// be held to a whole series of steps that it saw nothing of.
type reload struct {
	t        *testing.T
	script   []byte
	base     string
	root     string
	state    string
	live     bool
	l        *loader.Loader
	current  *index.Current
	model    *model
	clients  *clients
	told     map[uint64]*answers // what generations had to say
	stop     func()              // ends the watching; nil: there is none
	lost     bool                // events are
	down     bool                // there is no process
	dying    bool                // it is killed before it writes the mirror
	disk     string              // the state directory of a process that was killed
	clock    atomic.Int64        // how far off it is
	passed   atomic.Int64        // how much time is said to have passed
	trash    int
	aways    int
	platform []string
	done     []string // what was done, for the message
	n        int
	reached  map[string]int // what the looks came upon
}

func newReload(t *testing.T, script []byte) *reload {
	unprivileged(t)
	base := t.TempDir()
	r := &reload{t: t, script: script, reached: map[string]int{}, base: base, root: filepath.Join(base, "policies")}
	t.Cleanup(func() { // so that it can be removed
		filepath.WalkDir(base, func(path string, d fs.DirEntry, _ error) error {
			if d.IsDir() {
				os.Chmod(path, 0o755)
			}
			return nil
		})
	})
	mode := r.next(32)
	r.live = mode&2 != 0
	if mode&1 != 0 {
		r.state = filepath.Join(base, "state")
	}
	r.platform = [][]string{nil, nil, {"o2"}, {"o2", "o3"}}[mode>>3]
	if mode&4 != 0 { // it can be re-pointed
		r.must(os.Mkdir(r.revision(0), 0o755))
		r.must(os.Symlink(r.revision(0), r.root))
	}
	for _, dir := range []string{"outside", "policies/o1/access-policies", "policies/o1/buckets", "policies/..s/d"} {
		r.must(os.MkdirAll(filepath.Join(base, dir), 0o755))
	}
	r.must(os.WriteFile(filepath.Join(base, "outside/b1.json"), []byte(contents[3]), 0o644))
	r.open(nil)
	return r
}

// revision is a folder that the policy directory may be pointed to.
func (r *reload) revision(n int) string { return filepath.Join(r.base, fmt.Sprint("revision", n)) }

// open starts a process. last is what was in force when the one before was
// killed, before it wrote the mirror; nil: it was stopped, or there was none.
func (r *reload) open(last *model) {
	r.current, r.told = &index.Current{}, map[uint64]*answers{}
	hold := time.Millisecond
	if r.live {
		hold = 5 * time.Millisecond
	}
	l, err := loader.New(loader.Config{Root: r.root, StateDir: r.state, Current: r.current, Workers: 2, Compiler: compile.Compiler{BuiltIn: builtIn},
		PlatformOrganizations: r.platform, Rescan: time.Hour, Quiet: time.Millisecond, MaxWait: 10 * time.Millisecond, Hold: hold,
		Now: func() time.Time { return time.Now().Add(time.Duration(r.clock.Load())) }, Steady: r.now,
		Observe: func(*policy.Status) { r.observed() }})
	r.must(err)
	r.l = l
	r.clients = observe(r.current)
	var mirror modelMirror
	if r.state != "" {
		if mirror = (modelMirror{}); r.model != nil {
			mirror = r.model.mirror
		}
	}
	r.model = mirror.start(last)
	r.model.platform = r.platform
}

// now is the time by which holds end.
func (r *reload) now() time.Time { return time.Now().Add(time.Duration(r.passed.Load())) }

func (r *reload) must(err error) {
	r.t.Helper()
	if err != nil {
		r.fatal("%v", err)
	}
}

// fatal ends the test with what was done.
func (r *reload) fatal(format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf(format+"\nafter\n%s\nlive: %v, with a mirror: %v, quarantined %v", append(args, strings.Join(r.done, "\n"), r.live, r.state != "", r.l.Status().Quarantined)...)
}

// next takes a number below n from the script.
func (r *reload) next(n int) int {
	if len(r.script) == 0 {
		return 0
	}
	b := r.script[0]
	r.script = r.script[1:]
	return int(b) % n
}

// look lets loader and model look, and compares them.
func (r *reload) look(confirm bool) {
	r.t.Helper()
	if r.down {
		return
	}
	r.note("look (SIGHUP: %v)", confirm)
	if r.n++; r.n > mostLooks {
		return
	}
	if confirm {
		r.l.Rescan()
	}
	r.model.lookAtHold(r.root, r.now())
	held := r.model.held()
	lost := r.unreadable() && !held
	if held {
		r.reached["held"]++
	}
	if !lost {
		r.model.look(r.root, confirm)
	}
	want := r.want()
	if r.stop != nil { // events alone have to do
		end := time.Now().Add(5 * time.Second) // fuzzing takes more than 10 s for a hang
		d := r.differs(want, lost)
		for d != "" && time.Now().Before(end) {
			time.Sleep(100 * time.Microsecond)
			d = r.differs(want, lost)
		}
		if d != "" {
			r.fatal("events did not bring about: %s", d)
		}
		r.reached["brought about by events"]++
	}
	if err := r.l.Load(context.Background()); (err != nil) != lost {
		r.fatal("look: %v", err)
	}
	if r.dying && r.disk == "" { // nothing was published
		r.copyDisk()
		r.dying = false
	}
	if !lost && !held && !r.dying && r.model.mirror != nil {
		r.model.mirror.write(r.model)
		r.model.mirrored = true
	}
	if h := r.model.hold; h != nil && h.over {
		r.reached["a hold that ended by time"]++
	}
	if d := r.differs(want, lost); d != "" {
		r.fatal("%s", d)
	}
	st := r.l.Status()
	if len(st.Quarantined) > 0 || lost {
		r.note("  quarantined %v, %v", r.model.quarantined(), st.Result)
	}
	r.reached[st.Result.String()]++
	for _, o := range r.model.orgs {
		if len(o.missed) > 0 {
			r.reached["missed"]++
		}
	}
	for _, q := range st.Quarantined {
		r.reached[fmt.Sprintf("last good %v", q.LastGood)]++
	}
	snapshot := r.current.Load()
	if snapshot == nil {
		return
	}
	told := *want
	for i := range told {
		told[i].Generation = snapshot.Generation()
		r.reached[told[i].Layer.String()+" "+told[i].Reason.String()]++
	}
	r.told[snapshot.Generation()] = &told
	if r.n%4 != 0 || lost || r.dying {
		return
	}
	// A look at what did not change publishes nothing.
	r.must(r.l.Load(context.Background()))
	if g := r.current.Load().Generation(); g != snapshot.Generation() {
		r.fatal("generation %d after a look at nothing new, was %d", g, snapshot.Generation())
	}
}

// want is what the model answers to all questions.
func (r *reload) want() *answers {
	ref := reference.New(r.model.directory())
	a := new(answers)
	for i, q := range questions {
		a[i] = ref.Evaluate(q).Decision
	}
	return a
}

// differs tells in what the loader is not what the model says; "" if in nothing.
func (r *reload) differs(want *answers, lost bool) string {
	st, snapshot := r.l.Status(), r.current.Load()
	for end := time.Now().Add(time.Second); r.stop != nil && snapshot != nil && snapshot.Generation() != st.Generation && time.Now().Before(end); {
		time.Sleep(100 * time.Microsecond) // a generation is published, and then told of
		st, snapshot = r.l.Status(), r.current.Load()
	}
	if lost {
		if st.Result != policy.ReloadFailed || st.Failure == "" {
			return fmt.Sprintf("result %v of a policy directory that cannot be looked at", st.Result)
		}
		if snapshot == nil {
			return ""
		}
	}
	if snapshot == nil {
		return "no generation is in force"
	}
	if snapshot.Generation() != st.Generation {
		return fmt.Sprintf("status says generation %d, in force is %d", st.Generation, snapshot.Generation())
	}
	var got []string
	for _, q := range st.Quarantined {
		got = append(got, fmt.Sprintf("%s (last good: %v)", q.Unit, q.LastGood))
	}
	if want := r.model.quarantined(); !slices.Equal(got, want) {
		return fmt.Sprintf("quarantined\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if wantOK := len(got) == 0; !lost && !r.model.held() && ((st.Result == policy.ReloadOK) != wantOK || st.Result == policy.ReloadFailed) {
		return fmt.Sprintf("result %v with %d quarantined units", st.Result, len(got))
	}
	var sc index.Scratch
	for i, d := range ask(snapshot, &sc) {
		if w := want[i]; d.Generation != snapshot.Generation() || !same(d, w) {
			q := questions[i]
			return fmt.Sprintf("%s by %s on %s (owner %q): %+v, want %+v", q.Action, q.Principal.Org, q.Resource.ID, q.Resource.Org, d, w)
		}
	}
	return ""
}

// same compares two decisions but for their generations.
func same(a, b policy.Decision) bool {
	a.Generation, b.Generation = 0, 0
	return a == b
}
