package s3request

import (
	"strings"

	"postern/internal/action"
)

// place is what an operation is done on.
type place uint8

const (
	onService place = iota
	onBucket
	onObject
)

// operation is a form of forms as Reader uses it.
type operation struct {
	*form
	// action is its name with the service, and versioned the action that a
	// versionId asks instead: the same where the reference has none.
	action, versioned string
	// marks and the parameters as sets of places in queryNames.
	marked, needs, may names
	writes             bool // it writes an object, or a part of one
	tags               bool // it sets the tags of x-amz-tagging
}

// names is a set of places in queryNames.
type names [2]uint64

func (n *names) add(i int)                { n[i/64] |= 1 << (i % 64) }
func (n names) has(i int) bool            { return n[i/64]>>(i%64)&1 != 0 }
func (n names) and(other names) names     { return names{n[0] & other[0], n[1] & other[1]} }
func (n names) without(other names) names { return names{n[0] &^ other[0], n[1] &^ other[1]} }

// value is what the value of a name in the query must be.
type value uint8

const (
	anyValue  value = iota
	noValue         // as in ?acl
	someValue       // not empty
	digits          // 1 to 5 of 0-9
	two             // "2", the only type that list-type and select-type have
)

// queryName is a name that a query may hold. Exactly one of its kinds holds:
// a mark chooses the operation, a parameter belongs to some operations, and a
// signature to every request.
type queryName struct {
	name      string
	mark      bool
	signature bool
	value     value
}

// signatures are the names of the query that say who signed it, or which checksum
// its client wants, and never what it does.
var signatures = [...]string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
	"X-Amz-Security-Token", "X-Amz-Content-Sha256",
	"AWSAccessKeyId", "Expires", "Signature", "x-id",
	"x-amz-checksum-mode", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-crc32", "x-amz-checksum-crc32c",
	"x-amz-checksum-crc64nvme", "x-amz-checksum-sha1", "x-amz-checksum-sha256", "x-amz-user-agent",
}

// values are the names whose value is bound; a mark that is not here has none.
var values = map[string]value{
	"uploadId": someValue, "list-type": two, "select-type": two, "partNumber": digits,
	"versionId": someValue, "id": someValue, "annotationName": someValue,
	"X-Amz-Algorithm": someValue, "X-Amz-Credential": someValue, "X-Amz-Date": someValue, "X-Amz-Expires": someValue,
	"X-Amz-SignedHeaders": someValue, "X-Amz-Signature": someValue, "X-Amz-Security-Token": someValue,
	"AWSAccessKeyId": someValue, "Expires": someValue, "Signature": someValue, "x-id": someValue,
}

var (
	queryNames []queryName
	// nameAt finds a place in queryNames.
	nameAt = map[string]int{}
	// byPlace are the operations by place and method.
	byPlace [onObject + 1]map[string][]*operation
)

// isPrefix and the others are the places in queryNames of the names that code
// knows.
var isPrefix, isDelimiter, isMaxKeys, isVersionID, isXID,
	isAlgorithm, isCredential, isDate, isSignedHeaders int

// wholeV4 are the names that a signature of version 4 in the query has, and ofV4
// all that it may have; ofV2 are those of version 2.
var wholeV4, ofV4, ofV2 names

func init() {
	place := func(name string, mark, signature bool) int {
		i, ok := nameAt[name]
		if !ok {
			i = len(queryNames)
			nameAt[name] = i
			v := values[name]
			if mark && v == anyValue {
				v = noValue
			}
			queryNames = append(queryNames, queryName{name, mark, signature, v})
		}
		if q := queryNames[i]; q.mark != mark || q.signature != signature {
			panic("s3request: " + name + " is of two kinds")
		}
		return i
	}
	for i := range byPlace {
		byPlace[i] = map[string][]*operation{}
	}
	for i := range forms {
		f := &forms[i]
		o := &operation{form: f, action: "s3:" + f.name}
		for _, name := range strings.Fields(f.marks) {
			o.marked.add(place(name, true, false))
		}
		for _, name := range strings.Fields(f.params) {
			plain, must := strings.CutSuffix(name, "!")
			at := place(plain, false, false)
			o.may.add(at)
			if must {
				o.needs.add(at)
			}
		}
		id, ok := action.Lookup(o.action)
		if !ok {
			panic("s3request: internal/action does not know " + o.action)
		}
		needed := action.Name(action.Needed(id))
		o.writes = needed == "s3:PutObject"
		o.tags = f.name == "PutObject" || f.name == "CopyObject" || f.name == "CreateMultipartUpload"
		o.versioned = o.action
		if version, ok := Versioned(o.action); ok && strings.Contains(f.params, "versionId") {
			o.versioned = version
		}
		byPlace[f.place][f.method] = append(byPlace[f.place][f.method], o)
	}
	for _, name := range signatures {
		place(name, false, true)
	}
	if len(queryNames) > 64*len(names{}) {
		panic("s3request: more names than a set of names holds")
	}
	for name, at := range map[string]*int{
		"prefix": &isPrefix, "delimiter": &isDelimiter, "max-keys": &isMaxKeys, "versionId": &isVersionID, "x-id": &isXID,
		"X-Amz-Algorithm": &isAlgorithm, "X-Amz-Credential": &isCredential, "X-Amz-Date": &isDate, "X-Amz-SignedHeaders": &isSignedHeaders,
	} {
		*at = nameAt[name]
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		wholeV4.add(nameAt[name])
		ofV4.add(nameAt[name])
	}
	for _, name := range []string{"X-Amz-Security-Token", "X-Amz-Content-Sha256"} {
		ofV4.add(nameAt[name])
	}
	for _, name := range []string{"AWSAccessKeyId", "Expires", "Signature"} {
		ofV2.add(nameAt[name])
	}
}

// find returns the operation of a request, nil if the table has none: the marks
// are those of the operation, no more and no less, and so are the parameters that
// it must have; it has no parameter that is not the operation's.
func find(p place, method string, marks, params names, copies bool) *operation {
	for _, o := range byPlace[p][method] {
		if o.marked == marks && o.copies == copies && params.and(o.needs) == o.needs && params.without(o.may) == (names{}) {
			return o
		}
	}
	return nil
}
