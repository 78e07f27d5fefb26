package s3request

import (
	"strconv"
	"strings"
	"time"
	"unsafe"

	"postern/internal/action"
	"postern/policy"
)

// Reason is why a request is not asked. The zero value, None, says that it is.
type Reason uint8

// The reasons (specification 7.1).
const (
	None Reason = iota
	// BadHost: a Host that is neither a bucket's nor the store's.
	BadHost
	// BadPath: a path, or a copy's source, that the store may read as another.
	BadPath
	// UnknownOperation: a method and query that the table does not have, or whose
	// operation has no action.
	UnknownOperation
	// KeysInBody: the objects that the request is about stand in its body.
	KeysInBody
	// BadHeader: a header that is there twice or cannot be read.
	BadHeader
	// HeadersMissing: a header that was signed did not come.
	HeadersMissing
)

var reasons = [...]string{"", "host", "path", "unknown_operation", "keys_in_body", "header", "headers_missing"}

// String is the reason as answers and the metrics spell it; "" for None.
func (r Reason) String() string { return reasons[r] }

// Request is what is known of an HTTP request.
type Request struct {
	Method string
	// Host and Target are as they were sent: the Host header, and the raw path
	// with the query behind it.
	Host, Target string
	Hosts        *Hosts
	// OpaqueKeys says that the store keeps keys as they are, so that `.`, `..` and
	// empty segments in them are taken.
	OpaqueKeys bool
	// Told says that the store has read the address itself: Host and Target are not
	// looked at, Bucket and Key are what it read ("" is none), and Query is the raw
	// query.
	Told               bool
	Bucket, Key, Query string
	// Headers are all lines of the head. Where NoHeaders, none is known.
	Headers   []Header
	NoHeaders bool
	// Filtered says that a header may have been lost on the way, so that a request
	// that writes an object has to have a signature that names its headers.
	Filtered bool
	// Now is the clock in seconds since 1970, for s3:signatureAge.
	Now int64
}

// Question is one thing that has to be allowed.
type Question struct {
	// Action is with its service. Resource is BUCKET, BUCKET/KEY, or "*" for the
	// caller's whole organization.
	Action, Resource string
	Object           bool
	// Created says that the bucket is being created: its owner is the caller's
	// organization, whatever it was.
	Created bool
	// version is the versionId of the question, "" if there is none.
	version string
}

// Kind tells what Keys calls a request by: which keys it may hold where they are
// not seen.
type Kind uint8

// The kinds.
const (
	// Plain requests say in their head all that condition keys ask.
	Plain Kind = iota
	// TagsInBody: the tags of PutObjectTagging.
	TagsInBody
	// GrantsInBody: the access control lists of PutObjectAcl and PutBucketAcl.
	GrantsInBody

	Kinds = int(GrantsInBody) + 1
)

// Reader reads requests. The zero value is ready; reused, it allocates nothing
// once it has grown to the size of its requests. One goroutine at a time. What it
// returns is valid until the next Read, as long as the request's strings are.
type Reader struct {
	// Operation is the name of the operation that was read, "" if none was. Kind
	// belongs to it, and Questions are what has to be allowed, all of them.
	Operation string
	Kind      Kind
	Questions []Question

	keys   []policy.Attribute
	values []policy.Value
	text   []byte
	q      query
	h      headers
}

// Read reads a request. If it is not asked, the Reason says why, and the Reader
// holds no question.
func (r *Reader) Read(req *Request) Reason {
	r.Operation, r.Kind, r.Questions = "", Plain, r.Questions[:0]
	r.keys, r.values, r.text = r.keys[:0], r.values[:0], r.text[:0]
	reason := r.read(req)
	if reason != None {
		r.Questions, r.keys = r.Questions[:0], r.keys[:0]
	}
	return reason
}

func (r *Reader) read(req *Request) Reason {
	a, raw, reason := r.address(req)
	if reason != None {
		return reason
	}
	q, h := &r.q, &r.h
	if reason := r.query(raw, q); reason != None {
		return reason
	}
	if reason := r.headers(req.Headers, h); reason != None {
		return reason
	}
	at := onService
	switch {
	case a.key != "":
		at = onObject
	case a.bucket != "":
		at = onBucket
	}
	o := find(at, req.Method, q.marks, q.params, h.copies)
	if o == nil || q.operation != "" && q.operation != o.name {
		return UnknownOperation
	}
	if o.refused != None {
		return o.refused
	}
	if reason := r.signed(req, o); reason != None {
		return reason
	}
	r.Operation = o.name
	r.parameter("s3:prefix", &q.prefix)
	r.parameter("s3:delimiter", &q.delimiter)
	r.parameter("s3:max-keys", &q.maxKeys)
	switch o.name {
	case "PutObjectTagging":
		r.Kind = TagsInBody
	case "PutObjectAcl", "PutBucketAcl":
		r.Kind = GrantsInBody
	}
	if h.tagged {
		// Elsewhere the tags that are set are others than those of the header.
		if !o.tags || o.copies && !h.replaces {
			return BadHeader
		}
		if reason := r.tags(h.tagging); reason != None {
			return reason
		}
	}
	return r.ask(req, o, a)
}

// address tells what a request is about, and its raw query.
func (r *Reader) address(req *Request) (a address, query string, reason Reason) {
	if req.Told {
		a = address{bucket: req.Bucket, key: req.Key}
		if a.bucket != "" && !validBucket(a.bucket) || !validKey(a.key, true) || a.bucket == "" && a.key != "" {
			return a, "", BadPath
		}
		return a, req.Query, None
	}
	var ok bool
	var hosts Hosts
	if req.Hosts != nil {
		hosts = *req.Hosts
	}
	bucket, ok := hosts.bucket(req.Host)
	if !ok {
		return a, "", BadHost
	}
	path, query, _ := strings.Cut(req.Target, "?")
	if path == "" || path[0] != '/' {
		return a, "", BadPath
	}
	if a, ok = r.path(path, bucket, req.OpaqueKeys); !ok {
		return a, "", BadPath
	}
	return a, query, None
}

// signed reads how the request is signed into the condition keys of that.
func (r *Reader) signed(req *Request, o *operation) Reason {
	q, h := &r.q, &r.h
	how := q.signature()
	if how == signedTwice || how != unsigned && h.authorized {
		return UnknownOperation
	}
	if req.NoHeaders && how == unsigned {
		return None // it may be signed in a header
	}
	list, date, kind, version := q.signedHeaders, q.date, "REST-QUERY-STRING", q.algorithm
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
			date, kind, version = h.date, "REST-HEADER", v4
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

// ask makes the questions of an operation.
func (r *Reader) ask(req *Request, o *operation, a address) Reason {
	h := &r.h
	name := o.action
	if r.q.versionID != "" {
		name = o.versioned
	}
	r.question(name, a, r.q.versionID)
	if o.name == "CreateBucket" {
		r.Questions[0].Created = true
		if h.acl {
			r.question("s3:PutBucketAcl", a, "")
		}
		if h.lockEnabled {
			r.question("s3:PutBucketObjectLockConfiguration", a, "")
			r.question("s3:PutBucketVersioning", a, "")
		}
		if h.ownership {
			r.question("s3:PutBucketOwnershipControls", a, "")
		}
		for i := range r.Questions {
			r.Questions[i].Created = true
		}
		return None
	}
	if a.key == "" || o.method == "GET" || o.method == "HEAD" {
		return None
	}
	if h.bypass {
		r.question("s3:BypassGovernanceRetention", a, r.q.versionID)
	}
	if !o.writes {
		return None
	}
	for _, also := range [...]struct {
		stated bool
		action string
	}{
		{h.tagged, "s3:PutObjectTagging"}, {h.acl, "s3:PutObjectAcl"},
		{h.retention, "s3:PutObjectRetention"}, {h.legalHold, "s3:PutObjectLegalHold"},
	} {
		if also.stated {
			r.question(also.action, a, "")
		}
	}
	if !h.copies {
		return None
	}
	return r.source(h.copySource, req.OpaqueKeys)
}

// source asks about the object that is copied.
func (r *Reader) source(raw string, opaque bool) Reason {
	path, query, versioned := strings.Cut(raw, "?")
	a, ok := r.path(path, "", opaque)
	if !ok || a.key == "" {
		return BadPath
	}
	name, version := "s3:GetObject", ""
	if versioned {
		text, ok := strings.CutPrefix(query, "versionId=")
		if ok {
			version, ok = r.unescape(text, false)
		}
		if !ok || version == "" || strings.ContainsAny(text, "&;+#?") || !validKey(version, true) {
			return BadPath
		}
		name = "s3:GetObjectVersion"
	}
	r.question(name, a, version)
	return None
}

// question asks for an action on an address, and once more where the store may
// read a `+` in the key as a space.
func (r *Reader) question(action string, a address, version string) {
	q := Question{Action: action, Resource: "*", version: version}
	if a.bucket != "" {
		q.Resource, q.Object = a.bucket, a.key != ""
	}
	if !q.Object {
		r.Questions = append(r.Questions, q)
		return
	}
	q.Resource = r.join(a.bucket, a.key)
	r.Questions = append(r.Questions, q)
	if a.spaced != "" {
		q.Resource = r.join(a.bucket, a.spaced)
		r.Questions = append(r.Questions, q)
	}
}

func (r *Reader) join(bucket, key string) string {
	from := len(r.text)
	r.text = append(append(append(r.text, bucket...), '/'), key...)
	return r.since(from)
}

// Versioned returns the action that is asked where a question of a known action is
// about one version of an object; false where there is none.
func Versioned(name string) (string, bool) {
	id, ok := action.Lookup(name)
	if !ok || action.KindOf(id) != action.OnObject {
		return "", false
	}
	version := versionOf[action.Needed(id)]
	return version, version != ""
}

// versionOf are the actions of versions, with their service, by the action of the
// object.
var versionOf = func() map[action.ID]string {
	out := map[action.ID]string{}
	for id := action.ID(0); int(id) < action.Count(); id++ {
		if name := action.Name(id); strings.HasPrefix(name, "s3:") && !strings.Contains(name, "ObjectVersion") {
			if version, ok := action.Lookup(strings.Replace(name, "Object", "ObjectVersion", 1)); ok && version != id && action.Needed(id) == id {
				out[id] = action.Name(version)
			}
		}
	}
	return out
}()

// Keys returns the condition keys that the request states with a question of it.
// The list may be appended to; it is overwritten by the next call.
func (r *Reader) Keys(q *Question) []policy.Attribute {
	if q.version == "" {
		return r.keys
	}
	keys, values := len(r.keys), len(r.values)
	r.add("s3:versionid", q.version)
	list := r.keys
	r.keys, r.values = r.keys[:keys], r.values[:values]
	return list
}

func (r *Reader) parameter(key string, p *parameter) {
	if p.stated {
		r.addRead(key, p.text, !p.plus)
	}
}

// add states a condition key.
func (r *Reader) add(key, text string) { r.addRead(key, text, true) }

// addRead is add for a value that may be there and not be readable.
func (r *Reader) addRead(key, text string, readable bool) {
	if !readable {
		r.keys = append(r.keys, policy.Attribute{Key: key, Unreadable: true})
		return
	}
	n := len(r.values)
	r.values = append(r.values, policy.Value{Kind: policy.ValueString, Text: text})
	r.keys = append(r.keys, policy.Attribute{Key: key, Values: r.values[n : n+1 : n+1]})
}

// since is the text that was put into the reader's memory since a length of it. It
// stays what it is when the memory grows, until the next Read.
func (r *Reader) since(from int) string {
	b := r.text[from:]
	return unsafe.String(unsafe.SliceData(b), len(b))
}
