package block

import (
	"cmp"
	"slices"
	"strings"

	"postern/index/internal/glob"
	"postern/index/lowered"
)

// conditions adds the condition entries of a statement. All have to hold, so
// the cheapest and most selective come first.
func (w *Writer) conditions(list []lowered.Condition) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b lowered.Condition) int { return cmp.Compare(rank(&a.Operator), rank(&b.Operator)) })
	for i := range list {
		w.condition(&list[i])
	}
}

// rank returns the place of an operator in the order of evaluation, lowest
// first.
func rank(o *lowered.Operator) int {
	n := o.Compare.Rank()
	if o.Negated || o.IfExists || o.ForAll {
		n += 5
	}
	return n
}

// condition adds a condition entry and its values.
func (w *Writer) condition(c *lowered.Condition) {
	how, op, values := reduced(c)
	for i, on := range [...]bool{c.Operator.Negated, c.Operator.IfExists, c.Operator.ForAll, c.Operator.ForAny} {
		if on {
			op |= 1 << i
		}
	}
	at, n := w.put(c.Key.Name)
	w.entries = append(w.entries, uint32(how)|uint32(op)<<8|uint32(c.Key.Kind)<<16|uint32(c.Operator.Test)<<24, KeyTag(c.Key.Name), at, n, uint32(len(values)))
	layout := &layouts[how.Values()]
	for _, v := range values {
		if layout.text {
			w.textEntry(v.Text)
			continue
		}
		words := [...]uint32{uint32(v.A), uint32(v.A >> 32), uint32(v.B), uint32(v.B >> 32), uint32(v.Bits)}
		if v.Is4 {
			words[4] |= rangeIs4
		}
		w.entries = append(w.entries, words[:layout.words]...)
	}
}

// reduced returns the cheapest comparison that is equivalent to that of a
// condition. ARNs whose first five parts are literal are compared as whole
// texts, and patterns that are literal, or literal with a `*` at the end, need
// no matching.
func reduced(c *lowered.Condition) (how lowered.Comparison, op Flags, values []lowered.Value) {
	how, values = c.Operator.Compare, c.Values
	if how == lowered.CompareArn {
		op = Arn
		if whole, ok := wholeArns(values); ok {
			how, values = lowered.CompareLike, whole
		}
	}
	if how == lowered.CompareLike {
		exact, begins := true, true
		for i := range values {
			kind, _ := glob.Classify(values[i].Text)
			exact, begins = exact && kind == glob.Exact, begins && kind == glob.Prefix
		}
		switch {
		case exact:
			how = lowered.CompareText
		case begins:
			how, values = lowered.CompareBegins, slices.Clone(values)
			for i := range values {
				_, values[i].Text = glob.Classify(values[i].Text)
			}
		}
	}
	for i := range values {
		if layouts[how.Values()].text && strings.IndexByte(values[i].Text, glob.OpVariable) >= 0 {
			op |= Variables
		}
	}
	return how, op, values
}

// wholeArns joins the parts of ARNs; ok is false unless the first five parts of
// each are literal. Literal parts hold no colon, so that a text that begins
// with them splits into them.
func wholeArns(values []lowered.Value) (out []lowered.Value, ok bool) {
	for _, v := range values {
		parts := strings.Split(v.Text, glob.Separator)
		if len(parts) != 6 {
			return nil, false
		}
		for _, part := range parts[:5] {
			if glob.LiteralLen(part) < len(part) || strings.IndexByte(part, ':') >= 0 {
				return nil, false
			}
		}
		out = append(out, lowered.Value{Text: strings.ReplaceAll(v.Text, glob.Separator, ":")})
	}
	return out, true
}
