package compare

import (
	"slices"
	"strings"
	"unicode/utf8"

	"postern/internal/pattern"
)

// A glob is a pattern of specification 1.6 as a chain of characters: between
// any two of them, and at both ends, there may be a run of any others.
type glob struct {
	// chars are the characters that a text must have in this order; anyOne
	// stands for any character.
	chars []rune
	// runs tells, for each place before a character and for the end, whether
	// other characters may stand there. Its length is len(chars)+1.
	runs []bool
	// fold: ASCII letters match in either case.
	fold bool
	// fields is the number of places, from the first on, where neither a run nor
	// a `?` goes over a colon: the first five fields of an ARN (specification 1.7).
	fields int
}

const anyOne rune = -1

// everything is the pattern `*`.
var everything = glob{runs: []bool{true}}

// literalGlob is the pattern of one text, in which nothing is special.
func literalGlob(text string) glob {
	g := glob{chars: []rune(text)}
	g.runs = make([]bool, len(g.chars)+1)
	return g
}

// prefixGlob is the pattern of every text that begins with the given one.
func prefixGlob(text string) glob {
	g := literalGlob(text)
	g.runs[len(g.chars)] = true
	return g
}

// readGlob reads a pattern. A policy variable is read as `*`: the glob then
// matches whatever the pattern can match with any value, and exact is false. So
// is it for a text that is no valid pattern, or no UTF-8.
func readGlob(text string, variables bool) (g glob, exact bool) {
	if isPlain(text) { // as most are
		return plainGlob(text), true
	}
	parts, err := pattern.Parse(text, variables)
	if err != nil || !utf8.ValidString(text) {
		return everything, false
	}
	exact = true
	g.runs = []bool{false}
	char := func(c rune) {
		g.chars = append(g.chars, c)
		g.runs = append(g.runs, false)
	}
	for _, p := range parts {
		switch p.Kind {
		case pattern.Literal:
			for _, c := range p.Text {
				char(c)
			}
		case pattern.AnyOne:
			char(anyOne)
		case pattern.AnyRun:
			g.runs[len(g.chars)] = true
		case pattern.Variable:
			g.runs[len(g.chars)] = true
			exact = false
		}
	}
	// `*?` and `?*` are the same; so is a run on either side of a `?`. One form
	// of it lets equal patterns be told by their parts.
	for i, c := range g.chars {
		if c == anyOne && g.runs[i] {
			g.runs[i+1] = true
		}
	}
	for i := len(g.chars) - 1; i >= 0; i-- {
		if g.chars[i] == anyOne && g.runs[i+1] {
			g.runs[i] = true
		}
	}
	return g, exact
}

// isPlain reports that a text is a pattern in which nothing is special but a `*` at its
// end.
func isPlain(text string) bool {
	return pattern.Plain(strings.TrimSuffix(text, "*"), true) && utf8.ValidString(text)
}

// plainGlob is the pattern of a text of which isPlain is true.
func plainGlob(text string) glob {
	if head, star := strings.CutSuffix(text, "*"); star {
		return prefixGlob(head)
	}
	return literalGlob(text)
}

// equal reports that two globs match the same texts because they are written
// alike; false says nothing.
func (g glob) equal(h glob) bool {
	return slices.Equal(g.chars, h.chars) && slices.Equal(g.runs, h.runs)
}

// arnFields is the number of places up to the fifth colon of an ARN's pattern.
func arnFields(g glob) int {
	colons := 0
	for i, c := range g.chars {
		if c == ':' {
			if colons++; colons == 5 {
				return i + 1
			}
		}
	}
	return 0 // the parser refuses it
}

// anArn matches every text that Arn operators can read.
var anArn = func() glob {
	g, _ := readGlob("*:*:*:*:*:*", false)
	g.fields = arnFields(g)
	return g
}()

// char reports that a place of the glob matches a character.
func (g *glob) char(place int, c rune) bool {
	want := g.chars[place]
	switch {
	case want == anyOne:
		return c != ':' || place >= g.fields
	case g.fold:
		return foldRune(want) == foldRune(c)
	}
	return want == c
}

// run reports that a run at a place goes over a character.
func (g *glob) run(place int, c rune) bool { return g.runs[place] && (c != ':' || place >= g.fields) }

func foldRune(c rune) rune {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// isEverything reports that the glob is `*`.
func (g glob) isEverything() bool { return len(g.chars) == 0 && g.runs[0] }

// head is the literal text with which every text of the glob begins.
func (g glob) head() string {
	if g.fold {
		return ""
	}
	for i, c := range g.chars {
		if g.runs[i] || c == anyOne {
			return string(g.chars[:i])
		}
	}
	return string(g.chars)
}

// behind returns globs that together match what may stand behind a literal text
// in a text that the glob matches.
func (g glob) behind(text string) []glob {
	places := map[int]bool{0: true}
	for _, c := range text {
		next := map[int]bool{}
		for p := range places {
			if g.run(p, c) {
				next[p] = true
			}
			if p < len(g.chars) && g.char(p, c) {
				next[p+1] = true
			}
		}
		places = next
	}
	var out []glob
	for p := range g.runs {
		if places[p] {
			out = append(out, glob{chars: g.chars[p:], runs: g.runs[p:], fold: g.fold, fields: max(0, g.fields-p)})
		}
	}
	return out
}

// buckets returns globs that together match the names of the buckets of which
// the glob matches an object: what a text can begin with that goes on with a
// slash and more.
func (g glob) buckets() []glob {
	var out []glob
	for p := range g.runs {
		last := p+1 == len(g.chars) && !g.runs[p+1] // a slash there is the end
		if g.run(p, '/') || p < len(g.chars) && g.char(p, '/') && !last {
			out = append(out, glob{chars: g.chars[:p], runs: g.runs[:p+1], fold: g.fold, fields: g.fields})
		}
	}
	return out
}

// sample is a text that the glob matches, with a character that no pattern is likely
// to have in the place of each run and each `?`.
func (g *glob) sample() []rune {
	const rare = '\ue000'
	out := make([]rune, 0, 2*len(g.chars)+1)
	for i, run := range g.runs {
		if run {
			out = append(out, rare)
		}
		if i == len(g.chars) {
			break
		}
		if c := g.chars[i]; c != anyOne {
			out = append(out, c)
		} else {
			out = append(out, rare)
		}
	}
	return out
}

// matches tells whether the glob describes the whole text. Where a run begins it
// tries the shortest, and a longer one where the rest does not fit.
func (g glob) matches(text string) bool { return g.matchesAll([]rune(text)) }

func (g *glob) matchesAll(chars []rune) bool {
	at, place := 0, 0
	runAt, runPlace := 0, -1 // the last run that began, and how far it has come
	for {
		if g.runs[place] {
			runAt, runPlace = at, place
		}
		if place == len(g.chars) {
			if at == len(chars) || g.runs[place] {
				return true
			}
		} else if at < len(chars) && g.char(place, chars[at]) {
			at, place = at+1, place+1
			continue
		}
		if runPlace < 0 || runAt == len(chars) || !g.run(runPlace, chars[runAt]) {
			return false
		}
		at, place = runAt+1, runPlace
	}
}
