package block

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"time"

	"postern/index/lowered"
	"postern/internal/conditionkey"
	"postern/policy"
)

// A condition entry is followed by its values, whose size layouts has.
const (
	conditionHow    = iota // Comparison, operator flags, kind of the key, policy.Test, least byte first
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

// layouts has for each kind of value how a condition entry stores one.
var layouts = [lowered.ValueKindCount]struct {
	// words is the size of a value in words. With text it is a text, else
	// numbers of lowered.Value.
	words uint32
	text  bool
	// print prints value i, for people. It is nil for texts.
	print func(c *Condition, i uint32) string
}{
	lowered.ValueNone:    {},
	lowered.ValueText:    {textWords, true, nil},
	lowered.ValuePattern: {textWords, true, nil},
	lowered.ValueArn:     {textWords, true, nil},
	lowered.ValueBytes:   {textWords, true, nil},
	lowered.ValueBool:    {1, false, func(c *Condition, i uint32) string { return strconv.FormatBool(c.Bool(i)) }},
	lowered.ValueNumber:  {2, false, (*Condition).numberText},
	lowered.ValueDate:    {3, false, (*Condition).dateText},
	lowered.ValueRange:   {5, false, (*Condition).rangeText},
}

// valueWords has the sizes of values by comparison.
var valueWords = func() (of [lowered.ComparisonCount]uint32) {
	for c := range of {
		of[c] = layouts[lowered.Comparison(c).Values()].words
	}
	return of
}()

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
	c.entry = c.at + c.N*valueWords[c.How]
	how := c.b.words[c.entry+conditionHow]
	c.at, c.N = c.entry+conditionWords, c.b.words[c.entry+conditionValues]
	c.How, c.Op = lowered.Comparison(how), Flags(how>>8&0xff)
}

// Kind says where the value of the key comes from.
func (c *Condition) Kind() conditionkey.Kind {
	return conditionkey.Kind(c.b.words[c.entry+conditionHow] >> 16)
}

// Test is the operator as policies write it.
func (c *Condition) Test() policy.Test { return policy.Test(c.b.words[c.entry+conditionHow] >> 24) }

// Key returns the key's name and its KeyTag.
func (c *Condition) Key() (name string, tag uint32) {
	w := c.b.words[c.entry:]
	return c.b.str(w[conditionKeyAt], w[conditionKeyLen]), w[conditionKeyTag]
}

// Text returns value i, of the kinds of value that are texts, and TextLen its
// length.
func (c *Condition) Text(i uint32) string    { return c.b.text(c.at, i) }
func (c *Condition) TextLen(i uint32) uint32 { return c.b.words[c.at+textWords*i+textLen] }

// Bool returns value i, of lowered.ValueBool.
func (c *Condition) Bool(i uint32) bool { return c.b.words[c.at+i] != 0 }

// Bits returns value i, of lowered.ValueNumber: the bits of a double.
func (c *Condition) Bits(i uint32) uint64 { return u64(c.b.words, c.at+2*i) }

// Instant returns value i, of lowered.ValueDate.
func (c *Condition) Instant(i uint32) (seconds int64, nanos int32) {
	at := c.at + 3*i
	return int64(u64(c.b.words, at)), int32(c.b.words[at+2])
}

// Range returns value i, of lowered.ValueRange: an address of 16 bytes (an IPv4
// address in its mapped form), and the prefix length, which counts from the IPv4
// address if is4.
func (c *Condition) Range(i uint32) (high, low uint64, bits uint, is4 bool) {
	at := c.at + 5*i
	last := c.b.words[at+4]
	return u64(c.b.words, at), u64(c.b.words, at+2), uint(last &^ rangeIs4), last&rangeIs4 != 0
}

// Value prints value i, of the kinds of value that are no texts, as policies
// write it.
func (c *Condition) Value(i uint32) string { return layouts[c.How.Values()].print(c, i) }

func (c *Condition) numberText(i uint32) string {
	number := math.Float64frombits(c.Bits(i))
	if math.Abs(number) < 1e15 {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return strconv.FormatFloat(number, 'g', -1, 64)
}

func (c *Condition) dateText(i uint32) string {
	seconds, nanos := c.Instant(i)
	return time.Unix(seconds, int64(nanos)).UTC().Format(time.RFC3339Nano)
}

func (c *Condition) rangeText(i uint32) string {
	high, low, bits, is4 := c.Range(i)
	var bytes [16]byte
	binary.BigEndian.PutUint64(bytes[:8], high)
	binary.BigEndian.PutUint64(bytes[8:], low)
	address := netip.AddrFrom16(bytes)
	if is4 {
		address = address.Unmap()
	}
	return netip.PrefixFrom(address, int(bits)).String()
}
