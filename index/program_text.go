package index

import "strings"

// programText writes a program as policies write it.
func (p *Policies) programText(program string) string {
	var b strings.Builder
	for len(program) > 0 {
		n := literalLen(program)
		b.WriteString(literalText.Replace(program[:n]))
		if program = program[n:]; program == "" {
			break
		}
		switch program[0] {
		case opRun:
			b.WriteByte('*')
		case opOne:
			b.WriteByte('?')
		case opSeparator:
			b.WriteByte(':')
		case opVariable:
			var i int
			i, program = variableNumber(program)
			b.WriteString(p.variables[i].String())
			continue
		}
		program = program[1:]
	}
	return b.String()
}

// literalText writes what would otherwise be read as a wildcard.
var literalText = strings.NewReplacer("*", "${*}", "?", "${?}", opUID, ":uid:")
