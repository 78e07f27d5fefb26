package glob

import (
	"strings"
	"unicode/utf8"
)

// Glob reports whether program, which holds no variable, matches text. What
// stands before the first `*` and after the last can match only at the ends of
// the text. Of a segment between two `*` the first place where it matches will
// do, since the `*` behind it matches what follows. So no byte of the text is
// compared with two segments, and none costs more than a step for each word of
// the program.
//
// A test spends its steps (specification 1.6) unless the ends decide it, which
// costs little. Once the budget is passed, nothing matches.
func (m *Matcher) Glob(program, text string) bool {
	first, from, ok := Head(program, text)
	if !m.Spend(EndsWork+endWork(first, from)) || !ok {
		return false
	}
	if first == len(program) {
		return from == len(text)
	}
	inner, rest := program[first+1:], text[from:]
	last, to, ok := tail(inner, rest)
	if !m.Spend(endWork(len(inner)-last, len(rest)-to)) || !ok {
		return false
	}
	if last == 0 {
		return true
	}
	inner, rest = inner[:last-1], rest[:to]
	if len(inner) > len(rest) {
		m.Spend(len(inner) / 32)
		if len(inner)-strings.Count(inner, runText) > len(rest) {
			return false // every operation except a run takes at least one byte
		}
	}
	if !m.SpendSteps(testSteps(len(program), len(text))) {
		return false
	}
	m.fuel = len(rest)/8 + 64
	for m.Spend(EndsWork) {
		n := 0
		end := segmentLen(inner)
		if literal := LiteralLen(inner); literal == end {
			if n = strings.Index(rest, inner[:end]); n >= 0 {
				n += end
			}
		} else {
			n = m.find(inner[:end], rest)
		}
		switch {
		case n < 0:
			return false
		case end == len(inner):
			return true
		}
		inner, rest = inner[end+1:], rest[n:]
	}
	return false
}

// endWork returns the cost of matching so many operations one by one, which
// took so many bytes: characters of several bytes have to be decoded.
func endWork(ops, bytes int) int { return max(ops, ops+4*(bytes-ops)) }

// segmentLen returns the number of operations before the first run, or of all
// if there is none.
func segmentLen(ops string) int {
	if i := strings.IndexByte(ops, OpRun); i >= 0 {
		return i
	}
	return len(ops)
}

// Head matches the operations before the first run, or all if there is none, at
// the beginning of a text. It returns their number and that of the bytes that
// they matched.
func Head(ops, text string) (i, n int, ok bool) {
	for ; i < len(ops) && ops[i] != OpRun; i++ {
		switch {
		case n == len(text):
			return i, n, false
		case ops[i] == OpOne:
			n += runeLen(text[n:])
		case ops[i] == text[n]:
			n++
		default:
			return i, n, false
		}
	}
	return i, n, true
}

// tail matches the operations after the last run, or all if there is none, at
// the end of a text. It returns the places at which they, and the bytes that
// they matched, begin.
func tail(ops, text string) (i, n int, ok bool) {
	n = len(text)
	for i = len(ops); i > 0 && ops[i-1] != OpRun; i-- {
		switch {
		case n == 0:
			return i, n, false
		case ops[i-1] == OpOne:
			_, size := utf8.DecodeLastRuneInString(text[:n])
			n -= size
		case ops[i-1] == text[n-1]:
			n--
		default:
			return i, n, false
		}
	}
	return i, n, true
}

// find finds the first place in a text where a segment, which is operations
// without a run, matches, and returns the place after it; -1 if there is none.
// Operations before the first literal and after the last match any character,
// so that they are counted and not searched for.
func (m *Matcher) find(segment, text string) int {
	from, to := 0, len(segment)
	for from < to && segment[from] == OpOne {
		from++
	}
	for to > from && segment[to-1] == OpOne {
		to--
	}
	m.Spend(2 * (from + len(segment) - to))
	_, n, ok := Head(segment[:from], text)
	m.Spend(endWork(from, n))
	if ok && from < to {
		i := m.findCore(segment[from:to], text[n:])
		n, ok = n+i, i >= 0
	}
	if !ok {
		return -1
	}
	_, i, ok := Head(segment[to:], text[n:])
	m.Spend(endWork(len(segment)-to, i))
	if !ok {
		return -1
	}
	return n + i
}

// findCore is find for a segment that begins and ends with a literal. It tries
// one place after another as long as that is cheap, and then calls search.
func (m *Matcher) findCore(core, text string) int {
	literal := LiteralLen(core)
	for at := 0; ; at++ {
		i := strings.Index(text[at:], core[:literal])
		if i < 0 {
			return -1
		}
		at += i
		_, n, ok := Head(core[literal:], text[at+literal:])
		if ok {
			return at + literal + n
		}
		if m.fuel -= EndsWork + n; m.fuel < 0 {
			at++
			if i = m.search(core, text[at:]); i < 0 {
				return -1
			}
			return at + i
		}
	}
}

// runeLen returns the length of the first character in bytes. A byte that is
// not UTF-8 counts as one character.
func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}
