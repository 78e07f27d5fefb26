package explorer

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"strings"

	"postern/internal/policyjson"
	"postern/policy"
)

// excerpt is a statement as it stands in its file.
type excerpt struct {
	Document  string `json:"document"`
	Statement string `json:"statement"`
	Index     int    `json:"index"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Effect    string `json:"effect"`
	// First is the number of the first of Lines in the file; 0 if they were laid out
	// anew, since the file has the statement on one line.
	First int      `json:"first"`
	Lines []string `json:"lines"`
	// Cut says that the statement goes on.
	Cut bool `json:"cut"`
	// Missing says why there are no lines.
	Missing string `json:"missing,omitempty"`
}

// The bounds of an excerpt.
const (
	maxLines = 80
	maxLine  = 400 // bytes
)

// reader reads the files of a side for one answer, each once.
type reader struct {
	side *Side
	data map[string][]byte
}

// read returns what a file holds, and nil if it cannot be read. Its path comes from a
// snapshot or from a listing of the directory.
func (r *reader) read(file string) []byte {
	if data, ok := r.data[file]; ok {
		return data
	}
	data, err := fs.ReadFile(r.side.Files, file)
	if err != nil {
		data = nil
	}
	if r.data == nil {
		r.data = map[string][]byte{}
	}
	r.data[file] = data
	return data
}

// excerpt returns the lines of a statement.
func (r *reader) excerpt(ref policy.StatementRef) excerpt {
	out := excerpt{Document: ref.Document, Statement: ref.Statement, Index: ref.Index, File: ref.File, Line: ref.Line, Effect: ref.Effect.String(), Lines: []string{}}
	data := r.read(ref.File)
	if data == nil {
		out.Missing = "it is built in, or its file cannot be read now"
		return out
	}
	start, end := span(ref, data)
	if end == 0 {
		out.Missing = "the file has changed since it was read"
		return out
	}
	text := data[start:end]
	if bytes.IndexByte(text, '\n') < 0 {
		var laidOut bytes.Buffer
		if json.Indent(&laidOut, text, "", "  ") == nil {
			out.setLines(laidOut.String(), 0)
			return out
		}
	}
	start = bytes.LastIndexByte(data[:start], '\n') + 1
	out.setLines(string(data[start:end]), ref.Line)
	return out
}

// setLines cuts a text into lines without the indent that all have.
func (e *excerpt) setLines(text string, first int) {
	lines := strings.Split(text, "\n")
	if e.Cut = len(lines) > maxLines; e.Cut {
		lines = lines[:maxLines]
	}
	indent := -1
	for _, l := range lines {
		if n := len(l) - len(strings.TrimLeft(l, " \t")); strings.TrimSpace(l) != "" && (indent < 0 || n < indent) {
			indent = n
		}
	}
	for i, l := range lines {
		l = strings.TrimRight(l, "\r")
		l = l[min(max(indent, 0), len(l)):]
		if len(l) > maxLine {
			l = strings.ToValidUTF8(l[:maxLine], "") + " ..."
		}
		lines[i] = l
	}
	e.First, e.Lines = first, lines
}

// span returns where a statement's object stands in its file; end is 0 if it is not
// found there.
func span(ref policy.StatementRef, data []byte) (start, end int) {
	column := 0
	if ref.Layer != policy.LayerIAM {
		spots := policyjson.Locate(ref.File, data, []policyjson.Place{{Statement: ref.Index, Part: policyjson.PartStatement}})
		if len(spots) != 1 || spots[0].At.Line != ref.Line {
			return 0, 0
		}
		column = spots[0].At.Column - 1
	}
	for line := 1; line < ref.Line; line++ {
		i := bytes.IndexByte(data[start:], '\n')
		if i < 0 {
			return 0, 0
		}
		start += i + 1
	}
	start += column
	if start >= len(data) {
		return 0, 0
	}
	i := bytes.IndexByte(data[start:], '{')
	if i < 0 {
		return 0, 0
	}
	start += i
	depth, quoted := 0, false
	for i := start; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return start, i + 1
			}
		}
	}
	return 0, 0
}

// ofOrganization reports that a file lies in the folder of an organization, or that
// the organization is not known.
func ofOrganization(file, org string) bool {
	return org == "" || strings.HasPrefix(file, org+"/") || !strings.Contains(file, "/")
}
