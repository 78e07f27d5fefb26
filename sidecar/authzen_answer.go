package sidecar

import (
	"strconv"

	"postern/policy"
)

// allowed is the whole answer of a plain allow.
const allowed = `{"decision":true}`

// denied is the answer of a plain deny, up to the generation, by reason.
var denied = func() (out [policy.ReasonCount]string) {
	for r := range out {
		out[r] = `{"decision":false,"context":{"reason":"` + policy.Reason(r).String() + `","generation":`
	}
	return out
}()

// appendDecision appends the answer of one evaluation (specification 3.2).
// Only an outcome that is exactly Allow makes `"decision":true`.
func appendDecision(b []byte, d policy.Decision) []byte {
	if d.Outcome != policy.Allow {
		reason := d.Reason
		if reason >= policy.ReasonCount || reason == policy.Allowed {
			reason = policy.ReasonNone // no such deny exists; it is none the less one
		}
		b = append(b, denied[reason]...)
		return append(strconv.AppendUint(b, d.Generation, 10), "}}"...)
	}
	if d.MaxOpenSeconds == 0 {
		return append(b, allowed...)
	}
	b = append(b, `{"decision":true,"context":{`...)
	return append(appendObligations(b, d), "}}"...)
}

// appendObligations appends the obligations of an allow that has some, in the
// shape of AuthZEN's draft profile (specification 2, constraints).
func appendObligations(b []byte, d policy.Decision) []byte {
	b = append(b, `"obligations":[{"id":"max-open","type":"max_open_seconds","properties":{"seconds":`...)
	return append(strconv.AppendUint(b, d.MaxOpenSeconds, 10), "}}]"...)
}

// appendItemError appends the answer of a batch item that is wrong.
func appendItemError(b []byte, message string) []byte {
	b = append(b, `{"decision":false,"context":{"error":{"status":400,"message":`...)
	return append(appendString(b, message), "}}}"...)
}
