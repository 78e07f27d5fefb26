package request

import (
	"unicode/utf8"

	"postern/policy"
)

// notUTF8 is what is wrong with a text that is no UTF-8. The index has bytes
// that never occur in UTF-8 stand for wildcards, so this bound is a guard, and
// it does not stand alone: the index refuses such a value where it is put into a
// pattern too.
const notUTF8 = "not valid UTF-8"

// checkText refuses every text of a request that is no UTF-8, in one place for
// all entrances: a Decoder's body was read by a scanner that lets none through.
func checkText(r *policy.Request) fault {
	p, res := &r.Principal, &r.Resource
	for _, x := range [...]struct{ path, text string }{
		{"subject.properties.org", p.Org},
		{"action.name", r.Action},
		{"resource.type", res.Type},
		{"resource.id", res.ID},
		{"resource.properties.org", res.Org},
		{"resource.properties.uid", res.UID},
	} {
		if !utf8.ValidString(x.text) {
			return wrong(x.path, notUTF8)
		}
	}
	for i, id := range p.IDs {
		if !utf8.ValidString(id) {
			return wrong(identifierPath(i), notUTF8)
		}
	}
	for i, group := range p.Groups {
		if !utf8.ValidString(group) {
			return wrong(element("subject.properties.groups", i), notUTF8)
		}
	}
	for i := range res.Tags {
		if t := &res.Tags[i]; !utf8.ValidString(t.Key) || !utf8.ValidString(t.Value) {
			return wrong("resource.properties.tags", notUTF8)
		}
	}
	for _, list := range [...]struct {
		path string
		of   []policy.Attribute
	}{
		{"subject.properties.claims", p.Claims},
		{"subject.properties", p.Properties},
		{"action.properties", r.ActionProperties},
		{"resource.properties", res.Properties},
		{"context", r.Context},
	} {
		for i := range list.of {
			a := &list.of[i]
			if !utf8.ValidString(a.Key) {
				return wrong(list.path, "a key is "+notUTF8)
			}
			for k := range a.Values {
				if !utf8.ValidString(a.Values[k].Text) {
					return wrong(list.path+"."+shorten(a.Key), notUTF8)
				}
			}
		}
	}
	return fault{}
}
