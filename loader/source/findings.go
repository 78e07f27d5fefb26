package source

import (
	"postern/loader/internal/layout"
	"postern/policy"
)

// Found is what one look found. It shares nothing with the loader's model except
// content that is still good. Every Trace in it belongs to the source, which gets
// it back with Source.Took.
type Found struct {
	Trace any
	All   bool // the look was at everything
	Moved bool // the source is not the one of the last look, or is somewhere else
	// Repointed says that the source is somewhere else, so that whatever is gone
	// was meant to go.
	Repointed bool
	Orgs      []*OrgFinding
	// Misplaced has the names in the root that have no place in the layout; nil for
	// a name that is gone.
	Misplaced map[string]*policy.Diagnostic
	Surveys   map[string]Survey // of organizations that appeared and are not taken yet
	// Touched is what looks in the middle of this one were about. The loader sets
	// it when it has taken that out of the findings.
	Touched *Scope
}

// OrgFinding is what a look found of one organization.
type OrgFinding struct {
	Name    string
	Trace   any
	Gone    bool
	Whole   bool    // every part was looked at
	Swapped bool    // the folder was exchanged for another one, whole
	Version Version // of the folder
	// Fault says what is wrong with the folder itself. If it is set, nothing in the
	// folder was looked at.
	Fault []policy.Diagnostic
	Units [len(layout.Sets)]*SetFinding // nil for a unit that was not looked at
	// Misplaced has, by path, the names that have no place in the layout; nil for a
	// name that is gone. After a look at the whole organization these are all.
	Misplaced map[string]*policy.Diagnostic
	// Harmless are the names of Misplaced that nobody takes for a policy.
	Harmless map[string]struct{}

	Buckets *BucketsFinding // nil if buckets/ was not looked at
}

// SetFinding is what a look found of a unit that is a set of files.
type SetFinding struct {
	Trace   any
	There   bool    // the unit has a folder
	Swapped bool    // the folder was exchanged for another one, whole
	Version Version // of the folder; zero if there is none
	// Same says that the content is the one of the last look. Only Seen and Stray
	// may differ.
	Same        bool
	Seen        []Seen
	Complete    bool                // see Unit.Complete
	Good        *Content            // nil if a file is broken
	Diagnostics []policy.Diagnostic // what is wrong if a file is broken
	Stray       []policy.Diagnostic // see Unit.Stray
	Raw         []layout.File       // the files, for the mirror; nil if they were not kept
}

// BrokenSet is the finding of a set that is broken.
func BrokenSet(diagnostics ...policy.Diagnostic) *SetFinding {
	return &SetFinding{Diagnostics: diagnostics}
}

// BucketsFinding is what a look found of buckets/.
type BucketsFinding struct {
	Trace   any
	Absent  bool
	Swapped bool    // the folder was exchanged for another one, whole
	Version Version // of the folder
	Listed  bool    // every name was looked at
	// Fault says what is wrong with buckets/ itself. If it is set, nothing in it
	// was looked at.
	Fault []policy.Diagnostic
	Found []BucketFinding // the files that differ from what the last look left
	// Missed are the bucket files that are missed after this look. The loader sets
	// it, by loader/internal/missed.
	Missed    map[string]struct{}
	Misplaced map[string]*policy.Diagnostic // as in OrgFinding
}

// BucketFinding is what a look found of one bucket file that differs from what the
// last look left.
type BucketFinding struct {
	Name        string // of the file
	Gone        bool
	Added       bool // it was not there at the last look
	Same        bool // the content is the same; only Seen differs
	Seen        Seen
	Complete    bool                // see Bucket.Complete
	Good        *Content            // nil if the file is gone or broken
	Diagnostics []policy.Diagnostic // what is wrong if it is broken
	Trace       any
	Raw         []layout.File // the file, for the mirror; nil if it was not kept
}
