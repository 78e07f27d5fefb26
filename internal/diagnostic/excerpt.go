package diagnostic

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern/policy"
)

// A line is shown as it is up to maxLine characters; of a longer one, before
// and after characters on the sides of the caret.
const (
	maxLine = 120
	before  = 60
	after   = 50
)

// excerpts finds the lines of positions that are in ascending order, file by file. It
// looks at every byte of a file once.
type excerpts struct {
	file   string
	source []byte
	known  bool
	line   int // lines that begin before at
	at     int // start of line `line`
}

// excerpt returns the line that p is in, made printable, and the space that
// puts a caret below the column of p.
func (x *excerpts) excerpt(p policy.Position, source func(string) []byte) (line, space string, ok bool) {
	if !x.known || x.file != p.File || p.Line < x.line {
		*x = excerpts{file: p.File, source: source(p.File), known: true, line: 1}
		x.source = bytes.TrimPrefix(x.source, []byte("\xef\xbb\xbf"))
	}
	if x.source == nil {
		return "", "", false
	}
	for x.line < p.Line {
		i := bytes.IndexByte(x.source[x.at:], '\n')
		if i < 0 {
			return "", "", false
		}
		x.at += i + 1
		x.line++
	}
	rest := x.source[x.at:]
	column := p.Column - 1
	if column < 0 || column > len(rest) {
		return "", "", false
	}
	// Only so much of a long line is looked at: more than is shown on either
	// side, so that a rune cut in half at the end of it never shows.
	const window = utf8.UTFMax * (maxLine + 2)
	start := max(0, column-window)
	end := min(len(rest), column+window)
	head, tail := rest[start:column], rest[column:end]
	if i := bytes.IndexByte(tail, '\n'); i >= 0 {
		tail = tail[:i]
	}
	if bytes.IndexByte(head, '\n') >= 0 {
		return "", "", false // the position is not in its line
	}
	l, r := runes(head), runes(bytes.TrimSuffix(tail, []byte{'\r'}))
	if start > 0 || len(l)+len(r) > maxLine {
		if start > 0 || len(l) > before {
			l = append([]rune{'…'}, l[max(0, len(l)-before):]...)
		}
		if len(r) > after {
			r = append(r[:after:after], '…')
		}
	}
	return string(l) + string(r), blank(l), true
}

// runes returns b in a printable form, a rune for each rune. Tabs stay. A control
// character becomes its picture. Anything else that does not print, such as bidirectional
// marks, which reorder a line, becomes U+FFFD, as does each invalid byte.
func runes(b []byte) []rune {
	out := make([]rune, 0, len(b))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		switch {
		case r == '\t' || unicode.IsPrint(r):
		case r < 0x20:
			r += 0x2400
		case r == 0x7f:
			r = 0x2421
		default:
			r = utf8.RuneError
		}
		out = append(out, r)
	}
	return out
}

// blank returns white space as wide as the line: a tab for each tab, and a space for any
// other rune.
func blank(line []rune) string {
	var b strings.Builder
	for _, r := range line {
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Visible makes a text that may come from a file, such as a name, printable on
// one line of a terminal: control characters become their pictures, and what
// else does not print, or is no UTF-8, U+FFFD.
func Visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return s
	}
	return strings.ReplaceAll(string(runes([]byte(s))), "\t", "␉")
}
