package benchmarks

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/index"
	"postern/internal/loadgen"
	"postern/internal/policygen"
	"postern/loader"
	"postern/policy"
	"postern/sidecar"
)

// BenchmarkReloadLatency changes one bucket file each changeEvery, for
// reloadTurn, and then changes none for as long.
const (
	changeEvery = 100 * time.Millisecond
	reloadTurn  = time.Second
)

// BenchmarkReloadLatency measures mark P11: the latency of single evaluations
// over a Unix socket, at one connection, while the policy directory of
// `tenants` has ten changes a second, and while it has none. An operation is
// two turns of a second, without changes and with them; p99-of-still is over
// all turns of the one kind and of the other. `still` has no changes in either,
// and shows what of that is noise. Every change is a bucket file that opens or
// closes its bucket, and is seen to decide after its turn; every answer is
// checked.
func BenchmarkReloadLatency(b *testing.B) {
	root := b.TempDir()
	w := policygen.Tenants(1_000, 100_000, 1_000_000, seed)
	writeDirectory(b, root, w)
	flips := flipsOf(b, root, w, 100)
	questions := w.Requests(4096)
	w = nil

	var current index.Current
	l, err := loader.New(loader.Config{Root: root, Current: &current, Rescan: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Load(context.Background()); err != nil {
		b.Fatal(err)
	}
	checkAnswers(b, current.Load(), questions)
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = l.Run(ctx) })
	defer func() { stop(); wait.Wait() }()
	flips[0].change(b, &current) // once this is seen, all is watched
	flips[0].change(b, &current)

	server, err := sidecar.New(sidecar.Config{Current: &current, Status: l.Status})
	if err != nil {
		b.Fatal(err)
	}
	address := open(b, "unix", server.Serve, func() { _ = server.Shutdown(context.Background()) })
	questions, requests := unchanged(questions, flips)
	load := loadgen.Load{Network: "unix", Address: address, Requests: requests, Duration: reloadTurn, Check: func(i int, body []byte) error {
		allowed, err := loadgen.Decision(body)
		if err == nil && allowed != (questions[i].Want == policy.Allow) {
			err = fmt.Errorf("answered %s", body)
		}
		return err
	}}

	changes, next := 0, 0
	// turn puts the load on for one turn, with changes or without, and adds the
	// figures.
	turn := func(b *testing.B, changing bool, to *loadgen.Histogram) {
		during, end := context.WithCancel(context.Background())
		var put []*flip
		var wait sync.WaitGroup
		wait.Go(func() {
			if !changing {
				return
			}
			ticker := time.NewTicker(changeEvery)
			defer ticker.Stop()
			for during.Err() == nil {
				f := &flips[next%len(flips)]
				next++
				f.put(b)
				put = append(put, f)
				select {
				case <-during.Done():
				case <-ticker.C:
				}
			}
		})
		r, err := load.Run(context.Background())
		end()
		wait.Wait()
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range put {
			f.decides(b, &current)
		}
		changes += len(put)
		to.Merge(&r.Latency)
	}
	for _, reloading := range []bool{false, true} {
		name := map[bool]string{false: "still", true: "reloading"}[reloading]
		b.Run(name, func(b *testing.B) {
			var still, its loadgen.Histogram
			changes = 0
			for b.Loop() {
				turn(b, false, &still)
				turn(b, reloading, &its)
			}
			b.ReportMetric(float64(changes)/float64(b.N)/reloadTurn.Seconds(), "changes/s")
			b.ReportMetric(float64(its.Quantile(0.5)), "p50-ns")
			b.ReportMetric(float64(its.Quantile(0.99)), "p99-ns")
			b.ReportMetric(float64(its.Quantile(0.999)), "p99.9-ns")
			b.ReportMetric(float64(its.Quantile(0.5))/float64(still.Quantile(0.5)), "p50-of-still")
			b.ReportMetric(float64(its.Quantile(0.99))/float64(still.Quantile(0.99)), "p99-of-still")
		})
	}
}

// decides waits until the content that was written last decides.
func (f *flip) decides(tb testing.TB, current *index.Current) {
	tb.Helper()
	want := [2]policy.Outcome{policy.Allow, policy.ExplicitDeny}[f.at]
	var sc index.Scratch
	for start := time.Now(); current.Load().Decide(&f.request, &sc).Outcome != want; time.Sleep(time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			tb.Fatalf("%s: changed, and not decided by", f.path)
		}
	}
}

// unchanged renders the questions, without those about buckets whose files
// change, as their answers depend on the moment.
func unchanged(questions []policygen.Question, flips []flip) (kept []policygen.Question, requests [][]byte) {
	changing := map[string]bool{}
	for i := range flips {
		name, _, _ := strings.Cut(flips[i].request.Resource.ID, "/")
		changing[name] = true
	}
	for _, q := range questions {
		if name, _, _ := strings.Cut(q.Request.Resource.ID, "/"); !changing[name] {
			kept = append(kept, q)
			requests = append(requests, loadgen.Post("/access/v1/evaluation", string(evaluation(&q.Request))))
		}
	}
	return kept, requests
}
