package policyjson

import "postern/policy"

// Parser parses file after file in the same memory, for callers that are done
// with a document before they parse the next: a cold start reads a hundred
// thousand files. The zero value is ready; one goroutine uses it at a time.
type Parser struct {
	d     decoder
	large bool // the memory is that of a large file
}

// Bucket is ParseBucket. The document is valid until the next call. Its texts
// and the diagnostics may be kept; a text that is kept keeps the memory of
// others alive.
func (p *Parser) Bucket(file, bucket string, data []byte, l Limits) (*policy.Document, []policy.Diagnostic) {
	d := &p.d
	if p.large {
		*d = decoder{}
	}
	p.large = len(data) > maxReused
	d.again, d.textLists.again, d.patternLists.again, d.conditionLists.again, d.texts.again = true, true, true, true, true
	d.reset()
	d.begin(file, data, l)
	doc := d.bucketPolicy(bucket)
	doc, ds := finish(d, doc)
	d.s.Reset(nil, 0, 0, true)
	d.data = nil // the data is the caller's
	return doc, ds
}

// newDocument returns an empty document of a kind.
func (d *decoder) newDocument(kind policy.Kind) *policy.Document {
	doc := &d.document
	if !d.again {
		doc = new(policy.Document)
	}
	doc.Kind, doc.File = kind, d.file
	d.kind = kind
	return doc
}
