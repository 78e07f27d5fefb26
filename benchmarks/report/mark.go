package main

import "fmt"

// verdict says whether a figure meets its mark. The zero value is "not
// measured", so that nothing is met by default.
type verdict uint8

const (
	notMeasured verdict = iota
	noMark              // measured, and specification 5 asks nothing of it
	missed
	metMostly // by the median, and not in every run
	met
)

func (v verdict) String() string {
	return [...]string{"not measured", "-", "**missed**", "met, not in every run", "met"}[v]
}

// row is one figure beside its baseline.
type row struct {
	what       string
	base, ours []float64 // for the eye; nil where there is none
	// ratio is what is judged, a value a run. Without runs the row is not
	// measured.
	ratio []float64
	limit limit
	in    quantity // of base and ours, if not the mark's
	// why says why the row is not measured though something ran, "" otherwise.
	why string
}

// limit is a row's part of a mark; the zero value asks nothing.
type limit struct {
	kind  uint8
	value float64
}

func atMost(v float64) limit  { return limit{1, v} }
func atLeast(v float64) limit { return limit{2, v} }

func (l limit) holds(v float64) bool {
	switch l.kind {
	case 1:
		return v <= l.value
	case 2:
		return v >= l.value
	}
	return true
}

func (l limit) String() string {
	switch l.kind {
	case 1:
		return fmt.Sprintf("<= %g", l.value)
	case 2:
		return fmt.Sprintf(">= %g", l.value)
	}
	return "-"
}

func (r *row) verdict() verdict {
	switch s := summarize(r.ratio); {
	case s.runs == 0 || r.why != "":
		return notMeasured
	case r.limit.kind == 0:
		return noMark
	case !r.limit.holds(s.median):
		return missed
	case !r.limit.holds(s.low) || !r.limit.holds(s.high):
		return metMostly
	}
	return met
}

// mark is one mark of specification 5 with the figures that it is judged by.
type mark struct {
	id, title string
	claim     string // the mark as page 5 words it
	// What the columns of the table are called, and their quantities. One
	// without a name is left out.
	situation, base, ours string
	baseIn, oursIn        quantity
	ratio                 string   // of the ratio's column, "ratio" if empty
	ratioIn               quantity // significant if nil
	rows                  []row
	note                  string // printed under the table
}

// judge sums the rows up: missed if one is; not measured if none is missed and
// one that has a mark was not measured, or if there is none with a mark.
func (m *mark) judge() (verdict, string) {
	tally := map[verdict]int{}
	asked := 0
	for i := range m.rows {
		if m.rows[i].limit.kind != 0 {
			asked++
			tally[m.rows[i].verdict()]++
		}
	}
	switch {
	case tally[missed] > 0:
		return missed, fmt.Sprintf("**missed**: %d of %d", tally[missed], asked)
	case asked == 0 || tally[notMeasured] == asked:
		return notMeasured, "not measured"
	case tally[notMeasured] > 0:
		return notMeasured, fmt.Sprintf("not all measured: %d of %d are missing", tally[notMeasured], asked)
	case tally[metMostly] > 0:
		return metMostly, fmt.Sprintf("met by the medians; %d of %d not in every run", tally[metMostly], asked)
	}
	return met, fmt.Sprintf("met: all %d", asked)
}

// worst is the row that is farthest from its mark, nil if none was measured.
func (m *mark) worst() *row {
	var out *row
	far := 0.0
	for i := range m.rows {
		r := &m.rows[i]
		if r.limit.kind == 0 || r.verdict() == notMeasured {
			continue
		}
		d := summarize(r.ratio).median / r.limit.value
		if r.limit.value == 0 {
			d = 1 + summarize(r.ratio).median // of none at all
		} else if r.limit.kind == 2 {
			d = 1 / d
		}
		if out == nil || d > far {
			out, far = r, d
		}
	}
	return out
}
