package loader

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// making is the loader as what makes content of bytes.
type making struct{ *Loader }

func (m making) Parse(parser *policyjson.Parser, p layout.Part, path string, data []byte) source.Parsed {
	return m.parse(parser, p, path, data)
}

func (m making) Compile(p layout.Part, org string, files []source.Parsed) (source.Content, []policy.Diagnostic) {
	return m.compile(p, org, files)
}

// parse parses one file by the part of the layout that it lies in. A bucket
// file's document is made in the memory of parser, unless that is nil.
func (l *Loader) parse(parser *policyjson.Parser, p layout.Part, path string, data []byte) (out source.Parsed) {
	defer spend(&l.parsing, time.Now())
	l.parses.Add(1)
	path = layout.Shown(path)
	switch {
	case p == layout.Policies:
		out.Doc, out.Diagnostics = policyjson.ParseOrganization(path, data, l.c.Limits)
	case p == layout.List:
		out.List, out.Diagnostics = policyjson.ParseBucketList(path, data, l.c.Limits)
	case p == layout.Buckets && parser != nil:
		out.Doc, out.Diagnostics = parser.Bucket(path, layout.BucketOf(path), data, l.c.Limits)
	case p == layout.Buckets:
		out.Doc, out.Diagnostics = policyjson.ParseBucket(path, layout.BucketOf(path), data, l.c.Limits)
	case p == layout.IAM:
		out.Access, out.Diagnostics = policyjson.ParseAccess(path, data, l.c.Limits)
	}
	return out
}

// compile makes a unit's content from its parsed files, or says what is wrong
// with them, all errors of all files at once.
//
// A panic in the compiler is an error of the unit: one unit must not take the
// process down, nor keep the others from being updated.
func (l *Loader) compile(p layout.Part, org string, files []source.Parsed) (c source.Content, ds []policy.Diagnostic) {
	defer spend(&l.compiling, time.Now())
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("the compiler panicked", "organization", org, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			c, ds = source.Content{}, []policy.Diagnostic{layout.Problem(org, "this unit cannot be compiled; please report it")}
		}
	}()
	c = source.Content{}
	more := &source.SetContent{}
	if p != layout.Buckets {
		c.More = more
	}
	var found []policy.Diagnostic
	var docs []*policy.Document
	for _, f := range files {
		found = append(found, f.Diagnostics...)
		if f.Doc != nil {
			docs = append(docs, f.Doc)
		}
		if f.Access != nil {
			more.Access = append(more.Access, f.Access)
		}
		more.List = append(more.List, f.List...)
	}
	if policy.HasErrors(found) {
		return source.Content{}, found
	}
	switch {
	case p == layout.Policies:
		policies, ds := l.c.Compiler.Organization(org, docs)
		found = append(found, ds...)
		c.Policies = policies
	case p == layout.IAM:
		// What only members or entities change shares the statements that are
		// in force, if there are any.
		before := &source.SetContent{}
		if o := l.orgs[org]; o != nil {
			before = o.Unit(layout.IAM).Good.Set()
		}
		iam, ds := l.c.Compiler.AccessAgain(org, more.Access, before.Access, before.IAM)
		found = append(found, ds...)
		more.IAM = iam
	case p == layout.Buckets && len(docs) == 1:
		policies, ds := l.c.Compiler.Bucket(layout.BucketOf(docs[0].File), docs[0])
		found = append(found, ds...)
		c.Policies = policies
	}
	if policy.HasErrors(found) {
		return source.Content{}, found
	}
	policy.SortDiagnostics(found)
	c.Warnings = slices.Clip(found)
	return c, nil
}
