package request

import (
	"strconv"
	"unicode/utf8"

	"postern/internal/jsonscan"
	"postern/policy"
)

// Decoder reads AuthZEN bodies (specification 3.1, 3.2). The zero value is
// ready. Reused, it allocates nothing for a request that is accepted, once it
// has grown to the size of its requests. One goroutine at a time.
//
// Lifetime: the requests that it hands out, with all their strings and slices,
// alias the body and the decoder. They are valid until the next call, and only
// as long as the body is not changed.
type Decoder struct {
	s jsonscan.Scanner

	top part
	// line holds the items of a batch that are read and not yet shown, and the one
	// being read, which is item.
	line [Ahead + 1]waiting
	item *waiting
	now  int64
	// at is the number of the item being read, from 0, or -1 outside all items.
	// What is wrong inside an item is the item's fault; outside, the whole body's.
	at int

	// topFault and itemFault are the first things found wrong. They do not
	// stop the reading, so that a body that is malformed further on, or passes
	// a bound there, is refused for that.
	topFault, itemFault fault
	// fatal is the bound that was passed, which stops the reading; fatalAt the
	// item in which it was.
	fatal   fault
	fatalAt int
	// nulls reports that a condition key of the object being read is null.
	nulls bool
	// open is the entity that a search leaves open.
	open Open
}

// waiting is an item of a batch from when it is read until it is shown: what it
// asks, or what is wrong with it.
type waiting struct {
	part
	at    int // its number
	fault fault
}

// The members of an evaluation that a part holds.
const (
	hasSubject = 1 << iota
	hasAction
	hasResource
	hasContext
	hasAll = hasSubject | hasAction | hasResource
)

// part is what one object states: the body itself, or an item of a batch. The
// lists back those of request, so that a request that borrows from another
// part leaves them alone.
type part struct {
	has     uint8
	request policy.Request
	store   store

	ids, groups                                         []string
	claims, subjectKeys, actionKeys, resourceKeys, keys []policy.Attribute
	tags                                                []policy.Tag
}

func (p *part) reset() {
	p.has = 0
	p.store.reset()
}

// Evaluation reads the body of one evaluation. now is the server's clock, in
// seconds since 1970. The error is an *Error.
func (d *Decoder) Evaluation(body []byte, now int64) (*policy.Request, error) {
	d.start(body, now)
	if d.s.Peek() == jsonscan.Object {
		d.s.EnterObject()
		for d.s.Member() {
			if !d.member(&d.top) {
				break
			}
		}
	} else {
		d.wrong("", notObject)
		d.s.Skip()
	}
	return d.single(body)
}

const notObject = `the body is not a JSON object; write {"subject": ..., "action": ..., "resource": ...}`

func (d *Decoder) start(body []byte, now int64) {
	d.s.Reset(body, MaxDepth, MaxMembers, false)
	d.now, d.at = now, -1
	d.topFault, d.fatal, d.nulls = fault{}, fault{}, false
	d.top.reset()
}

// single ends the reading of a body that is one evaluation.
func (d *Decoder) single(body []byte) (*policy.Request, error) {
	if err := d.finish(body); err != nil {
		return nil, err
	}
	if f := d.complete(&d.top, nil); f.found() {
		return nil, f.err(-1)
	}
	return &d.top.request, nil
}

// finish tells what is wrong with the body as a whole.
func (d *Decoder) finish(body []byte) error {
	if d.fatal.found() {
		return d.fatal.err(d.fatalAt)
	}
	if !d.s.End() {
		return d.syntax(body)
	}
	if d.topFault.found() {
		return d.topFault.err(-1)
	}
	return nil
}

// syntax is the scanner's error.
func (d *Decoder) syntax(body []byte) error {
	err, ok := d.s.Err().(*jsonscan.Error)
	if !ok {
		return wrong("", "the body cannot be read").err(-1)
	}
	if len(body) == 0 {
		return wrong("", `the body is empty; write {"subject": ..., "action": ..., "resource": ...}`).err(-1)
	}
	message := err.Message
	if raw, escaped := d.s.Key(); err.Offset == d.s.KeyOffset() && raw != nil {
		if escaped {
			raw = jsonscan.Unescape(nil, raw)
		}
		if utf8.Valid(raw) {
			message = quote(string(raw)) + ": " + message
		}
	}
	return wrong("byte "+strconv.Itoa(err.Offset), message).err(-1)
}

// complete makes a part's request whole: what it does not state comes from
// defaults, unless that is nil (specification 6, Batch: an item that omits one
// inherits the whole of it).
func (d *Decoder) complete(p, defaults *part) fault {
	r := &p.request
	r.Now = d.now
	has := p.has
	if defaults != nil {
		from := &defaults.request
		inherited := defaults.has &^ has
		if inherited&hasSubject != 0 {
			r.Principal = from.Principal
		}
		if inherited&hasAction != 0 {
			r.Action, r.ActionProperties = from.Action, from.ActionProperties
		}
		if inherited&hasResource != 0 {
			r.Resource = from.Resource
		}
		if inherited&hasContext != 0 {
			r.Context = from.Context
		}
		has |= defaults.has
	}
	if has&hasContext == 0 {
		r.Context = nil
	}
	if has&hasAll != hasAll {
		switch {
		case has&hasSubject == 0:
			return wrong("subject", missingSubject)
		case has&hasAction == 0:
			return wrong("action", `missing; write the action, as in {"name": "s3:GetObject"}`)
		}
		return wrong("resource", missingResource)
	}
	if d.open == OpenResource || d.open == OpenAction {
		return fault{} // whether the two fit is told of each candidate
	}
	return fit(r)
}

const missingSubject = `missing; write the caller, as in {"type": "role", "id": "Admin"}`

// wrong notes what is wrong, if it is the first in its item or at the top, and
// returns true: the reading goes on.
func (d *Decoder) wrong(path, message string) bool {
	d.note(wrong(path, message))
	return true
}

// note is wrong for what a check found; false where a bound was passed, which
// ends the reading.
func (d *Decoder) note(f fault) bool {
	switch {
	case !f.found():
		return true
	case f.bound:
		d.fatal, d.fatalAt = f, d.at
		return false
	case d.at < 0 && !d.topFault.found():
		d.topFault = f
	case d.at >= 0 && !d.itemFault.found():
		d.itemFault = f
	}
	return true
}

func (d *Decoder) beyond(path, message string) bool { return d.note(beyond(path, message)) }

// mistyped notes that the value that comes next is of the wrong type, and
// skips it.
func (d *Decoder) mistyped(path, want string) bool {
	d.note(wrong(path, "want "+want+", not "+d.s.Peek().String()))
	return d.s.Skip()
}
