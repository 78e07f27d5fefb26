package glob

import (
	"strings"
	"unicode/utf8"
)

// Glob reports whether program, which holds no variable, matches text. What
// stands before the first run and behind the last has one place in the text; of
// what stands between two runs the first place will do, since the next run eats
// what is left. So no byte of the text is looked at for two of these segments,
// and none costs more than a step for each word of the program.
//
// It spends the steps of a test (specification 1.6) where the ends do not
// settle it, and little otherwise; once the budget is spent, nothing matches.
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
			return false // every operation but a run takes a byte
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

// endWork is what matching operations one by one costs, by their number and that
// of the bytes they took: a character of several bytes has to be decoded.
func endWork(ops, bytes int) int { return max(ops, ops+4*(bytes-ops)) }

// segmentLen is the number of operations up to the first run, or of all.
func segmentLen(ops string) int {
	if i := strings.IndexByte(ops, OpRun); i >= 0 {
		return i
	}
	return len(ops)
}

// Head matches the operations up to the first run, or all, at the beginning of a
// text. It returns the number of them, and of the bytes that they took.
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

// tail matches the operations behind the last run, or all, at the end of a text.
// It returns where they begin, and where the bytes do that they took.
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

// find returns where the first place of a segment, operations without a run,
// ends in a text; -1 if there is none. The places of what a segment has before
// its first literal and behind its last are counted, not looked for.
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
// place after place while that is cheap.
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

// runeLen is the length of the first character; a stray byte is one.
func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}
