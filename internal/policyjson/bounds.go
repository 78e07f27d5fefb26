package policyjson

import "strings"

// The bounds of specification 4 that keep what one file may cost later in
// bounds: what an explained answer repeats, and what a decision may take.

// maxName is the length of a name that explained answers repeat: of a document,
// a statement (its Sid too), a binding's id, a token, an issuer, a record (its id
// too). In bytes.
const maxName = 256

// shortName reports a name that is too long.
func (d *decoder) shortName(what, text string, at int) bool {
	if len(text) > maxName {
		d.report(at, msgNameLong, what, decimal(len(text)))
		return false
	}
	return true
}

const (
	maxSteps  = 16 << 20 // what Limits.Steps is
	stepsText = 2048     // bytes of the text
	stepBytes = 64       // of a pattern, that one step looks at
)

// steps is what the resource patterns of a document cost.
type steps struct {
	total int
	// dearest is the dearest pattern, and at its place.
	dearest string
	at      int
}

// priced counts a resource pattern of a document.
func (d *decoder) priced(text string, at int) {
	if !d.costs(text) {
		return
	}
	d.steps.total += (len(text) + stepBytes - 1) / stepBytes * stepsText
	if len(text) > len(d.steps.dearest) {
		d.steps.dearest, d.steps.at = text, at
	}
}

// costs reports that a test of a pattern takes steps: that it has two runs with
// something between them. What has none or one is settled by its ends, without
// a test.
func (d *decoder) costs(text string) bool {
	last := -1 // where the last run ends
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '*')
		if i < 0 {
			return false
		}
		at += i
		switch {
		case d.variables && strings.HasSuffix(text[:at], "${"): // `${*}` is no run
		case last >= 0 && last < at:
			return true
		default:
			last = at + 1
		}
	}
}

// checkSteps reports a document whose resource patterns cost too much.
func (d *decoder) checkSteps() {
	if d.steps.total > d.limits.Steps {
		d.report(d.steps.at, msgPatternsCost, decimal(d.steps.total), decimal(stepsText), decimal(d.limits.Steps), quote(d.steps.dearest), decimal(len(d.steps.dearest)))
	}
}
