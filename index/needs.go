package index

import (
	"math/bits"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/internal/action"
	"postern/policy"
)

// take makes one of the actions that the request needs the one at hand. An
// object operation that is asked on a bucket is about objects of the bucket
// that the request does not name (specification 1.2).
func (v *view) take(id action.ID) {
	v.action = id
	v.objects = v.request.Resource.Kind == policy.ResourceBucket && action.KindOf(id) == action.OnObject
}

// askMore is ask and askBucket for requests that need more than a look at the
// statements of one action on the resource as asked: own (the zero Block: there is none)
// and wide are the blocks to ask. Of several actions a Deny of one denies, and
// each must be allowed (specification 1.2).
func (p *Policies) askMore(own, wide block.Block, v *view) policy.Effect {
	effect, first := p.askAction(own, wide, v), v.action
	for _, id := range v.beside {
		if effect == policy.EffectDeny {
			break
		}
		v.take(id)
		if other := p.askAction(own, wide, v); other != policy.EffectAllow {
			effect = other
		}
	}
	v.take(first)
	return effect
}

// askAction asks about the action at hand.
func (p *Policies) askAction(own, wide block.Block, v *view) policy.Effect {
	if v.objects && (!own.IsNone() && p.deniesObjects(own, v) || p.deniesObjects(wide, v)) {
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
func (p *Policies) deniesObjects(b block.Block, v *view) bool {
	denies := b.Denies()
	for first := 0; first < denies; first += block.ChunkSize {
		for candidates := v.candidates(b, first, 0, denies); candidates != 0; candidates &= candidates - 1 {
			id := first + bits.TrailingZeros64(candidates)
			if !v.Spend(glob.StatementWork) {
				return true // as holds
			}
			if b.Sieve().Entry(id).Names()&v.names != 0 && p.verify(b, id, v) {
				return true
			}
		}
	}
	return false
}

// anObject stands for the key of any object: a character that no pattern has.
const anObject = "\xf8"

// objectsHold is resourceHolds for a Deny and an object operation that is asked
// on a bucket (specification 1.2): its Resource holds for the bucket as asked
// and for any of its objects, and its NotResource exempts the request where one
// of its patterns has every object.
func (p *Policies) objectsHold(b block.Block, r block.Record, v *view) bool {
	v.objectText = append(append(append(v.objectText[:0], v.text...), '/'), anObject...)
	object := alias(v.objectText)
	beginning := object[:len(object)-len(anObject)]
	w := b.What(r)
	hasAll := w.Prefix > 0 && b.HasPrefix(w, beginning)
	if r.NotResource() {
		return !hasAll && !p.globHasAll(b, w, object, v)
	}
	return hasAll || b.HasExact(w, v.text) || b.GoesOn(w, beginning) || p.globHasSome(b, w, beginning, v)
}

// globHasAll reports whether one of some programs matches every object of a
// bucket, object being its name, `/` and anObject. Where a program matches that,
// and has a run behind its last literal text, any key will do.
func (p *Policies) globHasAll(b block.Block, w block.What, object string, v *view) bool {
	for i := range w.Glob {
		program, ok := p.expanded(b.ResourceProgram(w, i), len(object), v)
		if !ok {
			continue // a variable without a value excludes nothing from a Deny
		}
		last := len(program)
		for last > 0 && program[last-1] >= glob.OpSeparator {
			last--
		}
		if v.Spend(len(program)-last) && strings.IndexByte(program[last:], glob.OpRun) >= 0 && v.Glob(program, object) {
			return true
		}
	}
	return false
}

// globHasSome reports whether one of some programs matches the bucket as asked,
// or one of its objects, whose texts have the given beginning. A program that
// comes to its first run in the beginning, or to its end, can go on as it likes.
func (p *Policies) globHasSome(b block.Block, w block.What, beginning string, v *view) bool {
	for i := range w.Glob {
		// What is longer than the beginning has something left at its end.
		program, ok := p.expandCut(b.ResourceProgram(w, i), len(beginning), v)
		if !ok {
			continue
		}
		n, took, met := glob.Head(program, beginning)
		if !v.Spend(glob.EndsWork+n/2) || met && n < len(program) || !met && took == len(beginning) {
			return true
		}
		if v.Glob(program, v.text) {
			return true
		}
	}
	return false
}

// expandCut is expanded, of each value no more than limit bytes and one: in a
// text of limit bytes nothing behind them can match any. The result may alias v
// and is valid until the next expand.
func (p *Policies) expandCut(program string, limit int, v *view) (string, bool) {
	if strings.IndexByte(program, glob.OpVariable) < 0 {
		return program, true
	}
	buf := v.expanded[:0]
	for v.Spend(glob.EndsWork + len(program)/16) {
		i := strings.IndexByte(program, glob.OpVariable)
		if i < 0 {
			v.expanded = append(buf, program...)
			return alias(v.expanded), true
		}
		n, rest := glob.VariableNumber(program[i:])
		value, ok := v.variable(&p.variables[n])
		if !ok {
			break
		}
		buf = append(append(buf, program[:i]...), value[:min(len(value), limit+1)]...)
		program = rest
	}
	v.expanded = buf
	return "", false
}
