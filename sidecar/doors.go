package sidecar

import (
	"crypto/subtle"
	"strings"

	"postern/internal/jsonscan"
	"postern/internal/request"
	"postern/internal/s3request"
	"postern/policy"
)

// Doors are the doors beside those of AuthZEN's API, for proxies and object
// stores (specification 7). The zero value has none.
type Doors struct {
	// Org is the organization of callers that a door cannot tell, "" for the
	// default organization.
	Org string
	// Secrets returns the secrets of which a caller must show one; nil asks for
	// none. It is called for every request, and what it returns never changes.
	Secrets func() [][]byte
	// Context are the condition keys that the operator vouches for in every
	// request.
	Context []policy.Attribute
	// Hosts and OpaqueKeys say how the store behind reads addresses.
	Hosts      s3request.Hosts
	OpaqueKeys bool

	// Forward answers proxies at /authorize; nil switches it off.
	Forward *Forward
	// Ceph answers Ceph's object gateway at /ceph/v1/authorize.
	Ceph bool
	// MinIO answers MinIO at /minio/v1/authorize; nil switches it off.
	MinIO *MinIO
}

// asking is the memory of one request of a door, kept with the exchange.
type asking struct {
	reader   s3request.Reader
	scanner  jsonscan.Scanner
	decoder  request.Decoder
	owner    string // of the bucket, as the door knows it; "" if it does not
	lines    []s3request.Header
	s3       s3request.Request
	request  policy.Request
	ids      []string
	groups   []string
	context  []policy.Attribute
	ceph     cephInput
	minio    minioInput
	orgClaim string // the claim that names an organization, "" for none
	body     []byte // of a question to the decoder
	known    []policy.Attribute
	values   []policy.Value // those of known
	// stated and facts are what the door itself says of a request.
	stated [3]policy.Attribute
	facts  [3]policy.Value
	text   []byte
}

// sight is which condition keys a door sees, by the kind of request, and what the
// operator vouches for of the others.
type sight struct {
	seen    [s3request.Kinds]policy.KeySet
	context []vouched
}

// vouched is a condition key that the operator vouches for.
type vouched struct {
	policy.Attribute
	folded string // its key in lower case
}

// newSight is the sight of a door that reads headers or does not, and knows the
// further keys, which are in lower case.
func newSight(d *Doors, headers bool, further ...string) *sight {
	s := &sight{}
	for kind := range s.seen {
		s.seen[kind] = s3request.Keys(s3request.Kind(kind), headers)
		s.seen[kind].Names = append(s.seen[kind].Names, further...)
	}
	for _, a := range d.Context {
		s.context = append(s.context, vouched{a, strings.ToLower(a.Key)})
	}
	return s
}

// vouch adds to the keys of a request those that the operator vouches for. It is
// false if the request says something else of one that the door sees.
func (s *sight) vouch(list []policy.Attribute, seen *policy.KeySet) ([]policy.Attribute, bool) {
	n := len(list)
	for i := range s.context {
		c := &s.context[i]
		stated := false
		for j := range list[:n] {
			if a := &list[j]; equalFold(a.Key, c.folded) {
				stated = true
				if !sameValues(a, &c.Attribute) {
					return list, false
				}
			}
		}
		switch {
		case stated:
		case seen.Has(c.folded):
			return list, false
		default:
			list = append(list, c.Attribute)
		}
	}
	return list, true
}

func sameValues(a, b *policy.Attribute) bool {
	if a.Unreadable || len(a.Values) != len(b.Values) {
		return false
	}
	for i := range a.Values {
		if a.Values[i].Text != b.Values[i].Text {
			return false
		}
	}
	return true
}

// Why a door denies what no policy was asked about.
const (
	denyContext = "context"     // the request says otherwise than -door-context
	denyRequest = "bad_request" // it breaks a rule of requests
)

// allowed decides all questions of a request of S3, of the caller in
// x.asking.request, and reports whether each is allowed. If not, reason says why:
// that of the first denial. facts are the keys that the door itself states.
func (x *exchange) allowed(s *sight, facts []policy.Attribute) (ok bool, reason string) {
	a := &x.asking
	r := &a.request
	seen := &s.seen[a.reader.Kind]
	for i := range a.reader.Questions {
		q := &a.reader.Questions[i]
		r.Action, r.Resource = q.Action, policy.Resource{Type: "bucket", ID: q.Resource}
		switch {
		case q.Object:
			r.Resource.Type = "object"
		case q.Resource == "*":
			r.Resource.Type = "organization"
		}
		switch {
		case q.Created:
			r.Resource.Org = r.Principal.Org
		case q.Resource != "*":
			r.Resource.Org = a.owner
		}
		a.context = append(append(a.context[:0], a.reader.Keys(q)...), facts...)
		if ok, reason := x.permitted(s, seen); !ok {
			return false, reason
		}
	}
	return len(a.reader.Questions) > 0, denyRequest
}

// permitted decides the request in x.asking, whose keys are in x.asking.context; a
// reason says why not.
func (x *exchange) permitted(s *sight, seen *policy.KeySet) (ok bool, reason string) {
	a := &x.asking
	r := &a.request
	var agreed bool
	if a.context, agreed = s.vouch(a.context, seen); !agreed {
		r.Context, r.Seen, r.Now = a.context, seen, x.now
		x.unasked(r, denyContext)
		return false, denyContext
	}
	r.Context, r.Seen, r.Now = a.context, seen, x.now
	if request.Check(r) != nil {
		x.unasked(nil, denyRequest)
		return false, denyRequest
	}
	if d := x.decide(r); d.Outcome != policy.Allow {
		return false, d.Reason.String()
	}
	return true, ""
}

// fact states a condition key that the door knows itself.
func (a *asking) fact(i int, key string, kind policy.ValueKind, text string) policy.Attribute {
	a.facts[i] = policy.Value{Kind: kind, Text: text}
	return policy.Attribute{Key: key, Values: a.facts[i : i+1 : i+1]}
}

// admits reports whether a caller's secret is one of those that are valid; true
// if none is asked for. It takes as long whichever it is.
func (d *Doors) admits(shown credential) bool {
	if d.Secrets == nil || shown.lines > 1 {
		return shown.lines <= 1
	}
	ok := 0
	for _, s := range d.Secrets() {
		ok |= subtle.ConstantTimeCompare(s, shown.value)
	}
	return ok == 1
}

// shows begins a request of a door whose caller has shown a secret, and reports
// whether it is admitted.
func (x *exchange) shows(secret credential) bool {
	x.asking.begin()
	return x.server.config.Doors.admits(secret)
}

// begin begins a request.
func (a *asking) begin() {
	a.text, a.ids, a.groups, a.owner = a.text[:0], a.ids[:0], a.groups[:0], ""
	a.request = policy.Request{}
}

// readLines makes the lines of a request's head out of its raw headers.
func (a *asking) readLines(raw []byte) {
	a.lines = a.lines[:0]
	for text := view(raw); text != ""; {
		line := text
		if end := strings.IndexByte(text, '\n'); end >= 0 {
			line, text = text[:end], text[end+1:]
		} else {
			text = ""
		}
		if colon := strings.IndexByte(line, ':'); colon >= 0 {
			a.lines = append(a.lines, s3request.Header{Name: line[:colon], Value: trimmed(line[colon+1:])})
		}
	}
}

// trimmed is the text of a header without the blanks around it, and the end of its
// line.
func trimmed(text string) string {
	blank := func(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }
	for text != "" && blank(text[0]) {
		text = text[1:]
	}
	for text != "" && blank(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// since is the text that was put into the memory of the request since a length of
// it. It lasts as long as the request.
func (a *asking) since(from int) string { return view(a.text[from:]) }

// unescape decodes %XX once. The result aliases raw, or the request's memory. It
// is false where an escape is bad.
func (a *asking) unescape(raw string) (string, bool) {
	if strings.IndexByte(raw, '%') < 0 {
		return raw, true
	}
	from := len(a.text)
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			a.text = append(a.text, raw[i])
			continue
		}
		if i+2 >= len(raw) {
			return "", false
		}
		high, low := hexDigit(raw[i+1]), hexDigit(raw[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		a.text = append(a.text, byte(high<<4|low))
		i += 2
	}
	return a.since(from), true
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
