package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// results are the figures of all stages: by a benchmark's name without
// `Benchmark`, by unit, one a run.
type results map[string]map[string][]float64

// runs are the figures of one benchmark in one unit, nil if it did not run.
func (r results) runs(name, unit string) []float64 { return r[name][unit] }

// names are the benchmarks below a prefix, sorted.
func (r results) names(prefix string) []string {
	var out []string
	for name := range r {
		if strings.HasPrefix(name, prefix+"/") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// output is what a stage printed.
type output struct {
	results results
	// passed are the tests that passed.
	passed []string
	// cpu is the processor as the benchmarks name it, "" if none did.
	cpu string
	// failed says why the stage is no good, "" if it is good.
	failed string
}

// parse reads what `go test -bench` printed. A line that begins as a figure and
// is none is an error: a figure must not go missing unseen.
func parse(r io.Reader) (*output, error) {
	o := &output{results: results{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	name := "" // printed before something else was, its figures still to come
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if test, ok := strings.CutPrefix(line, "--- PASS: "); ok {
			test, _, _ = strings.Cut(test, " ")
			o.passed = append(o.passed, test)
		}
		if cpu, ok := strings.CutPrefix(line, "cpu: "); ok {
			o.cpu = cpu
		}
		if strings.HasPrefix(line, "--- FAIL") || strings.HasPrefix(line, "panic: ") || line == "FAIL" {
			if o.failed == "" {
				o.failed = line
			}
			continue
		}
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "Benchmark") && len(fields) > 0 {
			if len(fields) == 1 {
				name = fields[0]
				continue
			}
			name, fields = fields[0], fields[1:]
		} else if name == "" || len(fields) < 3 || !figure.MatchString(line) {
			continue
		}
		if err := o.results.add(name, fields); err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", n, line, err)
		}
		name = ""
	}
	return o, lines.Err()
}

// figure is what follows a name: how often it ran, and values with units.
var figure = regexp.MustCompile(`^\s*\d+(\s+[0-9.e+-]+ \S+)+\s*$`)

// suffixes that the testing package adds to names: of repeated ones, and of the
// number of cores.
var suffixes = regexp.MustCompile(`(#\d\d+)?(-\d+)?$`)

// add adds the figures of one line: iterations, then values with units.
func (r results) add(name string, fields []string) error {
	if len(fields)%2 != 1 {
		return fmt.Errorf("values and units do not pair")
	}
	if _, err := strconv.ParseUint(fields[0], 10, 64); err != nil {
		return fmt.Errorf("%q is no number of operations", fields[0])
	}
	name = suffixes.ReplaceAllString(strings.TrimPrefix(name, "Benchmark"), "")
	for ; len(fields) > 1; fields = fields[2:] {
		value, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return fmt.Errorf("%q is no value", fields[1])
		}
		if r[name] == nil {
			r[name] = map[string][]float64{}
		}
		r[name][fields[2]] = append(r[name][fields[2]], value)
	}
	return nil
}

// merge adds the figures of another stage. Two stages do not share a name.
func (r results) merge(other results) {
	for name, units := range other {
		if r[name] == nil {
			r[name] = map[string][]float64{}
		}
		for unit, runs := range units {
			r[name][unit] = append(r[name][unit], runs...)
		}
	}
}
