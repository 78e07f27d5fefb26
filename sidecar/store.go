package sidecar

import (
	"postern/internal/jsonscan"
)

// storeDoor is what the doors of object stores have in common: their answers are
// statuses 200 with a plain boolean, whatever happens. Ceph's gateway ends at
// anything else, and MinIO looks at the body alone.
type storeDoor struct{}

func (storeDoor) refuse(int, string) reply { return result(false) }

// The answers of doors of stores.
var (
	resultTrue  = []byte(`{"result":true}`)
	resultFalse = []byte(`{"result":false}`)
)

func result(allow bool) reply {
	r := reply{status: 200, contentType: typeJSON, body: resultFalse, allows: allow}
	if allow {
		r.body = resultTrue
	}
	return r
}

// input reads a body `{"input": {...}}`, each member of the input by a function. It
// is false unless that is strict JSON: a member that stands twice is read by some
// as the first and by others as the last.
func (a *asking) input(body []byte, member func(a *asking, name string) bool) bool {
	s := &a.scanner
	s.Reset(body, 32, 0, false)
	found := false
	return a.object(func(name string) bool {
		if name != "input" {
			return s.Skip()
		}
		found = true
		return a.object(func(name string) bool { return member(a, name) })
	}) && found && s.End()
}

// object reads an object, each member of it by a function; a value that is none is
// refused.
func (a *asking) object(member func(name string) bool) bool {
	if a.scanner.Peek() != jsonscan.Object || !a.scanner.EnterObject() {
		return false
	}
	for a.scanner.Member() {
		raw, escaped := a.scanner.Key()
		if !member(a.plain(raw, escaped)) {
			return false
		}
	}
	return !a.scanner.Failed()
}

// text1 reads a string.
func (a *asking) text1(out *string) bool {
	raw, escaped, kind := a.scanner.TextOr()
	if kind != jsonscan.String {
		return false
	}
	*out = a.plain(raw, escaped)
	return true
}

// plain is what a string of JSON means. It lasts as long as the request.
func (a *asking) plain(raw []byte, escaped bool) string {
	if !escaped {
		return view(raw)
	}
	from := len(a.text)
	a.text = jsonscan.Unescape(a.text, raw)
	return a.since(from)
}

// join puts texts together. The result lasts as long as the request.
func (a *asking) join(texts ...string) string {
	from := len(a.text)
	for _, t := range texts {
		a.text = append(a.text, t...)
	}
	return a.since(from)
}

// boolean reads true or false.
func (a *asking) boolean(out *bool) bool {
	kind, ok := a.scanner.Literal()
	*out = kind == jsonscan.True
	return ok && (*out || kind == jsonscan.False)
}

// nullOr reads a value that may be null.
func (a *asking) nullOr(value func() bool) bool {
	if a.scanner.Peek() == jsonscan.Null {
		_, ok := a.scanner.Literal()
		return ok
	}
	return value()
}

// strings reads a list of strings.
func (a *asking) strings(each func(text string) bool) bool {
	if a.scanner.Peek() != jsonscan.Array || !a.scanner.EnterArray() {
		return false
	}
	for a.scanner.Element() {
		var text string
		if !a.text1(&text) || !each(text) {
			return false
		}
	}
	return !a.scanner.Failed()
}
