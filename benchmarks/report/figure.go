package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// stat summarizes the runs of one figure.
type stat struct {
	runs              int
	median, low, high float64
}

func summarize(runs []float64) stat {
	if len(runs) == 0 {
		return stat{}
	}
	sorted := slices.Sorted(slices.Values(runs))
	n := len(sorted)
	return stat{n, (sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// spread is the greatest distance of a run from the median, in percent of it.
func (s stat) spread() string {
	if s.runs < 2 || s.median == 0 {
		return ""
	}
	return fmt.Sprintf(" ±%.0f%%", 100*max(s.high-s.median, s.median-s.low)/s.median)
}

// quotients divides runs pairwise: the i-th by the i-th. Runs without a partner
// are left out.
func quotients(of, by []float64) []float64 {
	var out []float64
	for i := range min(len(of), len(by)) {
		if by[i] > 0 {
			out = append(out, of[i]/by[i])
		}
	}
	return out
}

// multiplied multiplies each run.
func multiplied(runs []float64, by float64) []float64 {
	out := slices.Clone(runs)
	for i := range out {
		out[i] *= by
	}
	return out
}

// added adds runs pairwise.
func added(a, b []float64) []float64 {
	var out []float64
	for i := range min(len(a), len(b)) {
		out = append(out, a[i]+b[i])
	}
	return out
}

// quantity writes a figure of a table as a reader wants to see it.
type quantity func(v float64) string

// significant writes three significant digits, with thousands apart.
func significant(v float64) string {
	if v == 0 {
		return "0"
	}
	exponent := strconv.FormatFloat(v, 'e', 2, 64)
	tens, _ := strconv.Atoi(exponent[strings.IndexByte(exponent, 'e')+1:])
	text := strconv.FormatFloat(v, 'f', max(2-tens, 0), 64)
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

// scaled makes a quantity with a unit for each thousand.
func scaled(units ...string) quantity {
	return func(v float64) string {
		i := 0
		for ; i < len(units)-1 && math.Abs(v) >= 999.5; i++ {
			v /= 1000
		}
		return significant(v) + " " + units[i]
	}
}

var (
	nanoseconds  = scaled("ns", "us", "ms", "s")
	milliseconds = func(v float64) string { return nanoseconds(v * 1e6) }
	byteSize     = scaled("B", "kB", "MB", "GB")
	perSecond    = func(v float64) string { return significant(math.Round(v)) + "/s" }
)

// count writes a whole number with thousands apart.
func count(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// byNumber sorts names by a number in one of their parts.
func byNumber(names []string, part int) {
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(number(a, part), number(b, part)) })
}

// number returns a part of a name as a number, or -1.
func number(name string, part int) int {
	n, err := strconv.Atoi(segment(name, part))
	if err != nil {
		return -1
	}
	return n
}

// segment returns a part of a name, "" if the name has fewer parts.
func segment(name string, part int) string {
	parts := strings.Split(name, "/")
	if part >= len(parts) {
		return ""
	}
	return parts[part]
}
