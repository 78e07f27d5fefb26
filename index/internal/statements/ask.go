package statements

import (
	"math/bits"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/policy"
)

// Ask returns what the statements say of the request: those of the bucket that
// it is about, and those of the wide part.
func (p *Policies) Ask(v *match.View) policy.Effect {
	if v.More {
		return p.askMore(p.bucketBlock(v.Bucket, v.BucketHash), p.Block(), v)
	}
	effect := policy.EffectNone
	if !v.Whole {
		if b := p.bucketBlock(v.Bucket, v.BucketHash); !b.IsNone() {
			effect = p.satisfied(b, effect, v)
		}
	}
	if wide := p.Block(); effect != policy.EffectDeny && wide.Count() > 0 {
		effect = p.satisfied(wide, effect, v)
	}
	return effect
}

// AskBlock is Ask for a bucket's policy, which has one block.
func (p *Policies) AskBlock(b block.Block, v *match.View) policy.Effect {
	if v.More {
		return p.askMore(block.Block{}, b, v)
	}
	return p.satisfied(b, policy.EffectNone, v)
}

// askMore is Ask and AskBlock for requests that need more than a look at the
// statements of one action on the resource as asked: own (the zero Block: there
// is none) and wide are the blocks to ask. Of several actions a Deny of one denies, and
// each must be allowed (specification 1.2).
func (p *Policies) askMore(own, wide block.Block, v *match.View) policy.Effect {
	effect, first := p.askAction(own, wide, v), v.Action
	for _, id := range v.Beside {
		if effect == policy.EffectDeny {
			break
		}
		v.Take(id)
		if other := p.askAction(own, wide, v); other != policy.EffectAllow {
			effect = other
		}
	}
	v.Take(first)
	return effect
}

// askAction asks about the action at hand.
func (p *Policies) askAction(own, wide block.Block, v *match.View) policy.Effect {
	if v.Objects && (!own.IsNone() && p.deniesObjects(own, v) || p.deniesObjects(wide, v)) {
		return policy.EffectDeny
	}
	effect := policy.EffectNone
	if !own.IsNone() {
		effect = p.satisfied(own, effect, v)
	}
	if effect != policy.EffectDeny && wide.Count() > 0 {
		effect = p.satisfied(wide, effect, v)
	}
	return effect
}

// deniesObjects reports whether a Deny of a part is satisfied, for an object
// operation that is asked on a bucket. Nothing narrows by the resource here,
// whose text is not that of the objects.
func (p *Policies) deniesObjects(b block.Block, v *match.View) bool {
	denies := b.Denies()
	for first := 0; first < denies; first += block.ChunkSize {
		for candidates := v.Candidates(b, first, 0, denies); candidates != 0; candidates &= candidates - 1 {
			id := first + bits.TrailingZeros64(candidates)
			if !v.Spend(glob.StatementWork) {
				return true // as match.Variables.Holds
			}
			if b.Sieve().Entry(id).Names()&v.Names != 0 && p.variables.Holds(b, b.Record(id), v) {
				v.Ground(b, id)
				return true
			}
		}
	}
	return false
}
