package match

import (
	"encoding/binary"
	"iter"
	"math"
	"net/netip"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/value"
)

// Condition is one condition, with the variables that its values may hold.
type Condition struct {
	block.Condition
	of *Variables
}

// ConditionsHold reports whether all conditions of the statement hold.
func (x *Variables) ConditionsHold(b block.Block, r block.Record, v *View) bool {
	n := b.ConditionCount(r)
	if n == 0 {
		return true
	}
	want := Condition{b.Conditions(r), x}
	for ; n > 0; n-- {
		want.Next()
		if !want.Holds(v, r.Deny()) {
			return false
		}
	}
	return true
}

// Conditions goes through the conditions of a statement. It is for searches and
// explanations; ConditionsHold does the same without a call each. What it yields
// is valid until the next.
func (x *Variables) Conditions(b block.Block, r block.Record) iter.Seq[*Condition] {
	return func(yield func(*Condition) bool) {
		n := b.ConditionCount(r)
		want := Condition{b.Conditions(r), x}
		for ; n > 0; n-- {
			want.Next()
			if !yield(&want) {
				return
			}
		}
	}
}

// Holds evaluates one operator with one key (specification 1.7,
// Evaluation): first the qualifier decides absence, then IfExists, then the
// sign. What the operator cannot read counts as false in an Allow and as true
// in a Deny. A negated operator of which one value has a variable without a
// value is false in an Allow, before anything else is looked at.
func (w *Condition) Holds(v *View, deny bool) bool {
	kind := w.Kind()
	if kind == lowered.KeyResource {
		return w.onResource(v, deny)
	}
	if !v.Spend(glob.ConditionWork + len(v.Request.Context)/2) {
		return true // as Variables.Holds
	}
	key, tag := w.Key()
	have, unreadable := v.lookup(kind, key, tag, &v.values)
	if unreadable {
		return deny
	}
	const negatedVariables = block.Negated | block.Variables
	if w.Op&negatedVariables == negatedVariables && !deny && w.missesVariable(v) {
		return false
	}
	if w.How == lowered.CompareNull {
		return w.null(len(have) == 0)
	}
	v.any = deny && w.Op&block.Negated == 0
	negated, forAll, forAny := w.Op&block.Negated != 0, w.Op&block.ForAll != 0, w.Op&block.ForAny != 0
	if len(have) == 0 || forAll && len(have) == 1 && have[0].Text == "" {
		switch {
		case forAll:
			return true
		case forAny:
			return false
		}
		return negated || w.Op&block.IfExists != 0
	}
	if len(have) == 1 { // the rest, for one value
		text := have[0].Text
		if work := w.work(text); (w.N > 1 || work > loneWork) && !v.Spend(work) {
			return true
		}
		found, ok := w.compare(text, v)
		return ok && found != negated || !ok && deny
	}
	// Every value is read even when the answer is known: one that cannot be
	// read makes the list unreadable.
	all, any := true, false
	for i := range have {
		if !v.Spend(w.work(have[i].Text)) {
			return true
		}
		found, ok := w.compare(have[i].Text, v)
		if !ok {
			return deny
		}
		if found != negated {
			any = true
		} else {
			all = false
		}
	}
	if forAll || negated && !forAny {
		return all
	}
	return any
}

// missesVariable reports that one of the wanted texts has a variable without a
// value.
func (w *Condition) missesVariable(v *View) bool {
	for i := uint32(0); i < w.N && v.Spend(glob.EndsWork); i++ {
		if w.of.missesVariable(w.Text(i), v) {
			return true
		}
	}
	return false
}

// longText is the length up to which a comparison with one text is part of what
// a condition costs, and loneWork what work may come to for that.
const (
	longText = 64
	loneWork = 2*glob.CompareWork + longText + 32
)

// work is what a comparison of a text costs, without tests of patterns: to read
// it, and to go through the wanted values.
func (w *Condition) work(text string) int {
	values, n := int(w.N), len(text)
	switch w.How {
	case lowered.CompareText, lowered.CompareNull:
		if w.Op&block.Arn != 0 {
			n += 10 * 32 // its colons are counted
		}
		return 2*glob.CompareWork + values + n/32
	case lowered.CompareTextFold:
		return 3*glob.CompareWork + values + n/2
	case lowered.CompareBool:
		return 3*glob.CompareWork + values
	case lowered.CompareLike:
		return glob.CompareWork + 16*values + n/32
	case lowered.CompareArn:
		return glob.CompareWork + 60*values + n/32
	case block.Begins:
		return 2*glob.CompareWork + values*(4+n/64)
	case lowered.CompareIP:
		return glob.CompareWork + 10*values + n + 32
	case lowered.CompareBinary:
		return 2*glob.CompareWork + values*(3+n/64) + n
	case lowered.CompareNumberEqual, lowered.CompareNumberLess, lowered.CompareNumberLessEqual, lowered.CompareNumberGreater, lowered.CompareNumberGreaterEqual:
		return glob.CompareWork + 5*values + 32 + value.NumberWork(text)
	}
	return glob.CompareWork + 5*values + n + 32
}

// null answers Null: `"true"` holds if the key is absent, `"false"` if it is present.
func (w *Condition) null(absent bool) bool {
	for i := range w.N {
		if w.Bool(i) == absent {
			return true
		}
	}
	return false
}

// compare reports whether the text of a request is one of the wanted values by
// the comparison; ok is false if the comparison cannot read it.
func (w *Condition) compare(text string, v *View) (found, ok bool) {
	if w.Op&block.Arn != 0 && strings.Count(text, ":") < 5 {
		return false, false
	}
	switch w.How {
	case lowered.CompareText, lowered.CompareTextFold:
		if w.Op&block.Variables == 0 {
			return w.plain(text, v), true
		}
		for i := range w.N {
			if v.Over() {
				break
			}
			if w.of.compareText(w.How, text, w.Text(i), v) {
				return true, true
			}
		}
		return false, true
	case block.Begins:
		for i := range w.N {
			if strings.HasPrefix(text, w.Text(i)) {
				return true, true
			}
		}
		return false, true
	case lowered.CompareLike:
		for i := range w.N {
			if v.Over() {
				break
			}
			if w.of.match(w.Text(i), text, v) == matches {
				return true, true
			}
		}
		return false, true
	case lowered.CompareArn:
		for i := range w.N {
			if v.Over() {
				break
			}
			if w.of.compareArn(w.Text(i), text, v) {
				return true, true
			}
		}
		return false, true
	case lowered.CompareBinary:
		if !value.Binary(text) {
			return false, false
		}
		for i := range w.N {
			if w.Text(i) == text {
				return true, true
			}
		}
		return false, true
	case lowered.CompareBool:
		b, ok := value.Bool(text)
		for i := range w.N {
			found = found || b == (w.Bool(i))
		}
		return found, ok
	case lowered.CompareIP:
		a, ok := value.Address(text)
		if !ok {
			return false, false
		}
		for i := range w.N {
			found = found || w.inRange(i, a)
		}
		return found, true
	case lowered.CompareNumberEqual, lowered.CompareNumberLess, lowered.CompareNumberLessEqual, lowered.CompareNumberGreater, lowered.CompareNumberGreaterEqual:
		n, ok := value.Number(text)
		if !ok {
			return false, false
		}
		for i := range w.N {
			found = found || ordered(w.How-lowered.CompareNumberEqual, order(n, math.Float64frombits(w.Bits(i))))
		}
		return found, true
	case lowered.CompareDateEqual, lowered.CompareDateLess, lowered.CompareDateLessEqual, lowered.CompareDateGreater, lowered.CompareDateGreaterEqual:
		at, ok := value.Date(text)
		if !ok {
			return false, false
		}
		for i := range w.N {
			seconds, nanos := w.Instant(i)
			other := value.Instant{Seconds: seconds, Nanos: nanos}
			found = found || ordered(w.How-lowered.CompareDateEqual, at.Compare(other))
		}
		return found, true
	}
	return false, false
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

// ordered reads the result of a comparison as =, <, <=, >, >=, in that order.
func ordered(how lowered.Comparison, c int) bool {
	switch how {
	case 0:
		return c == 0
	case 1:
		return c < 0
	case 2:
		return c <= 0
	case 3:
		return c > 0
	}
	return c >= 0
}

// inRange reports whether range i holds the address; both lie in 16 bytes, IPv4
// in its mapped form.
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

// plain compares with texts that hold no variable.
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

// compareText compares with a program; a variable without a value matches nothing.
func (x *Variables) compareText(how lowered.Comparison, text, program string, v *View) bool {
	if strings.IndexByte(program, glob.OpVariable) >= 0 {
		var ok bool
		if program, ok = x.expand(program, len(text), v); !ok {
			return false
		}
		if v.any && strings.IndexByte(program, glob.OpRun) >= 0 { // of a variable that is unseen
			return v.globText(how, text, program)
		}
	}
	if how == lowered.CompareText {
		return program == text
	}
	return value.EqualFoldASCII(program, text)
}

// globText is compareText where runs stand for what is unseen.
func (v *View) globText(how lowered.Comparison, text, program string) bool {
	if how == lowered.CompareTextFold {
		v.objectText = value.AppendFoldASCII(v.objectText[:0], program)
		split := len(v.objectText)
		v.objectText = value.AppendFoldASCII(v.objectText, text)
		program, text = block.Alias(v.objectText[:split]), block.Alias(v.objectText[split:])
	}
	return v.Glob(program, text)
}

// compareArn matches the six parts of an ARN one by one; text has five colons
// at least.
func (x *Variables) compareArn(program, text string, v *View) bool {
	for i := 0; i < 5; i++ {
		var part, have string
		part, program, _ = strings.Cut(program, glob.Separator)
		have, text, _ = strings.Cut(text, ":")
		if x.match(part, have, v) != matches {
			return false
		}
	}
	return x.match(program, text, v) == matches
}

// onResource evaluates a list of resources in which some are uids
// (specification 2, resources): a condition on KeyResource. What it says of a
// uid that is not known is what 1.7 says of a value that cannot be read.
func (w *Condition) onResource(v *View, deny bool) bool {
	negated := w.Op&block.Negated != 0
	v.any = deny && !negated
	if found, _ := w.compare(v.Text, v); found {
		return !negated
	}
	switch found, _ := w.compare(v.UID, v); {
	case !found:
		return negated
	case v.Request.Resource.UID == "":
		return deny
	}
	return !negated
}
