package loader

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/policy"
)

// parse parses one file by the part of the layout that it lies in. A bucket
// file's document is made in the memory of parser, unless that is nil.
func (l *Loader) parse(parser *policyjson.Parser, p layout.Part, path string, data []byte) (out parsed) {
	defer spend(&l.parsing, time.Now())
	l.parses.Add(1)
	path = layout.Shown(path)
	switch {
	case p == layout.Policies:
		out.doc, out.diagnostics = policyjson.ParseOrganization(path, data, l.c.Limits)
	case p == layout.List:
		out.list, out.diagnostics = policyjson.ParseBucketList(path, data, l.c.Limits)
	case p == layout.Buckets && parser != nil:
		out.doc, out.diagnostics = parser.Bucket(path, layout.BucketOf(path), data, l.c.Limits)
	case p == layout.Buckets:
		out.doc, out.diagnostics = policyjson.ParseBucket(path, layout.BucketOf(path), data, l.c.Limits)
	case p == layout.IAM:
		out.access, out.diagnostics = policyjson.ParseAccess(path, data, l.c.Limits)
	}
	return out
}

// compile makes a unit's content from its parsed files, or says what is wrong
// with them, all errors of all files at once.
//
// A panic in the compiler is an error of the unit: one unit must not take the
// process down, nor keep the others from being updated.
func (l *Loader) compile(p layout.Part, org string, files []parsed) (c content, ds []policy.Diagnostic) {
	defer spend(&l.compiling, time.Now())
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("the compiler panicked", "organization", org, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			c, ds = content{}, []policy.Diagnostic{layout.Problem(org, "this unit cannot be compiled; please report it")}
		}
	}()
	c = content{}
	more := &setContent{}
	if p != layout.Buckets {
		c.more = more
	}
	var found []policy.Diagnostic
	var docs []*policy.Document
	for _, f := range files {
		found = append(found, f.diagnostics...)
		if f.doc != nil {
			docs = append(docs, f.doc)
		}
		if f.access != nil {
			more.access = append(more.access, f.access)
		}
		more.list = append(more.list, f.list...)
	}
	if policy.HasErrors(found) {
		return content{}, found
	}
	switch {
	case p == layout.Policies:
		policies, ds := l.c.Compiler.Organization(org, docs)
		found = append(found, ds...)
		c.policies = policies
	case p == layout.IAM:
		// What only members or entities change shares the statements that are
		// in force, if there are any.
		before := &setContent{}
		if o := l.orgs[org]; o != nil {
			before = o.unit(layout.IAM).good.set()
		}
		iam, ds := l.c.Compiler.AccessAgain(org, more.access, before.access, before.iam)
		found = append(found, ds...)
		more.iam = iam
	case p == layout.Buckets && len(docs) == 1:
		policies, ds := l.c.Compiler.Bucket(layout.BucketOf(docs[0].File), docs[0])
		found = append(found, ds...)
		c.policies = policies
	}
	if policy.HasErrors(found) {
		return content{}, found
	}
	policy.SortDiagnostics(found)
	c.warnings = slices.Clip(found)
	return c, nil
}
