package sidecar

import "postern/policy"

// appendNearest appends the nearest Allow, and what of it did not hold.
func appendNearest(b []byte, n *policy.Nearest) []byte {
	b = appendStatement(append(b, '{'), &n.Statement)
	if n.Action != "" {
		b = appendString(append(b, `,"action":`...), n.Action)
	}
	b = appendStrings(append(b, `,"failed":`...), n.Failed)
	if len(n.Conditions) > 0 {
		b = append(b, `,"conditions":[`...)
		for i := range n.Conditions {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFailedCondition(b, &n.Conditions[i])
		}
		b = append(b, ']')
	}
	if len(n.Variables) > 0 {
		b = appendStrings(append(b, `,"variables":`...), n.Variables)
	}
	return append(b, '}')
}

// appendFailedCondition appends one condition that did not hold. "had" is what
// the request has, or the word absent or unreadable.
func appendFailedCondition(b []byte, c *policy.FailedCondition) []byte {
	b = appendString(append(b, `{"operator":`...), c.Operator)
	b = appendString(append(b, `,"key":`...), c.Key)
	b = appendStrings(append(b, `,"values":`...), c.Values)
	b = append(b, `,"had":`...)
	switch {
	case len(c.Had) > 0:
		b = appendStrings(b, c.Had)
		if c.Unreadable {
			b = append(b, `,"unreadable":true`...)
		}
	case c.Unreadable:
		b = append(b, `"unreadable"`...)
	default:
		b = append(b, `"absent"`...)
	}
	return append(b, '}')
}
