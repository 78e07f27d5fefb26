package index

import (
	"cmp"
	"slices"
	"strings"
)

// conditions adds the condition entries of a statement. All have to hold, so
// the cheapest and most selective come first.
func (w *blockWriter) conditions(list []Condition) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Condition) int { return cmp.Compare(rank(&a.Operator), rank(&b.Operator)) })
	for i := range list {
		w.condition(&list[i])
	}
}

// rank orders operators; it is a guess, and changes no answer.
func rank(o *Operator) (n int) {
	switch o.Compare {
	case CompareText, CompareTextFold, CompareBinary:
		n = 0
	case CompareNumberEqual, CompareIP, CompareDateEqual:
		n = 1
	case CompareLike, CompareArn:
		n = 2
	case CompareNull, CompareBool:
		n = 3
	default:
		n = 4
	}
	if o.Negated || o.IfExists || o.ForAll {
		n += 5
	}
	return n
}

// condition adds a condition entry and its values.
func (w *blockWriter) condition(c *Condition) {
	how, op, values := reduced(c)
	for i, on := range [...]bool{c.Operator.Negated, c.Operator.IfExists, c.Operator.ForAll, c.Operator.ForAny} {
		if on {
			op |= 1 << i
		}
	}
	at, n := w.put(c.Key.Name)
	w.entries = append(w.entries, uint32(how)|op<<8|uint32(c.Key.Kind)<<16|uint32(c.Operator.Test)<<24, keyTag(c.Key.Name), at, n, uint32(len(values)))
	for _, v := range values {
		if isText(how) {
			w.textEntry(v.Text)
			continue
		}
		words := [...]uint32{uint32(v.A), uint32(v.A >> 32), uint32(v.B), uint32(v.B >> 32), uint32(v.Bits)}
		if v.Is4 {
			words[4] |= rangeIs4
		}
		w.entries = append(w.entries, words[:valueWords(how)]...)
	}
}

// reduced is the cheapest comparison that says the same: of ARNs whose first
// five parts are literal the whole text is compared, and patterns that are all
// literal, or literal with a last `*`, need no matching.
func reduced(c *Condition) (how Comparison, op uint32, values []Value) {
	how, values = c.Operator.Compare, c.Values
	if how == CompareArn {
		op = conditionArn
		if whole, ok := wholeArns(values); ok {
			how, values = CompareLike, whole
		}
	}
	if how == CompareLike {
		exact, begins := true, true
		for i := range values {
			kind, _ := classify(values[i].Text)
			exact, begins = exact && kind == patternExact, begins && kind == patternPrefix
		}
		switch {
		case exact:
			how = CompareText
		case begins:
			how, values = compareBegins, slices.Clone(values)
			for i := range values {
				_, values[i].Text = classify(values[i].Text)
			}
		}
	}
	for i := range values {
		if isText(how) && strings.IndexByte(values[i].Text, opVariable) >= 0 {
			op |= conditionVariables
		}
	}
	return how, op, values
}

// wholeArns joins the parts of ARNs; ok is false unless the first five of each
// are literal. They hold no colon, so that a text which begins with them splits
// into them.
func wholeArns(values []Value) (out []Value, ok bool) {
	for _, v := range values {
		parts := strings.Split(v.Text, separator)
		if len(parts) != 6 {
			return nil, false
		}
		for _, part := range parts[:5] {
			if literalLen(part) < len(part) || strings.IndexByte(part, ':') >= 0 {
				return nil, false
			}
		}
		out = append(out, Value{Text: strings.ReplaceAll(v.Text, separator, ":")})
	}
	return out, true
}
