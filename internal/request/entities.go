package request

import (
	"strconv"

	"postern/internal/jsonscan"
	"postern/policy"
)

// member reads one member of an evaluation. Members that the standard does not
// name are skipped. It returns false if the reading has to stop.
func (d *Decoder) member(p *part) bool {
	switch string(d.key()) {
	case "subject":
		return d.subject(p)
	case "action":
		return d.action(p)
	case "resource":
		return d.resource(p)
	case "context":
		return d.context(p)
	}
	return d.s.Skip()
}

// key returns the key of the member that comes next, unescaped. It is valid
// until the store's next text.
func (d *Decoder) key() []byte {
	raw, escaped := d.s.Key()
	if !escaped {
		return raw
	}
	s := &d.top.store
	if d.at >= 0 {
		s = &d.item.store
	}
	return jsonscan.Unescape(s.tail(len(raw)), raw)
}

// kept returns the key of the member that comes next as a string that lasts.
func (d *Decoder) kept(s *store) string {
	raw, escaped := d.s.Key()
	return s.string(raw, escaped)
}

// str reads a string of at most bound bytes. If the value is no string, or
// null where that means absent, it is skipped, and "" returned; a string that
// is empty is for the caller to judge, by stated.
func (d *Decoder) str(s *store, path string, bound int) (text string, stated, ok bool) {
	raw, escaped, kind := d.s.TextOr()
	if kind != jsonscan.String {
		return "", false, kind != jsonscan.None && d.mistyped(path, "a string")
	}
	if text = s.string(raw, escaped); len(text) > bound {
		return "", false, d.beyond(path, tooLong(bound))
	}
	return text, true, true
}

// members reads an object, each value by read, which is told the key and reports
// whether all is well. False: something is wrong, and noted.
func (d *Decoder) members(read func(key []byte) bool) bool {
	d.s.EnterObject()
	for d.s.Member() {
		if !read(d.key()) {
			return false
		}
	}
	return !d.s.Failed()
}

func (d *Decoder) subject(p *part) bool {
	if d.s.Peek() != jsonscan.Object {
		return d.mistyped("subject", `an object as in {"type": "role", "id": "Admin"}`)
	}
	p.has |= hasSubject
	out := &p.request.Principal
	*out = policy.Principal{}
	p.ids, p.groups = p.ids[:0], p.groups[:0]
	p.claims, p.subjectKeys = p.claims[:0], p.subjectKeys[:0]
	p.ids = append(p.ids, "")

	var typ, id string
	if !d.members(func(key []byte) (ok bool) {
		switch {
		case string(key) == "type":
			typ, _, ok = d.str(&p.store, "subject.type", MaxString)
		case string(key) == "id" && d.open != OpenSubject:
			id, _, ok = d.str(&p.store, "subject.id", MaxID)
		case string(key) == "properties":
			ok = d.properties(p, ofSubject, &p.subjectKeys)
		default:
			ok = d.s.Skip()
		}
		return ok
	}) {
		return false
	}
	switch {
	case typ == "":
		return d.wrong("subject.type", missingSubject)
	case id == "" && d.open != OpenSubject:
		return d.wrong("subject.id", missingSubject)
	case !validType(typ):
		return d.wrong("subject.type", badType("type", typ))
	}
	if typ == "group" {
		return d.note(checkReserved(0, typ))
	}
	text := append(p.store.tail(len(typ)+1+len(id)), typ...)
	text = append(append(text, '/'), id...)
	p.ids[0] = p.store.text(text)

	out.IDs, out.Groups = p.ids, p.groups
	out.Claims, out.Properties = p.claims, p.subjectKeys
	if typ == "token" {
		d.note(checkToken(out))
	}
	return true
}

func (d *Decoder) action(p *part) bool {
	if d.s.Peek() != jsonscan.Object {
		return d.mistyped("action", `an object as in {"name": "s3:GetObject"}`)
	}
	p.has |= hasAction
	p.actionKeys = p.actionKeys[:0]
	name := ""
	if !d.members(func(key []byte) (ok bool) {
		switch {
		case string(key) == "name" && d.open != OpenAction:
			name, _, ok = d.str(&p.store, "action.name", MaxID)
		case string(key) == "properties":
			ok = d.properties(p, ofAction, &p.actionKeys)
		default:
			ok = d.s.Skip()
		}
		return ok
	}) {
		return false
	}
	p.request.Action, p.request.ActionProperties = name, p.actionKeys
	return name != "" || d.open == OpenAction || d.note(checkAction(name))
}

func (d *Decoder) resource(p *part) bool {
	if d.s.Peek() != jsonscan.Object {
		return d.mistyped("resource", `an object as in {"type": "bucket", "id": "BUCKET"}`)
	}
	p.has |= hasResource
	out := &p.request.Resource
	*out = policy.Resource{}
	p.tags, p.resourceKeys = p.tags[:0], p.resourceKeys[:0]
	if !d.members(func(key []byte) (ok bool) {
		switch {
		case string(key) == "type":
			out.Type, _, ok = d.str(&p.store, "resource.type", MaxString)
		case string(key) == "id" && d.open != OpenResource:
			out.ID, _, ok = d.str(&p.store, "resource.id", MaxID)
		case string(key) == "properties":
			ok = d.properties(p, ofResource, &p.resourceKeys)
		default:
			ok = d.s.Skip()
		}
		return ok
	}) {
		return false
	}
	out.Tags, out.Properties = p.tags, p.resourceKeys
	switch {
	case d.open == OpenResource && out.Type != "":
		if !validType(out.Type) {
			d.wrong("resource.type", badType("type", out.Type))
		}
	case out.Type == "" || out.ID == "" || !validType(out.Type):
		d.note(checkResource(out))
	}
	return true
}

func (d *Decoder) context(p *part) bool {
	// Null is absent (specification 3.1), and so inherited in a batch.
	if entered, ok := d.enter("context"); !entered {
		return ok
	}
	p.has |= hasContext
	p.keys = p.keys[:0]
	for d.s.Member() {
		if !d.attribute(&p.store, "context", d.kept(&p.store), &p.keys) {
			return false
		}
	}
	if d.s.Failed() || !d.settle("context", &p.keys) {
		return false
	}
	var f fault
	p.keys, f = checkContext(&p.store, p.keys)
	p.request.Context = p.keys
	return d.note(f)
}

// tooMany is the message of a list that passes its bound.
func tooMany(bound int) string { return "more than " + strconv.Itoa(bound) + " elements" }
