package sidecar

import (
	"strings"

	"postern/internal/jsonscan"
	"postern/internal/s3request"
	"postern/policy"
)

// cephDoor is the door of Ceph's object gateway, which asks an authorization
// server in the form of OPA (specification 7.3). Its answers are 200 with a plain
// boolean, whatever happens: the gateway ends at anything else.
type cephDoor struct{}

// The answers of doors of stores, which are statuses 200.
var (
	resultTrue  = []byte(`{"result":true}`)
	resultFalse = []byte(`{"result":false}`)
)

func result(allow bool) reply {
	r := reply{status: 200, contentType: typeJSON, body: resultFalse}
	if allow {
		r.body = resultTrue
	}
	return r
}

func (cephDoor) refuse(int, string) reply { return result(false) }

func (cephDoor) ask(x *exchange) reply {
	s, a := x.server, &x.asking
	if !s.config.Doors.admits(x.headers.authToken) || x.headers.authTokenTwice {
		return result(false)
	}
	var in cephInput
	a.begin()
	if !in.read(a, x.body) || !in.caller(a, s.config.Doors.Org) {
		return result(false)
	}
	a.s3 = s3request.Request{Method: in.method, Told: true, Bucket: in.bucket, Key: in.object, Query: in.params, NoHeaders: true, Now: x.now}
	only := ""
	if !in.hasBucket { // the URI says what it is about, and is believed where it is plain
		name := strings.TrimSuffix(strings.TrimPrefix(in.uri, "/"), "/")
		switch {
		case in.object != "" || in.uri == "" || in.uri[0] != '/':
			return result(false)
		case in.method == "GET" && in.uri == "/":
			only = "ListBuckets"
		case in.method == "PUT" && name != "":
			only, a.s3.Bucket = "CreateBucket", name
		default:
			return result(false)
		}
	}
	if a.reader.Read(&a.s3) != s3request.None || only != "" && a.reader.Operation != only {
		return result(false)
	}
	if in.hasBucket {
		if a.owner = in.tenant; a.owner == "" {
			a.owner = s.config.Doors.Org
		}
	}
	ok, _ := x.allowed(s.ceph, nil)
	return result(ok)
}

// cephInput is what is read of a question; all else, keys of users among it, is
// skipped where it stands.
type cephInput struct {
	method, params, uri, object, user, subuser string
	bucket, tenant                             string
	hasBucket                                  bool
}

// read reads a body. It is false unless it is `{"input": {...}}` in strict JSON.
func (in *cephInput) read(a *asking, body []byte) bool {
	s := &a.scanner
	s.Reset(body, 32, 0, false)
	found := false
	if !a.object(func(name string) bool {
		if name != "input" {
			return s.Skip()
		}
		found = true
		return a.object(func(name string) bool { return in.member(a, name) })
	}) {
		return false
	}
	return found && s.End()
}

func (in *cephInput) member(a *asking, name string) bool {
	switch name {
	case "method":
		return a.text1(&in.method)
	case "params":
		return a.text1(&in.params)
	case "relative_uri":
		return a.text1(&in.uri)
	case "object_name":
		return a.text1(&in.object)
	case "subuser":
		return a.text1(&in.subuser)
	case "user_info":
		return a.object(func(name string) bool {
			if name == "user_id" {
				return a.text1(&in.user)
			}
			return a.scanner.Skip()
		})
	case "bucket_info":
		in.hasBucket = true
		return a.object(func(name string) bool {
			if name != "bucket" {
				return a.scanner.Skip()
			}
			return a.object(func(name string) bool {
				switch name {
				case "name":
					return a.text1(&in.bucket)
				case "tenant":
					return a.text1(&in.tenant)
				}
				return a.scanner.Skip()
			})
		})
	}
	return a.scanner.Skip()
}

// caller tells who asks: TENANT$ID, of the organization TENANT.
func (in *cephInput) caller(a *asking, org string) bool {
	tenant, id, ok := strings.Cut(in.user, "$")
	if !ok {
		tenant, id = org, in.user
	}
	if id == "" || id == "anonymous" || ok && tenant == "" || in.hasBucket && in.bucket == "" {
		return false
	}
	a.ids = append(a.ids, a.join("user/", id))
	if sub := strings.TrimPrefix(in.subuser, id+":"); sub != "" {
		a.ids = append(a.ids, a.join("subuser/", id, ":", sub))
	}
	a.request.Principal = policy.Principal{Org: tenant, IDs: a.ids}
	return true
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
