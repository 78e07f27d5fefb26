package lowered

import "postern/index/internal/glob"

// Program builds a program from the parts of a pattern. The zero value is empty.
type Program struct {
	b       []byte
	lastRun bool
}

func (p *Program) op(run bool, b ...byte) {
	p.b = append(p.b, b...)
	p.lastRun = run
}

// Literal adds text that stands for itself.
func (p *Program) Literal(s string) {
	p.b = append(p.b, s...)
	p.lastRun = false
}

// AnyRun adds `*`.
func (p *Program) AnyRun() {
	if !p.lastRun {
		p.op(true, glob.OpRun)
	}
}

// AnyOne adds `?`.
func (p *Program) AnyOne() { p.op(false, glob.OpOne) }

// Separator adds what separates the six parts of an ARN.
func (p *Program) Separator() { p.op(false, glob.OpSeparator) }

// MaxVariables bounds the number of variables of one unit.
const MaxVariables = 1 << 21

// Variable adds a variable, by its number in the unit's list of variables. The
// bytes of a number are below 0x80, so that none is taken for an operation.
func (p *Program) Variable(n int) {
	p.op(false, glob.OpVariable, byte(n>>14), byte(n>>7&0x7f), byte(n&0x7f))
}

// String returns the program. The program of literal text is that text.
func (p *Program) String() string { return string(p.b) }

// Bytes returns the program as bytes, which the next addition may change.
func (p *Program) Bytes() []byte { return p.b }

// Reset empties the program and keeps its memory.
func (p *Program) Reset() { p.b, p.lastRun = p.b[:0], false }

// Match reports whether a program without variables matches text. The compiler
// resolves action patterns with it.
func Match(program, text string) bool { return glob.Match(program, text) }
