package index

// A program is a compiled pattern: literal UTF-8 text in which some bytes that
// never occur in UTF-8 stand for the rest (specification 1.6, 1.7). So literal
// text needs no escaping. A value that a variable brings in is put in only if it
// is UTF-8, see variable: so none of its bytes can be taken for an operation.
const (
	opRun       = 0xff // `*`: any run of characters
	opOne       = 0xfe // `?`: one code point
	opVariable  = 0xfd // and its number in three bytes below 0x80, see Program.Variable
	opSeparator = 0xfc // between the six parts of an ARN
)

// opUID stands between the type and the uid in a program or text that is about
// the uid. It is no operation, and in no UTF-8 text.
const opUID = "\xfa"

// separator is opSeparator as a text.
const separator = "\xfc"

// everyText is the program that matches every text.
const everyText = runText

const runText = "\xff" // opRun as a text

// literalLen is the length of the literal text that a program begins with.
func literalLen(program string) int {
	for i := 0; i < len(program); i++ {
		if program[i] >= opSeparator {
			return i
		}
	}
	return len(program)
}

// variableNumber reads the variable that a program begins with.
func variableNumber(program string) (n int, rest string) {
	return int(program[1])<<14 | int(program[2])<<7 | int(program[3]), program[4:]
}

// patternKind says how a pattern is best matched.
type patternKind uint8

const (
	patternExact  patternKind = iota // literal text
	patternPrefix                    // literal text and a last `*`
	patternGlob                      // anything else
)

// classify returns the kind of a program, and its literal prefix.
func classify(program string) (patternKind, string) {
	i := literalLen(program)
	switch {
	case i == len(program):
		return patternExact, program
	case i == len(program)-1 && program[i] == opRun:
		return patternPrefix, program[:i]
	}
	return patternGlob, program[:i]
}
