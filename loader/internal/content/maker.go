package content

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"postern/compile"
	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// Maker is the source.Maker of the loader. It is safe for concurrent use.
type Maker struct {
	Compiler compile.Compiler
	Limits   policyjson.Limits // within a file; past one is an error on it
	Log      *slog.Logger      // not nil
	// InForce returns the content in force of an organization's iam/, or nil. New
	// content shares with it what did not change. It must not change while the maker
	// compiles.
	InForce func(org string) *source.SetContent

	// Inspect, if it is not nil, returns further warnings of a file that was read
	// without an error: see loader.Config.
	Inspect func(path, bucket string, data []byte, f policyjson.File) []policy.Diagnostic

	parses             atomic.Int64 // the number of files parsed
	parsing, compiling atomic.Int64 // the time taken, in nanoseconds, of all callers together
}

// Done returns the number of files parsed since the start, and the time in nanoseconds
// that parsing and compiling took. The times of callers that ran in parallel add up.
func (m *Maker) Done() (parses, parsing, compiling int64) {
	return m.parses.Load(), m.parsing.Load(), m.compiling.Load()
}

// spend adds the time since begin.
func spend(sum *atomic.Int64, begin time.Time) { sum.Add(int64(time.Since(begin))) }

// Parse parses one file of a part; see source.Maker.
func (m *Maker) Parse(parser *policyjson.Parser, p layout.Part, path string, data []byte) (out source.Parsed) {
	defer spend(&m.parsing, time.Now())
	m.parses.Add(1)
	path = layout.Shown(path)
	switch {
	case p == layout.Policies:
		out.Doc, out.Diagnostics = policyjson.ParseOrganization(path, data, m.Limits)
	case p == layout.List:
		out.List, out.Diagnostics = policyjson.ParseBucketList(path, data, m.Limits)
	case p == layout.Buckets && parser != nil:
		out.Doc, out.Diagnostics = parser.Bucket(path, layout.BucketOf(path), data, m.Limits)
	case p == layout.Buckets:
		out.Doc, out.Diagnostics = policyjson.ParseBucket(path, layout.BucketOf(path), data, m.Limits)
	case p == layout.IAM:
		out.Access, out.Diagnostics = policyjson.ParseAccess(path, data, m.Limits)
	}
	if m.Inspect != nil && !policy.HasErrors(out.Diagnostics) {
		bucket := ""
		if p == layout.Buckets {
			bucket = layout.BucketOf(path)
		}
		out.Diagnostics = append(out.Diagnostics, m.Inspect(path, bucket, data, policyjson.File{Document: out.Doc, Buckets: out.List, Access: out.Access})...)
	}
	return out
}

// Compile compiles the files of a unit; see source.Maker. The caller has to set the
// Sum of the content and the Files of a set.
//
// A panic in the compiler becomes an error of the unit, so that one unit neither takes
// the process down nor keeps the others from being updated.
func (m *Maker) Compile(p layout.Part, org string, files []source.Parsed) (c source.Content, ds []policy.Diagnostic) {
	defer spend(&m.compiling, time.Now())
	defer func() {
		if r := recover(); r != nil {
			m.Log.Error("the compiler panicked", "organization", org, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			c, ds = source.Content{}, []policy.Diagnostic{layout.Problem(org, "this unit cannot be compiled; please report it")}
		}
	}()
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
	var compiled []policy.Diagnostic
	switch {
	case p == layout.Policies:
		c.Policies, compiled = m.Compiler.Organization(org, docs)
	case p == layout.IAM:
		before := m.InForce(org)
		if before == nil {
			before = &source.SetContent{}
		}
		more.IAM, compiled = m.Compiler.AccessAgain(org, more.Access, before.Access, before.IAM)
	case p == layout.Buckets && len(docs) == 1:
		c.Policies, compiled = m.Compiler.Bucket(layout.BucketOf(docs[0].File), docs[0])
	}
	if found = append(found, compiled...); policy.HasErrors(found) {
		return source.Content{}, found
	}
	policy.SortDiagnostics(found)
	c.Warnings = slices.Clip(found)
	return c, nil
}
