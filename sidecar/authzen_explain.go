package sidecar

import (
	"strconv"

	"postern/policy"
)

// explainedLeast is enough for what every explained answer has.
const explainedLeast = 4 << 10

// appendExplanation appends the answer of one evaluation with its grounds
// (specification 3.2): most bytes of it, or explainedLeast if that is more. What
// does not fit is left out, and the answer says that it is truncated.
func appendExplanation(b []byte, e *policy.Explanation, most int) []byte {
	d, end, truncated := e.Decision, len(b)+most-explainedLeast, e.Truncated
	// fit takes away what was appended from a place on, if it does not fit.
	fit := func(from int) bool {
		if len(b) <= end {
			return true
		}
		b, truncated = b[:from], true
		return false
	}
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
		from := len(b)
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if b = append(appendStatement(b, &e.Determining[i]), '}'); !fit(from) {
			break
		}
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
		from := len(b)
		b = appendNearest(append(b, `,"nearest":`...), e.Nearest)
		fit(from)
	}
	if len(e.Hints) > 0 {
		from := len(b)
		b = appendStrings(append(b, `,"hint":`...), e.Hints)
		fit(from)
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
