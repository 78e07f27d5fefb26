package main

import (
	"reflect"
	"strings"
	"testing"
)

// TestParse reads everything that `go test -bench` prints.
func TestParse(t *testing.T) {
	if _, err := parse(strings.NewReader("Benchmarking is prose, and so are 12 lines of it\n")); err == nil {
		t.Error("a line that begins as a figure and is none is no error")
	}
	text := `goos: linux
cpu: AMD EPYC
BenchmarkDecide/users/100/hot/ratio-2   	      68	         0 decide-allocs	       203.0 decide-ns	         2.730 ratio
BenchmarkDecide/users/100/hot/ratio-2   	      69	         0 decide-allocs	       199.6 decide-ns	         2.752 ratio
BenchmarkTail/users/10000/hot/decide#01-2         	       1	      1.5e+06 max-ns
BenchmarkPeers/users/10/minio-users
BenchmarkPeers/users/10/minio-users-2   	 1000	      1800 ns/op	   12 B/op
BenchmarkLogs/one
    log_test.go:12: 12 things were printed
       	     100	        12.50 ns/op
BenchmarkOne 	 5	 7 ns/op
--- PASS: TestAll (0.10s)
    --- PASS: TestAll/part (0.00s)
PASS
ok  	postern/benchmarks	1.2s
`
	o, err := parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := results{
		"Decide/users/100/hot/ratio":  {"decide-allocs": {0, 0}, "decide-ns": {203, 199.6}, "ratio": {2.73, 2.752}},
		"Tail/users/10000/hot/decide": {"max-ns": {1.5e6}},
		"Peers/users/10/minio-users":  {"ns/op": {1800}, "B/op": {12}},
		"Logs/one":                    {"ns/op": {12.5}},
		"One":                         {"ns/op": {7}},
	}
	if !reflect.DeepEqual(o.results, want) {
		t.Errorf("%v\nwant\n%v", o.results, want)
	}
	if o.cpu != "AMD EPYC" || o.failed != "" || !reflect.DeepEqual(o.passed, []string{"TestAll"}) {
		t.Errorf("%+v", o)
	}
	for _, end := range []string{"--- FAIL: BenchmarkX\n", "panic: out of memory\n", "FAIL\n"} {
		if o, err := parse(strings.NewReader(text + end)); err != nil || o.failed != strings.TrimSpace(end) {
			t.Errorf("%q: %+v, %v", end, o, err)
		}
	}
	for _, broken := range []string{"BenchmarkX-2 5 7\n", "BenchmarkX-2 five 7 ns/op\n", "BenchmarkX-2 5 seven ns/op\n"} {
		if _, err := parse(strings.NewReader(text + broken)); err == nil || !strings.HasPrefix(err.Error(), "line 16: ") {
			t.Errorf("%q: %v", broken, err)
		}
	}
}

func TestRunsAreMerged(t *testing.T) {
	r := results{"A": {"ns/op": {1}}}
	r.merge(results{"A": {"ns/op": {2}, "B/op": {3}}, "C/x": {"ns/op": {4}}, "C/y": {"ns/op": {5}}})
	if want := (results{"A": {"ns/op": {1, 2}, "B/op": {3}}, "C/x": {"ns/op": {4}}, "C/y": {"ns/op": {5}}}); !reflect.DeepEqual(r, want) {
		t.Errorf("%v", r)
	}
	if got := r.names("C"); !reflect.DeepEqual(got, []string{"C/x", "C/y"}) {
		t.Errorf("%q", got)
	}
	if r.runs("none", "ns/op") != nil {
		t.Error("figures of a benchmark that is not there")
	}
}

func TestFigures(t *testing.T) {
	for _, x := range []struct{ got, want string }{
		{significant(0), "0"}, {significant(2.7349), "2.73"}, {significant(0.8677), "0.868"}, {significant(1234.5), "1,234"}, {significant(77.66), "77.7"}, {significant(1234567), "1,234,567"},
		{nanoseconds(74.09), "74.1 ns"}, {nanoseconds(2562), "2.56 us"}, {nanoseconds(999.7), "1.00 us"}, {nanoseconds(23e6), "23.0 ms"}, {nanoseconds(3e12), "3,000 s"},
		{milliseconds(0.5), "500 us"}, {byteSize(268542436), "269 MB"}, {perSecond(112376.9), "112,377/s"}, {count(0), "0"}, {count(1000), "1,000"}, {count(1250000), "1,250,000"},
		{summarize(nil).spread(), ""}, {summarize([]float64{2, 1, 3}).spread(), " ±50%"}, {summarize([]float64{5}).spread(), ""},
	} {
		if x.got != x.want {
			t.Errorf("%q, want %q", x.got, x.want)
		}
	}
	if s := summarize([]float64{4, 1, 3, 2}); s != (stat{4, 2.5, 1, 4}) {
		t.Errorf("%+v", s)
	}
	if got := quotients([]float64{6, 8, 1}, []float64{2, 0}); !reflect.DeepEqual(got, []float64{3}) {
		t.Errorf("%v", got)
	}
	names := []string{"D/x/1000", "D/x/10", "D/x/y", "D/x/200"}
	if byNumber(names, 2); !reflect.DeepEqual(names, []string{"D/x/y", "D/x/10", "D/x/200", "D/x/1000"}) {
		t.Errorf("%q", names)
	}
}
