// Package diagnostic prints policy.Diagnostics for people, with the line that
// each is about, and for programs. One printer serves `postern validate`, the
// log and golden files.
//
// Policy files are not trusted: nothing that stands in one reaches the output
// in a way that a terminal would act on.
package diagnostic

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"postern/policy"
)

// Options says how Print prints.
type Options struct {
	// Max is how many diagnostics are printed, errors before warnings where
	// not all are; a last line counts the others. 0 prints all.
	Max int
	// Color marks severities and places with ANSI colors.
	Color bool
}

// Print writes each of ds as `file:line:column: message`, a warning marked so,
// then the line and a caret below the column. It prints in the order of
// policy.SortDiagnostics, and leaves ds as it is. source returns the bytes of
// a file, nil if they cannot be had: then no line is shown; it is asked once
// for a run of diagnostics of one file. Columns are policy.Position's: a
// byte-order mark at the start of a source is not counted.
//
// Time is linear in the sources and the diagnostics, however long the lines.
// The error is the writer's.
func Print(w io.Writer, ds []policy.Diagnostic, source func(file string) []byte, o Options) error {
	shown, rest := choose(ds, o.Max)
	out := bufio.NewWriter(w)
	c := colors{}
	if o.Color {
		c = ansi
	}
	var x excerpts
	for _, d := range shown {
		kind, mark := "", c.err
		if d.Severity == policy.Warning {
			kind, mark = "warning: ", c.warning
		}
		place := ""
		if p := Visible(d.Position.String()); p != "" {
			place = c.place + p + ":" + c.off + " "
		}
		fmt.Fprintf(out, "%s%s%s%s%s\n", place, mark, kind, Visible(d.Text()), c.off)
		if d.Position.Line < 1 || source == nil {
			continue
		}
		if line, caret, ok := x.excerpt(d.Position, source); ok {
			number := fmt.Sprint(d.Position.Line)
			fmt.Fprintf(out, "  %s | %s\n  %*s | %s%s^%s\n", number, line, len(number), "", caret, mark, c.off)
		}
	}
	if rest != "" {
		fmt.Fprintf(out, "and %s more\n", rest)
	}
	return out.Flush()
}

// choose returns what is printed, sorted, and how many are not, in words.
func choose(ds []policy.Diagnostic, most int) (shown []policy.Diagnostic, rest string) {
	sorted := slices.Clone(ds)
	policy.SortDiagnostics(sorted)
	if most <= 0 || len(sorted) <= most {
		return sorted, ""
	}
	var left, more [2]int // of errors and warnings: those to be shown, those not
	for _, d := range sorted {
		more[d.Severity]++
	}
	left[policy.Error] = min(more[policy.Error], most)
	left[policy.Warning] = most - left[policy.Error]
	for _, d := range sorted {
		if left[d.Severity] > 0 {
			left[d.Severity]--
			more[d.Severity]--
			shown = append(shown, d)
		}
	}
	for s, word := range []string{"error", "warning"} {
		n := more[s]
		if n == 0 {
			continue
		}
		if n > 1 {
			word += "s"
		}
		if rest != "" {
			rest += " and "
		}
		rest += fmt.Sprint(n) + " " + word
	}
	return shown, rest
}

type colors struct{ place, err, warning, off string }

var ansi = colors{place: "\x1b[1m", err: "\x1b[31m", warning: "\x1b[33m", off: "\x1b[0m"}
