package source

import (
	"postern/loader/internal/layout"
	"postern/policy"
)

// Found is what one look found. Nothing in it is shared with the model but good
// content that is still good. Each trace is the source's own.
type Found struct {
	Trace any
	All   bool
	Moved bool // the source lies elsewhere than at the last look, or is another
	// Repointed: it lies elsewhere, so that whatever is gone was meant to go.
	Repointed bool
	Orgs      []*OrgFinding
	Misplaced map[string]*policy.Diagnostic // names in the root without a place; nil: gone
	Surveys   map[string]Survey             // of organizations that are arriving, and not taken
	// Touched is what looks in between have looked at, set once it was taken out.
	Touched *Scope
}

// OrgFinding is what a look found of one organization.
type OrgFinding struct {
	Name      string
	Trace     any
	Gone      bool
	Whole     bool                // every part was looked at
	Swapped   bool                // it is another folder than before, exchanged whole
	Version   Version             // of the folder
	Fault     []policy.Diagnostic // the folder itself is at fault, nothing else was looked at
	Units     [len(layout.Sets)]*SetFinding
	Misplaced map[string]*policy.Diagnostic // by path; nil: gone. With whole these are all.
	// Harmless are those of Misplaced that nobody takes for a policy.
	Harmless map[string]struct{}

	Buckets *BucketsFinding
}

// SetFinding is what a look found of a unit of several files.
type SetFinding struct {
	Trace       any
	There       bool    // the unit has a folder
	Swapped     bool    // another than before, exchanged whole
	Version     Version // of that folder, zero if there is none
	Same        bool    // as it was, but for what seen and stray say
	Seen        []Seen
	Complete    bool
	Good        *Content            // nil: broken
	Diagnostics []policy.Diagnostic // if broken
	Stray       []policy.Diagnostic
	Raw         []layout.File // for the mirror; nil if not kept
}

func BrokenSet(diagnostics ...policy.Diagnostic) *SetFinding {
	return &SetFinding{Diagnostics: diagnostics}
}

// BucketsFinding is what a look found of buckets/.
type BucketsFinding struct {
	Trace     any
	Absent    bool
	Swapped   bool                // another folder than before, exchanged whole
	Version   Version             // of the folder
	Listed    bool                // every name was looked at
	Fault     []policy.Diagnostic // buckets/ itself is at fault, nothing else was looked at
	Found     []BucketFinding     // only what is not as it was
	Missed    map[string]struct{} // bucket files that are missed now: see miss
	Misplaced map[string]*policy.Diagnostic
}

// BucketFinding is what a look found of one bucket file that is not as it was.
type BucketFinding struct {
	Name        string // of the file
	Gone        bool
	Added       bool // it was not there at the last look
	Same        bool // only seen is new
	Seen        Seen
	Complete    bool
	Good        *Content            // nil: gone or broken
	Diagnostics []policy.Diagnostic // if broken
	Trace       any
	Raw         []layout.File
}
