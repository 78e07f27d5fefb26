package match

import (
	"iter"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/conditionkey"
)

// Condition is one condition, with the variables that its values may hold.
type Condition struct {
	block.Condition
	of *Variables
}

// ConditionsHold reports whether all conditions of a statement hold.
func (x *Variables) ConditionsHold(b block.Block, r block.Record, v *View) bool {
	n := b.ConditionCount(r)
	if n == 0 {
		return true
	}
	want := &v.want // not a local variable, which comparers would make escape
	*want = Condition{b.Conditions(r), x}
	for ; n > 0; n-- {
		want.Next()
		if !want.Holds(v, r.Deny()) {
			return false
		}
	}
	return true
}

// Conditions yields the conditions of a statement, for searches and
// explanations; ConditionsHold evaluates them without a call for each. A
// condition is valid until the next.
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
	if kind == conditionkey.Resource {
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
	// Every value is read, even when the answer is known: one that cannot be
	// read makes the whole list unreadable.
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

// missesVariable reports whether one of the wanted texts has a variable without
// a value.
func (w *Condition) missesVariable(v *View) bool {
	for i := uint32(0); i < w.N && v.Spend(glob.EndsWork); i++ {
		if w.of.missesVariable(w.Text(i), v) {
			return true
		}
	}
	return false
}

// longText is the length up to which comparing with one text is counted as part
// of the condition, and loneWork the most that such a comparison costs.
const (
	longText = 64
	loneWork = 2*glob.CompareWork + longText + 32
)

// null evaluates Null: `"true"` holds if the key is absent, and `"false"` if it
// is present.
func (w *Condition) null(absent bool) bool {
	for i := range w.N {
		if w.Bool(i) == absent {
			return true
		}
	}
	return false
}

// onResource evaluates a list of resources in which some are uids
// (specification 2, resources): a condition on conditionkey.Resource. What it
// says of a uid that is not known is what 1.7 says of a value that cannot be
// read.
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
