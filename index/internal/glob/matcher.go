package glob

import (
	"math"
	"math/bits"
)

// Matcher is what matching needs: its memory, and the budget that it spends.
// The zero value is ready, with nothing to spend. What it holds grows to what
// patterns need and is then not allocated again.
type Matcher struct {
	budget
	// fuel is what trying place after place may still cost in one test.
	fuel int
	// rows is the place of each byte's row in table: for each word of the state
	// the bits that the byte may reach, and those that it leaves reached.
	rows  [256]uint32
	table []uint64
	// state has the operations that may have been reached.
	state []uint64
}

// Match reports whether a program without variables matches text, without a
// budget.
func Match(program, text string) bool {
	m := Matcher{budget: budget{left: math.MaxInt}}
	return m.Glob(program, text)
}

// search returns where the first place of a core, literals and `?`, ends in a
// text; -1 if there is none. It takes one step, an and with a shift, for each
// byte of the text and 64 operations of the core, whatever they hold. A bit of
// the state says that an operation may have ended here, and leads to the next
// one; a `?` goes on through the bytes of its character. The last operation has
// the last bit, which is handed on as the others' last bits are to the next
// word; what is left over in front is always reached.
//
// 64 bytes of the text are taken at once, so that a word of the state, or two,
// stay in registers, and the bits handed on are one word.
func (m *Matcher) search(core, text string) int {
	words := (len(core) + 63) / 64
	if !m.Spend(len(core) + 32*words + 64) {
		return -1
	}
	m.prepare(core, words)
	for from := 0; from < len(text); from += 64 {
		chunk := text[from:min(from+64, len(text))]
		carry, word := ^uint64(0), 0 // a core may begin at every byte
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

// one takes a word of the state through at most 64 bytes. carry has, a bit for
// each byte, whether the operation in front of the word was reached before the
// byte; out has whether the word's last was reached with the byte. So what leads
// into the next word is out of the byte before.
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

// two is one for two words.
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

// prepare makes the rows of a core. There is one for all bytes with which a
// character begins, and one for all with which it goes on; each literal has a
// row that begins as that of its kind.
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

// grown is a list of n zeros, in the memory of another if it has room.
func grown(list []uint64, n int) []uint64 {
	if cap(list) < n {
		return make([]uint64, n, 2*n)
	}
	list = list[:n]
	clear(list)
	return list
}

// maxTable bounds what is kept of a table between decisions, in words: cores
// need more only where long values are put in.
const maxTable = 8192

// Begin prepares for another decision.
func (m *Matcher) Begin() {
	m.budget.begin()
	if cap(m.table) > maxTable {
		m.table = nil
	}
}
