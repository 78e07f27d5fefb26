package s3request

import (
	"strings"
	"unsafe"

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

// since is the text that was put into the reader's memory since a length of it. It
// stays what it is when the memory grows, until the next Read.
func (r *Reader) since(from int) string {
	b := r.text[from:]
	return unsafe.String(unsafe.SliceData(b), len(b))
}
