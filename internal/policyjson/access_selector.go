package policyjson

import (
	"slices"

	"postern/internal/jsonscan"
	"postern/policy"
)

// This file reads selectors over tags (specification 2, selector).

var selectorSet = fieldSet{
	what: "a selector",
	fields: []field{
		{"matchTags", `an object such as {"env": "dev"}`, ""},
		{"matchExpressions", `a list such as [{"key": "env", "operator": "NotIn", "values": ["prod"]}]`, ""},
	},
	hints: map[string]string{"matchlabels": `write "matchTags"`},
}

const (
	exprKey = iota
	exprOperator
	exprValues
)

var expressionSet = fieldSet{
	what: "an entry of \"matchExpressions\"",
	fields: []field{
		exprKey:      {"key", "a tag's key, a string that is not empty", `"key": "env"`},
		exprOperator: {"operator", `"In", "NotIn", "Exists" or "DoesNotExist"`, `"operator": "Exists"`},
		exprValues:   {"values", `a list of values, such as ["dev", "test"]`, ""},
	},
}

var tagOperators = []string{"In", "NotIn", "Exists", "DoesNotExist"} // in the order of policy.TagOperator, from TagIn

func (d *decoder) selector(f *field) *policy.Selector {
	if !d.isObject(quote(f.name), f.want) {
		return nil
	}
	at := d.s.Offset()
	sel := &policy.Selector{At: d.position(at)}
	n := 0
	d.fields(&selectorSet, func(i int) {
		n++
		f := &selectorSet.fields[i]
		if i == 0 {
			d.matchTags(f, sel)
			return
		}
		d.listOf(f, false, func(k jsonscan.Kind, _ int) {
			if k != jsonscan.Object {
				d.wrongType("an entry of "+quote(f.name), k, "an object")
				return
			}
			sel.Requirements = append(sel.Requirements, d.tagExpression())
		})
	})
	negative := func(r policy.TagRequirement) bool { return r.Operator > policy.TagIn && r.Operator != policy.TagExists }
	switch {
	case d.s.Failed():
	case n == 0:
		d.report(at, msgEmptyObject, quote(f.name), `a tag, as in {"matchTags": {"env": "dev"}}, or remove it`)
	case len(sel.Requirements) > 0 && !slices.ContainsFunc(sel.Requirements, func(r policy.TagRequirement) bool { return !negative(r) }):
		d.report(at, msgSelectorNegative)
	}
	return sel
}

func (d *decoder) matchTags(f *field, sel *policy.Selector) {
	at := d.tagObject(f, func(key, text string, at policy.Position) {
		sel.Requirements = append(sel.Requirements, policy.TagRequirement{
			Key: key, Operator: policy.TagIn, Values: []string{text}, At: at,
		})
	})
	if at >= 0 {
		d.report(at, msgEmptyObject, quote(f.name), `a tag, as in {"env": "dev"}, or remove it`)
	}
}

// tagObject reads an object of strings. If it is empty, tagObject returns its
// offset, else -1.
func (d *decoder) tagObject(f *field, each func(key, text string, at policy.Position)) (empty int) {
	if !d.isObject(quote(f.name), f.want) {
		return -1
	}
	at := d.s.Offset()
	if !d.eachKey(func(at int) {
		key := d.texts.keep(d.key())
		if key == "" {
			d.report(at, msgTagKey)
		}
		p := d.position(at)
		if k := d.s.Peek(); k != jsonscan.String {
			d.wrongType("the tag "+quote(key), k, "a string")
		} else if text, ok := d.readText(); ok {
			each(key, text, p)
		}
	}) {
		return -1
	}
	return at
}

func (d *decoder) tagExpression() (r policy.TagRequirement) {
	at := d.s.Offset()
	r.At = d.position(at)
	f := d.fields(&expressionSet, func(i int) {
		f := &expressionSet.fields[i]
		switch i {
		case exprKey:
			if text, at, ok := d.text(f); ok && d.notEmptyName(f, text, at) {
				r.Key = text
			}
		case exprOperator:
			text, at, ok := d.text(f)
			if !ok {
				return
			}
			k := slices.Index(tagOperators, text)
			if k < 0 {
				d.report(at, msgTagOperator, quote(text), d.oneOf(text, tagOperators))
			}
			r.Operator = policy.TagOperator(k + 1)
		case exprValues:
			d.listOf(f, false, func(k jsonscan.Kind, at int) { // the value of a tag may be empty
				if k != jsonscan.String {
					d.wrongType(`an entry of "values"`, k, "a string")
				} else if text, ok := d.readText(); ok {
					r.Values = append(r.Values, text)
				}
			})
		}
	})
	d.missing(&expressionSet, &f, at)
	switch r.Operator {
	case policy.TagIn, policy.TagNotIn:
		if !f.has(exprValues) && !f.mentioned[exprValues] && !d.s.Failed() {
			d.report(at, msgMissing, "the operator "+quote(r.Operator.String()), quote("values"), `"values": ["dev"], or those meant`)
		}
	case policy.TagExists, policy.TagDoesNotExist:
		if f.has(exprValues) {
			d.report(f.at[exprValues]-1, msgTagValues, quote(r.Operator.String()))
		}
	}
	return r
}
