// Package diagnostic prints policy.Diagnostics for people, with the line that
// each is about, and for programs. One printer serves `postern validate`, the
// log and golden files.
//
// Policy files are not trusted: nothing in one reaches the output in a form that a
// terminal would act on.
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

// Print writes each diagnostic as `file:line:column: message`, a warning with that word,
// and below it the line with a caret at the column. It prints in the order of
// policy.SortDiagnostics and does not modify ds. source returns the bytes of a file, or
// nil if they cannot be read; then the line is left out. Print calls source once for
// consecutive diagnostics of one file. Columns are those of policy.Position, which do not
// count a byte-order mark.
//
// The time is linear in the sources and the diagnostics, however long the lines are. The
// error is the writer's.
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

// choose returns the diagnostics to print, sorted, and a text that counts the others.
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
