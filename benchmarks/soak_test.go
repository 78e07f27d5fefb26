package benchmarks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/index"
	"postern/internal/loadgen"
	"postern/internal/policygen"
	"postern/loader"
	"postern/policy"
)

// A soak is a load that checks every answer while policies change. What changes
// is made so that an answer by parts of two generations is told from one by
// either: see witness.
type soak struct {
	*testing.T
	server *process
	root   string
	rand   *rand.Rand

	requests [][]byte
	checks   []func(body []byte) error

	flips   []flip
	steady  []policygen.Question // their buckets are not among the flips
	broken  string               // path of a bucket file that is broken at times
	mended  []byte               // its good content
	witness witness

	changes  int
	visible  []time.Duration // by change: the time from the rename until its content decides
	rewrites int
}

// soakSize is how much a soak does.
type soakSize struct {
	organizations, buckets, statements int
	duration, every                    time.Duration // under changes; from one to the next
	rewritten, reloads                 int           // files at once; reloads of the growth check
	connections                        int           // on each network
}

// TestSoak loads `postern serve` at full speed while policies change, then
// rewrites thousands of files at once: no request fails, none is answered by a
// mixture of generations, unchanged policies keep their answers, and what the
// process holds does not grow. POSTERN_SOAK=10m is the real one, on
// `tenants` of 1,000,000 statements; without it a short form runs.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the server under changes for a while")
	}
	size := soakSize{10, 300, 3_000, 600 * time.Millisecond, 10 * time.Millisecond, 200, 10, 4}
	if text := os.Getenv("POSTERN_SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("POSTERN_SOAK: %v", err)
		}
		size = soakSize{1_000, 100_000, 1_000_000, d, 100 * time.Millisecond, 5_000, 1_000, 16}
	}
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc to tell what the server holds")
	}
	s := newSoak(t, size)
	s.load("warm-up", size, min(size.duration/10, 10*time.Second), s.changing(size.every))
	s.load("warm-up, files at once", size, 0, s.rewriting(size.rewritten))
	// A worker of the server ends 10 s after its connection: the real soak waits
	// for that.
	idle, slack := time.Duration(0), 2*size.connections
	if size.duration > 5*time.Second {
		idle, slack = 12*time.Second, 2
	}
	before, generation := s.server.rest(idle), s.server.generation()
	s.load("changes", size, size.duration, s.changing(size.every))
	s.load("files at once", size, 0, s.rewriting(size.rewritten))
	s.load("reloads", size, 0, s.reloading(size.reloads))
	after := s.server.rest(idle)
	slices.Sort(s.visible)
	t.Logf("%d changes in %d generations, decided by after p50 %v p99 %v", s.changes, s.server.generation()-generation,
		s.visible[len(s.visible)/2], s.visible[len(s.visible)*99/100])
	t.Logf("before: live %.1f MB, resident %.1f MB, %d goroutines, %d descriptors", before.live/1e6, before.rss/1e6, before.goroutines, before.fds)
	t.Logf("after:  live %.1f MB, resident %.1f MB, %d goroutines, %d descriptors", after.live/1e6, after.rss/1e6, after.goroutines, after.fds)
	if after.goroutines > before.goroutines+slack || after.fds > before.fds+2 {
		t.Errorf("goroutines %d to %d, descriptors %d to %d", before.goroutines, after.goroutines, before.fds, after.fds)
	}
	if after.live > before.live*1.02+1e6 {
		t.Errorf("%.1f MB are live, %.1f MB were", after.live/1e6, before.live/1e6)
	}
	if after.rss > before.rss*1.2+32e6 {
		t.Errorf("%.1f MB are resident, %.1f MB were", after.rss/1e6, before.rss/1e6)
	}
}

func newSoak(t *testing.T, size soakSize) *soak {
	s := &soak{T: t, root: t.TempDir(), rand: rand.New(rand.NewPCG(seed, 5))}
	w := policygen.Tenants(size.organizations, size.buckets, size.statements, seed)
	writeDirectory(t, s.root, w)
	s.flips = flipsOf(t, s.root, w, min(100, size.buckets/10))
	changing := map[string]bool{}
	for i := range s.flips {
		changing[strings.TrimSuffix(filepath.Base(s.flips[i].path), ".json")] = true
	}
	for _, q := range w.Requests(4096) {
		if name, _, _ := strings.Cut(q.Request.Resource.ID, "/"); !changing[name] {
			s.steady = append(s.steady, q)
		}
	}
	q := s.steady[0] // its bucket's file is broken now and then; the last good content decides
	name, _, _ := strings.Cut(q.Request.Resource.ID, "/")
	s.broken = filepath.Join(s.root, w.Directory.Buckets[name].Policy.File)
	var err error
	if s.mended, err = os.ReadFile(s.broken); err != nil {
		t.Fatal(err)
	}
	s.witness = witness{root: s.root}
	s.witness.swap(t)
	s.witness.turn(t)
	w = nil

	for i := range s.steady {
		q := &s.steady[i]
		want := []byte(`{"decision":false`)
		if q.Want == policy.Allow {
			want = []byte(`{"decision":true`)
		}
		s.add("/access/v1/evaluation", string(evaluation(&q.Request)), func(body []byte) error {
			if !bytes.HasPrefix(body, want) {
				return fmt.Errorf("%s, want %s", body, want)
			}
			return nil
		})
		if i%4 == 0 {
			s.add("/access/v1/evaluations", s.witness.batch(&q.Request), s.witness.check(q.Want == policy.Allow))
		}
	}
	s.server = startProcess(t, s.root)
	return s
}

func (s *soak) add(path, body string, check func([]byte) error) {
	s.requests = append(s.requests, loadgen.Post(path, body))
	s.checks = append(s.checks, check)
}

// load puts the load on over both networks while work runs, and for a time at
// least. A missing or wrong answer ends the test.
func (s *soak) load(what string, size soakSize, least time.Duration, work func()) {
	s.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	var results [2]*loadgen.Result
	var errs [2]error
	for i, at := range [2]string{s.server.socket, s.server.tcp} {
		l := loadgen.Load{
			Network: [2]string{"unix", "tcp"}[i], Address: at, Connections: size.connections, Requests: s.requests,
			Check: func(i int, body []byte) error { return s.checks[i](body) },
		}
		wait.Go(func() {
			if results[i], errs[i] = l.Run(ctx); errs[i] != nil {
				stop()
			}
		})
	}
	for end := time.Now().Add(least); ctx.Err() == nil; {
		if work(); time.Now().After(end) {
			break
		}
	}
	stop()
	wait.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		s.Fatalf("%s: %v", what, err)
	}
	total := results[0]
	total.Latency.Merge(&results[1].Latency)
	for _, line := range s.server.takeTrouble() {
		if !strings.Contains(line, "quarantined") || !strings.Contains(line, filepath.Base(s.broken)) {
			s.Errorf("%s: %s", what, line)
		}
	}
	s.Logf("%-22s %10d requests in %5.1f s, %6.0f/s, none failed; p50 %v p99 %v max %v", what, total.Latency.Count(), total.Elapsed.Seconds(), total.PerSecond(),
		total.Latency.Quantile(0.5).Round(time.Microsecond), total.Latency.Quantile(0.99).Round(time.Microsecond), total.Latency.Max().Round(time.Microsecond))
}

// changing does one change after the other.
func (s *soak) changing(every time.Duration) func() {
	tick := time.NewTicker(every)
	s.Cleanup(tick.Stop)
	return func() {
		<-tick.C
		s.changes++
		switch s.changes % 10 {
		case 2:
			s.witness.swap(s)
		case 4:
			s.witness.turn(s)
		case 6:
			replace(s, s.broken, []byte(`{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal"`))
		case 8:
			replace(s, s.broken, s.mended)
		default:
			s.flip(&s.flips[s.rand.IntN(len(s.flips))])
		}
	}
}

// flip changes a bucket's policy and waits until it decides.
func (s *soak) flip(f *flip) {
	s.Helper()
	start := f.put(s)
	s.decides(f)
	s.visible = append(s.visible, time.Since(start))
}

// decides waits until the content that was written last decides, and checks
// that from then on it always does.
func (s *soak) decides(f *flip) {
	s.Helper()
	want := [2]string{`{"decision":true`, `{"decision":false`}[f.at]
	body := string(evaluation(&f.request))
	ask := func() bool {
		r, err := s.server.client.Post("http://localhost/access/v1/evaluation", "application/json", strings.NewReader(body))
		if err != nil {
			s.Fatal(err)
		}
		defer r.Body.Close()
		var answer [512]byte
		n, _ := r.Body.Read(answer[:])
		if r.StatusCode != 200 {
			s.Fatalf("status %d: %s", r.StatusCode, answer[:n])
		}
		return strings.HasPrefix(string(answer[:n]), want)
	}
	s.server.await(f.path+" decides", 20*time.Second, ask)
	for range 3 {
		if !ask() {
			s.Fatalf("%s: an answer by the old content after one by the new", f.path)
		}
	}
}

// rewriting rewrites many files at once, and waits until they decide: their
// bytes change and what they say does not, but for the flips, which are among
// the last of them and change.
func (s *soak) rewriting(n int) func() {
	files, err := filepath.Glob(filepath.Join(s.root, "org-*", "buckets", "*.json"))
	if err != nil || len(files) < n {
		s.Fatalf("%d files: %v", len(files), err)
	}
	return func() {
		s.rewrites++
		start := time.Now()
		for _, at := range s.rand.Perm(len(files))[:n-len(s.flips)] {
			if files[at] == s.broken || slices.ContainsFunc(s.flips, func(f flip) bool { return f.path == files[at] }) {
				continue
			}
			data, err := os.ReadFile(files[at])
			if err != nil {
				s.Fatal(err)
			}
			replace(s, files[at], append(bytes.TrimRight(data, "\n"), strings.Repeat("\n", s.rewrites)...))
		}
		for i := range s.flips {
			s.flips[i].put(s)
		}
		written := time.Since(start)
		for i := range s.flips {
			s.decides(&s.flips[i])
		}
		s.Logf("%d files written in %.2f s, all decided by %.2f s later", n, written.Seconds(), (time.Since(start) - written).Seconds())
	}
}

// reloading makes n changes, each as soon as the one before decides.
func (s *soak) reloading(n int) func() {
	return func() {
		from := s.server.generation()
		for range n {
			s.flip(&s.flips[s.rand.IntN(len(s.flips))])
		}
		if got := s.server.generation() - from; got < n {
			s.Errorf("%d changes, each waited for, made %d generations", n, got)
		}
	}
}

// replace renames new content over a file.
func replace(tb testing.TB, path string, data []byte) {
	if err := os.WriteFile(path+".tmp", data, 0o644); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		tb.Fatal(err)
	}
}

// TestReloadsLeaveNothing reloads 150 times in this process, 1,000 times with
// POSTERN_SOAK, and looks at what is left: no memory, no goroutine, no
// descriptor.
func TestReloadsLeaveNothing(t *testing.T) {
	n := 150
	if os.Getenv("POSTERN_SOAK") != "" {
		n = 1000
	}
	root := t.TempDir()
	w := policygen.Buckets(20, seed)
	writeDirectory(t, root, w)
	flips := flipsOf(t, root, w, 5)
	var current index.Current
	l, err := loader.New(loader.Config{Root: root, Current: &current, StateDir: t.TempDir(), Rescan: time.Hour, Quiet: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = l.Run(ctx) })
	defer func() { stop(); wait.Wait() }()
	reloads := func(n int) (heap uint64, goroutines, fds int) {
		for i := range n {
			flips[i%len(flips)].change(t, &current)
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools are empty only now
		runtime.ReadMemStats(&m)
		goroutines, fds = math.MaxInt, math.MaxInt
		for range 20 { // the last change may still be written to the mirror
			time.Sleep(5 * time.Millisecond)
			list, _ := os.ReadDir("/proc/self/fd")
			goroutines, fds = min(goroutines, runtime.NumGoroutine()), min(fds, len(list))
		}
		return m.HeapAlloc, goroutines, fds
	}
	heap, goroutines, fds := reloads(50)
	generation := current.Load().Generation()
	heapAfter, goroutinesAfter, fdsAfter := reloads(n)
	if got := current.Load().Generation() - generation; got < uint64(n) {
		t.Errorf("%d changes, each waited for, made %d generations", n, got)
	}
	if heapAfter > heap+uint64(n)<<10 || goroutinesAfter > goroutines || fdsAfter > fds {
		t.Errorf("after %d reloads %d bytes, %d goroutines, %d descriptors; before %d, %d, %d", n, heapAfter, goroutinesAfter, fdsAfter, heap, goroutines, fds)
	}
	t.Logf("%d bytes of heap, %d before", heapAfter, heap)
}
