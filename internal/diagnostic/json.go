package diagnostic

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"postern/policy"
)

// JSON writes ds as one list, sorted, an object each: `severity` ("error" or
// "warning"), `file`, `line` and `column` (from 1, in bytes; 0 where the
// message is about the file as a whole), `code` of a warning, `message`, and `fix`
// where the message says what to write as it is: `line` and `column` of the JSON
// value that becomes `text`. The error is the writer's.
func JSON(w io.Writer, ds []policy.Diagnostic) error {
	type fix struct {
		Line   int    `json:"line"`
		Column int    `json:"column"`
		Text   string `json:"text"`
	}
	type object struct {
		Severity string `json:"severity"`
		File     string `json:"file"`
		Line     int    `json:"line"`
		Column   int    `json:"column"`
		Code     string `json:"code,omitempty"`
		Message  string `json:"message"`
		Fix      *fix   `json:"fix,omitempty"`
	}
	list := make([]object, 0, len(ds))
	for _, d := range sortedCopy(ds) {
		x := object{d.Severity.String(), d.Position.File, d.Position.Line, d.Position.Column, d.Code.String(), d.Message, nil}
		if d.Fix != (policy.Fix{}) {
			x.Fix = &fix{d.Fix.Line, d.Fix.Column, d.Fix.Text}
		}
		list = append(list, x)
	}
	return encode(w, list)
}

// Summary says how many diagnostics there are of each kind.
type Summary struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	// Codes counts the warnings by their codes.
	Codes map[string]int `json:"codes"`
}

// Summarize counts diagnostics.
func Summarize(ds []policy.Diagnostic) Summary {
	s := Summary{Codes: map[string]int{}}
	for _, d := range ds {
		if d.Severity == policy.Error {
			s.Errors++
			continue
		}
		s.Warnings++
		s.Codes[d.Code.String()]++
	}
	return s
}

// JSON writes the summary as one object. The error is the writer's.
func (s Summary) JSON(w io.Writer) error { return encode(w, s) }

// Print writes a line for each code, the most frequent first, with what it is
// about. The error is the writer's.
func (s Summary) Print(w io.Writer) error {
	codes := slices.DeleteFunc(policy.Codes(), func(c policy.Code) bool { return s.Codes[c.String()] == 0 })
	slices.SortStableFunc(codes, func(a, b policy.Code) int { return cmp.Compare(s.Codes[b.String()], s.Codes[a.String()]) })
	out := bufio.NewWriter(w)
	for _, c := range codes {
		fmt.Fprintf(out, "%7d  [%s]  %s\n", s.Codes[c.String()], c, c.About())
	}
	return out.Flush()
}

func sortedCopy(ds []policy.Diagnostic) []policy.Diagnostic {
	sorted := slices.Clone(ds)
	policy.SortDiagnostics(sorted)
	return sorted
}

// encode writes v as JSON for people too. The error is the writer's.
func encode(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
