package compile

import (
	"strings"

	"postern/index"
	"postern/internal/pattern"
)

// parts splits a pattern; what cannot be split is refused.
func (l *lowering) parts(text string, variables bool) []pattern.Part {
	parts, err := pattern.Parse(text, variables)
	if err != nil {
		l.refuse("%v", err)
	}
	return parts
}

// program makes the program of a pattern.
func (l *lowering) program(text string, variables bool) string {
	var p index.Program
	for _, part := range l.parts(text, variables) {
		l.add(&p, part)
	}
	return p.String()
}

func (l *lowering) add(p *index.Program, part pattern.Part) {
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

// text makes the program of a text in which `*` and `?` are ordinary characters.
func (l *lowering) text(text string, variables bool) string {
	var p index.Program
	for _, part := range l.parts(text, variables) {
		switch part.Kind {
		case pattern.AnyRun:
			p.Literal("*")
		case pattern.AnyOne:
			p.Literal("?")
		default:
			l.add(&p, part)
		}
	}
	return p.String()
}

// arn makes the program of an ARN: its six parts, split at the first five
// colons that stand in literal text (specification 1.7, Arn).
func (l *lowering) arn(text string, variables bool) string {
	var p index.Program
	colons := 0
	for _, part := range l.parts(text, variables) {
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
		l.add(&p, part)
	}
	if colons < 5 {
		l.refuse("%q is no ARN: it has fewer than six parts", text)
	}
	return p.String()
}

// variable numbers a policy variable.
func (l *lowering) variable(part pattern.Part) int {
	v := index.Variable{Key: key(part.Text), Default: part.Default, HasDefault: part.HasDefault}
	if n, ok := l.numbers[v]; ok {
		return n
	}
	if len(l.variables) == index.MaxVariables {
		l.refuse("more than %d different policy variables in one unit", index.MaxVariables)
		return 0
	}
	n := len(l.variables)
	l.numbers[v] = n
	l.variables = append(l.variables, v)
	return n
}
