package sidecar

import (
	"strings"

	"postern/internal/s3request"
	"postern/policy"
)

// cephDoor is the door of Ceph's object gateway, which asks an authorization
// server in the form of OPA (specification 7.3).
type cephDoor struct{ storeDoor }

func (cephDoor) ask(x *exchange) reply {
	return result(x.shows(x.headers.authToken) && x.asking.ceph.allowed(x))
}

// allowed reads a question, and decides it.
func (in *cephInput) allowed(x *exchange) bool {
	s, a := x.server, &x.asking
	*in = cephInput{}
	if !a.input(x.body, in.member) || !in.caller(a, s.config.Doors.Org) {
		return false
	}
	a.s3 = s3request.Request{Method: in.method, Told: true, Bucket: in.bucket, Key: in.object, Query: in.params, NoHeaders: true, Now: x.now}
	only := ""
	if !in.hasBucket { // the URI says what it is about, and is believed where it is plain
		name := strings.TrimSuffix(strings.TrimPrefix(in.uri, "/"), "/")
		switch {
		case in.object != "" || in.uri == "" || in.uri[0] != '/':
			return false
		case in.method == "GET" && in.uri == "/":
			only = "ListBuckets"
		case in.method == "PUT" && name != "":
			only, a.s3.Bucket = "CreateBucket", name
		default:
			return false
		}
	}
	if a.reader.Read(&a.s3) != s3request.None || only != "" && a.reader.Operation != only {
		return false
	}
	if in.hasBucket {
		if a.owner = in.tenant; a.owner == "" {
			a.owner = s.config.Doors.Org
		}
	}
	ok, _ := x.allowed(s.ceph, nil)
	return ok
}

// cephInput is what is read of a question; all else, keys of users among it, is
// skipped where it stands.
type cephInput struct {
	method, params, uri, object, user, subuser string
	bucket, tenant                             string
	hasBucket                                  bool
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
