package compile

import (
	"strings"

	"postern/index/lowered"
	"postern/internal/pattern"
)

// split splits a pattern into parts, which are valid until the next call. A
// pattern that cannot be split is refused.
func (l *lowering) split(text string, variables bool) []pattern.Part {
	parts, err := pattern.Append(l.parts[:0], text, variables)
	if err != nil {
		l.refuse("%v", err)
	}
	l.parts = parts[:0]
	return parts
}

// program compiles a pattern.
func (l *lowering) program(text string, variables bool) string {
	if pattern.Plain(text, variables) {
		return text // literal text is its own program
	}
	p := l.begin()
	for _, part := range l.split(text, variables) {
		l.add(p, part)
	}
	return l.programTexts.Keep(p.Bytes())
}

// begin begins a program. Only one is made at a time.
func (l *lowering) begin() *lowered.Program {
	l.memory.program.Reset()
	return &l.memory.program
}

func (l *lowering) add(p *lowered.Program, part pattern.Part) {
	switch part.Kind {
	case pattern.Literal:
		p.Literal(part.Text)
	case pattern.AnyRun:
		p.AnyRun()
	case pattern.AnyOne:
		p.AnyOne()
	case pattern.Variable:
		p.Variable(l.variable(part))
	}
}

// text compiles a text in which `*` and `?` are ordinary characters.
func (l *lowering) text(text string, variables bool) string {
	p := l.begin()
	for _, part := range l.split(text, variables) {
		switch part.Kind {
		case pattern.AnyRun:
			p.Literal("*")
		case pattern.AnyOne:
			p.Literal("?")
		default:
			l.add(p, part)
		}
	}
	return l.programTexts.Keep(p.Bytes())
}

// arn compiles the pattern of an ARN: its six parts, split at the first five
// colons in literal text (specification 1.7, Arn).
func (l *lowering) arn(text string, variables bool) string {
	p := l.begin()
	colons := 0
	for _, part := range l.split(text, variables) {
		for part.Kind == pattern.Literal && colons < 5 {
			before, after, found := strings.Cut(part.Text, ":")
			if !found {
				break
			}
			p.Literal(before)
			p.Separator()
			colons++
			part.Text = after
		}
		l.add(p, part)
	}
	if colons < 5 {
		l.refuse("%q is no ARN: it has fewer than six parts", text)
	}
	return l.programTexts.Keep(p.Bytes())
}

// variable returns the number of a policy variable.
func (l *lowering) variable(part pattern.Part) int {
	v := lowered.Variable{Key: key(part.Text), Default: part.Default, HasDefault: part.HasDefault}
	if n, ok := l.numbers[v]; ok {
		return n
	}
	if len(l.variables) == lowered.MaxVariables {
		l.refuse("more than %d different policy variables in one unit", lowered.MaxVariables)
		return 0
	}
	v.Key.Name, v.Default = strings.Clone(v.Key.Name), strings.Clone(v.Default)
	n := len(l.variables)
	l.numbers[v] = n
	l.variables = append(l.variables, v)
	return n
}
