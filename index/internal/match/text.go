package match

import (
	"strings"

	"postern/index/internal/glob"
)

// ProgramText returns a program as policies write it.
func (x *Variables) ProgramText(program string) string {
	var b strings.Builder
	for len(program) > 0 {
		n := glob.LiteralLen(program)
		b.WriteString(LiteralText(program[:n]))
		if program = program[n:]; program == "" {
			break
		}
		switch program[0] {
		case glob.OpRun:
			b.WriteByte('*')
		case glob.OpOne:
			b.WriteByte('?')
		case glob.OpSeparator:
			b.WriteByte(':')
		case glob.OpVariable:
			var i int
			i, program = glob.VariableNumber(program)
			b.WriteString((*x)[i].String())
			continue
		}
		program = program[1:]
	}
	return b.String()
}

// LiteralText returns literal text of a program as policies write it:
// characters that would be read as wildcards are quoted.
func LiteralText(text string) string { return literalText.Replace(text) }

var literalText = strings.NewReplacer("*", "${*}", "?", "${?}", glob.UID, ":uid:")
