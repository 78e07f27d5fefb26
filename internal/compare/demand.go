package compare

import (
	"encoding/binary"
	"slices"
	"strings"
)

// A demand is that a text matches one of some globs or, inverted, none of them.
type demand struct {
	globs []glob
	none  bool
}

func oneOf(globs ...glob) demand  { return demand{globs: globs} }
func noneOf(globs ...glob) demand { return demand{globs: globs, none: true} }

// A search looks for a text that meets demands.
type search struct {
	// maxStates bounds the states of the product, maxChars the length of the text.
	maxStates, maxChars int
	// avoid are texts that must not be found.
	avoid *wordTree
	// prefer are the characters to fill a text with, where any will do.
	prefer string
}

// found says what a search came to.
type found uint8

const (
	// foundNothing: there is no such text.
	foundNothing found = iota
	// foundText: there is one.
	foundText
	// foundLimit: the search ended at its limit, and there may be one.
	foundLimit
)

const (
	defaultStates = 200_000
	defaultChars  = 1024 // of the id of a resource, an identifier or an action, far within 2,048 bytes
	fillers       = "xyzkqwv0123456789abcdefghijlmnoprstuABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
)

// text finds a shortest text that meets all demands.
func (s search) text(demands []demand) (string, found) {
	if s.maxStates == 0 {
		s.maxStates = defaultStates
	}
	if s.maxChars == 0 {
		s.maxChars = defaultChars
	}
	if s.prefer == "" {
		s.prefer = fillers
	}
	demands, possible := narrowed(demands)
	if !possible {
		return "", foundNothing
	}
	var globs []glob
	var parts [][]int // of each demand, its globs by number
	for _, d := range demands {
		var numbers []int
		for _, g := range d.globs {
			i := slices.IndexFunc(globs, g.equal)
			if i < 0 {
				i = len(globs)
				globs = append(globs, g)
			}
			numbers = append(numbers, i)
		}
		parts = append(parts, numbers)
	}
	p := newProduct(globs)
	alphabet := s.alphabet(p)

	type node struct {
		state  []uint64
		word   place // in avoid
		parent int
		char   rune
		length int
	}
	nodes := []node{{state: p.start(), parent: -1, word: s.avoid.root()}}
	seen := map[string]struct{}{}
	var key []byte
	limited := false
	for at := 0; at < len(nodes); at++ {
		n := nodes[at]
		if meets(p, n.state, demands, parts) && !s.avoid.ends(n.word) {
			var text []rune
			for i := at; nodes[i].parent >= 0; i = nodes[i].parent {
				text = append(text, nodes[i].char)
			}
			slices.Reverse(text)
			return string(text), foundText
		}
		if n.length == s.maxChars {
			limited = true
			continue
		}
		for _, c := range alphabet {
			if s.avoid.closed(n.word, c) {
				continue
			}
			next := node{state: p.step(n.state, c, nil), word: s.avoid.step(n.word, c), parent: at, char: c, length: n.length + 1}
			if hopeless(p, next.state, demands, parts) {
				continue
			}
			key = key[:0]
			for _, w := range next.state {
				key = binary.LittleEndian.AppendUint64(key, w)
			}
			key = binary.LittleEndian.AppendUint32(key, uint32(next.word.from))
			key = binary.LittleEndian.AppendUint32(key, uint32(next.word.to))
			key = binary.LittleEndian.AppendUint32(key, uint32(next.word.length))
			if _, ok := seen[string(key)]; ok {
				continue
			}
			if len(nodes) >= s.maxStates {
				return "", foundLimit
			}
			seen[string(key)] = struct{}{}
			nodes = append(nodes, next)
		}
	}
	if limited {
		return "", foundLimit
	}
	return "", foundNothing
}

// narrowed leaves out what cannot matter: inverted globs that match nothing
// that the others allow, by the literal text with which all of it begins. It
// returns false if the demands contradict each other by that already.
func narrowed(demands []demand) (out []demand, possible bool) {
	head := ""
	for _, d := range demands {
		if d.none {
			continue
		}
		common, first := "", true
		for _, g := range d.globs {
			if h := g.head(); first {
				common, first = h, false
			} else {
				common = commonPrefix(common, h)
			}
		}
		if first {
			return nil, false // one of none
		}
		if !together(head, common) {
			return nil, false
		}
		if len(common) > len(head) {
			head = common
		}
	}
	for _, d := range demands {
		kept := demand{none: d.none}
		for _, g := range d.globs {
			if together(head, g.head()) {
				kept.globs = append(kept.globs, g)
			}
		}
		switch {
		case len(kept.globs) == 0 && !d.none:
			return nil, false
		case len(kept.globs) > 0:
			out = append(out, kept)
		}
	}
	return out, true
}

// together reports that a text can begin with both of the given ones.
func together(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// alphabet lists the characters that globs tell apart, and one for all others.
func (s search) alphabet(p *product) []rune {
	var out []rune
	for c := range p.at {
		out = append(out, c)
	}
	slices.Sort(out)
	other := func() rune {
		for _, c := range s.prefer {
			if p.at[c] == nil && !s.avoid.has(c) {
				return c
			}
		}
		for c := rune(0xe000); ; c++ {
			if p.at[c] == nil && !s.avoid.has(c) {
				return c
			}
		}
	}()
	return append([]rune{other}, out...)
}

func meets(p *product, state []uint64, demands []demand, parts [][]int) bool {
	for i, d := range demands {
		if slices.ContainsFunc(parts[i], func(g int) bool { return p.accepts(state, g) }) == d.none {
			return false
		}
	}
	return true
}

// hopeless reports that no longer text meets the demands.
func hopeless(p *product, state []uint64, demands []demand, parts [][]int) bool {
	for i, d := range demands {
		if d.none {
			if slices.ContainsFunc(parts[i], func(g int) bool { return p.settled(state, g) }) {
				return true
			}
		} else if !slices.ContainsFunc(parts[i], func(g int) bool { return !p.dead(state, g) }) {
			return true
		}
	}
	return false
}

// within reports that every text that meets the demands of inner matches one of
// the globs of outer, if that is certain.
func within(inner []demand, outer []glob) bool {
	if slices.ContainsFunc(outer, glob.isEverything) {
		return true
	}
	for _, d := range inner {
		if d.none {
			continue
		}
		for _, g := range d.globs {
			text := g.sample()
			if !slices.ContainsFunc(inner, func(d demand) bool { return anyMatches(d.globs, text) == d.none }) && !anyMatches(outer, text) {
				return false
			}
		}
	}
	_, f := search{maxStates: 20_000}.text(append(slices.Clone(inner), noneOf(outer...)))
	return f == foundNothing
}

// anyMatches reports that one of some globs matches a text.
func anyMatches(globs []glob, text []rune) bool {
	return slices.ContainsFunc(globs, func(g glob) bool { return g.matchesAll(text) })
}

// apart reports that no text that meets the demands matches one of the globs,
// if that is certain.
func apart(inner []demand, globs []glob) bool {
	_, f := search{maxStates: 20_000}.text(append(slices.Clone(inner), oneOf(globs...)))
	return f == foundNothing
}
