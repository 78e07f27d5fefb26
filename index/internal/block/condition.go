package block

import (
	"postern/index/lowered"
	"postern/policy"
)

// A condition entry is followed by its values, whose size forms has.
const (
	conditionHow    = iota // Comparison, operator flags, KeyKind, policy.Test, least byte first
	conditionKeyTag        // KeyTag of the key's name
	conditionKeyAt         // the key's name, a text
	conditionKeyLen        //
	conditionValues        // the number of values
	conditionWords
)

// Flags are the flags of a condition's operator.
type Flags uint32

// The flags.
const (
	Negated Flags = 1 << iota
	IfExists
	ForAll
	ForAny
	// Arn says that only an ARN satisfies the comparison; Variables says that a
	// value holds a variable.
	Arn
	Variables
)

// Begins stands in place of CompareLike and CompareArn if all patterns are
// literal text and then `*`: the values are prefixes.
const Begins = lowered.CompareNull + 1

// forms has for each comparison how a condition entry stores its values, and
// its place in the order of evaluation.
var forms = [Begins + 1]struct {
	name string // for String
	// words is the size of a value in words. With text it is a text, else
	// numbers of lowered.Value.
	words uint32
	text  bool
	// rank orders the conditions of a statement, lowest first. It is a guess at
	// what is cheap and selective, and changes no answer.
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

// rangeIs4 is added to the prefix length of an IPv4 range.
const rangeIs4 = 1 << 8

// Condition is a condition entry. What Conditions returns stands before the
// first; Next moves to the next.
type Condition struct {
	b         Block
	entry, at uint32 // the places of the entry and of its first value
	// N is the number of values, How the comparison, and Op the operator's
	// flags.
	N   uint32
	How lowered.Comparison
	Op  Flags
}

// Conditions returns the conditions of a record, of which there are
// ConditionCount.
func (b Block) Conditions(r Record) Condition {
	w := b.What(r)
	return Condition{b: b, at: w.at + textWords*w.Count()}
}

// Next moves to the next condition.
func (c *Condition) Next() {
	c.entry = c.at + c.N*forms[c.How].words
	how := c.b.words[c.entry+conditionHow]
	c.at, c.N = c.entry+conditionWords, c.b.words[c.entry+conditionValues]
	c.How, c.Op = lowered.Comparison(how), Flags(how>>8&0xff)
}

// Kind says where the value of the key comes from.
func (c *Condition) Kind() lowered.KeyKind {
	return lowered.KeyKind(c.b.words[c.entry+conditionHow] >> 16)
}

// Test is the operator as policies write it.
func (c *Condition) Test() policy.Test { return policy.Test(c.b.words[c.entry+conditionHow] >> 24) }

// Key returns the key's name and its KeyTag.
func (c *Condition) Key() (name string, tag uint32) {
	w := c.b.words[c.entry:]
	return c.b.str(w[conditionKeyAt], w[conditionKeyLen]), w[conditionKeyTag]
}

// Text returns value i of a comparison of texts, and TextLen its length.
func (c *Condition) Text(i uint32) string    { return c.b.text(c.at, i) }
func (c *Condition) TextLen(i uint32) uint32 { return c.b.words[c.at+textWords*i+textLen] }

// Bool returns value i of CompareBool and CompareNull.
func (c *Condition) Bool(i uint32) bool { return c.b.words[c.at+i] != 0 }

// Bits returns value i of a comparison of numbers: the bits of a double.
func (c *Condition) Bits(i uint32) uint64 { return u64(c.b.words, c.at+2*i) }

// Instant returns value i of a comparison of dates.
func (c *Condition) Instant(i uint32) (seconds int64, nanos int32) {
	at := c.at + 3*i
	return int64(u64(c.b.words, at)), int32(c.b.words[at+2])
}

// Range returns value i of CompareIP: an address of 16 bytes (an IPv4 address
// in its mapped form), and the prefix length, which counts from the IPv4
// address if is4.
func (c *Condition) Range(i uint32) (high, low uint64, bits uint, is4 bool) {
	at := c.at + 5*i
	last := c.b.words[at+4]
	return u64(c.b.words, at), u64(c.b.words, at+2), uint(last &^ rangeIs4), last&rangeIs4 != 0
}
