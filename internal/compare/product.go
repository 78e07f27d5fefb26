package compare

// A product runs several globs side by side over one text. Its state has a bit
// for each place of each glob: the places that some way of matching the text so
// far has reached. So a state says all that the globs will ever do, and two
// texts that lead to one state are alike to all of them.
type product struct {
	spans []span
	words int
	at    map[rune]*moves // of the characters that globs tell apart
	other moves           // of any other character
}

// moves says what a character does: it moves a place on to the next, and leaves
// a place that has a run as it is.
type moves struct{ on, stay []uint64 }

// span is the part of a state that belongs to one glob: words from first on, of
// which bit end is the place behind the last character.
type span struct{ first, end int }

func newProduct(globs []glob) *product {
	p := &product{at: map[rune]*moves{}}
	for _, g := range globs {
		p.spans = append(p.spans, span{p.words, len(g.chars)})
		p.words += len(g.chars)/64 + 1
	}
	add := func(m *moves, c rune) {
		m.on, m.stay = make([]uint64, p.words), make([]uint64, p.words)
		for i := range globs {
			g, first := &globs[i], p.spans[i].first
			for place := range g.runs {
				if g.run(place, c) {
					set(m.stay[first:], place)
				}
				if place < len(g.chars) && g.char(place, c) {
					set(m.on[first:], place)
				}
			}
		}
	}
	for _, g := range globs {
		for _, c := range g.chars {
			if c == anyOne {
				continue
			}
			p.at[c] = &moves{}
			if g.fold {
				p.at[foldRune(c)] = &moves{}
				p.at[unfoldRune(c)] = &moves{}
			}
		}
		if g.fields > 0 {
			p.at[':'] = &moves{}
		}
	}
	for c, m := range p.at {
		add(m, c)
	}
	add(&p.other, noCharacter)
	return p
}

// noCharacter is none that a glob names.
const noCharacter rune = -2

func unfoldRune(c rune) rune {
	if c >= 'a' && c <= 'z' {
		return c + 'A' - 'a'
	}
	return c
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
	m := p.at[c]
	if m == nil {
		m = &p.other
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
			moved := state[w] & m.on[w]
			dst[w] = moved<<1 | carry | state[w]&m.stay[w]
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
	return p.accepts(state, glob) && p.of(p.other.stay, glob)[end/64]&(1<<(end%64)) != 0
}
