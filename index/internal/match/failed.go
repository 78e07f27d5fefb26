package match

import (
	"slices"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/conditionkey"
	"postern/policy"
)

// NearestBound is the number of statements that the search for the nearest
// Allow looks at (specification 3.2).
const NearestBound = 10_000

// Detail adds to n why a statement's resources and conditions do not hold.
func (x *Variables) Detail(n *policy.Nearest, b block.Block, r block.Record, v *View) {
	f := failures{n}
	if !v.Whole && !x.ResourceHolds(b, r, v) {
		f.resource(x, b, r, v)
	}
	f.conditions(x, b, r, v)
}

// failures collects the details of what did not hold of the nearest Allow.
type failures struct{ *policy.Nearest }

// conditions adds the conditions of a statement that do not hold.
func (f failures) conditions(x *Variables, b block.Block, r block.Record, v *View) {
	for want := range x.Conditions(b, r) {
		if want.Holds(v, r.Deny()) {
			continue
		}
		if want.Op&block.Variables != 0 {
			for i := range want.N {
				f.variables(x, want.Text(i), v)
			}
		}
		if len(f.Conditions) < policy.MaxFailedConditions {
			f.Conditions = append(f.Conditions, want.failed(v))
		}
	}
}

// resource adds the variables without a value in the resources of a statement.
func (f failures) resource(x *Variables, b block.Block, r block.Record, v *View) {
	w := b.What(r)
	for i := range w.Glob {
		f.variables(x, b.ResourceProgram(w, i), v)
	}
}

// variables adds the variables of a program that have no value.
func (f failures) variables(x *Variables, program string, v *View) {
	for len(f.Variables) < policy.MaxFailedConditions {
		i := strings.IndexByte(program, glob.OpVariable)
		if i < 0 {
			return
		}
		n, rest := glob.VariableNumber(program[i:])
		missing := &(*x)[n]
		program = rest
		if _, ok := v.variable(missing); ok == has {
			continue
		}
		if text := Cut(missing.String()); !slices.Contains(f.Variables, text) {
			f.Variables = append(f.Variables, text)
		}
	}
}

// failed describes a condition that does not hold.
func (w *Condition) failed(v *View) policy.FailedCondition {
	kind, test := w.Kind(), w.Test()
	name, tag := w.Key()
	out := policy.FailedCondition{Operator: w.operator(kind, test), Key: Cut(lowered.Key{Kind: kind, Name: name}.String())}
	for i := range w.N {
		out.Values = appendCut(out.Values, w.value(i, test))
	}
	if kind == conditionkey.Resource { // one text of two forms, and always there
		out.Had = appendCut(out.Had, v.Text)
		if uid := v.Request.Resource.UID; uid != "" {
			out.Had = appendCut(out.Had, v.ResourceType+":uid:"+uid)
		}
		return out
	}
	have, unreadable := v.lookup(kind, name, tag, &v.values)
	out.Unreadable = unreadable
	for i := range have {
		text := have[i].Text
		out.Had = appendCut(out.Had, text)
		if w.How != lowered.CompareNull {
			_, ok := w.compare(text, v)
			out.Unreadable = out.Unreadable || !ok
		}
	}
	return out
}

// operator writes the operator as a policy does.
func (w *Condition) operator(kind conditionkey.Kind, test policy.Test) string {
	negated := w.Op&block.Negated != 0
	switch {
	case test != policy.TestNone:
		o := policy.Operator{Test: test, IfExists: w.Op&block.IfExists != 0}
		switch {
		case w.Op&block.ForAll != 0:
			o.Qualifier = policy.ForAllValues
		case w.Op&block.ForAny != 0:
			o.Qualifier = policy.ForAnyValue
		}
		return o.String()
	case w.How == lowered.CompareNull && w.Bool(0):
		return "DoesNotExist"
	case w.How == lowered.CompareNull:
		return "Exists"
	case kind == conditionkey.Resource && negated:
		return "StringNotLike"
	case kind == conditionkey.Resource:
		return "StringLike"
	case negated:
		return "NotIn"
	}
	return "In"
}

// value writes a wanted value as policies do.
func (w *Condition) value(i uint32, test policy.Test) string {
	switch w.How.Values() {
	case lowered.ValueBytes:
		return w.Text(i)
	case lowered.ValueText, lowered.ValuePattern, lowered.ValueArn:
		text := w.of.ProgramText(w.Text(i))
		switch {
		case w.How == lowered.CompareBegins:
			text += "*"
		case test != policy.TestNone && !test.Patterns():
			text = plainText.Replace(text) // a `*` is no wildcard here
		}
		return text
	}
	return w.Value(i)
}

// plainText undoes literalText.
var plainText = strings.NewReplacer("${*}", "*", "${?}", "?")

// appendCut appends a value within the bounds of policy.FailedCondition.
func appendCut(list []string, text string) []string {
	switch {
	case len(list) < policy.MaxFailedConditions:
		return append(list, Cut(text))
	case len(list) == policy.MaxFailedConditions:
		return append(list, "...")
	}
	return list
}

// Cut returns a copy of a text, shortened to policy.MaxFailedValue.
func Cut(text string) string {
	if len(text) <= policy.MaxFailedValue {
		return strings.Clone(text)
	}
	return strings.ToValidUTF8(text[:policy.MaxFailedValue-len("...")], "") + "..."
}
