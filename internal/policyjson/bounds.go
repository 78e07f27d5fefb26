package policyjson

import "strings"

// This file holds the bounds of specification 4 on what a file may cost after
// it is read: what explained answers repeat of it, and what a decision takes to
// match it.

// maxName is the greatest length, in bytes, of a name that explained answers
// repeat: that of a document, a statement (its Sid too), a token or an issuer,
// and the id of a binding or a record.
const maxName = 256

// shortName reports a name that is longer than maxName.
func (d *decoder) shortName(what, text string, at int) bool {
	if len(text) > maxName {
		d.report(at, msgNameLong, what, decimal(len(text)))
		return false
	}
	return true
}

const (
	maxSteps  = 16 << 20 // the default of Limits.Steps
	stepsText = 2048     // the length of the text, in bytes, for which steps are counted
	stepBytes = 64       // the bytes of a pattern that one step compares
)

// steps is the cost of the resource patterns of a document.
type steps struct {
	total int
	// dearest is the pattern that costs most, and at its offset.
	dearest string
	at      int
}

// priced adds the cost of a resource pattern.
func (d *decoder) priced(text string, at int) {
	if !d.costs(text) {
		return
	}
	d.steps.total += (len(text) + stepBytes - 1) / stepBytes * stepsText
	if len(text) > len(d.steps.dearest) {
		d.steps.dearest, d.steps.at = text, at
	}
}

// costs reports whether a pattern has at least two runs of `*` with something
// between them. Others are decided by how the text begins and ends, and cost
// nothing.
func (d *decoder) costs(text string) bool {
	last := -1 // the offset after the last run
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '*')
		if i < 0 {
			return false
		}
		at += i
		switch {
		case d.variables && strings.HasSuffix(text[:at], "${"): // the star of `${*}` is no wildcard
		case last >= 0 && last < at:
			return true
		default:
			last = at + 1
		}
	}
}

// checkSteps reports a document whose resource patterns cost more than
// Limits.Steps.
func (d *decoder) checkSteps() {
	if d.steps.total > d.limits.Steps {
		d.report(d.steps.at, msgPatternsCost, decimal(d.steps.total), decimal(stepsText), decimal(d.limits.Steps), quote(d.steps.dearest), decimal(len(d.steps.dearest)))
	}
}
