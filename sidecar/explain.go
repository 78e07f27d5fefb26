package sidecar

import (
	"strconv"

	"postern/policy"
)

// appendExplanation appends the answer of one evaluation with its grounds
// (specification 3.2). Once it has about most bytes, determining statements are
// left out, and it says that it is truncated.
func appendExplanation(b []byte, e *policy.Explanation, most int) []byte {
	d, from, truncated := e.Decision, len(b), e.Truncated
	b = append(b, `{"decision":`...)
	b = strconv.AppendBool(b, d.Outcome == policy.Allow)
	b = append(b, `,"context":{"reason":`...)
	b = appendString(b, d.Reason.String())
	b = append(b, `,"generation":`...)
	b = strconv.AppendUint(b, d.Generation, 10)
	b = append(b, `,"digest":`...)
	b = appendDigest(b, e.Digest)
	if d.Outcome == policy.Allow && d.MaxOpenSeconds != 0 {
		b = appendObligations(append(b, ','), d)
	}
	b = append(b, `,"determining":[`...)
	for i := range e.Determining {
		if truncated = truncated || len(b)-from > most; len(b)-from > most {
			break
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = append(appendStatement(b, &e.Determining[i]), '}')
	}
	b = append(b, `],"steps":[`...)
	for i, step := range e.Steps {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"layer":`...)
		b = appendString(b, step.Layer.String())
		b = append(b, `,"organization":`...)
		b = appendString(b, step.Org)
		b = append(b, `,"outcome":`...)
		b = appendString(b, step.Outcome.String())
		if step.Platform {
			b = append(b, `,"note":"`+policy.PlatformNote+`"`...)
		}
		b = append(b, '}')
	}
	b = append(b, ']')
	if e.Nearest != nil {
		b = appendNearest(append(b, `,"nearest":`...), e.Nearest)
	}
	if len(e.Hints) > 0 {
		b = appendStrings(append(b, `,"hint":`...), e.Hints)
	}
	if truncated {
		b = append(b, `,"truncated":true`...)
	}
	return append(b, "}}"...)
}

// appendStatement appends the members that name a statement.
func appendStatement(b []byte, s *policy.StatementRef) []byte {
	b = append(b, `"document":`...)
	b = appendString(b, s.Document)
	b = append(b, `,"statement":`...)
	b = appendString(b, s.Statement)
	b = append(b, `,"index":`...)
	b = strconv.AppendInt(b, int64(s.Index), 10)
	b = append(b, `,"file":`...)
	b = appendString(b, s.File)
	b = append(b, `,"line":`...)
	b = strconv.AppendInt(b, int64(s.Line), 10)
	b = append(b, `,"effect":`...)
	b = appendString(b, s.Effect.String())
	b = append(b, `,"layer":`...)
	return appendString(b, s.Layer.String())
}
