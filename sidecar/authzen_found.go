package sidecar

import (
	"strconv"

	"postern/index"
)

// appendFound appends the answer of a search (specification 3.2, 6); before is
// the beginning of each result, up to its name. The last page says what cannot
// be listed.
func appendFound(b []byte, found *index.Found, before string) []byte {
	b = append(b, `{"results":[`...)
	for i, id := range found.IDs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, before...), id)
		b = append(b, '}')
	}
	b = append(b, `],"page":{"next_token":`...)
	b = append(appendString(b, found.Next), '}')
	if found.Next == "" {
		b = append(b, `,"context":`...)
		b = appendUnlisted(b, found)
	}
	return append(b, '}')
}

// appendUnlisted appends what a search cannot list.
func appendUnlisted(b []byte, found *index.Found) []byte {
	b = append(b, `{"complete":`...)
	b = strconv.AppendBool(b, found.Complete)
	if len(found.Patterns) > 0 {
		b = append(b, `,"patterns":[`...)
		for i := range found.Patterns {
			if i > 0 {
				b = append(b, ',')
			}
			p := &found.Patterns[i]
			b = append(b, `{"pattern":`...)
			b = appendString(b, p.Text)
			b = append(b, `,"document":`...)
			b = appendString(b, p.Statement.Document)
			b = append(b, `,"statement":`...)
			b = appendString(b, p.Statement.Statement)
			b = append(b, `,"file":`...)
			b = appendString(b, p.Statement.File)
			b = append(b, `,"line":`...)
			b = append(strconv.AppendInt(b, int64(p.Statement.Line), 10), '}')
		}
		b = append(b, ']')
	}
	if found.Truncated {
		b = append(b, `,"truncated":true`...)
	}
	return append(b, '}')
}
