package policyjson

import (
	"strings"

	"postern/internal/jsonscan"
	"postern/internal/value"
	"postern/policy"
)

// This file reads entities: facts about resources and principals (specification
// 2, entities).

var entitySet = fieldSet{
	what: "an entity",
	fields: []field{
		{"properties", `an object such as {"level": "senior"}`, ""},
		{"tags", `an object of strings, such as {"env": "prod"}`, ""},
	},
}

// notProperties are, in lower case, the names that are no properties, as a
// request states them itself, with what to write instead. Names of properties
// are compared as condition keys are (specification 2, entities, and 3.1).
var notProperties = map[string]string{
	"org": "it is the request's alone", "principals": "it is the request's alone",
	"groups": "write the members into `groups`", "claims": "it is the request's alone", "uid": "it is the request's alone",
	"tags": "write it beside `properties`",
	"type": "it is in the entity's name", "id": "it is in the entity's name", "name": "write it under another name",
}

func (d *decoder) entity(name string, nameAt int) policy.Entity {
	e := policy.Entity{At: d.position(nameAt)}
	d.entityName(&e, name, nameAt)
	if !d.isObject("an entity", `an object such as {"tags": {"env": "prod"}}`) {
		return e
	}
	f := d.fields(&entitySet, func(i int) {
		f := &entitySet.fields[i]
		if i == 0 {
			e.Properties = d.properties(f)
			return
		}
		e.TagsKnown = d.s.Peek() == jsonscan.Object
		d.tagObject(f, func(key, text string, _ policy.Position) {
			e.Tags = append(e.Tags, policy.Tag{Key: key, Value: text})
		})
	})
	if f.has(1) && e.Principal != "" {
		d.report(f.at[1]-1, msgEntityTags, quote(name))
	}
	return e
}

// entityName reads `type:id` or `provider/name`: whichever of `:` and `/` comes
// first tells which.
func (d *decoder) entityName(e *policy.Entity, name string, at int) {
	if name == "" {
		return // reported already
	}
	i := strings.IndexAny(name, ":/")
	switch {
	case i < 0 || !isName(name[:i], "._-", 64) || i+1 == len(name):
		d.report(at, msgEntityForm, quote(name))
	case strings.Contains(name, "*"):
		d.report(at, msgEntityStar, quote(name))
	case name[i] == ':':
		e.Type, e.ID = name[:i], name[i+1:]
		if uid, ok := strings.CutPrefix(e.ID, "uid:"); ok {
			d.report(at, msgEntityUID, quote(name), quote(uid))
		}
	case name[:i] == "group":
		d.report(at, msgEntityGroup, quote(name))
	default:
		e.Principal = name
	}
}

// properties reads an object whose values are scalars or lists of scalars.
func (d *decoder) properties(f *field) (out []policy.Attribute) {
	if !d.isObject(quote(f.name), f.want) {
		return nil
	}
	var seen names
	d.s.EnterObject()
	for d.nextMember() {
		at := d.s.KeyOffset()
		key := d.texts.keep(d.key())
		if why, ok := notProperties[value.FoldASCII(key)]; ok {
			d.report(at, msgEntityProperty, quote(key), why)
		} else if key == "" {
			d.report(at, msgConditionKey)
		} else if other, twice := seen.add(value.FoldASCII(key), at); twice {
			d.reportOther(at, other, msgSameKey, quote(key))
		}
		a := policy.Attribute{Key: key}
		if k := d.s.Peek(); k == jsonscan.Array {
			d.s.EnterArray()
			for d.s.Element() {
				d.property(&a, "an entry of "+quote(key), "a string, a number or a boolean")
			}
		} else {
			d.property(&a, quote(key), "a string, a number, a boolean, or a list of these")
		}
		out = append(out, a)
	}
	return out
}

// property reads one value of a property.
func (d *decoder) property(a *policy.Attribute, what, want string) {
	k := d.s.Peek()
	v := policy.Value{Kind: policy.ValueString}
	switch k {
	case jsonscan.String:
	case jsonscan.Number:
		v.Kind = policy.ValueNumber
	case jsonscan.True, jsonscan.False:
		v.Kind = policy.ValueBool
	default:
		d.wrongType(what, k, want)
		return
	}
	if text, ok := d.scalar(k, true); ok {
		v.Text = text
		a.Values = append(a.Values, v)
	}
}
