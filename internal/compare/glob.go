package compare

import (
	"slices"
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

// equal reports that two globs match the same texts because they are written
// alike; false says nothing.
func (g glob) equal(h glob) bool {
	return slices.Equal(g.chars, h.chars) && slices.Equal(g.runs, h.runs)
}

// isEverything reports that the glob is `*`.
func (g glob) isEverything() bool { return len(g.chars) == 0 && g.runs[0] }

// isLiteral reports that the glob matches one text only, and returns it.
func (g glob) isLiteral() (string, bool) {
	if slices.Contains(g.runs, true) || slices.Contains(g.chars, anyOne) {
		return "", false
	}
	return string(g.chars), true
}

// isPrefix reports that the glob is a text and `*` behind it, and returns the
// text.
func (g glob) isPrefix() (string, bool) {
	last := len(g.chars)
	if !g.runs[last] || slices.Contains(g.runs[:last], true) || slices.Contains(g.chars, anyOne) {
		return "", false
	}
	return string(g.chars), true
}

// head is the literal text with which every text of the glob begins.
func (g glob) head() string {
	for i, c := range g.chars {
		if g.runs[i] || c == anyOne {
			return string(g.chars[:i])
		}
	}
	return string(g.chars)
}

// matches tells whether the glob describes the whole text. Where a run begins it
// tries the shortest, and a longer one where the rest does not fit.
func (g glob) matches(text string) bool {
	chars := []rune(text)
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
		} else if at < len(chars) && (g.chars[place] == anyOne || g.chars[place] == chars[at]) {
			at, place = at+1, place+1
			continue
		}
		if runPlace < 0 || runAt == len(chars) {
			return false
		}
		at, place = runAt+1, runPlace
	}
}
