package block

import (
	"postern/index/lowered"
	"postern/policy"
)

// A condition entry, followed by its values; valueWords tells their size.
const (
	conditionHow    = iota // Comparison, operator flags, KeyKind, policy.Test, least byte first
	conditionKeyTag        // keyTag of the key's name
	conditionKeyAt         // the key's name, a text
	conditionKeyLen        //
	conditionValues        // number of values
	conditionWords
)

// Flags are those of a condition's operator.
type Flags uint32

// The flags.
const (
	Negated Flags = 1 << iota
	IfExists
	ForAll
	ForAny
	// Arn: what a request has must be an ARN; Variables: a value holds a variable.
	Arn
	Variables
)

// Begins stands in a condition entry instead of CompareLike and CompareArn, where
// its patterns allow it: texts that the request's has to begin with.
const Begins = lowered.CompareNull + 1

// forms tells of each comparison how a condition entry has its values, and when
// it is asked.
var forms = [Begins + 1]struct {
	name string // for String
	// words is the size of a value: a text, if text, or words of the numbers in
	// lowered.Value.
	words uint32
	text  bool
	// rank orders the conditions of a statement, the least first; it is a guess,
	// and changes no answer.
	rank int
}{
	lowered.CompareText:               {"text", textWords, true, 0},
	lowered.CompareTextFold:           {"folded text", textWords, true, 0},
	lowered.CompareLike:               {"like", textWords, true, 2},
	lowered.CompareArn:                {"ARN like", textWords, true, 2},
	lowered.CompareNumberEqual:        {"number =", 2, false, 1},
	lowered.CompareNumberLess:         {"number <", 2, false, 4},
	lowered.CompareNumberLessEqual:    {"number <=", 2, false, 4},
	lowered.CompareNumberGreater:      {"number >", 2, false, 4},
	lowered.CompareNumberGreaterEqual: {"number >=", 2, false, 4},
	lowered.CompareDateEqual:          {"date =", 3, false, 1},
	lowered.CompareDateLess:           {"date <", 3, false, 4},
	lowered.CompareDateLessEqual:      {"date <=", 3, false, 4},
	lowered.CompareDateGreater:        {"date >", 3, false, 4},
	lowered.CompareDateGreaterEqual:   {"date >=", 3, false, 4},
	lowered.CompareBool:               {"boolean", 1, false, 3},
	lowered.CompareBinary:             {"bytes", textWords, true, 0},
	lowered.CompareIP:                 {"address in", 5, false, 1},
	lowered.CompareNull:               {"absent", 1, false, 3},
	Begins:                            {"begins", textWords, true, 2},
}

// rangeIs4 stands above the length of an IPv4 range.
const rangeIs4 = 1 << 8

// Condition is a condition entry of a block. Conditions returns one that is
// about to read the first; Next reads the next.
type Condition struct {
	b         Block
	entry, at uint32 // places of the entry and of its first value
	// N is the number of values, How the comparison, Op the operator's flags.
	N   uint32
	How lowered.Comparison
	Op  Flags
}

// Conditions returns the conditions of a record; there are ConditionCount.
func (b Block) Conditions(r Record) Condition {
	w := b.What(r)
	return Condition{b: b, at: w.at + textWords*w.Count()}
}

// Next reads the next condition.
func (c *Condition) Next() {
	c.entry = c.at + c.N*forms[c.How].words
	how := c.b.words[c.entry+conditionHow]
	c.at, c.N = c.entry+conditionWords, c.b.words[c.entry+conditionValues]
	c.How, c.Op = lowered.Comparison(how), Flags(how>>8&0xff)
}

// Kind is where the key's value comes from.
func (c *Condition) Kind() lowered.KeyKind {
	return lowered.KeyKind(c.b.words[c.entry+conditionHow] >> 16)
}

// Test is how policies write the operator.
func (c *Condition) Test() policy.Test { return policy.Test(c.b.words[c.entry+conditionHow] >> 24) }

// Key is the key's name, and its KeyTag.
func (c *Condition) Key() (name string, tag uint32) {
	w := c.b.words[c.entry:]
	return c.b.str(w[conditionKeyAt], w[conditionKeyLen]), w[conditionKeyTag]
}

// Text is value i of a comparison of texts; TextLen is its length.
func (c *Condition) Text(i uint32) string    { return c.b.text(c.at, i) }
func (c *Condition) TextLen(i uint32) uint32 { return c.b.words[c.at+textWords*i+textLen] }

// Bool is value i of CompareBool and CompareNull.
func (c *Condition) Bool(i uint32) bool { return c.b.words[c.at+i] != 0 }

// Bits is value i of a comparison of numbers: a double's bits.
func (c *Condition) Bits(i uint32) uint64 { return u64(c.b.words, c.at+2*i) }

// Instant is value i of a comparison of dates.
func (c *Condition) Instant(i uint32) (seconds int64, nanos int32) {
	at := c.at + 3*i
	return int64(u64(c.b.words, at)), int32(c.b.words[at+2])
}

// Range is value i of CompareIP: an address of 16 bytes, IPv4 in its mapped
// form, and how many bits of it, or of its IPv4 address, count.
func (c *Condition) Range(i uint32) (high, low uint64, bits uint, is4 bool) {
	at := c.at + 5*i
	last := c.b.words[at+4]
	return u64(c.b.words, at), u64(c.b.words, at+2), uint(last &^ rangeIs4), last&rangeIs4 != 0
}
