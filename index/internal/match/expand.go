package match

import (
	"strings"
	"unicode/utf8"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
)

// match is the result of matching a program with variables.
type match uint8

const (
	noMatch match = iota
	matches
	// missing: a variable has no value, so the pattern matches nothing, and
	// what that means is the caller's affair (specification 1.7).
	missing
)

// match matches a program that may hold variables.
func (x *Variables) match(program, text string, v *View) match {
	program, ok := x.expanded(program, len(text), v)
	if !ok {
		return missing
	}
	if v.Glob(program, text) {
		return matches
	}
	return noMatch
}

// expanded is expand for a program that need not hold a variable.
func (x *Variables) expanded(program string, limit int, v *View) (string, bool) {
	if strings.IndexByte(program, glob.OpVariable) < 0 {
		return program, true
	}
	return x.expand(program, limit, v)
}

// expand puts the values of variables into program; ok is false if one has
// none. A variable that is unseen becomes a run if v.any says so. The result
// aliases v and is valid until the next expand.
//
// Literal text longer than limit cannot match, so expansion stops there with a
// program that matches nothing. So the result is never longer than the pattern
// and the text together.
func (x *Variables) expand(program string, limit int, v *View) (string, bool) {
	buf := v.expanded[:0]
	literal, tooLong := 0, false
	for v.Spend(glob.EndsWork + len(program)/16) {
		i := strings.IndexByte(program, glob.OpVariable)
		if i < 0 {
			buf = append(buf, program...)
			break
		}
		buf = append(buf, program[:i]...)
		n, rest := glob.VariableNumber(program[i:])
		program = rest
		value, ok := v.variable(&(*x)[n])
		if ok == unseen && v.any {
			buf = append(buf, glob.OpRun)
			continue
		}
		if ok != has {
			v.expanded = buf
			return "", false
		}
		if literal += len(value); literal > limit {
			tooLong = true // expansion goes on, as another variable may have no value
			continue
		}
		buf = append(buf, value...)
	}
	v.expanded = buf
	if tooLong || v.Over() {
		return "\xf8", true // no UTF-8 text holds this byte
	}
	return block.Alias(buf), true
}

// missesVariable reports whether a program has a variable without a value.
func (x *Variables) missesVariable(program string, v *View) bool {
	for {
		i := strings.IndexByte(program, glob.OpVariable)
		if i < 0 || v.Over() {
			return false
		}
		n, rest := glob.VariableNumber(program[i:])
		if _, ok := v.variable(&(*x)[n]); ok != has {
			return true
		}
		program = rest
	}
}

// valued is whether a variable has a value.
type valued uint8

const (
	hasNot valued = iota
	has
	// unseen: the key is there, and whoever asks could not see it or the request
	// cannot read it (specification 7, Keys).
	unseen
)

// variable returns the value of a variable, if it has one. A text that is not
// UTF-8, which internal/request refuses, is no value: as the parser checked
// literal text, no byte of a program but an operation can be one (specification
// 1.7: what is put in is literal text).
func (v *View) variable(x *lowered.Variable) (string, valued) {
	v.Spend(glob.EndsWork + len(v.Request.Context)/2)
	values, unreadable := v.lookup(x.Key.Kind, x.Key.Name, block.KeyTag(x.Key.Name), &v.variableValue)
	switch {
	case unreadable && v.Request.Seen != nil:
		return "", unseen
	case unreadable || len(values) > 1:
		return "", hasNot
	case len(values) == 1:
		text := values[0].Text
		v.Spend(len(text) / 8)
		return text, hasIf(utf8.ValidString(text))
	}
	return x.Default, hasIf(x.HasDefault)
}

func hasIf(ok bool) valued {
	if ok {
		return has
	}
	return hasNot
}
