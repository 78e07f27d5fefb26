// Package policyjson reads the bytes of one policy file into a policy.Document
// or policy.AccessDocument. It is the one decoder of all policy languages
// (specification 4, Strict JSON), and the only place that checks the rules of
// specification 1.4 to 1.7 and 2 that one file can break.
//
// It is strict: whatever it does not understand is an error, because a rule
// that is read past is a hole. It reports every error of a file at once, each
// with its place and with what to write instead. A syntax error ends the
// reading of a file; what was found before it is reported too.
//
// Time and memory are linear in the size of the file, whatever stands in it.
// A document keeps no reference to the file's bytes.
package policyjson

import (
	"bytes"
	"sync"

	"postern/internal/builtin"
	"postern/internal/jsonscan"
	"postern/policy"
)

// Limits bounds a file (specification 4, Bounds).
type Limits struct {
	// Depth is how deep objects and lists may nest; 0, or anything above
	// jsonscan.MaxDepth, is jsonscan.MaxDepth.
	Depth int
	// Statements is how many statements a file may hold; 0 is 100,000.
	Statements int
	// Steps bounds what the resource patterns of a document cost together, in
	// steps, on a text of 2,048 bytes (specification 1.6); 0 is 16 Mi.
	Steps int
}

const defaultStatements = 100_000

// File is what Parse found: the one of Document, Buckets and Access that Kind
// says, and none of them if there was an error.
type File struct {
	Kind     policy.Kind
	Document *policy.Document
	Buckets  []string
	Access   *policy.AccessDocument
}

// ParseOrganization reads an organization policy (specification 1.4). On an
// error the document is nil; the diagnostics are complete and sorted, warnings
// included. file names the file in them and in the document.
//
// Columns count bytes from 1. A byte-order mark at the start of the file is
// accepted and is not counted: the byte after it is column 1 of line 1.
func ParseOrganization(file string, data []byte, l Limits) (*policy.Document, []policy.Diagnostic) {
	d := begin(file, data, l)
	defer d.release()
	doc := d.organization()
	return finish(d, doc)
}

// ParseBucket reads the policy of bucket (specification 1.5). If bucket is "",
// it is not checked whether the resources can lie in it. For the rest see
// ParseOrganization.
func ParseBucket(file, bucket string, data []byte, l Limits) (*policy.Document, []policy.Diagnostic) {
	d := begin(file, data, l)
	defer d.release()
	doc := d.bucketPolicy(bucket)
	return finish(d, doc)
}

// ParseBucketList reads a buckets.json (specification 4) and returns the
// buckets in the order of the file, each once. An empty list is no error and is
// not nil; on an error the list is nil. For the rest see ParseOrganization.
func ParseBucketList(file string, data []byte, l Limits) ([]string, []policy.Diagnostic) {
	d := begin(file, data, l)
	defer d.release()
	list := d.bucketList()
	return finish(d, list)
}

// Parse reads a file whose kind is told by its content: by the names of its
// top-level fields and the value of its version (specification 4, Command
// line). For the rest see ParseOrganization.
func Parse(file string, data []byte, l Limits) (File, []policy.Diagnostic) {
	kind := kindOf(data)
	f := File{Kind: kind}
	var ds []policy.Diagnostic
	switch kind {
	case policy.KindOrganization:
		f.Document, ds = ParseOrganization(file, data, l)
	case policy.KindBucket:
		f.Document, ds = ParseBucket(file, "", data, l)
	case policy.KindBucketList:
		f.Buckets, ds = ParseBucketList(file, data, l)
	case policy.KindAccess:
		f.Access, ds = ParseAccess(file, data, l)
	default:
		d := begin(file, data, l)
		defer d.release()
		d.s.Peek()
		at := d.s.Offset()
		d.skip()
		if d.s.End(); d.s.Err() == nil { // after a syntax error nobody can tell what the file should be
			d.report(at, msgUnknownKind)
		}
		_, ds = finish(d, struct{}{})
	}
	return f, ds
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

func begin(file string, data []byte, l Limits) *decoder {
	d := decoders.Get().(*decoder)
	d.begin(file, data, l)
	return d
}

// begin prepares a decoder, new or reset, for a file.
func (d *decoder) begin(file string, data []byte, l Limits) {
	if l.Depth <= 0 || l.Depth > jsonscan.MaxDepth {
		l.Depth = jsonscan.MaxDepth
	}
	if l.Steps <= 0 {
		l.Steps = maxSteps
	}
	if l.Statements <= 0 {
		l.Statements = defaultStatements
	}
	d.file, d.data, d.limits = file, withoutMark(data), l
	d.suggestions, d.globs = maxSuggestions, maxGlobs
	d.texts.begin(len(data))
	d.textLists.begin(len(data))
	d.patternLists.begin(len(data))
	d.conditionLists.begin(len(data))
	d.s.Reset(d.data, l.Depth, 0, true)
}

func withoutMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }

// maxReused is the size, in bytes, of the largest file after which the decoder
// is used again.
const maxReused = 256 << 10

// release puts the decoder back into the pool. No result may refer to its
// memory.
func (d *decoder) release() {
	if len(d.data) > maxReused {
		return // its memory may have grown with the file
	}
	d.s.Reset(nil, 0, 0, true)
	d.reset()
	decoders.Put(d)
}

// reset drops a file and its document, and keeps the memory.
func (d *decoder) reset() {
	// What these refer to would keep documents alive.
	clear(d.list[:cap(d.list)])
	clear(d.principals[:cap(d.principals)])
	clear(d.foreign[:cap(d.foreign)])
	clear(d.conditionList.list[:cap(d.conditionList.list)])
	clear(d.statementList)
	d.statementList = d.statementList[:0]
	d.seen.forget()
	d.file, d.data, d.bucket, d.kind, d.variables, d.statementCount, d.steps, d.cursor = "", nil, "", policy.KindNone, false, 0, steps{}, cursor{}
	d.problems, d.kept, d.dropped = nil, [2]int{}, [2]int{}
	d.document = policy.Document{}
	if !d.again {
		d.texts, d.textLists, d.patternLists, d.conditionLists = texts{}, lists[string]{}, lists[policy.PrincipalPattern]{}, lists[policy.Condition]{}
		clear(d.seen.few[:])
	}
}

// finish makes the diagnostics, and drops the result if there is an error among
// them.
func finish[T any](d *decoder, result T) (T, []policy.Diagnostic) {
	d.checkSteps()
	if err, ok := d.s.Err().(*jsonscan.Error); ok {
		d.syntax(err)
	} else if d.kept[policy.Error] > 0 {
		if c, at, ok := d.instead(); ok {
			d.problems, d.dropped = d.problems[:0], [2]int{}
			d.report(at, c)
		}
	}
	ds := d.diagnostics()
	if policy.HasErrors(ds) {
		var none T
		return none, ds
	}
	return result, ds
}

// BuiltIn returns the document of built-in roles and permission sets
// (specification 2, Built in), read once. The caller must not change it.
func BuiltIn() *policy.AccessDocument { return builtIn() }

var builtIn = sync.OnceValue(func() *policy.AccessDocument {
	doc, ds := ParseAccess(builtin.File, builtin.JSON(), Limits{})
	if len(ds) > 0 {
		panic("postern: the built-in document is broken: " + ds[0].String())
	}
	return doc
})
