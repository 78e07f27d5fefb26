package index

import (
	"math/bits"

	"postern/policy"
)

const (
	// wordSize is the number of statements that one machine word narrows.
	wordSize = 64
	// scanAlways stands in headerRoaring where the index is switched off.
	scanAlways = ^uint32(0)
)

// satisfied answers for a part: Deny if a Deny is satisfied, else Allow if an
// Allow is, else none.
func (p *Policies) satisfied(b block, v *view) policy.Effect {
	n := b.count()
	switch {
	case n == 0:
		return policy.EffectNone
	case b[headerRoaring] == scanAlways:
		return p.scan(b, v)
	case b[headerRoaring] != 0:
		return p.scanRoaring(b, p.roaring[b[headerRoaring]-1], v)
	}
	candidates := b.candidates(v)
	if v.denyOnly {
		candidates &= 1<<b.denies() - 1
	}
	for ; candidates != 0; candidates &= candidates - 1 {
		id := bits.TrailingZeros64(candidates)
		if p.verify(b, id, v) {
			return effectOf(b, id)
		}
	}
	return policy.EffectNone
}

// scan is satisfied with the index switched off.
func (p *Policies) scan(b block, v *view) policy.Effect {
	for id := range b.count() {
		if v.denyOnly && id >= b.denies() {
			break
		}
		if b.covers(id, v) && p.verify(b, id, v) {
			return effectOf(b, id)
		}
	}
	return policy.EffectNone
}

// effectOf returns the effect of a statement.
func effectOf(b block, id int) policy.Effect {
	if id < b.denies() {
		return policy.EffectDeny
	}
	return policy.EffectAllow
}

// verify reports whether a statement that covers the action is satisfied.
func (p *Policies) verify(b block, id int, v *view) bool {
	r := b.record(id)
	return p.resourceHolds(b, &r, v) && b.principalHolds(&r, v) && p.conditionsHold(b, &r, v)
}
