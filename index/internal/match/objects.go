package match

import (
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
)

// anObject stands for the key of any object: it is a character that no pattern
// has.
const anObject = "\xf8"

// objectsHold is ResourceHolds for a Deny and an object operation that is asked
// on a bucket (specification 1.2): its Resource holds for the bucket as asked
// and for any of its objects, and its NotResource exempts the request where one
// of its patterns has every object.
func (x *Variables) objectsHold(b block.Block, r block.Record, v *View) bool {
	v.objectText = append(append(append(v.objectText[:0], v.Text...), '/'), anObject...)
	object := block.Alias(v.objectText)
	prefix := object[:len(object)-len(anObject)]
	w := b.What(r)
	hasAll := w.Prefix > 0 && b.HasPrefix(w, prefix)
	if r.NotResource() {
		return !hasAll && !x.globHasAll(b, w, object, v)
	}
	return hasAll || b.HasExact(w, v.Text) || b.GoesOn(w, prefix) || x.globHasSome(b, w, prefix, v)
}

// globHasAll reports whether one of some programs matches every object of a
// bucket. object is the bucket's name, `/` and anObject: a program that matches
// that, and has a run after its last literal text, matches any key.
func (x *Variables) globHasAll(b block.Block, w block.What, object string, v *View) bool {
	for i := range w.Glob {
		program, ok := x.expanded(b.ResourceProgram(w, i), len(object), v)
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
// or one of its objects. The texts of these have the given prefix, and a
// program that matches it as far as its first run, or to the end of the prefix,
// matches one of them.
func (x *Variables) globHasSome(b block.Block, w block.What, prefix string, v *View) bool {
	for i := range w.Glob {
		// A program that is longer than the prefix has operations left at its
		// end.
		program, ok := x.expandCut(b.ResourceProgram(w, i), len(prefix), v)
		if !ok {
			continue
		}
		n, took, met := glob.Head(program, prefix)
		if !v.Spend(glob.EndsWork+n/2) || met && n < len(program) || !met && took == len(prefix) {
			return true
		}
		if v.Glob(program, v.Text) {
			return true
		}
	}
	return false
}

// expandCut is expanded, with no more than limit + 1 bytes of each value:
// nothing behind these can match a text of limit bytes. The result may alias v
// and is valid until the next expand.
func (x *Variables) expandCut(program string, limit int, v *View) (string, bool) {
	if strings.IndexByte(program, glob.OpVariable) < 0 {
		return program, true
	}
	buf := v.expanded[:0]
	for v.Spend(glob.EndsWork + len(program)/16) {
		i := strings.IndexByte(program, glob.OpVariable)
		if i < 0 {
			v.expanded = append(buf, program...)
			return block.Alias(v.expanded), true
		}
		n, rest := glob.VariableNumber(program[i:])
		value, ok := v.variable(&(*x)[n])
		if ok == unseen && v.any {
			buf = append(append(buf, program[:i]...), glob.OpRun)
			program = rest
			continue
		}
		if ok != has {
			break
		}
		buf = append(append(buf, program[:i]...), value[:min(len(value), limit+1)]...)
		program = rest
	}
	v.expanded = buf
	return "", false
}
