package policyjson

import (
	"postern/internal/jsonscan"
)

// How objects and lists are gone through, whatever is made of them.

// nextMember moves to the next member of the object entered last. It reports
// and skips members whose key stood there before.
func (d *decoder) nextMember() bool {
	for d.s.Member() {
		if !d.duplicate() {
			return true
		}
		d.skip()
	}
	return false
}

// eachKey reads an object. read reads the value of each key and gets the offset
// of the key. eachKey reports whether the object was empty.
func (d *decoder) eachKey(read func(at int)) (empty bool) {
	empty = true
	d.s.EnterObject()
	for d.nextMember() {
		empty = false
		read(d.s.KeyOffset())
	}
	return empty && !d.s.Failed()
}

// textAhead looks at the object with which data begins, and returns the string of
// its first member that is accepts and that is a string. It returns "" if there is
// none before the end or an error.
func (d *decoder) textAhead(data []byte, is func(key string) bool) string {
	var s jsonscan.Scanner
	s.Reset(data, d.limits.Depth, 0, true)
	s.EnterObject()
	for s.Member() {
		raw, escaped := s.Key()
		if escaped {
			raw = jsonscan.Unescape(nil, raw)
		}
		if !is(string(raw)) || s.Peek() != jsonscan.String {
			s.Skip()
			continue
		}
		raw, escaped, _ = s.Text()
		if escaped {
			raw = jsonscan.Unescape(nil, raw)
		}
		return string(raw)
	}
	return ""
}

// isObject reports whether the next value is an object. If it is not, it
// reports an error and skips the value.
func (d *decoder) isObject(what, want string) bool {
	k := d.s.Peek()
	if k != jsonscan.Object {
		d.wrongType(what, k, want)
	}
	return k == jsonscan.Object
}

// listOf reads a list. each reads an entry, which is of kind k. An empty list
// is an error unless mayBeEmpty.
func (d *decoder) listOf(f *field, mayBeEmpty bool, each func(k jsonscan.Kind, at int)) {
	k := d.s.Peek()
	at := d.s.Offset()
	if k != jsonscan.Array {
		d.wrongType(quote(f.name), k, f.want)
		return
	}
	n := 0
	d.s.EnterArray()
	for d.s.Element() {
		n++
		k := d.s.Peek()
		each(k, d.s.Offset())
	}
	if n == 0 && !mayBeEmpty && !d.s.Failed() {
		d.report(at, msgEmptyList, quote(f.name), f.want)
	}
}

// objectsOf reads a non-empty list of objects, each with read. Where an entry is
// no object the message says that it should be what.
func (d *decoder) objectsOf(f *field, what string, read func()) {
	d.listOf(f, false, func(k jsonscan.Kind, _ int) {
		if k != jsonscan.Object {
			d.wrongType("an entry of "+quote(f.name), k, what)
			return
		}
		read()
	})
}

// strings reads a list that is not empty; with single, one value may stand in
// its place; with scalars, numbers and booleans may too. each gets every entry
// of a right type.
func (d *decoder) strings(f *field, single, scalars bool, each func(text string, at int)) {
	right := func(k jsonscan.Kind) bool {
		return k == jsonscan.String || scalars && (k == jsonscan.Number || k == jsonscan.True || k == jsonscan.False)
	}
	if k := d.s.Peek(); single && right(k) {
		at := d.s.Offset()
		if text, ok := d.scalar(k, scalars); ok {
			each(text, at)
		}
		return
	}
	d.listOf(f, false, func(k jsonscan.Kind, at int) {
		if !right(k) {
			want := "a string"
			if scalars {
				want = "a string, a number or a boolean"
			}
			d.wrongType("an entry of "+quote(f.name), k, want)
		} else if text, ok := d.scalar(k, scalars); ok {
			each(text, at)
		}
	})
}
