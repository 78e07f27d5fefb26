package index

import (
	"math/bits"

	"postern/index/internal/glob"
	"postern/policy"
)

const (
	// wordSize is the number of statements that one machine word narrows.
	wordSize = 64
	// wordParts is the number of statements above which a part gets postings,
	// and a part for each name that its statements list; nameParts is the number
	// above which the part of a name gets postings.
	wordParts = 256
	nameParts = 65536
	// scanAlways stands in headerRoaring where the index is switched off.
	scanAlways = ^uint32(0)
)

// satisfied answers for a part, when the parts before said so: Deny if a Deny
// is satisfied, else Allow if an Allow is, else what they said. Once an Allow
// is known, only Denies are looked at.
func (p *Policies) satisfied(b block, before policy.Effect, v *view) policy.Effect {
	n := b.count()
	if v.denyOnly || before == policy.EffectAllow {
		n = b.denies()
	}
	effect := policy.EffectNone
	switch {
	case n == 0:
	case b[headerRoaring] == 0:
		effect = p.scanWords(b, n, v)
	case b[headerRoaring] == scanAlways:
		effect = p.scan(b, n, v)
	default:
		return p.scanRoaring(b, before, p.roaring[b[headerRoaring]-1], v)
	}
	if effect == policy.EffectNone {
		return before
	}
	return effect
}

// scanWords is satisfied with a word of candidates for every 64 statements, of
// the first n.
func (p *Policies) scanWords(b block, n int, v *view) policy.Effect {
	if len(b) > 4*lineWords {
		// The lines that will be wanted one after another can come at once.
		v.early = b[lineWords] + b[2*lineWords] + b[3*lineWords]
	}
	key, told := v.key(b[headerKeyAt])
	chunks, sieve := int(b.chunks()), int(b[headerSieve])
	for first := 0; first < n; first += wordSize {
		a := b[b[chunks+first/wordSize]:]
		var candidates uint64
		if v.known {
			candidates = a.covered(v.action)
		} else {
			candidates = b.unknownCovered(first, v)
		}
		if left := n - first; left < wordSize {
			candidates &= 1<<left - 1
		}
		open := ^uint64(0)
		if told {
			open = a.u64(chunkOpen)
		}
		for ; candidates != 0; candidates &= candidates - 1 {
			id := first + bits.TrailingZeros64(candidates)
			s := (*[sieveWords]uint32)(b[sieve+sieveWords*id:])
			if s[sieveKey] != key && open&candidates&-candidates == 0 || s[sieveNames]&v.names == 0 {
				continue
			}
			if r := b.recordAt(s[sieveBody]); p.holds(b, r, v) {
				return effectOf(b, id)
			}
		}
	}
	return policy.EffectNone
}

// scan is satisfied with the index switched off, of the first n statements.
func (p *Policies) scan(b block, n int, v *view) policy.Effect {
	for id := range n {
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
	return p.holds(b, r, v)
}

// holds reports whether a statement that covers the action is satisfied. Once
// the budget is spent everything is, so that deciding ends at the next Deny: the
// answer counts for nothing, see budget.over.
func (p *Policies) holds(b block, r record, v *view) bool {
	return !v.Spend(glob.StatementWork) || p.resourceHolds(b, r, v) && b.principalHolds(r, v) && (b.conditionCount(r) == 0 || p.conditionsHold(b, r, v))
}
