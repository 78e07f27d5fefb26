package request

import (
	"strconv"

	"postern/internal/jsonscan"
	"postern/policy"
)

// Semantic tells which items of a batch are answered (specification 3.2).
type Semantic uint8

// The semantics of the standard. Under the last two the answers end with the
// deciding item.
const (
	ExecuteAll Semantic = iota
	DenyOnFirstDeny
	PermitOnFirstPermit
)

// String returns the semantic as bodies spell it.
func (s Semantic) String() string {
	switch s {
	case DenyOnFirstDeny:
		return "deny_on_first_deny"
	case PermitOnFirstPermit:
		return "permit_on_first_permit"
	}
	return "execute_all"
}

// Decides reports whether an answer ends a batch.
func (s Semantic) Decides(allowed bool) bool {
	return s == DenyOnFirstDeny && !allowed || s == PermitOnFirstPermit && allowed
}

// Ahead is how many items of a batch are read before the first of them is shown.
const Ahead = 2

// Visitor is shown the items of a batch.
type Visitor interface {
	// Restart forgets every item so far: they are shown again from the first.
	// It happens at most once, if a body may state a default after its items.
	Restart()
	// Ahead is told of an item, before it is shown, once all that it asks is known,
	// so that what deciding it needs can be brought near meanwhile. The item that is
	// shown is the one of Ahead calls before. r is nil for an item that is wrong, and
	// where no more items follow.
	Ahead(r *policy.Request)
	// Item is shown one item, in order: its request, valid until Item returns,
	// or what is wrong with it, an *Error. It tells whether the item is allowed.
	Item(r *policy.Request, err error) (allowed bool)
}

// Evaluations reads the body of a batch and shows its items to v as they are
// read, so that memory does not grow with their number. Nothing that v was
// shown counts if Evaluations returns an error: the whole body is refused
// then, since what is malformed, or passes a bound, may stand behind the items.
//
// A body without items is one evaluation (specification 6, Batch): Evaluations
// returns its request, and v is shown nothing.
//
// The semantic may stand behind the items too. Where it stands before them, v
// is shown none after the deciding one; otherwise the answers after the first
// one that Semantic.Decides are for the caller to drop.
func (d *Decoder) Evaluations(body []byte, now int64, v Visitor) (single *policy.Request, semantic Semantic, err error) {
	d.start(body, now)
	if d.s.Peek() != jsonscan.Object {
		d.wrong("", notObject)
		d.s.Skip()
		return nil, semantic, d.refuse(body)
	}
	d.s.EnterObject()
	var items []byte // the list
	n, again := 0, false
	for d.s.Member() {
		ok := false
		switch string(d.key()) {
		case "evaluations":
			if d.s.Peek() != jsonscan.Array {
				ok = d.mistyped("evaluations", "a list of evaluations")
				break
			}
			from := d.s.Offset()
			n, again, ok = d.items(v, semantic, false)
			items = body[from:d.s.Offset()]
		case "options":
			semantic, ok = d.options()
		default:
			had := d.top.has
			ok = d.member(&d.top)
			again = again || n > 0 && d.top.has != had
		}
		if !ok {
			break
		}
	}
	if n == 0 {
		single, err = d.single(body)
		return single, semantic, err
	}
	if err := d.finish(body); err != nil {
		return nil, semantic, err
	}
	if again {
		v.Restart()
		d.s.Reset(items, MaxDepth, MaxMembers, false)
		d.items(v, semantic, true)
		if err := d.finish(items); err != nil {
			return nil, semantic, err
		}
	}
	return nil, semantic, nil
}

// refuse is finish for a body that is known to be wrong.
func (d *Decoder) refuse(body []byte) error {
	if err := d.finish(body); err != nil {
		return err
	}
	return wrong("", notObject).err(-1)
}

// items reads the list of items; it returns their number. All are read, so
// that a bound passed in any of them is found, but none is shown after the one
// that decides. Unless last, an item that lacks something may still get it
// from a default behind the list: none is shown from there on, and again tells
// that all have to be, once the defaults are known.
func (d *Decoder) items(v Visitor, semantic Semantic, last bool) (n int, again, ok bool) {
	defer func() { d.at = -1 }()
	show := !d.topFault.found()
	read, shown := 0, 0 // of those that are to be shown
	next := func() {
		x := &d.line[shown%len(d.line)]
		shown++
		if x.fault.found() {
			show = show && !semantic.Decides(v.Item(nil, x.fault.err(x.at)))
		} else {
			show = show && !semantic.Decides(v.Item(&x.request, nil))
		}
	}
	d.s.EnterArray()
	for d.s.Element() {
		if n == MaxEvaluations {
			d.at = -1
			return n, again, d.beyond("evaluations", "more than "+strconv.Itoa(MaxEvaluations)+" evaluations; send several batches")
		}
		d.at = n
		n++
		d.itemFault = fault{}
		d.item = &d.line[read%len(d.line)]
		d.item.reset()
		if d.s.Peek() != jsonscan.Object {
			if !d.mistyped("", "an object") {
				return n, again, false
			}
		} else {
			d.s.EnterObject()
			for d.s.Member() {
				if !d.member(&d.item.part) {
					return n, again, false
				}
			}
			if d.s.Failed() {
				return n, again, false
			}
		}
		f := d.itemFault
		if show && !last && !f.found() && (d.item.has|d.top.has)&hasAll != hasAll {
			show, again = false, true
		}
		if !show {
			continue
		}
		if !f.found() {
			f = d.complete(&d.item.part, &d.top)
		}
		d.item.at, d.item.fault = d.at, f
		read++
		if f.found() {
			v.Ahead(nil)
		} else {
			v.Ahead(&d.item.request)
		}
		if read-shown > Ahead {
			next()
		}
	}
	for told := read; show && shown < read; {
		for ; told <= shown+Ahead; told++ {
			v.Ahead(nil)
		}
		next()
	}
	return n, again, !d.s.Failed()
}

// options reads the options of a batch.
func (d *Decoder) options() (semantic Semantic, ok bool) {
	if d.s.Peek() != jsonscan.Object {
		return semantic, d.mistyped("options", `an object as in {"evaluations_semantic": "execute_all"}`)
	}
	d.s.EnterObject()
	for d.s.Member() {
		if string(d.key()) != "evaluations_semantic" {
			if !d.s.Skip() {
				return semantic, false
			}
			continue
		}
		const path = "options.evaluations_semantic"
		text, stated, ok := d.str(&d.top.store, path, MaxString)
		if !ok {
			return semantic, false
		}
		switch text {
		case ExecuteAll.String():
		case DenyOnFirstDeny.String():
			semantic = DenyOnFirstDeny
		case PermitOnFirstPermit.String():
			semantic = PermitOnFirstPermit
		default:
			if stated {
				d.wrong(path, "write execute_all, deny_on_first_deny or permit_on_first_permit, not "+quote(text))
			}
		}
	}
	return semantic, !d.s.Failed()
}
