package statements

import (
	"math/bits"

	"postern/index/internal/block"
	"postern/index/internal/match"
	"postern/index/lowered"
	"postern/policy"
)

// fewInSlot is the number of statements up to which those in a slot of a table
// are compared one by one.
const fewInSlot = 16

// named freezes the part of a name and returns the place of its block.
func (f *freezer) named(list []block.Statement) uint32 {
	switch {
	case f.form == lowered.FormNames:
		list, t := block.WithTraits(list, 1) // so that tests have both groups
		return f.block("", list, false, t)
	case len(list) < block.MinTraits || len(list) > nameParts:
		return f.block("", list, false, nil)
	}
	list, t := block.WithTraits(list, block.MinTabled)
	return f.block("", list, false, t)
}

// satisfiedNamed is satisfied for the part of a name.
func (p *Policies) satisfiedNamed(b block.Block, before policy.Effect, v *match.View) policy.Effect {
	denies, allows, grouped := b.Groups()
	if !grouped || v.Whole {
		return p.satisfied(b, before, v)
	}
	if p.scanGroups(b, denies, 0, v) {
		return policy.EffectDeny
	}
	if before != policy.EffectAllow && p.scanGroups(b, allows, b.Denies(), v) {
		return policy.EffectAllow
	}
	return before
}

// scanGroups reports whether one of the statements of one effect, which begin
// with first, is satisfied.
func (p *Policies) scanGroups(b block.Block, g block.Group, first int, v *match.View) bool {
	if p.scanSieve(b, first, g.End(), v) {
		return true
	}
	if !g.HasTable() {
		return false
	}
	table, sieve := b.Table(g), b.Sieve()
	for _, trait := range v.Traits.WithPrefixes(v.Text, g.Lengths()) {
		id, end := table.Find(trait)
		if end-id > fewInSlot {
			if p.scanTrait(b, id, end, trait, v) {
				return true
			}
			continue
		}
		for ; id < end; id++ {
			if s := sieve.Entry(id); s.Key() == trait && v.Covers(b, id) {
				if p.variables.Holds(b, b.RecordOf(s), v) {
					return true
				}
			}
		}
	}
	return false
}

// scanSieve reports whether a statement of a first group, from id to below end,
// is satisfied.
func (p *Policies) scanSieve(b block.Block, id, end int, v *match.View) bool {
	key, _ := v.Key(b.KeyAt())
	sieve := b.Sieve()
	for first := id &^ (block.ChunkSize - 1); first < end; first += block.ChunkSize {
		candidates := v.Candidates(b, first, id, end)
		if candidates == 0 {
			continue
		}
		v.Spend(bits.OnesCount64(candidates))
		open := b.Actions(first / block.ChunkSize).Open()
		for ; candidates != 0; candidates &= candidates - 1 {
			s := sieve.Entry(first + bits.TrailingZeros64(candidates))
			if open&candidates&-candidates == 0 {
				if s.Key() != key {
					continue
				}
			} else if trait := s.Key(); trait != 0 && !v.Traits.MayHave(v.Text, trait) {
				continue
			}
			if p.variables.Holds(b, b.RecordOf(s), v) {
				return true
			}
		}
	}
	return false
}

// scanTrait reports whether a statement with a trait, from id to below end, is
// satisfied.
func (p *Policies) scanTrait(b block.Block, id, end int, trait uint32, v *match.View) bool {
	sieve := b.Sieve()
	for first := id &^ (block.ChunkSize - 1); first < end; first += block.ChunkSize {
		for candidates := v.Candidates(b, first, id, end); candidates != 0; candidates &= candidates - 1 {
			s := sieve.Entry(first + bits.TrailingZeros64(candidates))
			if s.Key() != trait {
				continue
			}
			if p.variables.Holds(b, b.RecordOf(s), v) {
				return true
			}
		}
	}
	return false
}
