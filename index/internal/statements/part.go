package statements

import (
	"math/bits"

	"postern/index/internal/block"
	"postern/index/internal/match"
	"postern/policy"
)

const (
	// wordParts is the largest number of statements for which a part has
	// neither postings nor parts of names; nameParts is the largest for which a
	// part of a name has no postings.
	wordParts = 256
	nameParts = 65536
)

// satisfied returns what a part and the parts before it say, of which before is
// what these said: Deny if a Deny is satisfied, else Allow if an Allow is, else
// before. Once an Allow is known, only Denies are looked at.
func (p *Policies) satisfied(b block.Block, before policy.Effect, v *match.View) policy.Effect {
	n := b.Count()
	if v.DenyOnly || before == policy.EffectAllow {
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

// scanWords is satisfied for the first n statements, by a word of candidates
// for every 64.
func (p *Policies) scanWords(b block.Block, n int, v *match.View) policy.Effect {
	v.Early = b.Early()
	key, told := v.Key(b.KeyAt())
	sieve := b.Sieve()
	for first := 0; first < n; first += block.ChunkSize {
		a := b.Actions(first / block.ChunkSize)
		var candidates uint64
		if v.Known {
			candidates = a.Covering(v.Action)
		} else {
			candidates = v.UnknownCovered(b, first)
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
			if s.Key() != key && open&candidates&-candidates == 0 || s.Names()&v.Names == 0 {
				continue
			}
			if r := b.RecordOf(s); p.of().Holds(b, r, v) {
				v.Ground(b, id)
				return effectOf(b, id)
			}
		}
	}
	return policy.EffectNone
}

// scan is satisfied for the first n statements, all of which are candidates.
func (p *Policies) scan(b block.Block, n int, v *match.View) policy.Effect {
	for id := range n {
		if v.Covers(b, id) && p.variables.Holds(b, b.Record(id), v) {
			v.Ground(b, id)
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
