package request

import (
	"strconv"
	"strings"

	"postern/internal/action"
	"postern/internal/jsonscan"
	"postern/policy"
)

// Open tells which entity of a request a search leaves open.
type Open uint8

// The open entities; a whole request has none.
const (
	OpenNone Open = iota
	OpenSubject
	OpenResource
	OpenAction
)

// Search is a decoded search body (specification 3.2, 6).
type Search struct {
	// Request is checked but for the open entity. Of an open subject,
	// Principal.IDs[0] is only `type/`, with the other identifiers behind it; of
	// an open resource, ID and Kind are empty; for an open action, Action and
	// Resource.Kind are. The properties of an open entity are kept.
	Request *policy.Request
	// Limit is `page.limit`, 0 if it is not stated; at most maxPage.
	Limit int
	// Token is `page.token`, "" if it is not stated; only its length was checked.
	Token string
}

// maxPage is what a larger `page.limit` is read as.
const maxPage = 1 << 30

// Search reads the body of a search with one open entity, whose id is ignored.
// Its result is valid as long as a request of Evaluation. The error is an *Error.
func (d *Decoder) Search(body []byte, open Open, now int64) (Search, error) {
	d.start(body, now)
	d.open = open
	defer func() { d.open = OpenNone }()
	var out Search
	if d.s.Peek() == jsonscan.Object {
		d.s.EnterObject()
		for ok := true; ok && d.s.Member(); {
			switch key := d.key(); {
			case string(key) == "page":
				ok = d.page(&out)
			case string(key) == "action" && open == OpenAction && d.s.Peek() == jsonscan.Null:
				_, ok = d.s.Literal()
			default:
				ok = d.member(&d.top)
			}
		}
	} else {
		d.wrong("", notObject)
		d.s.Skip()
	}
	if err := d.finish(body); err != nil {
		return Search{}, err
	}
	if open == OpenAction && d.top.has&hasAction == 0 {
		d.top.request.Action, d.top.request.ActionProperties = "", nil
		d.top.has |= hasAction
	}
	if f := d.complete(&d.top, nil); f.found() {
		return Search{}, f.err(-1)
	}
	out.Request = &d.top.request
	return out, nil
}

// page reads the paging of a search, which may be null.
func (d *Decoder) page(out *Search) bool {
	if entered, ok := d.enter("page"); !entered {
		return ok
	}
	for d.s.Member() {
		ok := false
		switch string(d.key()) {
		case "limit":
			ok = d.limit(out)
		case "token":
			if d.s.Peek() == jsonscan.Null {
				_, ok = d.s.Literal()
				break
			}
			out.Token, _, ok = d.str(&d.top.store, "page.token", MaxString)
		default:
			ok = d.s.Skip()
		}
		if !ok {
			return false
		}
	}
	return !d.s.Failed()
}

func (d *Decoder) limit(out *Search) bool {
	const path, want = "page.limit", "a number of results, 1 or more"
	switch d.s.Peek() {
	case jsonscan.Number:
	case jsonscan.Null:
		_, ok := d.s.Literal()
		return ok
	default:
		return d.mistyped(path, want)
	}
	raw, ok := d.s.NumberText()
	if !ok {
		return false
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return d.wrong(path, "want "+want+", in digits only")
		}
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil { // the scanner lets no number through that is none
		n = maxPage
	}
	if out.Limit = min(n, maxPage); n == 0 {
		return d.wrong(path, "want "+want+"; leave it out for the usual number")
	}
	return true
}

// CheckSearch is Check for a search that was not decoded (the command line's):
// r is as Search.Request is.
func CheckSearch(r *policy.Request, open Open) error {
	whole := *r
	const placeholder = "x" // stands for what is open
	switch open {
	case OpenSubject:
		if len(r.Principal.IDs) == 0 {
			return wrong("subject", missingSubject).err(-1)
		}
		if typ, ok := strings.CutSuffix(r.Principal.IDs[0], "/"); !ok || !validType(typ) {
			return wrong("subject.type", badType("type", typ)).err(-1)
		}
		whole.Principal.IDs = append([]string{r.Principal.IDs[0] + placeholder}, r.Principal.IDs[1:]...)
	case OpenResource:
		whole.Resource.ID = placeholder
		if !fits(&whole) && validType(r.Resource.Type) {
			whole.Resource.Type, whole.Resource.ID = anywhere(r.Action)
		}
	case OpenAction:
		whole.Action = placeholder // of the iam layer, which is asked on anything
	}
	if err := Check(&whole); err != nil {
		return err
	}
	r.Context = whole.Context
	if open == OpenSubject {
		r.Resource.Kind = whole.Resource.Kind
	}
	return nil
}

func fits(r *policy.Request) bool { f := fit(r); return !f.found() }

// anywhere names a resource that an action can be asked on.
func anywhere(name string) (resourceType, id string) {
	if action.ClassOf(name).WholeOrganization() {
		return "organization", "*"
	}
	return "bucket", "x"
}
