package glob

// A program is a compiled pattern: literal UTF-8 text, in which bytes that
// never occur in UTF-8 stand for everything else (specification 1.6, 1.7). So
// literal text needs no escaping. The value of a variable is put in only if it
// is UTF-8, so that none of its bytes is taken for an operation.
const (
	OpRun       = 0xff // `*`: any run of characters
	OpOne       = 0xfe // `?`: one code point
	OpVariable  = 0xfd // a variable; its number follows in three bytes below 0x80, see VariableNumber
	OpSeparator = 0xfc // between the six parts of an ARN
)

// UID stands between the type and the uid, in programs and texts about uids. It
// is no operation, and occurs in no UTF-8 text.
const UID = "\xfa"

// Separator is OpSeparator as a string.
const Separator = "\xfc"

// Every is the program that matches every text.
const Every = runText

const runText = "\xff" // OpRun as a string

// LiteralLen returns the length of the literal text at the beginning of a
// program.
func LiteralLen(program string) int {
	for i := 0; i < len(program); i++ {
		if program[i] >= OpSeparator {
			return i
		}
	}
	return len(program)
}

// VariableNumber reads the number of the variable at the beginning of a
// program, and returns what follows.
func VariableNumber(program string) (n int, rest string) {
	return int(program[1])<<14 | int(program[2])<<7 | int(program[3]), program[4:]
}

// Kind is how a program is matched.
type Kind uint8

// The kinds.
const (
	Exact  Kind = iota // literal text
	Prefix             // literal text and then `*`
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
