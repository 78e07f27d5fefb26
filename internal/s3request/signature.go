package s3request

import (
	"strconv"
	"strings"
	"time"

	"postern/policy"
)

// signature is how a query says that it is signed.
type signature uint8

const (
	unsigned signature = iota
	signedV4
	signedV2
)

// signature tells how the query is signed; false if by halves, or twice: what a
// store takes for a signature is never less than all of its names (specification
// 7.1, Query).
func (q *query) signature() (signature, bool) {
	v4, v2 := q.signed.and(ofV4) != names{}, q.signed.and(ofV2) != names{}
	switch {
	case v4 && v2:
		return unsigned, false
	case v4:
		return signedV4, q.signed.and(wholeV4) == wholeV4 && q.algorithm == v4Algorithm && validCredential(q.credential)
	case v2:
		return signedV2, q.signed.and(ofV2) == ofV2
	}
	return unsigned, true
}

// signed reads how the request is signed into the condition keys of that.
func (r *Reader) signed(req *Request, o *operation) Reason {
	q, h := &r.q, &r.h
	how, whole := q.signature()
	if !whole || how != unsigned && h.authorized {
		return UnknownOperation
	}
	if req.NoHeaders && how == unsigned {
		return None // it may be signed in a header
	}
	list, date, kind, version := q.signedHeaders, q.date, "REST-QUERY-STRING", v4Algorithm
	if how == signedV2 {
		version = v2
	}
	if h.authorized {
		var ok bool
		if how, list, ok = authorization(h.authorization); !ok {
			for _, key := range [...]string{"s3:authType", "s3:signatureversion", "s3:signatureAge"} {
				r.keys = append(r.keys, policy.Attribute{Key: key, Unreadable: true})
			}
			how = unsigned
			if strings.HasPrefix(h.authorization, "AWS") {
				return BadHeader
			}
		} else {
			date, kind, version = h.date, "REST-HEADER", v4Algorithm
			if how == signedV2 {
				version = v2
			}
		}
	}
	if how != unsigned {
		r.add("s3:authType", kind)
		r.add("s3:signatureversion", version)
		r.age(date, how, req.Now)
	}
	if how == signedV4 && !req.NoHeaders {
		if reason := r.signedHeaders(list, req.Headers); reason != None {
			return reason
		}
	}
	if req.Filtered && o.writes && how != signedV4 {
		return HeadersMissing
	}
	return None
}

// age is s3:signatureAge, in milliseconds. A signature of version 2 does not say
// when it was made.
func (r *Reader) age(date string, how signature, now int64) {
	at, ok := seconds(date)
	if how != signedV4 || !ok {
		r.keys = append(r.keys, policy.Attribute{Key: "s3:signatureAge", Unreadable: true})
		return
	}
	from := len(r.text)
	r.text = strconv.AppendInt(r.text, (now-at)*1000, 10)
	r.add("s3:signatureAge", r.since(from))
}

// seconds reads 20060102T150405Z as seconds since 1970.
func seconds(date string) (int64, bool) {
	if len(date) != 16 || date[8] != 'T' || date[15] != 'Z' || !decimal(date[:8], 8) || !decimal(date[9:15], 6) {
		return 0, false
	}
	two := func(i int) int { return int(date[i]-'0')*10 + int(date[i+1]-'0') }
	year, month, day, hour, minute, second := two(0)*100+two(2), two(4), two(6), two(9), two(11), two(13)
	at := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return at.Unix(), at.Month() == time.Month(month) && at.Day() == day && hour < 24 && minute < 60 && second < 60
}

// signedHeaders holds a signature of version 4 to its list: each x-amz-* header
// that it names must have come, else one was lost on the way (specification 7.1,
// Signed headers).
func (r *Reader) signedHeaders(list string, came []Header) Reason {
	for more := true; more; {
		var name string
		name, list, more = strings.Cut(list, ";")
		if begins(name, "x-amz-") && !r.stated(name) && !brought(name, came) {
			return HeadersMissing
		}
	}
	return None
}

// stated reports that a header is among the condition keys, which those of metadata
// are not.
func (r *Reader) stated(name string) bool {
	for i := range r.keys {
		if key := r.keys[i].Key; len(key) == len("s3:")+len(name) && key[:len("s3:x-amz-")] == "s3:x-amz-" && equalFold(name, key[len("s3:"):]) {
			return true
		}
	}
	return false
}

// brought reports that a header has come.
func brought(name string, came []Header) bool {
	for i := range came {
		if len(came[i].Name) == len(name) && foldedEqual(came[i].Name, name) {
			return true
		}
	}
	return false
}

// foldedEqual compares two texts of one length without regard to ASCII case.
func foldedEqual(a, b string) bool {
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if x >= 'A' && x <= 'Z' {
			x += 'a' - 'A'
		}
		if y >= 'A' && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// The algorithms of signatures.
const (
	v4Algorithm = "AWS4-HMAC-SHA256"
	v2          = "AWS"
)

// Authorization tells which headers an Authorization header of version 4 has signed,
// in a list with `;`. ok is false if it is none, or cannot be read.
func Authorization(text string) (v4 bool, signedHeaders string, ok bool) {
	how, list, ok := authorization(text)
	return how == signedV4, list, ok
}

// authorization tells how an Authorization header signs, and for version 4 which
// headers it has signed. ok is false if it is no signature of S3, or one that
// cannot be read in one way only: proxies take a caller's name from it.
func authorization(text string) (how signature, signedHeaders string, ok bool) {
	scheme, rest, _ := strings.Cut(text, " ")
	switch scheme {
	case v2:
		key, sum, _ := strings.Cut(rest, ":")
		return signedV2, "", key != "" && sum != "" && strings.IndexByte(sum, ':') < 0
	case v4Algorithm:
	default:
		return unsigned, "", false
	}
	var values [parts]string // each part is there once, and says something
	for more := true; more; {
		var part string
		part, rest, more = strings.Cut(rest, ",")
		name, text, _ := strings.Cut(strings.Trim(part, " "), "=")
		at := -1
		switch name {
		case "Credential":
			at = inCredential
		case "SignedHeaders":
			at = inSignedHeaders
		case "Signature":
			at = inSignature
		}
		if at < 0 || values[at] != "" || text == "" {
			return unsigned, "", false
		}
		values[at] = text
	}
	ok = values[inSignedHeaders] != "" && values[inSignature] != "" && validCredential(values[inCredential])
	return signedV4, values[inSignedHeaders], ok
}

// The parts of a signature of version 4.
const (
	inCredential = iota
	inSignedHeaders
	inSignature
	parts = iota
)

// validCredential reports that a credential is KEY/DATE/REGION/SERVICE/aws4_request,
// none of them empty. A store may take one with more slashes for a key that has some
// in it, and a proxy for the key before the first.
func validCredential(text string) bool {
	for range 4 {
		part, rest, slash := strings.Cut(text, "/")
		if part == "" || !slash {
			return false
		}
		text = rest
	}
	return text == "aws4_request"
}
