package match

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/value"
)

// comparers tells how a comparison compares: its row of lowered says what
// policies write for it and what values it has.
var comparers = [lowered.ComparisonCount]struct {
	// compare reports whether the text of a request satisfies one of the wanted
	// values; ok is false if the comparison cannot read the text.
	compare func(w *Condition, text string, v *View) (found, ok bool)
	// work returns the cost of compare, tests of patterns aside: reading the
	// text, and going through the wanted values.
	work func(w *Condition, text string) int
}{
	lowered.CompareNone:               {compareNone, workOfNone},
	lowered.CompareText:               {compareText, workOfText},
	lowered.CompareTextFold:           {compareText, workOfFolded},
	lowered.CompareLike:               {compareLike, workOfLike},
	lowered.CompareBegins:             {compareBegins, workOfBegins},
	lowered.CompareArn:                {compareArn, workOfArn},
	lowered.CompareNumberEqual:        {compareNumber, workOfNumber},
	lowered.CompareNumberLess:         {compareNumber, workOfNumber},
	lowered.CompareNumberLessEqual:    {compareNumber, workOfNumber},
	lowered.CompareNumberGreater:      {compareNumber, workOfNumber},
	lowered.CompareNumberGreaterEqual: {compareNumber, workOfNumber},
	lowered.CompareDateEqual:          {compareDate, workOfDate},
	lowered.CompareDateLess:           {compareDate, workOfDate},
	lowered.CompareDateLessEqual:      {compareDate, workOfDate},
	lowered.CompareDateGreater:        {compareDate, workOfDate},
	lowered.CompareDateGreaterEqual:   {compareDate, workOfDate},
	lowered.CompareBool:               {compareBool, workOfBool},
	lowered.CompareBinary:             {compareBinary, workOfBinary},
	lowered.CompareIP:                 {compareIP, workOfIP},
	lowered.CompareNull:               {compareNone, workOfNone}, // Holds answers it
}

// compare reports whether the text of a request satisfies one of the wanted
// values; ok is false if the comparison cannot read the text.
func (w *Condition) compare(text string, v *View) (found, ok bool) {
	if w.Op&block.Arn != 0 && strings.Count(text, ":") < 5 {
		return false, false
	}
	return comparers[w.How].compare(w, text, v)
}

// work returns the cost of compare, tests of patterns aside.
func (w *Condition) work(text string) int { return comparers[w.How].work(w, text) }

func compareNone(*Condition, string, *View) (found, ok bool) { return false, false }
func workOfNone(*Condition, string) int                      { return 0 }

func compareText(w *Condition, text string, v *View) (found, ok bool) {
	if w.Op&block.Variables == 0 {
		return w.plain(text, v), true
	}
	for i := uint32(0); i < w.N && !v.Over(); i++ {
		if w.of.isText(w.How, text, w.Text(i), v) {
			return true, true
		}
	}
	return false, true
}

func workOfText(w *Condition, text string) int {
	n := len(text)
	if w.Op&block.Arn != 0 {
		n += 10 * 32 // its colons are counted
	}
	return 2*glob.CompareWork + int(w.N) + n/32
}

func workOfFolded(w *Condition, text string) int {
	return 3*glob.CompareWork + int(w.N) + len(text)/2
}

// plain compares with wanted texts that hold no variable.
func (w *Condition) plain(text string, v *View) bool {
	each := 0 // what a comparison costs where it is counted
	if w.N > 1 || len(text) > longText {
		each = 4 + len(text)/32
		if w.How == lowered.CompareTextFold {
			each = 4 + len(text)/3
		}
	}
	for i := range w.N {
		if w.TextLen(i) != uint32(len(text)) {
			continue
		}
		if each > 0 && !v.Spend(each) {
			return false
		}
		other := w.Text(i)
		if other == text || w.How == lowered.CompareTextFold && value.EqualFoldASCII(other, text) {
			return true
		}
	}
	return false
}

// isText compares with a wanted text that may hold variables. If one of them
// has no value, nothing matches.
func (x *Variables) isText(how lowered.Comparison, text, program string, v *View) bool {
	program, ok := x.expanded(program, len(text), v)
	if !ok {
		return false
	}
	if v.any && strings.IndexByte(program, glob.OpRun) >= 0 { // a run stands for a variable that is unseen
		return v.globText(how, text, program)
	}
	if how == lowered.CompareText {
		return program == text
	}
	return value.EqualFoldASCII(program, text)
}

// globText is isText for a program in which runs stand for what is unseen.
func (v *View) globText(how lowered.Comparison, text, program string) bool {
	if how == lowered.CompareTextFold {
		v.objectText = value.AppendFoldASCII(v.objectText[:0], program)
		split := len(v.objectText)
		v.objectText = value.AppendFoldASCII(v.objectText, text)
		program, text = block.Alias(v.objectText[:split]), block.Alias(v.objectText[split:])
	}
	return v.Glob(program, text)
}

func compareLike(w *Condition, text string, v *View) (found, ok bool) {
	for i := uint32(0); i < w.N && !v.Over(); i++ {
		if w.of.match(w.Text(i), text, v) == matches {
			return true, true
		}
	}
	return false, true
}

func workOfLike(w *Condition, text string) int {
	return glob.CompareWork + 16*int(w.N) + len(text)/32
}

func compareBegins(w *Condition, text string, _ *View) (found, ok bool) {
	for i := range w.N {
		if strings.HasPrefix(text, w.Text(i)) {
			return true, true
		}
	}
	return false, true
}

func workOfBegins(w *Condition, text string) int {
	return 2*glob.CompareWork + int(w.N)*(4+len(text)/64)
}

func compareArn(w *Condition, text string, v *View) (found, ok bool) {
	for i := uint32(0); i < w.N && !v.Over(); i++ {
		if w.of.isArn(w.Text(i), text, v) {
			return true, true
		}
	}
	return false, true
}

func workOfArn(w *Condition, text string) int {
	return glob.CompareWork + 60*int(w.N) + len(text)/32
}

// isArn matches the six parts of an ARN one by one. The text must have at least
// five colons.
func (x *Variables) isArn(program, text string, v *View) bool {
	for range 5 {
		var part, have string
		part, program, _ = strings.Cut(program, glob.Separator)
		have, text, _ = strings.Cut(text, ":")
		if x.match(part, have, v) != matches {
			return false
		}
	}
	return x.match(program, text, v) == matches
}

func compareNumber(w *Condition, text string, _ *View) (found, ok bool) {
	n, ok := value.Number(text)
	if !ok {
		return false, false
	}
	holds := w.How.Order()
	for i := range w.N {
		found = found || holds.Has(order(n, math.Float64frombits(w.Bits(i))))
	}
	return found, true
}

func workOfNumber(w *Condition, text string) int {
	return glob.CompareWork + 5*int(w.N) + 32 + value.NumberWork(text)
}

func order(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func compareDate(w *Condition, text string, _ *View) (found, ok bool) {
	at, ok := value.Date(text)
	if !ok {
		return false, false
	}
	holds := w.How.Order()
	for i := range w.N {
		seconds, nanos := w.Instant(i)
		found = found || holds.Has(at.Compare(value.Instant{Seconds: seconds, Nanos: nanos}))
	}
	return found, true
}

func workOfDate(w *Condition, text string) int {
	return glob.CompareWork + 5*int(w.N) + len(text) + 32
}

func compareBool(w *Condition, text string, _ *View) (found, ok bool) {
	b, ok := value.Bool(text)
	for i := range w.N {
		found = found || b == w.Bool(i)
	}
	return found, ok
}

func workOfBool(w *Condition, _ string) int { return 3*glob.CompareWork + int(w.N) }

func compareBinary(w *Condition, text string, _ *View) (found, ok bool) {
	if !value.Binary(text) {
		return false, false
	}
	for i := range w.N {
		if w.Text(i) == text {
			return true, true
		}
	}
	return false, true
}

func workOfBinary(w *Condition, text string) int {
	return 2*glob.CompareWork + int(w.N)*(3+len(text)/64) + len(text)
}

func compareIP(w *Condition, text string, _ *View) (found, ok bool) {
	a, ok := value.Address(text)
	if !ok {
		return false, false
	}
	for i := range w.N {
		found = found || w.inRange(i, a)
	}
	return found, true
}

func workOfIP(w *Condition, text string) int {
	return glob.CompareWork + 10*int(w.N) + len(text) + 32
}

// inRange reports whether range i holds an address of 16 bytes, IPv4 in its
// mapped form.
func (w *Condition) inRange(i uint32, a netip.Addr) bool {
	wantHigh, wantLow, bits, is4 := w.Range(i)
	if is4 != a.Is4() {
		return false
	}
	if is4 {
		bits += 96
	}
	bytes := a.As16()
	high, low := binary.BigEndian.Uint64(bytes[:8]), binary.BigEndian.Uint64(bytes[8:])
	if bits <= 64 {
		return (high^wantHigh)>>(64-bits) == 0
	}
	return high == wantHigh && (low^wantLow)>>(128-bits) == 0
}
