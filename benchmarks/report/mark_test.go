package main

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./benchmarks/report -update writes it):\n%s", name, got)
	}
}

func TestVerdicts(t *testing.T) {
	for _, x := range []struct {
		row  row
		want verdict
	}{
		{row{limit: atMost(2)}, notMeasured},
		{row{limit: atMost(2), ratio: []float64{1}, why: "its run failed"}, notMeasured},
		{row{ratio: []float64{1}}, noMark},
		{row{}, notMeasured},
		{row{limit: atMost(2), ratio: []float64{2, 1, 2}}, met},
		{row{limit: atMost(2), ratio: []float64{2.1, 1, 2}}, metMostly},
		{row{limit: atMost(2), ratio: []float64{2.1, 1, 2.1}}, missed},
		{row{limit: atLeast(50), ratio: []float64{50, 60}}, met},
		{row{limit: atLeast(50), ratio: []float64{49, 50, 60}}, metMostly},
		{row{limit: atLeast(50), ratio: []float64{49.9}}, missed},
		{row{limit: atMost(0), ratio: []float64{0}}, met},
		{row{limit: atMost(0), ratio: []float64{1}}, missed},
	} {
		if got := x.row.verdict(); got != x.want {
			t.Errorf("%+v: %v, want %v", x.row, got, x.want)
		}
	}
}

func TestJudge(t *testing.T) {
	good, bad, none, free := row{limit: atMost(2), ratio: []float64{1}}, row{limit: atMost(2), ratio: []float64{3}}, row{limit: atMost(2)}, row{ratio: []float64{9}}
	worse := row{what: "worse", limit: atMost(2), ratio: []float64{4}}
	for _, x := range []struct {
		rows  []row
		want  verdict
		said  string
		worst float64
	}{
		{nil, notMeasured, "not measured", 0},
		{[]row{free}, notMeasured, "not measured", 0},
		{[]row{none, none}, notMeasured, "not measured", 0},
		{[]row{good, none}, notMeasured, "not all measured: 1 of 2 are missing", 1},
		{[]row{good, free, good}, met, "met: all 2", 1},
		{[]row{good, bad, worse, none}, missed, "**missed**: 2 of 4", 4},
		{[]row{good, {limit: atLeast(8), ratio: []float64{10}}, {limit: atLeast(50), ratio: []float64{51}}}, met, "met: all 3", 51},
	} {
		m := mark{rows: x.rows}
		got, said := m.judge()
		if got != x.want || said != x.said {
			t.Errorf("%v: %v, %q; want %v, %q", x.rows, got, said, x.want, x.said)
		}
		worst := 0.0
		if w := m.worst(); w != nil {
			worst = w.ratio[0]
		}
		if worst != x.worst {
			t.Errorf("%v: the worst is %v, want %v", x.rows, worst, x.worst)
		}
	}
}

// TestNothingIsMetUnmeasured: without figures every mark is not measured, and
// with those of one benchmark only what it says.
func TestNothingIsMetUnmeasured(t *testing.T) {
	for _, m := range marks(results{}, nil) {
		if v, said := m.judge(); v != notMeasured || said != "not measured" {
			t.Errorf("%s without figures: %s", m.id, said)
		}
		for i := range m.rows {
			if v := m.rows[i].verdict(); v != notMeasured {
				t.Errorf("%s, %s: %v", m.id, m.rows[i].what, v)
			}
		}
	}
	for name, units := range everything() {
		for _, m := range marks(results{name: units}, nil) {
			if v, said := m.judge(); v == met && len(m.rows) > 1 && m.id != "P12" {
				t.Errorf("%s is %s by %s alone", m.id, said, name)
			}
		}
	}
	one := results{"Peers/users/10/postern": {"ns/op": {100}}, "Peers/users/10/minio": {"ns/op": {2000}}}
	if r := p5(one).rows[len(fieldSizes)]; r.verdict() != notMeasured || r.why != "minio-users, cedar, casbin did not run" {
		t.Errorf("%+v", r)
	}
}

// everything is figures for every mark, made up: a decision costs more the more
// statements there are.
func everything() results {
	r := results{}
	runs := func(v float64) []float64 { return []float64{v, v * 1.1, v * 0.95} }
	put := func(name string, values map[string]float64) {
		r[name] = map[string][]float64{}
		for unit, v := range values {
			r[name][unit] = runs(v)
		}
	}
	for i, w := range workloads {
		sizes := statements
		if perBucket(w) {
			sizes = buckets
		}
		for _, n := range sizes {
			for j, t := range []string{"hot", "cold"} {
				floor := 75.0 + float64(j)*400 + float64(i)
				ns := floor * (1 + 0.3*math.Log10(float64(n)) + 0.2*float64(i))
				all := float64(n)
				if perBucket(w) {
					all *= statementsPerBucket[w]
				}
				put(fmt.Sprintf("Decide/%s/%d/%s/ratio", w, n, t), map[string]float64{"floor-ns": floor, "decide-ns": ns, "ratio": ns / floor, "decide-allocs": 0, "statements": all})
			}
		}
		put(fmt.Sprintf("Parallel/%s/10000/cores", w), map[string]float64{"one-ns": 200, "two-ns": 210, "speedup": 1.9})
		put(fmt.Sprintf("Tail/%s/10000/hot/decide", w), map[string]float64{"p50-ns": 200, "p99-ns": 500, "clock-p50-ns": 30, "clock-p99-ns": 40})
		put(fmt.Sprintf("Tail/%s/10000/cold/decide", w), map[string]float64{"p50-ns": 700, "p99-ns": 1500})
	}
	put("Parallel/none/0/cores", map[string]float64{"one-ns": 105, "two-ns": 105, "speedup": 2})
	put("Parallel/users/1000000/cores", map[string]float64{"one-ns": 500, "two-ns": 520, "speedup": 1.88})
	for _, w := range []string{"users", "groups"} {
		for i, n := range peerSizes {
			put(peerName(w, n, "postern"), map[string]float64{"ns/op": 150 + 30*float64(i)})
			for j, e := range slices.Concat(behindMap, whole) {
				put(peerName(w, n, e), map[string]float64{"ns/op": 1800 * float64(j+1) * math.Sqrt(float64(n))})
			}
		}
	}
	for _, network := range []string{"tcp", "unix"} {
		for _, n := range []int{1, 32} {
			put(fmt.Sprintf("HTTP/%s/%d/constant", network, n), map[string]float64{"requests/s": 120_000})
			put(fmt.Sprintf("HTTP/%s/%d/postern", network, n), map[string]float64{"requests/s": 110_000, "of-constant": 0.92})
			put(fmt.Sprintf("HTTPField/%s/%d/postern", network, n), map[string]float64{"requests/s": 90_000, "of-constant": 0.85})
		}
		for n := 1; n <= 256; n *= 2 {
			for i, server := range []string{"constant", "postern"} {
				put(fmt.Sprintf("HTTPLatency/%s/%d/%s", network, n, server), map[string]float64{
					"p50-ns": 7000 * float64(n) * (1 + 0.1*float64(i)), "p99-ns": 15000 * float64(n) * (1 + 0.1*float64(i)), "p50-of-constant": 1.1, "p99-of-constant": 1.1,
				})
			}
		}
		put("Batch/"+network+"/postern", map[string]float64{"ns/item": 900, "decide-ns/item": 150, "valid-ns/item": 700, "of-mark": 0.78})
		put("BatchField/"+network+"/postern", map[string]float64{"ns/item": 900, "decide-ns/item": 150, "valid-ns/item": 700, "of-mark": 0.78})
	}
	for _, w := range []string{"field", "field-tenants", "tenants"} {
		put("ColdStart/"+w+"/floor", map[string]float64{"ns/op": 3e9})
		put("ColdStart/"+w+"/postern", map[string]float64{"ns/op": 5e9})
	}
	for _, n := range fieldSizes {
		put(fmt.Sprintf("Field/%d/turns", n), map[string]float64{"postern-ns": 500, "minio-ns": 5500, "times": 11, "refused": 0.33})
	}
	for _, n := range serverSizes {
		put(fmt.Sprintf("Servers/users/%d/turns", n), map[string]float64{
			"postern-requests/s": 90_000, "postern-p50-ns": 300_000, "postern-p99-ns": 2e6, "postern-resident-bytes": 4e7, "postern-peak-bytes": 5e7, "postern-start-ms": 900,
			"opa-requests/s": 15_000, "opa-p50-ns": 2e6, "opa-p99-ns": 1e7, "opa-resident-bytes": 4e8, "opa-peak-bytes": 5e8, "opa-start-ms": 4000,
		})
	}
	put("Servers/users/1000/turns", map[string]float64{
		"postern-requests/s": 95_000, "postern-p50-ns": 300_000, "postern-resident-bytes": 4e7, "cerbos-requests/s": 4_000, "cerbos-p50-ns": 7e6, "cerbos-p99-ns": 2e7, "cerbos-resident-bytes": 3e8,
	})
	r["Servers/users/100000/turns"]["cerbos-not-ready-s"] = []float64{300}
	for _, network := range []string{"tcp", "unix"} {
		for _, door := range []string{"nginx", "caddy", "envoy", "ceph", "minio"} {
			put("Doors/"+network+"/"+door+"/postern", map[string]float64{"requests/s": 90_000, "constant-requests/s": 100_000, "of-constant": 0.91})
		}
	}
	for _, items := range []int{100, 1_000} {
		put(fmt.Sprintf("Spread/field/100000/%d/decide", items), map[string]float64{"first-ns/item": 900, "again-ns/item": 500, "ratio": 1.8})
		put(fmt.Sprintf("Spread/field/100000/%d/http", items), map[string]float64{"first-ns/item": 2400, "again-ns/item": 2000, "ratio": 1.2})
	}
	put("Change/1000", map[string]float64{"p99-ms": 32})
	put("Change/100000", map[string]float64{"p99-ms": 35})
	put("ReloadLatency/still", map[string]float64{"p99-ns": 15_000})
	put("ReloadLatency/reloading", map[string]float64{"p99-ns": 20_000, "p99-of-still": 1.33})
	put("Memory/tenants/1000000/snapshot", map[string]float64{
		"heap-bytes": 233e6, "files-bytes": 268e6, "compact-bytes": 218e6, "estimated-bytes": 227e6, "at:index.(*freezer).part:190-bytes": 157e6, "at:index.newBucketEntry:68-bytes": 29e6,
	})
	for _, heap := range []string{"none/0", "tenants/1000000"} {
		put("GC/"+heap+"/cycle", map[string]float64{"cycle-ms": 50, "mark-cpu-ms": 70, "pause-us": 130, "live-MB": 238})
	}
	put("GC/tenants/1000000/checks", map[string]float64{
		"still-p50-ns": 1500, "still-p99-ns": 3900, "still-p99.9-ns": 11_000, "still-max-ns": 1e6,
		"collecting-p50-ns": 1520, "collecting-p99-ns": 5200, "collecting-p99.9-ns": 55_000, "collecting-max-ns": 15e6,
	})
	for _, name := range []string{"subjects", "resources/page", "resources/all", "actions"} {
		put("Search/"+name, map[string]float64{"ns/op": 2500, "results/op": 3})
		put("SearchField/"+name, map[string]float64{"ns/op": 3500, "results/op": 9})
	}
	put("Search/first", map[string]float64{"ns/op": 1e8})
	return r
}

// TestTables holds all tables against a golden file, the prose left out.
func TestTables(t *testing.T) {
	d := &document{
		About:   about{Date: "2026-11-22", Commit: "0123456789", Go: "go1.26", System: "linux/amd64", CPU: "a processor", Cores: 2, MemoryGB: 23},
		results: everything(), marks: marks(everything(), []string{allocationsTest}), asked: map[string]bool{},
		stages: []done{
			{stage: stages(false)[1], took: 1e9, output: &output{}},
			{stage: stages(false)[2], took: 1e9, output: &output{}, why: "failed, and its figures do not count: --- FAIL: BenchmarkX"},
			{stage: stages(false)[3], why: "the time was up"},
		},
	}
	parts := []string{d.Taken(), d.Faults(), d.Summary()}
	for i := range d.marks {
		text, err := d.Mark(d.marks[i].id)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, text)
	}
	parts = append(parts, d.Peers("users"), d.Servers(), d.Latency(), d.Heap(), d.GC(), d.Search(), d.Commands())
	golden(t, "tables.md", []byte(strings.Join(parts, "\n")))
}

// TestDocument: the template shows every mark, with figures and without, and
// names no place of a machine.
func TestDocument(t *testing.T) {
	for _, r := range []results{everything(), {}} {
		d := &document{results: r, marks: marks(r, nil), pictures: map[string]bool{}}
		text, err := d.write()
		if err != nil {
			t.Fatal(err)
		}
		for i := range d.marks {
			if n := strings.Count(string(text), "\n## "+d.marks[i].heading()+"\n"); n != 1 {
				t.Errorf("%s stands there %d times", d.marks[i].id, n)
			}
			if link := "(#" + anchor(d.marks[i].heading()) + ")"; !strings.Contains(string(text), link) {
				t.Errorf("there is no link %s", link)
			}
		}
		if place := regexp.MustCompile(`(/tmp/|/home/|/root/|/work/)\S*`).Find(text); place != nil {
			t.Errorf("it names %s", place)
		}
	}
	d := &document{results: results{}, marks: append(marks(results{}, nil), mark{id: "P99"})}
	if _, err := d.write(); err == nil || err.Error() != "RESULTS.tmpl does not show P99" {
		t.Error(err)
	}
}
