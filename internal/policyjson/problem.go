package policyjson

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"postern/policy"
)

// maxProblems bounds the errors, and the warnings, that one file may give. The
// messages of a hostile file of 16 MiB could otherwise take gigabytes. Further
// ones are counted.
const maxProblems = 10_000

// problem is a diagnostic with offsets in place of lines and columns.
type problem struct {
	code   code
	offset int
	other  int // the other offset, or -1
	args   []any
}

func (d *decoder) report(offset int, c code, args ...any) { d.reportOther(offset, -1, c, args...) }

// reportOther is report for a problem that involves another place in the file.
func (d *decoder) reportOther(offset, other int, c code, args ...any) {
	severity := c.severity()
	if d.kept[severity] < maxProblems {
		d.kept[severity]++
		d.problems = append(d.problems, problem{c, offset, other, args})
		return
	}
	d.dropped[severity]++
	if d.dropped[severity] == 1 {
		more := msgMoreErrors
		if severity == policy.Warning {
			more = msgMoreWarnings
		}
		d.problems = append(d.problems, problem{more, offset, -1, nil})
	}
}

// diagnostics turns the problems into sorted diagnostics.
func (d *decoder) diagnostics() []policy.Diagnostic {
	if len(d.problems) == 0 {
		return nil
	}
	var offsets []int
	for _, p := range d.problems {
		offsets = append(offsets, p.offset)
		if p.other >= 0 {
			offsets = append(offsets, p.other)
		}
	}
	place := positions(d.file, d.data, offsets)
	out := make([]policy.Diagnostic, 0, len(d.problems))
	for _, p := range d.problems {
		m := messages[p.code]
		switch {
		case p.code == msgMoreErrors, p.code == msgMoreWarnings:
			p.args = []any{decimal(d.dropped[p.code.severity()])}
		case p.other >= 0:
			other := place(p.other)
			p.args = append(p.args, fmt.Sprintf("line %d, column %d", other.Line, other.Column))
		}
		x := policy.Diagnostic{
			Severity: p.code.severity(), Code: m.code, Position: place(p.offset), Message: fmt.Sprintf(m.text, p.args...),
		}
		for _, a := range p.args {
			if f, ok := a.(fixer); ok {
				x.Fix = policy.Fix{Line: x.Position.Line, Column: x.Position.Column, Text: f.fix()}
			}
		}
		out = append(out, x)
	}
	policy.SortDiagnostics(out)
	return out
}

// positions returns a function that tells where in a file one of offsets is. All
// are found in one pass over the file. It reorders offsets.
func positions(file string, data []byte, offsets []int) func(offset int) policy.Position {
	slices.Sort(offsets)
	offsets = slices.Compact(offsets)
	places := make([]policy.Position, len(offsets))
	var c cursor
	for i, at := range offsets {
		places[i].File = file
		places[i].Line, places[i].Column = c.place(data, at)
	}
	return func(offset int) policy.Position {
		i, _ := slices.BinarySearch(offsets, offset)
		return places[i]
	}
}

// cursor turns offsets, given in ascending order, into lines and columns. It
// looks at every byte once. A line ends with `\n`.
type cursor struct {
	offset, start int // offset, and the start of its line
	lines         int // the number of lines that end before offset
}

func (c *cursor) place(data []byte, offset int) (line, column int) {
	if offset > c.offset {
		part := data[c.offset:offset]
		if n := bytes.Count(part, []byte{'\n'}); n > 0 {
			c.lines += n
			c.start = c.offset + bytes.LastIndexByte(part, '\n') + 1
		}
		c.offset = offset
	}
	return c.lines + 1, offset - c.start + 1
}

// place returns the line and column of an offset. Offsets have to come in
// ascending order.
func (d *decoder) place(offset int) (line, column int) { return d.cursor.place(d.data, offset) }

// maxQuoted is how many bytes of a file's text one message repeats at most.
const maxQuoted = 120

// Quote shows text from a file in a message: in double quotes, and shortened where
// it is long.
func Quote(text string) string { return quote(text) }

// String returns text, which must be UTF-8, as a JSON string.
func String(text string) string {
	const hex = "0123456789abcdef"
	out := []byte{'"'}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"', c == '\\':
			out = append(out, '\\', c)
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return string(append(out, '"'))
}

// quote shows text from a file as JSON would write it, shortened.
func quote[T []byte | string](text T) string {
	short := clip(text)
	q := strconv.Quote(short)
	if len(short) < len(text) {
		q = q[:len(q)-1] + "…\""
	}
	return q
}

func clip[T []byte | string](text T) string {
	if len(text) <= maxQuoted {
		return string(text)
	}
	end := maxQuoted
	for end > maxQuoted-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return string(text[:end])
}

func decimal(n int) string { return strconv.Itoa(n) }
