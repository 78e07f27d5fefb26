package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"
)

// prose is RESULTS.md with the figures left out: what a person knows and no
// benchmark prints. Its calls are the methods of document.
//
//go:embed RESULTS.tmpl
var prose string

// document is what RESULTS.tmpl is filled with.
type document struct {
	About    about
	results  results
	stages   []done
	marks    []mark
	pictures map[string]bool // the pictures that were drawn, by file
	asked    map[string]bool // the marks that the template has shown
}

// write fills the template in. A mark that the template does not show is an
// error: it would be left out unseen.
func (d *document) write() ([]byte, error) {
	t, err := template.New("RESULTS.tmpl").Parse(prose)
	if err != nil {
		return nil, err
	}
	d.asked = map[string]bool{}
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, err
	}
	for i := range d.marks {
		if !d.asked[d.marks[i].id] {
			return nil, fmt.Errorf("RESULTS.tmpl does not show %s", d.marks[i].id)
		}
	}
	return b.Bytes(), nil
}

// Taken says where and when the figures were taken.
func (d *document) Taken() string {
	a := &d.About
	memory := ""
	if a.MemoryGB > 0 {
		memory = fmt.Sprintf(", %d GB of memory", a.MemoryGB)
	}
	text := fmt.Sprintf("Taken on %s at commit %s, on %d cores of %s%s, %s, %s.", a.Date, a.Commit, a.Cores, a.CPU, memory, strings.Replace(a.Go, "go", "Go ", 1), a.System)
	for _, s := range slices.Sorted(maps.Keys(a.Others)) {
		text += fmt.Sprintf(" Stage %s was taken at commit %s.", s, a.Others[s])
	}
	if a.Quick {
		text += " **A quick run: small sizes, few and short runs; the figures are rough.**"
	}
	return text
}

// Faults lists the stages whose figures are missing, or cannot be trusted.
func (d *document) Faults() string {
	var b strings.Builder
	for i := range d.stages {
		if s := &d.stages[i]; s.why != "" {
			fmt.Fprintf(&b, "- **%s** %s.\n", s.name, strings.TrimSuffix(s.why, "."))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "Not everything was measured:\n\n" + b.String()
}

// Summary is a table of all marks.
func (d *document) Summary() string {
	var lines [][]string
	for i := range d.marks {
		m := &d.marks[i]
		_, result := m.judge()
		far := "-"
		if w := m.worst(); w != nil {
			far = m.figure(w.ratio) + " (" + w.what + ")"
		}
		lines = append(lines, []string{"[" + m.id + "](#" + anchor(m.heading()) + ")", m.title, m.claim, far, result})
	}
	return table([]string{"", "what", "mark", "farthest from it", "result"}, lines)
}

// Mark is the section of one mark: its heading, table and note.
func (d *document) Mark(id string) (string, error) {
	for i := range d.marks {
		m := &d.marks[i]
		if m.id != id {
			continue
		}
		d.asked[id] = true
		_, result := m.judge()
		text := "## " + m.heading() + "\n\nMark: " + m.claim + ". Result: " + result + ".\n\n" + m.table()
		if m.note != "" {
			text += "\n" + m.note + "\n"
		}
		return text, nil
	}
	return "", fmt.Errorf("there is no mark %s", id)
}

func (m *mark) heading() string { return m.id + ". " + m.title }

// figure writes the ratio of some runs, with its spread.
func (m *mark) figure(runs []float64) string {
	in := m.ratioIn
	if in == nil {
		in = significant
	}
	s := summarize(runs)
	return in(s.median) + s.spread()
}

// table is a mark's rows.
func (m *mark) table() string {
	ratio := m.ratio
	if ratio == "" {
		ratio = "ratio"
	}
	cell := func(runs []float64, in quantity, measured bool) string {
		s := summarize(runs)
		switch {
		case s.runs == 0 && measured:
			return notApplicable
		case s.runs == 0 || in == nil:
			return ""
		}
		return in(s.median)
	}
	var lines [][]string
	for i := range m.rows {
		r := &m.rows[i]
		baseIn, oursIn := m.baseIn, m.oursIn
		if r.in != nil {
			baseIn, oursIn = r.in, r.in
		}
		figure, result := "", r.verdict().String()
		measured := len(r.ratio) > 0
		if measured {
			figure = m.figure(r.ratio)
		}
		if r.why != "" {
			result += ": " + r.why
		}
		lines = append(lines, []string{r.what, cell(r.base, baseIn, measured), cell(r.ours, oursIn, measured), figure, r.limit.String(), result})
	}
	head := []string{m.situation, m.base, m.ours, ratio, "mark", "result"}
	for at := len(head) - 1; at >= 0; at-- {
		if head[at] != "" {
			continue
		}
		head = slices.Delete(head, at, at+1)
		for i := range lines {
			lines[i] = slices.Delete(lines[i], at, at+1)
		}
	}
	return table(head, lines)
}

// Plot embeds a picture, if it was drawn.
func (d *document) Plot(file, text string) string {
	if !d.pictures[file] {
		return "_No plot of this run: " + text + "._\n"
	}
	return "![" + text + "](plots/" + file + ")\n"
}

// Peers is a table of every engine in every way that was measured on a
// workload.
func (d *document) Peers(workload string) string {
	head := []string{"`" + workload + "`, statements"}
	ways := []string{"postern"}
	seen := map[string]bool{"postern": true}
	for _, n := range peerSizes {
		head = append(head, count(n))
		for _, name := range d.results.names(fmt.Sprintf("Peers/%s/%d", workload, n)) {
			if way := segment(name, 3); !seen[way] {
				seen[way] = true
				ways = append(ways, way)
			}
		}
	}
	var lines [][]string
	for _, way := range ways {
		line := []string{way}
		for _, n := range peerSizes {
			line = append(line, d.cell(peerName(workload, n, way), "ns/op", nanoseconds))
		}
		lines = append(lines, line)
	}
	return table(head, lines)
}

// notApplicable fills cells that have no figure, although their row was
// measured.
const notApplicable = "-"

// cell is the median of a figure, empty if it was not measured.
func (d *document) cell(name, unit string, in quantity) string {
	s := summarize(d.results.runs(name, unit))
	if s.runs == 0 {
		return ""
	}
	return in(s.median)
}

// Latency is a table of percentiles over HTTP.
func (d *document) Latency() string {
	var lines [][]string
	for _, network := range []string{"tcp", "unix"} {
		for n := 1; n <= 256; n *= 2 {
			line := []string{map[string]string{"tcp": "TCP", "unix": "Unix socket"}[network], count(n)}
			for _, server := range []string{"constant", "postern"} {
				for _, unit := range []string{"p50-ns", "p99-ns"} {
					line = append(line, d.cell(fmt.Sprintf("HTTPLatency/%s/%d/%s", network, n, server), unit, nanoseconds))
				}
			}
			at := fmt.Sprintf("HTTPLatency/%s/%d/postern", network, n)
			lines = append(lines, append(line, d.cell(at, "p50-of-constant", significant), d.cell(at, "p99-of-constant", significant)))
		}
	}
	return table([]string{"network", "connections", "constant p50", "p99", "postern p50", "p99", "p50 ratio", "p99 ratio"}, lines)
}

// Heap is a table of what the snapshot of `tenants` is made of.
func (d *document) Heap() string {
	var lines [][]string
	sum := 0.0
	for _, s := range heapSites(d.results) {
		lines = append(lines, []string{"`" + s.place + "`", byteSize(s.bytes)})
		sum += s.bytes
	}
	const name = "Memory/tenants/1000000/snapshot"
	if heap := summarize(d.results.runs(name, "heap-bytes")); heap.runs > 0 {
		lines = append(lines, []string{"less than a half percent each", byteSize(max(heap.median-sum, 0))}, []string{"in all", byteSize(heap.median)},
			[]string{"as `Snapshot.Bytes` estimates it", d.cell(name, "estimated-bytes", byteSize)})
	}
	return table([]string{"allocated at", "live"}, lines)
}

// GC is a table of what a collection costs, and one of what checks feel of it.
func (d *document) GC() string {
	var lines [][]string
	for _, heap := range []struct{ what, name string }{{"nothing", "GC/none/0/cycle"}, {"the snapshot of `tenants`", "GC/tenants/1000000/cycle"}} {
		lines = append(lines, []string{heap.what, d.cell(heap.name, "live-MB", func(v float64) string { return byteSize(v * 1e6) }),
			d.cell(heap.name, "cycle-ms", milliseconds), d.cell(heap.name, "mark-cpu-ms", milliseconds),
			d.cell(heap.name, "pause-us", func(v float64) string { return nanoseconds(v * 1e3) })})
	}
	text := table([]string{"live", "heap", "a collection takes", "of the cores' time", "longest stop"}, lines)
	lines = nil
	for _, x := range []struct{ what, prefix string }{{"no collection", "still-"}, {"one after the other", "collecting-"}} {
		line := []string{x.what}
		for _, p := range []string{"p50-ns", "p99-ns", "p99.9-ns", "max-ns"} {
			line = append(line, d.cell("GC/tenants/1000000/checks", x.prefix+p, nanoseconds))
		}
		lines = append(lines, line)
	}
	return text + "\n" + table([]string{"Decide on both cores, while", "p50", "p99", "p99.9", "longest"}, lines)
}

// Search is a table of searches over 100,000 buckets.
func (d *document) Search() string {
	var lines [][]string
	for _, x := range []struct{ what, name string }{
		{"who may do an action on a bucket", "subjects"}, {"a page of 1,000 buckets that a caller reaches", "resources/page"}, {"all of them in pages", "resources/all"},
		{"what a caller may do on a bucket", "actions"}, {"the first search for buckets after a load", "first"},
	} {
		line := []string{x.what}
		for _, workload := range []string{"SearchField/", "Search/"} {
			took, results := d.cell(workload+x.name, "ns/op", nanoseconds), d.cell(workload+x.name, "results/op", significant)
			if took != "" && results == "" {
				results = notApplicable
			}
			line = append(line, took, results)
		}
		lines = append(lines, line)
	}
	return table([]string{"search", "`field`", "results", "`buckets`", "results"}, lines)
}

// Commands lists what was run and how long it took.
func (d *document) Commands() string {
	var b strings.Builder
	sum := time.Duration(0)
	for i := range d.stages {
		s := &d.stages[i]
		took := "not run"
		if s.output != nil {
			took = fmt.Sprintf("%.0f s", s.took.Seconds())
			sum += s.took
		}
		fmt.Fprintf(&b, "- %s: `%s`\n", took, s.command())
	}
	fmt.Fprintf(&b, "\n%.0f minutes in all.\n", sum.Minutes())
	return b.String()
}

// table writes a table; an empty cell is a figure that was not measured.
func table(head []string, lines [][]string) string {
	var b strings.Builder
	write := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	write(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, l := range lines {
		for i := range l {
			if l[i] == "" {
				l[i] = "not measured"
			}
		}
		write(l)
	}
	return b.String()
}

// anchor is the link to a heading.
func anchor(heading string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(heading) {
		switch {
		case c == ' ':
			b.WriteByte('-')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
			b.WriteRune(c)
		}
	}
	return b.String()
}
