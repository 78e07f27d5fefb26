package main

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestRecords: what a stage leaves behind is read back, and a record of
// something else, or of half a run, gives no figures.
func TestRecords(t *testing.T) {
	s := &stage{name: "x", dir: ".", args: []string{"go", "test", "-bench", "^X$"}}
	text := []byte("BenchmarkX-2 5 7 ns/op\nPASS\nok\n\n")
	for _, x := range []struct {
		record []byte
		why    string
	}{
		{recordOf(s, text, 1500*time.Millisecond, nil), ""},
		{recordOf(s, text, 1500*time.Millisecond, errors.New("exit status 1")), "failed, and its figures do not count: exit status 1"},
		{recordOf(s, append([]byte("--- FAIL: BenchmarkX\n"), text...), time.Second, errors.New("exit status 1")), "failed, and its figures do not count: --- FAIL: BenchmarkX"},
		{recordOf(s, []byte("PASS\n"), time.Second, nil), "there is no such benchmark"},
		{recordOf(s, []byte("BenchmarkX-2 5 seven ns/op\n"), time.Second, nil), `failed, and its figures do not count: line 2: "BenchmarkX-2 5 seven ns/op": "seven" is no value`},
		{recordOf(&stage{dir: ".", args: []string{"go", "test", "-bench", "^Y$"}}, text, time.Second, nil), "the stored output is of another command: go test -bench '^Y$'"},
		{append([]byte("$ go test -bench '^X$'\n"), text...), "the stored output has no end"},
	} {
		d := done{stage: *s}
		d.read(x.record)
		if d.why != x.why {
			t.Errorf("%s\n%q, want %q", x.record, d.why, x.why)
		}
		if x.why == "" && (d.took != 1500*time.Millisecond || d.output.results.runs("X", "ns/op")[0] != 7) {
			t.Errorf("%+v", d)
		}
	}
}

// TestRunAll runs commands of its own: one that is good, one that fails, one
// that takes too long, one that is not there.
func TestRunAll(t *testing.T) {
	shell := func(name, script string) stage {
		return stage{name: name, dir: ".", args: []string{"sh", "-c", script}, limit: 5 * time.Second}
	}
	child := filepath.Join(t.TempDir(), "child")
	list := []stage{
		shell("good", "echo 'BenchmarkGood-2 5 7 ns/op'; echo 'ok  it'"),
		shell("bad", "echo 'BenchmarkBad-2 5 7 ns/op'; echo '--- FAIL: BenchmarkWorse'; exit 1"),
		shell("slow", "echo 'BenchmarkSlow-2 5 7 ns/op'; sleep 60 & echo $! >"+child+"; wait"),
		{name: "absent", dir: ".", args: []string{"no-such-command"}, limit: time.Second},
	}
	list[2].limit = 300 * time.Millisecond
	keep := t.TempDir()
	var progress bytes.Buffer
	ran, err := runAll(context.Background(), list, ".", keep, &progress)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "failed, and its figures do not count: --- FAIL: BenchmarkWorse", "stopped after 0 s", "failed, and its figures do not count: exec: "} {
		if got := ran[i].why; want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", list[i].name, got, want)
		}
		if !strings.Contains(progress.String(), list[i].name) {
			t.Errorf("no progress of %s:\n%s", list[i].name, progress.String())
		}
	}
	if pid, err := os.ReadFile(child); err != nil {
		t.Error(err)
	} else if _, err := os.Stat("/proc/self"); err == nil {
		status := "/proc/" + strings.TrimSpace(string(pid)) + "/cmdline"
		for range 100 { // it may be dead and not yet buried
			if text, _ := os.ReadFile(status); len(text) == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if text, _ := os.ReadFile(status); len(text) > 0 {
			t.Errorf("what a stopped stage had started goes on: %q", text)
		}
	}
	again, err := readAll(list, keep)
	if err != nil {
		t.Fatal(err)
	}
	for i := range ran {
		if again[i].why != ran[i].why || len(again[i].output.results) != len(ran[i].output.results) {
			t.Errorf("%s: read again %q, was %q", list[i].name, again[i].why, ran[i].why)
		}
	}
	// Of the one that failed nothing counts; of the one that was stopped, what
	// it had printed.
	if r, _ := gather(again); len(r) != 2 || r.runs("Good", "ns/op") == nil || r.runs("Slow", "ns/op") == nil {
		t.Errorf("figures that count: %v", r)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ran, err = runAll(ctx, list, ".", "", &progress)
	if err != nil || len(ran) != len(list) || ran[0].why != "the time was up" || ran[0].output != nil {
		t.Errorf("%+v, %v", ran, err)
	}
}

// TestPublish writes a document from stored outputs and removes a plot that
// this run has no figures for.
func TestPublish(t *testing.T) {
	out, keep := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(out, "plots"), 0o755); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(out, "plots", "peers.svg")
	if err := os.WriteFile(old, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := stages(false)[1]
	record := recordOf(&s, []byte("cpu: a processor\nBenchmarkDecide/users/10/hot/ratio-2 5 70 floor-ns 140 decide-ns 2.0 ratio 10 statements\nBenchmarkDecide/users/100/hot/ratio-2 5 70 floor-ns 140 decide-ns 2.0 ratio 100 statements\n"), time.Second, nil)
	if err := os.WriteFile(filepath.Join(keep, s.name+".txt"), record, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := (&about{Date: "2026-11-22", Commit: "abc", Go: "go1.26"}).save(keep); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if err := run([]string{"-from", keep, "-out", out}, &stderr); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "RESULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a processor", "users, 10, hot | 70.0 ns | 140 ns | 2.00 | <= 2 | met |", "not all measured", "plots/decide.svg", "**tail** was not run"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("RESULTS.md does not say %q", want)
		}
	}
	if !strings.Contains(stderr.String(), "P1   not all measured") {
		t.Errorf("%s", stderr.String())
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Error("an old plot stays")
	}
	if svg, err := os.ReadFile(filepath.Join(out, "plots", "decide.svg")); err != nil || !bytes.HasPrefix(svg, []byte("<svg")) {
		t.Error(err)
	}
	for _, args := range [][]string{{"more"}, {"-from", filepath.Join(keep, "none")}, {"-nothing"}, {}} {
		if err := run(args, &stderr); err == nil {
			t.Errorf("report %q is no error", args)
		}
	}
}

// TestStagesNameBenchmarks: `go test -bench` of a name that does not exist
// exits 0.
func TestStagesNameBenchmarks(t *testing.T) {
	for _, quick := range []bool{false, true} {
		names := map[string]bool{}
		for _, s := range stages(quick) {
			if names[s.name] {
				t.Errorf("two stages are called %s", s.name)
			}
			names[s.name] = true
			folder, what := s.args[2], ""
			for i, a := range s.args {
				if a == "-bench" || a == "-run" && s.args[i+1] != "^$" {
					what, _, _ = strings.Cut(s.args[i+1], "/")
				}
			}
			found := 0
			for _, f := range functions(t, filepath.Join("../..", s.dir, folder)) {
				if regexp.MustCompile(what).MatchString(f) {
					found++
				}
			}
			if found == 0 {
				t.Errorf("%s: no function matches %s", s.name, what)
			}
		}
	}
}

// functions are those of a folder's tests.
func functions(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests, %v", dir, err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

// TestChoose: -only takes stages by their names, in its order, and one that
// there is not is an error that lists those that there are.
func TestChoose(t *testing.T) {
	list := stages(false)
	if got, err := choose(list, ""); err != nil || len(got) != len(list) {
		t.Errorf("%d of %d stages, %v", len(got), len(list), err)
	}
	if got, err := choose(list, "tail,decide"); err != nil || len(got) != 2 || got[0].name != "tail" || got[1].name != "decide" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := choose(list, "decide,tails"); err == nil || !strings.Contains(err.Error(), `"tails"`) || !strings.Contains(err.Error(), "tail-cold") {
		t.Error(err)
	}
}

// TestTake: stages that are repeated at another commit are said to be, and a
// folder without a run, or with one of another kind, gives nothing.
func TestTake(t *testing.T) {
	dir := t.TempDir()
	a := about{Date: "2026-11-30", Commit: "new"}
	if a.take(dir, "tail"); a.Commit != "new" || a.Others != nil {
		t.Errorf("%+v of an empty folder", a)
	}
	if err := (&about{Date: "2026-11-22", Commit: "old", Others: map[string]string{"tail": "older", "http": "older"}}).save(dir); err != nil {
		t.Fatal(err)
	}
	if a.take(dir, "tail,decide"); a.Commit != "old" || a.Date != "2026-11-22" || len(a.Others) != 3 || a.Others["tail"] != "new" || a.Others["decide"] != "new" || a.Others["http"] != "older" {
		t.Errorf("%+v", a)
	}
	if text := (&document{About: a}).Taken(); !strings.Contains(text, "at commit old") || !strings.Contains(text, "Stage tail was taken at commit new.") {
		t.Error(text)
	}
	b := about{Commit: "old"}
	if b.take(dir, "http"); len(b.Others) != 1 || b.Others["http"] != "" {
		t.Errorf("%+v", b)
	}
	q := about{Commit: "new", Quick: true}
	if q.take(dir, "http"); q.Commit != "new" {
		t.Errorf("a quick run takes over a whole one: %+v", q)
	}
}
