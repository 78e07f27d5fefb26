package index

import (
	"strings"
	"unicode/utf8"
)

// A program is a compiled pattern: literal UTF-8 text in which some bytes that
// never occur in UTF-8 stand for the rest. So literal text needs no escaping,
// and a value that a variable brings in can never be taken for a wildcard
// (specification 1.6, 1.7).
const (
	opRun       = 0xff // `*`: any run of characters
	opOne       = 0xfe // `?`: one code point
	opVariable  = 0xfd // and its number in three bytes below 0x80, see Program.Variable
	opSeparator = 0xfc // between the six parts of an ARN
)

// glob reports whether program, which holds no variable, matches text. It
// takes at most len(program) x len(text) steps: after a mismatch only the last
// run is widened, by one code point.
func glob(program, text string) bool {
	p, t := 0, 0
	runP, runT := -1, 0 // where to go on after the last run, and what it ate to
	for {
		if p < len(program) {
			switch c := program[p]; {
			case c == opRun:
				p++
				if p == len(program) {
					return true
				}
				literal := literalLen(program[p:])
				switch {
				case p+literal == len(program):
					return strings.HasSuffix(text[t:], program[p:])
				case literal > 0 && program[p+literal] == opRun:
					// The first place will do: the next run eats what is left.
					i := strings.Index(text[t:], program[p:p+literal])
					if i < 0 {
						return false
					}
					p, t = p+literal, t+i+literal
				default:
					runP, runT = p, t
				}
				continue
			case t < len(text) && c == opOne:
				p++
				t += runeLen(text[t:])
				continue
			case t < len(text) && c == text[t]:
				p++
				t++
				continue
			}
		} else if t == len(text) {
			return true
		}
		if runP < 0 || runT >= len(text) {
			return false
		}
		runT += runeLen(text[runT:])
		p, t = runP, runT
	}
}

// literalLen is the length of the literal text that a program begins with.
func literalLen(program string) int {
	for i := 0; i < len(program); i++ {
		if program[i] >= opSeparator {
			return i
		}
	}
	return len(program)
}

// runeLen is the length of the first character; a stray byte is one.
func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// match is what matching a program with variables says.
type match uint8

const (
	noMatch match = iota
	matches
	// missing: a variable has no value, so the pattern matches nothing, and
	// what that means is the caller's affair (specification 1.7).
	missing
)

// match matches a program that may hold variables.
func (p *Policies) match(program, text string, v *view) match {
	if strings.IndexByte(program, opVariable) >= 0 {
		expanded, ok := p.expand(program, len(text), v)
		if !ok {
			return missing
		}
		program = expanded
	}
	if glob(program, text) {
		return matches
	}
	return noMatch
}

// Match reports whether a program without variables matches text. The compiler
// resolves action patterns with it.
func Match(program, text string) bool { return glob(program, text) }

// expand puts the values of variables into program; false if one has none. The
// result aliases v and is valid until the next expand.
//
// Literal text longer than limit cannot match, so expansion stops there with a
// program that matches nothing: a pattern of many variables cannot be made to
// cost more than pattern x text steps by long values.
func (p *Policies) expand(program string, limit int, v *view) (string, bool) {
	buf := v.expanded[:0]
	literal, tooLong := 0, false
	for {
		i := strings.IndexByte(program, opVariable)
		if i < 0 {
			buf = append(buf, program...)
			break
		}
		buf = append(buf, program[:i]...)
		n, rest := variableNumber(program[i:])
		program = rest
		value, ok := v.variable(&p.variables[n])
		if !ok {
			v.expanded = buf
			return "", false
		}
		if literal += len(value); literal > limit {
			tooLong = true // go on: another variable may be missing
			continue
		}
		buf = append(buf, value...)
	}
	v.expanded = buf
	if tooLong {
		return "\xf8", true // no UTF-8 text holds this byte
	}
	return alias(buf), true
}

// missesVariable reports that a program has a variable without a value.
func (p *Policies) missesVariable(program string, v *view) bool {
	for {
		i := strings.IndexByte(program, opVariable)
		if i < 0 {
			return false
		}
		n, rest := variableNumber(program[i:])
		if _, ok := v.variable(&p.variables[n]); !ok {
			return true
		}
		program = rest
	}
}

// variableNumber reads the variable that a program begins with.
func variableNumber(program string) (n int, rest string) {
	return int(program[1])<<14 | int(program[2])<<7 | int(program[3]), program[4:]
}

// variable returns what a variable stands for; false if it has no value.
func (v *view) variable(x *Variable) (string, bool) {
	values, unreadable := v.lookup(x.Key.Kind, x.Key.Name, keyTag(x.Key.Name), &v.variableValue)
	switch {
	case unreadable || len(values) > 1:
		return "", false
	case len(values) == 1:
		return values[0].Text, true
	}
	return x.Default, x.HasDefault
}

// patternKind says how a pattern is best matched.
type patternKind uint8

const (
	patternExact  patternKind = iota // literal text
	patternPrefix                    // literal text and a last `*`
	patternGlob                      // anything else
)

// classify returns the kind of a program, and its literal prefix.
func classify(program string) (patternKind, string) {
	i := literalLen(program)
	switch {
	case i == len(program):
		return patternExact, program
	case i == len(program)-1 && program[i] == opRun:
		return patternPrefix, program[:i]
	}
	return patternGlob, program[:i]
}
