package glob

import (
	"math"
	"math/bits"
)

// Matcher is the memory of matching, and the budget that it spends. The zero
// value is ready, with nothing to spend. Its memory grows to what patterns need
// and is then not allocated again.
type Matcher struct {
	budget
	// fuel is what one test may still spend on trying one place after another.
	fuel int
	// rows has for each byte the place of its row in table. A row has two words
	// for each word of the state: the operations that the byte may reach from
	// the one before, and those that stay reached.
	rows  [256]uint32
	table []uint64
	// state has a bit for each operation: whether it may have been reached.
	state []uint64
}

// Match reports whether a program without variables matches text, without a
// budget.
func Match(program, text string) bool {
	m := Matcher{budget: budget{left: math.MaxInt}}
	return m.Glob(program, text)
}

// search finds the first place in a text where a core, which is literals and
// `?`, matches, and returns the place after it; -1 if there is none. It takes
// an and with a shift for each byte of the text and each 64 operations of the
// core, whatever they are. A bit of the state says that the operations up to
// this one match what ends at the byte read last. A byte that continues a
// character leaves a `?` reached. The last operation is the highest bit of the
// last word; the bits before the first operation are always set.
//
// The text is read in chunks of 64 bytes, so that one or two words of the state
// stay in registers, and what a word hands to the next for each byte of the
// chunk is one word.
func (m *Matcher) search(core, text string) int {
	words := (len(core) + 63) / 64
	if !m.Spend(len(core) + 32*words + 64) {
		return -1
	}
	m.prepare(core, words)
	for from := 0; from < len(text); from += 64 {
		chunk := text[from:min(from+64, len(text))]
		carry, word := ^uint64(0), 0 // a match may begin at every byte
		out := uint64(0)
		for ; word+2 <= words; word += 2 {
			before := m.state[word+1] >> 63
			out = m.two(chunk, word, carry)
			carry = out<<1 | before
		}
		if word < words {
			out = m.one(chunk, word, carry)
		}
		if out != 0 {
			return from + bits.TrailingZeros64(out) + 1
		}
	}
	return -1
}

const lastBit = 1 << 63

// one moves a word of the state over at most 64 bytes of text. Bit i of carry
// says whether the operation before the word's first was reached before byte i.
// Bit i of out says whether the word's last operation is reached after byte i;
// shifted by one, that is the carry of the next word.
func (m *Matcher) one(text string, word int, carry uint64) (out uint64) {
	state, table := m.state[word], m.table[2*word:]
	for i := 0; i < len(text); i++ {
		row := int(m.rows[text[i]])
		goes := table[row+1]
		state = (2*state+carry&1)&table[row] | state&goes
		carry >>= 1
		out = out>>1 | state&lastBit
	}
	m.state[word] = state
	return out >> (64 - len(text))
}

// two is one for two words of the state.
func (m *Matcher) two(text string, word int, carry uint64) (out uint64) {
	state, table := (*[2]uint64)(m.state[word:]), m.table[2*word:]
	low, high := state[0], state[1]
	for i := 0; i < len(text); i++ {
		row := int(m.rows[text[i]])
		goes := table[row+3]
		high = (2*high+low>>63)&table[row+2] | high&goes
		low = (2*low+carry&1)&table[row] | low&table[row+1]
		carry >>= 1
		out = out>>1 | high&lastBit
	}
	state[0], state[1] = low, high
	return out >> (64 - len(text))
}

// prepare makes the state and the rows of a core. One row serves all bytes that
// begin a character, and one all that continue one; each literal has a row of
// its own, which begins as a copy of one of these.
func (m *Matcher) prepare(core string, words int) {
	width := 2 * words
	m.state, m.table = grown(m.state, words), grown(m.table, 2*width)
	front := 64*words - len(core)
	m.state[0] = 1<<front - 1
	begins, goesOn := m.table[:width], m.table[width:]
	begins[0], goesOn[0] = m.state[0], m.state[0]
	for i := 0; i < len(core); i++ {
		if core[i] == OpOne {
			at, bit := 2*((front+i)/64), uint64(1)<<((front+i)%64)
			begins[at] |= bit
			goesOn[at+1] |= bit
		}
	}
	for c := range m.rows {
		m.rows[c] = 0
	}
	for c := 0x80; c < 0xc0; c++ {
		m.rows[c] = uint32(width)
	}
	for i := 0; i < len(core); i++ {
		c := core[i]
		if c == OpOne {
			continue
		}
		row := int(m.rows[c])
		if row <= width {
			m.rows[c] = uint32(len(m.table))
			m.table = append(m.table, m.table[row:row+width]...)
			row = int(m.rows[c])
		}
		m.table[row+2*((front+i)/64)] |= 1 << ((front + i) % 64)
	}
}

// grown returns a list of n zeros, in the memory of list if that is large
// enough.
func grown(list []uint64, n int) []uint64 {
	if cap(list) < n {
		return make([]uint64, n, 2*n)
	}
	list = list[:n]
	clear(list)
	return list
}

// maxTable is the largest table, in words, that is kept for the next decision.
// Only cores with long values of variables need more.
const maxTable = 8192

// Begin prepares for the next decision.
func (m *Matcher) Begin() {
	m.budget.begin()
	if cap(m.table) > maxTable {
		m.table = nil
	}
}
