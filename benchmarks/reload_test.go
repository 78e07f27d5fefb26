package benchmarks

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/index"
	"postern/internal/policygen"
	"postern/internal/policywrite"
	"postern/internal/reference"
	"postern/loader"
	"postern/policy"
)

// writeDirectory writes a workload's policies below root as specification 4
// lays them out, and returns the number of files. Policies of the workload
// `field` are written in the ways of different authors.
func writeDirectory(tb testing.TB, root string, w *policygen.Workload) (files int) {
	tb.Helper()
	d, text := w.Directory, policywrite.Append
	if strings.HasPrefix(w.Name, "field") {
		text = policywrite.AppendVaried
	}
	var buf []byte
	write := func(doc *policy.Document) {
		buf = text(buf[:0], doc)
		if err := os.WriteFile(filepath.Join(root, doc.File), buf, 0o644); err != nil {
			tb.Fatal(err)
		}
		files++
	}
	for name, o := range d.Organizations {
		for _, part := range []string{"access-policies", "buckets"} {
			if err := os.MkdirAll(filepath.Join(root, name, part), 0o755); err != nil {
				tb.Fatal(err)
			}
		}
		for _, doc := range o.Policies {
			write(doc)
		}
	}
	for _, k := range d.Buckets {
		if k.Policy != nil {
			write(k.Policy)
		}
	}
	return files
}

// deployments are the workloads of a whole machine, 100,000 buckets each.
var deployments = map[string]func() *policygen.Workload{
	"tenants":       func() *policygen.Workload { return policygen.Tenants(1_000, 100_000, 1_000_000, seed) },
	"field":         func() *policygen.Workload { return policygen.Field(100_000, seed) },
	"field-tenants": func() *policygen.Workload { return policygen.FieldTenants(100_000, seed) },
}

// written writes one of deployments into a directory, and returns it with
// requests. The answers of some of them were compared with the reference's.
// Nothing of the workload stays in memory.
func written(tb testing.TB, name string, requests int) (root string, files int, questions []policygen.Question) {
	tb.Helper()
	root = tb.TempDir()
	w := deployments[name]()
	files = writeDirectory(tb, root, w)
	questions = w.Requests(requests)
	ref := reference.New(w.Directory)
	for i := range min(len(questions), 20) {
		if got := ref.Evaluate(&questions[i].Request).Decision.Outcome; got != questions[i].Want {
			tb.Fatalf("%+v: %v, the reference says %v", questions[i].Request, questions[i].Want, got)
		}
	}
	return root, files, questions
}

// checkAnswers asks s every question and compares the answers.
func checkAnswers(tb testing.TB, s *index.Snapshot, questions []policygen.Question) {
	tb.Helper()
	var sc index.Scratch
	for i := range questions {
		q := &questions[i]
		if got := s.Decide(&q.Request, &sc); got.Outcome != q.Want {
			tb.Fatalf("%+v: %v (%v), want %v", q.Request, got.Outcome, got.Reason, q.Want)
		}
	}
}

// readValid is the floor of a cold start: it reads every file below root and
// runs json.Valid on it, with two workers, and returns how many there were.
func readValid(tb testing.TB, root string) (files int, size int64) {
	paths := make(chan []string, 64)
	var wait sync.WaitGroup
	var mu sync.Mutex
	for range 2 {
		wait.Go(func() {
			for batch := range paths {
				var n int64
				for _, path := range batch {
					data, err := os.ReadFile(path)
					if err != nil || !json.Valid(data) {
						tb.Errorf("%s: %v, or no JSON", path, err)
					}
					n += int64(len(data))
				}
				mu.Lock()
				files, size = files+len(batch), size+n
				mu.Unlock()
			}
		})
	}
	var batch []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if batch = append(batch, path); len(batch) == 128 {
			paths <- batch
			batch = nil
		}
		return nil
	})
	paths <- batch
	close(paths)
	wait.Wait()
	if err != nil {
		tb.Fatal(err)
	}
	return files, size
}

// BenchmarkColdStart measures mark P9: from opening the directory of one of
// deployments to the first decision, beside reading its files and running
// json.Valid on them with two workers. Files are in the page cache for both.
func BenchmarkColdStart(b *testing.B) {
	for _, name := range []string{"tenants", "field", "field-tenants"} {
		b.Run(name, func(b *testing.B) { coldStart(b, name) })
	}
}

func coldStart(b *testing.B, name string) {
	root, files, questions := written(b, name, 4096)
	if n, _ := readValid(b, root); n != files {
		b.Fatalf("%d files were written, %d are there", files, n)
	}
	b.Run("floor", func(b *testing.B) {
		var size int64
		for b.Loop() {
			b.StopTimer()
			runtime.GC()
			b.StartTimer()
			_, size = readValid(b, root)
		}
		b.ReportMetric(float64(files), "files")
		b.ReportMetric(float64(size), "file-bytes")
	})
	b.Run("postern", func(b *testing.B) {
		b.ReportAllocs()
		var s *index.Snapshot
		var sc index.Scratch
		for b.Loop() {
			b.StopTimer()
			s = nil
			runtime.GC()
			b.StartTimer()
			var current index.Current
			l, err := loader.New(loader.Config{Root: root, Current: &current})
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Load(context.Background()); err != nil {
				b.Fatal(err)
			}
			s = current.Load()
			if got := s.Decide(&questions[0].Request, &sc); got.Outcome != questions[0].Want {
				b.Fatalf("%+v: %v, want %v", questions[0].Request, got, questions[0].Want)
			}
		}
		checkAnswers(b, s, questions)
		b.ReportMetric(float64(s.Bytes()), "snapshot-bytes")
	})
}

// changesTimed is the number of changes of one bucket file each that an
// operation of BenchmarkChange times.
const changesTimed = 300

// BenchmarkChange measures mark P10: one changed bucket file among many, from
// the rename that puts it into place to the first decision by it, the
// watcher's quiet time included. An operation is changesTimed changes, one
// after the other; look-ms is what a look at everything costs when nothing has
// changed, as it does every -rescan.
func BenchmarkChange(b *testing.B) {
	for _, buckets := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(buckets), func(b *testing.B) {
			root := b.TempDir()
			w := policygen.Buckets(buckets, seed)
			writeDirectory(b, root, w)
			flips := flipsOf(b, root, w, 100)
			var current index.Current
			l, err := loader.New(loader.Config{Root: root, Current: &current, Rescan: time.Hour})
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Load(context.Background()); err != nil {
				b.Fatal(err)
			}
			checkAnswers(b, current.Load(), w.Requests(1000))
			w = nil
			ctx, stop := context.WithCancel(context.Background())
			var wait sync.WaitGroup
			wait.Go(func() { _ = l.Run(ctx) })
			defer func() { stop(); wait.Wait() }()
			flips[0].change(b, &current) // once this is seen, all is watched
			changeSharesTheRest(b, &current, &flips[1])

			var took []time.Duration
			for b.Loop() {
				for i := range changesTimed {
					took = append(took, flips[i%len(flips)].change(b, &current))
					time.Sleep(time.Duration(i%7) * time.Millisecond)
				}
			}
			slices.Sort(took)
			b.ReportMetric(milliseconds(took[len(took)/2]), "p50-ms")
			b.ReportMetric(milliseconds(took[len(took)*99/100]), "p99-ms")
			b.ReportMetric(milliseconds(took[len(took)-1]), "max-ms")
			start := time.Now()
			if err := l.Load(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(milliseconds(time.Since(start)), "look-ms")
		})
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// flip is a bucket file with two contents, and a request that the first allows
// and the second denies.
type flip struct {
	path    string
	content [2][]byte
	request policy.Request
	at      int // the place of the content that the file has
}

// flipsOf finds n bucket files of a workload that was written below root, with
// the requests that tell their contents apart.
func flipsOf(tb testing.TB, root string, w *policygen.Workload, n int) (flips []flip) {
	tb.Helper()
	seen := map[string]bool{}
	for _, q := range w.Requests(4096) {
		name, _, _ := strings.Cut(q.Request.Resource.ID, "/")
		if q.Want != policy.Allow || seen[name] {
			continue
		}
		seen[name] = true
		doc := w.Directory.Buckets[name].Policy
		denying := *doc
		denying.Statements = append(slices.Clone(doc.Statements), policy.Statement{
			Name: "closed", Effect: policy.EffectDeny, Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}},
			Actions: []string{"s3:*"}, Resources: []string{name + "/*"},
		})
		flips = append(flips, flip{
			path:    filepath.Join(root, doc.File),
			content: [2][]byte{policywrite.Append(nil, doc), policywrite.Append(nil, &denying)},
			request: q.Request,
		})
		if len(flips) == n {
			return flips
		}
	}
	tb.Fatalf("only %d buckets have an allowed request", len(flips))
	return nil
}

// put replaces the file with its other content by a rename, as careful writers
// do, and returns the time just before.
func (f *flip) put(tb testing.TB) time.Time {
	f.at = 1 - f.at
	if err := os.WriteFile(f.path+".tmp", f.content[f.at], 0o644); err != nil {
		tb.Fatal(err)
	}
	start := time.Now()
	if err := os.Rename(f.path+".tmp", f.path); err != nil {
		tb.Fatal(err)
	}
	return start
}

// change puts the other content into place and waits until it decides. It asks beside
// the rename: that may return long after the file is in its place.
func (f *flip) change(tb testing.TB, current *index.Current) time.Duration {
	tb.Helper()
	want := [2]policy.Outcome{policy.Allow, policy.ExplicitDeny}[1-f.at]
	decided := make(chan time.Time, 1)
	go func() {
		var sc index.Scratch
		for begin := time.Now(); current.Load().Decide(&f.request, &sc).Outcome != want; {
			if time.Sleep(50 * time.Microsecond); time.Since(begin) > 20*time.Second {
				close(decided)
				return
			}
		}
		decided <- time.Now()
	}()
	start := f.put(tb)
	at, ok := <-decided
	if !ok {
		tb.Fatalf("%s: changed, and not decided by", f.path)
	}
	return at.Sub(start)
}

// changeSharesTheRest does one change and checks by identity that everything
// else is the same part of memory as before.
func changeSharesTheRest(tb testing.TB, current *index.Current, f *flip) {
	tb.Helper()
	before := current.Load()
	f.change(tb, current)
	after := current.Load()
	files, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		tb.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".json")
		x, known := before.Bucket(name)
		y, _ := after.Bucket(name)
		if changed := file.Name() == filepath.Base(f.path); !known || x.Policy == nil || (x.Policy != y.Policy) != changed {
			tb.Fatalf("%s: known %v, compiled again %v, changed %v", name, known, x.Policy != y.Policy, changed)
		}
	}
	org := f.request.Principal.Org
	x, _ := before.Organization(org)
	if y, _ := after.Organization(org); x.Policies == nil || x.Policies != y.Policies {
		tb.Fatalf("the policies of %s were compiled again for a bucket", org)
	}
}
