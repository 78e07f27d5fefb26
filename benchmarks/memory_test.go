package benchmarks

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policyjson"
	"postern/internal/policywrite"
	"postern/policy"
)

// deployed is the snapshot of the workload `tenants`, made as the loader does:
// each file is written, parsed and compiled, and then neither the text nor the
// document is kept. So what the snapshot keeps of them is its own cost.
type deployed struct {
	snapshot  *index.Snapshot
	questions *questions
	// files is the size of the policy files in bytes, and compact what it would
	// be without white space.
	files, compact int
	statements     int
	// heap is by how many bytes the live heap grew. sites is where these were
	// allocated, by function and line, as the heap profile estimates it.
	heap  int64
	sites map[string]float64
}

// deployment is kept for the next benchmark.
var deployment *deployed

// deploy returns the deployment of a size, and drops any other.
func deploy(tb testing.TB) *deployed {
	tb.Helper()
	worlds.small, worlds.large, worlds.largeName = nil, nil, ""
	if deployment != nil {
		return deployment
	}
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 4096
	before := liveHeap()
	sites := heapSites()

	d := &deployed{}
	w := tenancies(1_000_000, seed)
	d.statements = w.Statements
	builder := index.NewBuilder(nil)
	var c compile.Compiler
	must := func(ds []policy.Diagnostic) {
		if len(ds) > 0 {
			tb.Fatal(ds[0])
		}
	}
	var compact bytes.Buffer
	written := func(from *policy.Document) []byte {
		text := policywrite.Append(nil, from)
		d.files += len(text)
		compact.Reset()
		if err := json.Compact(&compact, text); err != nil {
			tb.Fatal(err)
		}
		d.compact += compact.Len()
		return text
	}
	for name, o := range w.Directory.Organizations {
		var documents []*policy.Document
		for _, from := range o.Policies {
			p, ds := policyjson.ParseOrganization(from.File, written(from), policyjson.Limits{})
			must(ds)
			documents = append(documents, p)
		}
		policies, ds := c.Organization(name, documents)
		must(ds)
		builder.SetOrganization(name, index.Organization{Policies: policies})
	}
	for name, k := range w.Directory.Buckets {
		p, ds := policyjson.ParseBucket(k.Policy.File, name, written(k.Policy), policyjson.Limits{})
		must(ds)
		policies, ds := c.Bucket(name, p)
		must(ds)
		builder.SetBucket(name, index.Bucket{Owner: k.Owner, Policy: policies})
	}
	d.snapshot = builder.Freeze(1)
	questions := newQuestions(w.Requests(2 * hotSet))
	check(tb, d.snapshot, w, questions)

	w, builder, compact = nil, nil, bytes.Buffer{}
	d.heap = liveHeap() - before - questionsSize(questions)
	d.sites = heapSites()
	for site, n := range sites {
		d.sites[site] -= n
	}
	d.questions, deployment = questions, d
	return d
}

// questionsSize measures the heap that questions hold, by copying them.
func questionsSize(q *questions) int64 {
	before := liveHeap()
	again := &questions{requests: make([]policy.Request, len(q.requests)), want: slices.Clone(q.want), answers: maps.Clone(q.answers)}
	for i := range q.requests {
		new(copier).copy(&again.requests[i], &q.requests[i])
	}
	n := liveHeap() - before
	runtime.KeepAlive(again)
	return n
}

// liveHeap returns the bytes that are reachable.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // collects what the finalizers of the first collection released
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// heapSites returns the live heap, as the profile estimates it, by the function
// of the project that allocated it and the line. It reads the profile of the
// last collection.
func heapSites() map[string]float64 {
	n, _ := runtime.MemProfile(nil, false)
	records := make([]runtime.MemProfileRecord, n+1000)
	n, _ = runtime.MemProfile(records, false)
	sites := map[string]float64{}
	for i := range records[:n] {
		r := &records[i]
		if r.InUseObjects() == 0 {
			continue
		}
		// A sample stands for more bytes the smaller its objects are, as pprof
		// computes it.
		size := float64(r.InUseBytes()) / float64(r.InUseObjects())
		bytes := float64(r.InUseBytes()) / (1 - math.Exp(-size/float64(runtime.MemProfileRate)))
		frames := runtime.CallersFrames(r.Stack())
		name := "elsewhere"
		for {
			f, more := frames.Next()
			if ours, ok := strings.CutPrefix(f.Function, "postern/"); ok {
				name = fmt.Sprintf("%s:%d", ours, f.Line)
				break
			}
			if !more {
				break
			}
		}
		sites[name] += bytes
	}
	return sites
}

// BenchmarkMemory measures the live heap of the snapshot of `tenants` beside
// the bytes of the policy files (specification 5, P12): Memory/tenants/SIZE/
// snapshot. at:FUNCTION:LINE-bytes is what that line allocated of it.
func BenchmarkMemory(b *testing.B) {
	b.Run("tenants/1000000/snapshot", func(b *testing.B) {
		d := deploy(b)
		for b.Loop() {
			runtime.KeepAlive(d)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(d.heap), "heap-bytes")
		b.ReportMetric(float64(d.snapshot.Bytes()), "estimated-bytes")
		b.ReportMetric(float64(d.files), "files-bytes")
		b.ReportMetric(float64(d.compact), "compact-bytes")
		b.ReportMetric(float64(d.heap)/float64(d.files), "ratio")
		b.ReportMetric(float64(d.statements), "statements")
		ours := func(site string) bool { return !strings.HasPrefix(site, "benchmarks.") }
		names := slices.SortedFunc(maps.Keys(d.sites), func(x, y string) int { return cmp.Compare(d.sites[y], d.sites[x]) })
		for _, site := range names {
			if ours(site) && d.sites[site] > float64(d.heap)/200 {
				b.ReportMetric(d.sites[site], "at:"+site+"-bytes")
			}
		}
	})
}
