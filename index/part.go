package index

import (
	"math/bits"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/policy"
)

const (
	// wordParts is the number of statements above which a part gets postings,
	// and a part for each name that its statements list; nameParts is the number
	// above which the part of a name gets postings.
	wordParts = 256
	nameParts = 65536
)

// satisfied answers for a part, when the parts before said so: Deny if a Deny
// is satisfied, else Allow if an Allow is, else what they said. Once an Allow
// is known, only Denies are looked at.
func (p *Policies) satisfied(b block.Block, before policy.Effect, v *view) policy.Effect {
	n := b.Count()
	if v.denyOnly || before == policy.EffectAllow {
		n = b.Denies()
	}
	effect := policy.EffectNone
	switch {
	case n == 0:
	case b.Narrowing() == block.ByWords:
		effect = p.scanWords(b, n, v)
	case b.Narrowing() == block.ByNothing:
		effect = p.scan(b, n, v)
	default:
		return p.scanRoaring(b, before, p.roaring[b.Narrowing()-1], v)
	}
	if effect == policy.EffectNone {
		return before
	}
	return effect
}

// scanWords is satisfied with a word of candidates for every 64 statements, of
// the first n.
func (p *Policies) scanWords(b block.Block, n int, v *view) policy.Effect {
	v.early = b.Early()
	key, told := v.key(b.KeyAt())
	sieve := b.Sieve()
	for first := 0; first < n; first += block.ChunkSize {
		a := b.Actions(first / block.ChunkSize)
		var candidates uint64
		if v.known {
			candidates = a.Covering(v.action)
		} else {
			candidates = v.unknownCovered(b, first)
		}
		if left := n - first; left < block.ChunkSize {
			candidates &= 1<<left - 1
		}
		open := ^uint64(0)
		if told {
			open = a.Open()
		}
		for ; candidates != 0; candidates &= candidates - 1 {
			id := first + bits.TrailingZeros64(candidates)
			s := sieve.Entry(id)
			if s.Key() != key && open&candidates&-candidates == 0 || s.Names()&v.names == 0 {
				continue
			}
			if r := b.RecordOf(s); p.holds(b, r, v) {
				return effectOf(b, id)
			}
		}
	}
	return policy.EffectNone
}

// scan is satisfied with the index switched off, of the first n statements.
func (p *Policies) scan(b block.Block, n int, v *view) policy.Effect {
	for id := range n {
		if v.covers(b, id) && p.verify(b, id, v) {
			return effectOf(b, id)
		}
	}
	return policy.EffectNone
}

// effectOf returns the effect of a statement.
func effectOf(b block.Block, id int) policy.Effect {
	if id < b.Denies() {
		return policy.EffectDeny
	}
	return policy.EffectAllow
}

// verify reports whether a statement that covers the action is satisfied.
func (p *Policies) verify(b block.Block, id int, v *view) bool {
	r := b.Record(id)
	return p.holds(b, r, v)
}

// holds reports whether a statement that covers the action is satisfied. Once
// the budget is spent everything is, so that deciding ends at the next Deny: the
// answer counts for nothing, see budget.over.
func (p *Policies) holds(b block.Block, r block.Record, v *view) bool {
	return !v.Spend(glob.StatementWork) || p.resourceHolds(b, r, v) && v.principalHolds(b, r) && (b.ConditionCount(r) == 0 || p.conditionsHold(b, r, v))
}
