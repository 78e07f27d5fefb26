package compare

import "math/bits"

// A product runs several globs side by side over one text. Its state has a bit
// for each place of each glob: the places that some way of matching the text so
// far has reached. So a state says all that the globs will ever do, and two
// texts that lead to one state are alike to all of them.
type product struct {
	spans []span
	words int
	runs  []uint64          // places where other characters may stand
	any   []uint64          // places before a `?`
	at    map[rune][]uint64 // places before a character, those before a `?` included
}

// span is the part of a state that belongs to one glob: words from first on, of
// which bit end is the place behind the last character.
type span struct{ first, end int }

func newProduct(globs []glob) *product {
	p := &product{at: map[rune][]uint64{}}
	for _, g := range globs {
		p.spans = append(p.spans, span{p.words, len(g.chars)})
		p.words += len(g.chars)/64 + 1
	}
	p.runs = make([]uint64, p.words)
	p.any = make([]uint64, p.words)
	for i, g := range globs {
		first := p.spans[i].first
		for place, run := range g.runs {
			if run {
				set(p.runs[first:], place)
			}
		}
		for place, c := range g.chars {
			if c == anyOne {
				set(p.any[first:], place)
				continue
			}
			if p.at[c] == nil {
				p.at[c] = make([]uint64, p.words)
			}
			set(p.at[c][first:], place)
		}
	}
	for _, mask := range p.at {
		for w := range mask {
			mask[w] |= p.any[w]
		}
	}
	return p
}

func set(words []uint64, bit int) { words[bit/64] |= 1 << (bit % 64) }

// start is the state before any text.
func (p *product) start() []uint64 {
	s := make([]uint64, p.words)
	for _, span := range p.spans {
		set(s[span.first:], 0)
	}
	return s
}

// step returns the state behind one more character, in memory of dst if it is
// large enough. dst and state must not overlap.
func (p *product) step(state []uint64, c rune, dst []uint64) []uint64 {
	mask := p.at[c]
	if mask == nil {
		mask = p.any
	}
	if cap(dst) < p.words {
		dst = make([]uint64, p.words)
	}
	dst = dst[:p.words]
	for i, span := range p.spans {
		end := p.words
		if i+1 < len(p.spans) {
			end = p.spans[i+1].first
		}
		carry := uint64(0)
		for w := span.first; w < end; w++ {
			moved := state[w] & mask[w]
			dst[w] = moved<<1 | carry | state[w]&p.runs[w]
			carry = moved >> 63
		}
	}
	return dst
}

// of returns the words of a state that belong to one glob.
func (p *product) of(state []uint64, glob int) []uint64 {
	first := p.spans[glob].first
	return state[first : first+p.spans[glob].end/64+1]
}

// accepts reports that the text so far matches the glob.
func (p *product) accepts(state []uint64, glob int) bool {
	end := p.spans[glob].end
	return p.of(state, glob)[end/64]&(1<<(end%64)) != 0
}

// dead reports that no text that begins with the one so far matches the glob.
func (p *product) dead(state []uint64, glob int) bool {
	for _, w := range p.of(state, glob) {
		if w != 0 {
			return false
		}
	}
	return true
}

// settled reports that every text that begins with the one so far matches the
// glob.
func (p *product) settled(state []uint64, glob int) bool {
	end := p.spans[glob].end
	return p.accepts(state, glob) && p.of(p.runs, glob)[end/64]&(1<<(end%64)) != 0
}

// missing is the fewest characters that have to follow before the glob matches;
// it means something only where the glob is not dead.
func (p *product) missing(state []uint64, glob int) int {
	words := p.of(state, glob)
	for w := len(words) - 1; w >= 0; w-- {
		if words[w] != 0 {
			return p.spans[glob].end - (w*64 + 63 - bits.LeadingZeros64(words[w]))
		}
	}
	return 0
}
