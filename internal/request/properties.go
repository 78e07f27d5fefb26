package request

import (
	"postern/internal/jsonscan"
	"postern/internal/value"
	"postern/policy"
)

// entity tells whose properties are read.
type entity uint8

const (
	ofSubject entity = iota
	ofAction
	ofResource
)

var propertiesPath = [...]string{"subject.properties", "action.properties", "resource.properties"}

// reserved are the properties that are never condition keys, in any ASCII case
// (specification 3.1): `subject.Org` would be the condition key `subject.org`.
// In their exact spelling some are fields of a subject or a resource; uid is
// reserved in a resource only.
var reserved = [...]string{isType: "type", isID: "id", isName: "name", isOrg: "org", isPrincipals: "principals", isGroups: "groups", isClaims: "claims",
	isTags: "tags", isUID: "uid"}

// The places in reserved.
const (
	isType = iota
	isID
	isName
	isOrg
	isPrincipals
	isGroups
	isClaims
	isTags
	isUID
)

// reservedAt returns the place of name in reserved, -1 if it has none.
func reservedAt(e entity, name string) int {
	if len(name) < 2 || len(name) > 10 {
		return -1
	}
	switch name[0] | 0x20 {
	case 't', 'i', 'n', 'o', 'p', 'g', 'c', 'u':
	default:
		return -1
	}
	for i, r := range reserved {
		if value.EqualFoldASCII(name, r) && (i != isUID || e == ofResource) {
			return i
		}
	}
	return -1
}

// properties reads the properties of an entity, which may be null: its fields,
// and the rest as condition keys into list.
func (d *Decoder) properties(p *part, e entity, list *[]policy.Attribute) bool {
	path := propertiesPath[e]
	if enter, ok := d.enter(path); !enter {
		return ok
	}
	var seen [len(reserved)]bool
	for d.s.Member() {
		name := d.kept(&p.store)
		at := reservedAt(e, name)
		if at < 0 {
			if !d.attribute(&p.store, path, name, list) {
				return false
			}
			continue
		}
		if seen[at] {
			d.wrong(path+"."+shorten(name), "stands twice, spelled in different ASCII case; keep "+quote(reserved[at]))
		}
		seen[at] = true
		if !d.field(p, e, at, name) {
			return false
		}
	}
	return !d.s.Failed() && d.settle(path, list)
}

// enter enters an object. Where null stands, which is absent, or something else,
// it reads past it: entered is false then, and ok tells whether the reading can go
// on.
func (d *Decoder) enter(path string) (entered, ok bool) {
	switch d.s.Peek() {
	case jsonscan.Object:
		return d.s.EnterObject(), false
	case jsonscan.Null:
		_, ok := d.s.Literal()
		return false, ok
	}
	return false, d.mistyped(path, "an object")
}

// settle checks the condition keys of one object, and takes out those that are
// null, which are absent.
func (d *Decoder) settle(path string, list *[]policy.Attribute) bool {
	if len(*list) > 1 {
		if f := checkFolded(path, *list); f.found() {
			d.note(f)
		}
	}
	if d.nulls {
		d.nulls = false
		*list = dropNulls(*list)
	}
	return true
}

func dropNulls(list []policy.Attribute) []policy.Attribute {
	kept := list[:0]
	for _, a := range list {
		if a.Values != nil || a.Unreadable {
			kept = append(kept, a)
		}
	}
	return kept
}

// field reads a property whose name has the place at in reserved. What is spelled
// otherwise, or is no field of this entity, is skipped like any unknown field; a
// field that is null is absent, like any property.
func (d *Decoder) field(p *part, e entity, at int, name string) (ok bool) {
	if name != reserved[at] {
		return d.s.Skip()
	}
	if d.s.Peek() == jsonscan.Null {
		_, ok := d.s.Literal()
		return ok
	}
	switch {
	case at == isOrg && e == ofSubject:
		p.request.Principal.Org, ok = d.filled(p, "subject.properties.org")
	case at == isOrg && e == ofResource:
		p.request.Resource.Org, ok = d.filled(p, "resource.properties.org")
	case at == isPrincipals && e == ofSubject:
		ok = d.principals(p)
	case at == isGroups && e == ofSubject:
		ok = d.groups(p)
	case at == isClaims && e == ofSubject:
		ok = d.claims(p)
	case at == isTags && e == ofResource:
		ok = d.tags(p)
	case at == isUID && e == ofResource:
		p.request.Resource.UID, _, ok = d.str(&p.store, "resource.properties.uid", MaxID)
	default:
		ok = d.s.Skip()
	}
	return ok
}

// filled reads an organization, a string that must not be empty.
func (d *Decoder) filled(p *part, path string) (string, bool) {
	text, stated, ok := d.str(&p.store, path, MaxID)
	if stated && text == "" {
		d.wrong(path, "is empty; name the organization or leave it out")
	}
	return text, ok
}

func (d *Decoder) principals(p *part) bool {
	const path = "subject.properties.principals"
	if d.s.Peek() != jsonscan.Array {
		return d.mistyped(path, `a list of strings as in ["role/Admin", "saml/jean"]`)
	}
	d.s.EnterArray()
	for n := 0; d.s.Element(); n++ {
		if n == MaxIdentifiers-1 {
			return d.note(tooManyIdentifiers())
		}
		id, ok := d.listed(&p.store, path, n, MaxType+1+MaxID)
		if !ok {
			return false
		}
		if !plainIdentifier(id) && !d.note(checkIdentifier(n+1, id)) {
			return false
		}
		p.ids = append(p.ids, id)
	}
	return !d.s.Failed()
}

func (d *Decoder) groups(p *part) bool {
	const path = "subject.properties.groups"
	if d.s.Peek() != jsonscan.Array {
		return d.mistyped(path, `a list of strings as in ["admin", "write"]`)
	}
	d.s.EnterArray()
	for n := 0; d.s.Element(); n++ {
		if n == MaxGroups {
			return d.note(tooManyGroups())
		}
		group, ok := d.listed(&p.store, path, n, MaxString)
		if !ok {
			return false
		}
		p.groups = append(p.groups, group)
	}
	return !d.s.Failed()
}

// listed reads a string of a list.
func (d *Decoder) listed(s *store, path string, n, bound int) (string, bool) {
	raw, escaped, kind := d.s.TextOr()
	if kind != jsonscan.String {
		return "", kind != jsonscan.None && d.mistyped(element(path, n), "a string")
	}
	text := s.string(raw, escaped)
	if len(text) > bound {
		return "", d.beyond(element(path, n), tooLong(bound))
	}
	return text, true
}

// tags reads the tags of a resource, an object of strings.
func (d *Decoder) tags(p *part) bool {
	const path = "resource.properties.tags"
	if d.s.Peek() != jsonscan.Object {
		return d.mistyped(path, `an object of strings as in {"env": "prod"}`)
	}
	p.request.Resource.TagsKnown = true
	d.s.EnterObject()
	for d.s.Member() {
		name := d.kept(&p.store)
		raw, escaped, kind := d.s.TextOr()
		if kind != jsonscan.String {
			if kind == jsonscan.None || !d.mistyped(path+"."+shorten(name), "a string") {
				return false
			}
			continue
		}
		text := p.store.string(raw, escaped)
		if len(text) > MaxString {
			return d.beyond(path+"."+shorten(name), tooLong(MaxString))
		}
		p.tags = append(p.tags, policy.Tag{Key: name, Value: text})
	}
	return !d.s.Failed()
}
