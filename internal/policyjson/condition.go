package policyjson

import (
	"slices"
	"strings"

	"postern/internal/conditionkey"
	"postern/internal/value"
	"postern/policy"
)

// conditions collects the conditions of one statement.
type conditions struct {
	list []policy.Condition
	at   []int // the offsets of the keys
	in   []int // the offsets of the operators' names
}

func (cs *conditions) reset() { cs.list, cs.at, cs.in = cs.list[:0], cs.at[:0], cs.in[:0] }

// conditions reads a Condition element (specification 1.7).
func (d *decoder) conditions(f *field, cs *conditions) {
	cs.reset()
	if !d.isObject(quote(f.name), f.want) {
		return
	}
	at := d.s.Offset()
	if d.eachKey(func(at int) {
		op := d.operator(d.key(), at)
		if d.isObject("a condition operator's value", `an object such as {"KEY": "VALUE"}`) {
			d.conditionKeys(op, at, cs)
		}
	}) {
		d.report(at, msgConditionEmpty, quote(f.name))
	}
}

// operator reads an operator's name. The Test of the result is TestNone if
// there is no such operator.
func (d *decoder) operator(name []byte, at int) policy.Operator {
	if len(name) == 0 {
		d.report(at, msgOperatorName)
		return policy.Operator{}
	}
	op, ok := policy.ParseOperator(string(name))
	if ok {
		return op
	}
	if base, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(string(name), "ForAllValues:"), "ForAnyValue:"), "IfExists"); base == "Null" {
		d.report(at, msgOperatorNear, quote(name), instead("Null")) // only Null is suggested: any other operator would mean something else
	} else if near, ok := d.nearOperator(name); ok {
		d.report(at, msgOperatorNear, quote(name), instead(near))
	} else {
		like := policy.StringEquals
		if meaningOf(string(name)).not {
			like = policy.StringNotEquals
		}
		d.report(at, msgOperatorUnknown, quote(name), quote(like.String()))
	}
	return policy.Operator{}
}

// nearOperator returns the operator that is spelled most like a name, and says the
// same: one that is negated, qualified or takes absence differently is another rule.
func (d *decoder) nearOperator(name []byte) (string, bool) {
	says := meaningOf(string(name))
	var like []string
	for _, n := range operatorNames {
		if meaningOf(n) == says {
			like = append(like, n)
		}
	}
	i := d.nearest(name, len(like), func(i int) string { return like[i] })
	if i < 0 {
		return "", false
	}
	return like[i], true
}

// meaningOf tells what the parts of an operator's name say of it, whatever the rest
// is.
func meaningOf(name string) (m struct{ not, less, orEquals, ifExists, all, any bool }) {
	name = value.FoldASCII(clip(name))
	m.not = strings.Contains(name, "not")
	m.less = strings.Contains(name, "less")
	m.orEquals = strings.Contains(name, "th") && strings.HasSuffix(strings.TrimSuffix(name, "ifexists"), "equals")
	m.ifExists = strings.Contains(name, "exist")
	m.all, m.any = strings.HasPrefix(name, "forall"), strings.HasPrefix(name, "forany")
	return m
}

// operatorNames are the names of all operators; those without qualifier and
// IfExists come first.
var operatorNames = func() (out []string) {
	for _, q := range []policy.Qualifier{policy.QualifierNone, policy.ForAllValues, policy.ForAnyValue} {
		for _, ifExists := range []bool{false, true} {
			for _, t := range policy.Tests() {
				name := policy.Operator{Test: t, Qualifier: q, IfExists: ifExists}.String()
				if _, ok := policy.ParseOperator(name); ok {
					out = append(out, name)
				}
			}
		}
	}
	return out
}()

var conditionField = field{"", "a string, a number, a boolean, or a list of these", ""}

// conditionKeys reads the keys of one operator, with their values.
func (d *decoder) conditionKeys(op policy.Operator, opAt int, cs *conditions) {
	at := d.s.Offset()
	var seen names
	first, firstAt, second := "", 0, false // the first key goes into seen with the second
	if d.eachKey(func(at int) {
		key := d.texts.keep(d.key())
		if key == "" {
			d.report(at, msgConditionKey)
		} else if !second {
			first, firstAt = key, at
		} else {
			if first != "" {
				seen.add(conditionkey.Fold(first), firstAt)
				first = ""
			}
			if other, twice := seen.add(conditionkey.Fold(key), at); twice {
				d.reportOther(at, other, msgSameKey, quote(key))
			}
		}
		second = true
		c := policy.Condition{Operator: op, Key: key}
		c.Line, _ = d.place(at)
		f := conditionField
		f.name = key
		d.list = d.list[:0]
		d.strings(&f, true, true, func(text string, at int) {
			d.conditionValue(op, text, at)
			d.list = append(d.list, text)
		})
		c.Values = d.textLists.keep(d.list)
		cs.list = append(cs.list, c)
		cs.at = append(cs.at, at)
		cs.in = append(cs.in, opAt)
	}) {
		d.report(at, msgOperatorEmpty, quote(op.String()))
	}
}

// conditionValue checks that an operator can read a value.
func (d *decoder) conditionValue(op policy.Operator, text string, at int) {
	readable, c := true, msgNumber
	switch op.Test.Family() {
	case policy.FamilyString:
		if op.Test.Patterns() && !d.short(text, at) {
			return
		}
		if d.variables {
			d.variablesIn(text, at)
		}
	case policy.FamilyArn:
		if !d.short(text, at) || d.variables && !d.variablesIn(text, at) {
			return
		}
		if n := arnParts(text, d.variables); n < 6 {
			d.report(at, msgARN, op.String(), quote(text), decimal(n))
		}
	case policy.FamilyNumeric:
		_, readable = value.Number(text)
	case policy.FamilyDate:
		_, readable = value.Date(text)
		c = msgDate
	case policy.FamilyBool, policy.FamilyNull:
		_, readable = value.Bool(text)
		c = msgBool
	case policy.FamilyBinary:
		readable, c = value.Binary(text), msgBinary
	case policy.FamilyIP:
		p, hostBits, ok := value.Prefix(text)
		readable, c = ok, msgAddress
		if ok && hostBits {
			d.report(at, msgHostBits, quote(text), instead(p.String()))
		}
	}
	if !readable {
		d.report(at, c, op.String(), quote(text))
	}
}

// arnParts counts the parts of an ARN, up to 6. A colon inside a variable
// separates nothing.
func arnParts(text string, variables bool) int {
	n := 1
	for variables {
		before, after, ok := strings.Cut(text, "${")
		if !ok {
			break
		}
		n += strings.Count(before, ":")
		_, text, _ = strings.Cut(after, "}")
	}
	return min(n+strings.Count(text, ":"), 6)
}

// conditionWarnings warns of conditions that are surely not meant. It needs the
// statement's effect and all of its keys.
func (d *decoder) conditionWarnings(cs *conditions, effect policy.Effect) {
	if len(cs.list) == 0 {
		return
	}
	var present names // keys that a Null condition demands to be present
	for i := range cs.list {
		c := &cs.list[i]
		demands := c.Operator.Test == policy.Null && !slices.ContainsFunc(c.Values, func(v string) bool {
			absent, _ := value.Bool(v)
			return absent
		})
		if demands {
			present.add(conditionkey.Fold(c.Key), 0)
		}
	}
	for i := range cs.list {
		c := &cs.list[i]
		op := c.Operator
		if op.Test == policy.TestNone {
			continue
		}
		if op.Qualifier == policy.ForAllValues && effect == policy.EffectAllow {
			if !present.has(conditionkey.Fold(c.Key)) {
				d.report(cs.at[i], msgForAllValues, quote(op.String()), quote(c.Key), quote(c.Key))
			}
		}
		if op.Qualifier == policy.ForAnyValue && op.IfExists && (i == 0 || cs.in[i-1] != cs.in[i]) {
			plain := op
			plain.IfExists = false
			d.report(cs.in[i], msgForAnyIfExists, quote(op.String()), instead(plain.String()))
		}
		if instead, never := d.neverSet(c.Key); never {
			d.report(cs.at[i], msgKeyNever, quote(c.Key), instead)
		}
		if op.Qualifier == policy.QualifierNone && op.Test != policy.Null && alwaysList(c.Key) {
			all, one := op, op
			all.Qualifier, one.Qualifier = policy.ForAllValues, policy.ForAnyValue
			d.report(cs.at[i], msgAlwaysList, quote(c.Key), quote(one.String()), quote(all.String()))
		}
	}
}

// alwaysList reports whether a key always has a list of values.
func alwaysList(key string) bool {
	kind, _ := conditionkey.Split(key)
	return kind == conditionkey.Groups || value.EqualFoldASCII(key, "aws:TagKeys") || value.EqualFoldASCII(key, "aws:PrincipalOrgPaths")
}

// neverSet reports whether no request can have a key, and what to write
// instead: the key has the form of a property's (`subject.X`), but names what
// is no property (specification 3.1), and the server does not set it either
// (specification 1.7).
func (d *decoder) neverSet(key string) (instead string, never bool) {
	kind, name := conditionkey.Split(key)
	switch kind {
	case conditionkey.SubjectProperty, conditionkey.ResourceProperty, conditionkey.ActionProperty:
	default:
		return "", false
	}
	key, name = value.FoldASCII(key), value.FoldASCII(name)
	switch {
	case key == "resource.uid" && d.kind == policy.KindAccess:
		return `write "type:uid:ID" into the resources`, true
	case key == "resource.tags" && d.kind == policy.KindAccess:
		return "write a selector, which tests tags", true
	case key == "resource.uid":
		return "remove it", true
	}
	switch name {
	case "type", "id", "name", "org", "principals", "groups", "claims", "tags":
	default:
		return "", false
	}
	if other, ok := setInstead[key]; ok {
		return "write " + other, true
	}
	return "remove it", true
}

// setInstead maps keys that no request can have to keys that the server sets.
var setInstead = map[string]string{
	"subject.name": `"subject.id"`, "subject.org": `"cw:PrincipalOrgID"`, "subject.principals": `"aws:PrincipalArn"`,
	"subject.groups": `"iam:ORG:groups"`, "subject.claims": `"oidc:ORG:CLAIM"`,
	"resource.name": `"resource.id"`, "resource.org": `"cw:ResourceOrgID"`, "action.id": `"action.name"`,
}
