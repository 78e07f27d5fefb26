package reference

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// tokenKind tells what one token of a pattern describes.
type tokenKind uint8

const (
	literal    tokenKind = iota // its own text
	anyOne                      // `?`: exactly one character
	anyRun                      // `*`: any run of characters, none included
	inserted                    // the value of a variable: its own text, and never a separator of an ARN
	unseenText                  // the value of a variable that cannot be seen: any run of characters
)

// token is one piece of a pattern. A literal is one character, an inserted
// value any number.
type token struct {
	kind tokenKind
	text string
}

// pattern is a pattern of 1.6, read.
type pattern []token

// plainPattern reads a pattern in which `${` is plain text (1.7: version
// 2008-10-17, and 1.4: organization policies).
func plainPattern(text string) pattern {
	var p pattern
	for _, c := range characters(text) {
		p = append(p, wildcardOrLiteral(c))
	}
	return p
}

// wildcardOrLiteral reads one character of a pattern: "* matches any run of
// characters, none included, and crosses /; ? matches exactly one character
// (one UTF-8 code point); nothing else is special" (1.6).
func wildcardOrLiteral(c string) token {
	switch c {
	case "*":
		return token{kind: anyRun}
	case "?":
		return token{kind: anyOne}
	}
	return token{kind: literal, text: c}
}

// readPattern reads a pattern; with variables, `${` is what 1.6 and 1.7 say,
// else plain text. It returns false if a variable has no value: then the
// pattern matches nothing. With unseen, a variable of a key that is there and
// cannot be seen stands for any text (7, Keys: it "matches in a Deny").
func (q *question) readPattern(text string, variables, unseen bool) (pattern, bool) {
	if !variables {
		return plainPattern(text), true
	}
	var p pattern
	for text != "" {
		if !strings.HasPrefix(text, "${") {
			c := characters(text)[0]
			p = append(p, wildcardOrLiteral(c))
			text = text[len(c):]
			continue
		}
		inside, rest, closed := strings.Cut(text[len("${"):], "}")
		if !closed {
			return nil, false // the parser refuses it: doubt matches nothing
		}
		text = rest
		switch inside {
		case "*", "?", "$":
			// 1.6: "${*}, ${?}, ${$} are the literal characters".
			p = append(p, token{kind: literal, text: inside})
			continue
		}
		value, ok, cannotSee := q.variable(inside)
		if cannotSee && unseen {
			p = append(p, token{kind: unseenText})
			continue
		}
		if !ok {
			return nil, false
		}
		p = append(p, token{kind: inserted, text: value})
	}
	return p, true
}

// variable returns the value of `KEY` or `KEY, 'TEXT'` (1.7): "The value must
// be one string, number, boolean, or a list of one". TEXT stands in only for a
// key that is absent or an empty list.
//
// cannotSee reports that the key is there and that whoever asks cannot see it.
func (q *question) variable(inside string) (value string, ok, cannotSee bool) {
	key, quoted, hasDefault := strings.Cut(inside, ", ")
	if hasDefault {
		if len(quoted) < 2 || quoted[0] != '\'' || quoted[len(quoted)-1] != '\'' {
			return "", false, false // the parser refuses it
		}
		quoted = quoted[1 : len(quoted)-1]
	}
	if key == "" || strings.ContainsAny(key, "{}' ") {
		return "", false, false // the parser refuses it
	}
	found := q.lookup(key)
	switch {
	case found.unreadable:
		return "", false, q.request.Seen != nil
	case len(found.values) == 1:
		return found.values[0], true, false
	case len(found.values) == 0 && hasDefault:
		return quoted, true, false
	}
	return "", false, false
}

// text is the pattern as plain text, for the operators that know no wildcard:
// there `*` and `?` are themselves; a value that cannot be seen stays one.
func (p pattern) text() pattern {
	var out pattern
	for _, t := range p {
		switch t.kind {
		case anyRun:
			t = token{kind: literal, text: "*"}
		case anyOne:
			t = token{kind: literal, text: "?"}
		}
		out = append(out, t)
	}
	return out
}

// lower folds ASCII letters of a pattern's own text.
func (p pattern) lower() pattern {
	var out pattern
	for _, t := range p {
		t.text = lowerASCII(t.text)
		out = append(out, t)
	}
	return out
}

// Match tells whether a pattern without variables describes the whole text
// (1.6): for tests of other matchers.
func Match(pattern, text string) bool { return plainPattern(pattern).matches(text) }

// matches tells whether the pattern describes the whole text, byte for byte
// (1.6). It takes at most pattern length x text length steps: reached[i] says
// whether the tokens so far describe exactly the first i characters.
func (p pattern) matches(text string) bool {
	chars := characters(text)
	reached := make([]bool, len(chars)+1)
	reached[0] = true
	for _, t := range p.oneCharacterEach() {
		next := make([]bool, len(chars)+1)
		switch t.kind {
		case anyRun, unseenText:
			ever := false
			for i := range reached {
				ever = ever || reached[i]
				next[i] = ever
			}
		case anyOne:
			for i := range chars {
				next[i+1] = reached[i]
			}
		default:
			for i, c := range chars {
				next[i+1] = reached[i] && c == t.text
			}
		}
		if !slices.Contains(next, true) {
			return false
		}
		reached = next
	}
	return reached[len(chars)]
}

// matchesSomeBehind tells whether the pattern matches some text that begins
// with the given one and goes on: some first tokens match the beginning, and
// what is left of the pattern can match more. Only nothing can not; a `*` that
// has matched goes on matching.
func (p pattern) matchesSomeBehind(beginning string) bool {
	tokens := p.oneCharacterEach()
	for i := range len(tokens) + 1 {
		goesOn := i < len(tokens) || i > 0 && (tokens[i-1].kind == anyRun || tokens[i-1].kind == unseenText)
		if goesOn && tokens[:i].matches(beginning) {
			return true
		}
	}
	return false
}

// matchesAllBehind tells whether the pattern matches every text that begins
// with the given one and goes on. It does if it matches whatever number of
// characters behind it that are none of the pattern's own; more of them than
// the pattern has tokens only a `*` can match, and that matches any number.
func (p pattern) matchesAllBehind(beginning string) bool {
	const foreign = "\xff" // a character of its own, in no pattern
	tokens := p.oneCharacterEach()
	for n := range len(tokens) + 1 {
		if !tokens.matches(beginning + strings.Repeat(foreign, n+1)) {
			return false
		}
	}
	return true
}

// oneCharacterEach cuts inserted values into their characters: "what is put in
// is literal text: a * in it is no wildcard" (1.7).
func (p pattern) oneCharacterEach() pattern {
	var out pattern
	for _, t := range p {
		if t.kind != inserted {
			out = append(out, t)
			continue
		}
		for _, c := range characters(t.text) {
			out = append(out, token{kind: literal, text: c})
		}
	}
	return out
}

// characters cuts a text into its UTF-8 code points. A byte that is none
// counts as a character of its own.
func characters(text string) []string {
	out := make([]string, 0, len(text))
	for text != "" {
		_, size := utf8.DecodeRuneInString(text)
		out = append(out, text[:size])
		text = text[size:]
	}
	return out
}
