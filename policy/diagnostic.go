package policy

import (
	"cmp"
	"slices"
	"strconv"
)

// Severity tells errors from warnings.
type Severity uint8

// The severities. An error keeps its unit at its last good content
// (specification 4); a warning changes nothing.
const (
	Error Severity = iota
	Warning
)

// String returns the severity's name.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Position is a place in a policy file. Line and Column count from 1, Column
// in bytes; both are 0 where the message is about the file as a whole.
type Position struct {
	File   string
	Line   int
	Column int
}

// String returns file:line:column, or file alone.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
}

// Diagnostic is one error or warning about a policy file. Message says what is
// wrong and what to write instead.
type Diagnostic struct {
	Severity Severity
	// Code is the kind of a warning; an error has none.
	Code     Code
	Position Position
	Message  string
	// Fix is what the message says to write, where it can be written as it is.
	Fix Fix
}

// Fix is an edit of the file that a Diagnostic is about: the JSON string, number
// or literal that begins at Line and Column, which count as those of a Position,
// becomes Text. The zero value is no edit.
type Fix struct {
	Line   int
	Column int
	Text   string // JSON
}

// Text returns the message, and the code of a warning in brackets behind it.
func (d Diagnostic) Text() string {
	if d.Code == CodeNone {
		return d.Message
	}
	return d.Message + " [" + d.Code.String() + "]"
}

// String returns `file:line:column: message`; a warning says so, and ends in its
// code.
func (d Diagnostic) String() string {
	if d.Severity == Warning {
		return d.Position.String() + ": warning: " + d.Text()
	}
	return d.Position.String() + ": " + d.Text()
}

// SortDiagnostics sorts by file, line, column, severity and message.
func SortDiagnostics(ds []Diagnostic) {
	slices.SortFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Position.File, b.Position.File),
			cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Message, b.Message),
		)
	})
}

// HasErrors reports whether one of ds is an error.
func HasErrors(ds []Diagnostic) bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}
