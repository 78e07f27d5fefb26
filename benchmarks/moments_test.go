package benchmarks

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"postern/index"
	"postern/internal/policygen"
	"postern/loader"
)

var (
	momentsFor    = flag.Duration("moments", time.Minute, "how long BenchmarkMoments changes files; specification 5 says 10m")
	momentsRescan = flag.Duration("moments.rescan", 6*time.Second, "the interval between looks at everything; specification 5 says 1m")
	momentsEvery  = flag.Duration("moments.every", 60*time.Millisecond, "the mean time between a change that decides and the next; for specification 5's 1,000 changes it is 600ms")
)

// quiet is how long the loader waits for a burst to end.
const quiet = 25 * time.Millisecond

// BenchmarkMoments measures mark P10: one changed bucket file among many, from the
// rename that puts it into place to the first decision by it, at random moments that
// begin with the start of Run and go through looks at everything. A bare reader of
// the same events, which reads the file that an event names, takes the same changes.
// What postern takes beyond the 25 ms for which it waits for more is compared with
// what the bare reader takes.
func BenchmarkMoments(b *testing.B) {
	for _, buckets := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(buckets), func(b *testing.B) {
			root := b.TempDir()
			w := policygen.Buckets(buckets, seed)
			writeDirectory(b, root, w)
			flips := flipsOf(b, root, w, 100)
			questions := w.Requests(200)
			w = nil
			var ours, bare []time.Duration
			for b.Loop() {
				x, y := moments(b, root, flips, questions)
				ours, bare = append(ours, x...), append(bare, y...)
			}
			slices.Sort(ours)
			slices.Sort(bare)
			at := func(list []time.Duration, percent int) time.Duration {
				return list[min(len(list)*percent/100, len(list)-1)]
			}
			for name, percent := range map[string]int{"p50": 50, "p99": 99, "max": 100} {
				b.ReportMetric(milliseconds(at(ours, percent)), name+"-ms")
				b.ReportMetric(milliseconds(at(bare, percent)), "bare-"+name+"-ms")
				b.ReportMetric(float64(at(ours, percent)-quiet)/float64(at(bare, percent)), name+"-of-bare")
			}
			b.ReportMetric(float64(len(ours)), "changes")
		})
	}
}

// moments loads root, watches it, and changes files for a while.
func moments(b *testing.B, root string, flips []flip, questions []policygen.Question) (ours, bare []time.Duration) {
	var current index.Current
	l, err := loader.New(loader.Config{Root: root, Current: &current, Rescan: *momentsRescan})
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Load(context.Background()); err != nil {
		b.Fatal(err)
	}
	checkAnswers(b, current.Load(), questions)
	events, err := fsnotify.NewBufferedWatcher(1 << 14)
	if err != nil {
		b.Fatal(err)
	}
	defer events.Close()
	if err := events.Add(filepath.Dir(flips[0].path)); err != nil {
		b.Fatal(err)
	}
	seen := make(chan time.Time, 1)
	var want struct {
		sync.Mutex
		path string
		size int
	}
	go func() {
		for e := range events.Events {
			want.Lock()
			path, size := want.path, want.size
			want.Unlock()
			if e.Name == path && e.Has(fsnotify.Create) {
				if data, err := os.ReadFile(path); err == nil && len(data) == size {
					select {
					case seen <- time.Now():
					default:
					}
				}
			}
		}
	}()
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = l.Run(ctx) })
	defer func() { stop(); wait.Wait() }()
	time.Sleep(20 * time.Millisecond) // until there are watches
	r := rand.New(rand.NewPCG(seed, 10))
	// Everything lies in the folder of one organization, which the bare reader watches.
	flips = slices.DeleteFunc(slices.Clone(flips), func(f flip) bool { return filepath.Dir(f.path) != filepath.Dir(flips[0].path) })
	for end, i := time.Now().Add(*momentsFor), 0; time.Now().Before(end); i++ {
		f := &flips[i%len(flips)]
		want.Lock()
		want.path, want.size = f.path, len(f.content[1-f.at])
		want.Unlock()
		start := time.Now()
		ours = append(ours, f.change(b, &current))
		select {
		case at := <-seen:
			bare = append(bare, at.Sub(start))
		case <-time.After(10 * time.Second):
			b.Fatalf("%s: no event", f.path)
		}
		time.Sleep(time.Duration(r.Int64N(int64(2 * *momentsEvery))))
	}
	for i := range flips {
		if flips[i].at != 0 {
			flips[i].put(b)
		}
	}
	return ours, bare
}
