package index

import (
	"strings"

	"postern/index/internal/glob"
)

// programText writes a program as policies write it.
func (p *Policies) programText(program string) string {
	var b strings.Builder
	for len(program) > 0 {
		n := glob.LiteralLen(program)
		b.WriteString(literalText.Replace(program[:n]))
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
			b.WriteString(p.variables[i].String())
			continue
		}
		program = program[1:]
	}
	return b.String()
}

// literalText writes what would otherwise be read as a wildcard.
var literalText = strings.NewReplacer("*", "${*}", "?", "${?}", glob.UID, ":uid:")
