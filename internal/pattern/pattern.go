// Package pattern splits the text of a pattern into its parts: literal text,
// wildcards, policy variables (specification 1.6, 1.7). It matches nothing.
package pattern

import (
	"errors"
	"fmt"
	"strings"
)

// MaxLen bounds a pattern's text, in bytes (specification 1.6).
const MaxLen = 2048

// Kind tells the parts of a pattern apart.
type Kind uint8

// The kinds of part.
const (
	Literal  Kind = iota + 1 // Text stands for itself
	AnyRun                   // `*`: any run of characters, none included
	AnyOne                   // `?`: exactly one character, one UTF-8 code point
	Variable                 // `${Text}` or `${Text, 'Default'}`
)

// Part is one part of a pattern.
type Part struct {
	Kind Kind
	// Text is the literal text, or the key of a variable.
	Text string
	// Default is the text that a variable stands for when its key is absent.
	Default    string
	HasDefault bool
}

// Parse splits text. With variables, `${*}`, `${?}` and `${$}` are literal
// characters, `${KEY}` and `${KEY, 'TEXT'}` are variables and any other `${`
// is an error that says what to write; without, `${` is plain text. Adjacent
// literals are one part; every `*` is a part of its own. It takes time linear in
// the text.
func Parse(text string, variables bool) ([]Part, error) { return Append(nil, text, variables) }

// Plain reports whether Parse would return the text itself as one literal, or nothing.
func Plain(text string, variables bool) bool { return special(text, variables) < 0 }

// special returns the offset of the first character of a text that may not mean itself,
// or -1.
func special(text string, variables bool) int {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c == '*' || c == '?' || c == '$' && variables {
			return i
		}
	}
	return -1
}

// Append is Parse, and appends the parts to parts.
func Append(parts []Part, text string, variables bool) ([]Part, error) {
	if text == "" {
		return parts, nil
	}
	// What was read of a literal: a piece of the text, or if it is not in one
	// piece there, a copy.
	var piece string
	var copied []byte
	add := func(more string) {
		switch {
		case piece == "" && len(copied) == 0:
			piece = more
		case more != "":
			copied = append(append(copied, piece...), more...)
			piece = ""
		}
	}
	flush := func() {
		if len(copied) > 0 {
			piece, copied = string(copied), copied[:0]
		}
		if piece != "" {
			parts = append(parts, Part{Kind: Literal, Text: piece})
			piece = ""
		}
	}
	for {
		i := special(text, variables)
		if i < 0 {
			add(text)
			flush()
			return parts, nil
		}
		add(text[:i])
		text = text[i:]
		switch {
		case text[0] == '*':
			flush()
			parts = append(parts, Part{Kind: AnyRun})
			text = text[1:]
		case text[0] == '?':
			flush()
			parts = append(parts, Part{Kind: AnyOne})
			text = text[1:]
		case !strings.HasPrefix(text, "${"):
			add("$")
			text = text[1:]
		default:
			end := strings.IndexByte(text, '}')
			if end < 0 {
				return nil, errors.New("`${` has no closing `}`: write `${KEY}`, or `${$}{` for the text `${`")
			}
			part, err := variable(text[2:end])
			if err != nil {
				return nil, err
			}
			if part.Kind == Literal {
				add(part.Text)
			} else {
				flush()
				parts = append(parts, part)
			}
			text = text[end+1:]
		}
	}
}

// shown returns what an error repeats of a variable, cut to a bound.
func shown(inner string) string {
	if len(inner) > 120 {
		return strings.ToValidUTF8(inner[:120], "") + "..."
	}
	return inner
}

// variable reads the text between `${` and `}`.
func variable(inner string) (Part, error) {
	switch inner {
	case "*", "?", "$":
		return Part{Kind: Literal, Text: inner}, nil
	}
	key, rest, hasDefault := strings.Cut(inner, ",")
	p := Part{Kind: Variable, Text: key}
	if hasDefault {
		text, ok := strings.CutPrefix(rest, " '")
		if ok {
			text, ok = strings.CutSuffix(text, "'")
		}
		if !ok || strings.Contains(text, "'") {
			return Part{}, fmt.Errorf("`${%s}` is no policy variable: write a default as `${KEY, 'TEXT'}`, with exactly one comma and one space", shown(inner))
		}
		p.Default, p.HasDefault = text, true
	}
	if key == "" || strings.ContainsAny(key, "{}' ") {
		return Part{}, fmt.Errorf("`${%s}` is no policy variable: write `${KEY}`, a key without braces, quotes and spaces", shown(inner))
	}
	return p, nil
}
