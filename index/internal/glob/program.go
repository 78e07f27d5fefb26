package glob

// A program is a compiled pattern: literal UTF-8 text in which some bytes that
// never occur in UTF-8 stand for the rest (specification 1.6, 1.7). So literal
// text needs no escaping. A value that a variable brings in is put in only if it
// is UTF-8: so none of its bytes can be taken for an operation.
const (
	OpRun       = 0xff // `*`: any run of characters
	OpOne       = 0xfe // `?`: one code point
	OpVariable  = 0xfd // and its number in three bytes below 0x80, see VariableNumber
	OpSeparator = 0xfc // between the six parts of an ARN
)

// UID stands between the type and the uid in a program or text that is about
// the uid. It is no operation, and in no UTF-8 text.
const UID = "\xfa"

// Separator is OpSeparator as a text.
const Separator = "\xfc"

// Every is the program that matches every text.
const Every = runText

const runText = "\xff" // OpRun as a text

// LiteralLen is the length of the literal text that a program begins with.
func LiteralLen(program string) int {
	for i := 0; i < len(program); i++ {
		if program[i] >= OpSeparator {
			return i
		}
	}
	return len(program)
}

// VariableNumber reads the variable that a program begins with.
func VariableNumber(program string) (n int, rest string) {
	return int(program[1])<<14 | int(program[2])<<7 | int(program[3]), program[4:]
}

// Kind says how a pattern is best matched.
type Kind uint8

// The kinds.
const (
	Exact  Kind = iota // literal text
	Prefix             // literal text and a last `*`
	Other              // anything else
)

// Classify returns the kind of a program, and its literal prefix.
func Classify(program string) (Kind, string) {
	i := LiteralLen(program)
	switch {
	case i == len(program):
		return Exact, program
	case i == len(program)-1 && program[i] == OpRun:
		return Prefix, program[:i]
	}
	return Other, program[:i]
}
