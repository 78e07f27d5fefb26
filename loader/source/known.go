package source

import (
	"slices"
	"time"

	"postern/index"
	"postern/loader/internal/layout"
	"postern/policy"
)

// Seen is what was last seen of one file.
type Seen struct {
	Name    string
	Version Version
	Sum     *layout.Sum // of its bytes; nil if they were not read. It never changes.
	// Fresh: it was read so soon after its last change that a further change
	// might bear the same stamp. The next look reads it again.
	Fresh bool
}

// SumOfSet is the sum of a set of files that were read.
func SumOfSet(files []Seen) layout.Sum {
	return layout.SumOfFiles(func(yield func(string, layout.Sum) bool) {
		for _, f := range files {
			if !yield(f.Name, *f.Sum) {
				return
			}
		}
	})
}

// Content is what good files say. It is small, as there may be millions of
// bucket files.
type Content struct {
	Policies *index.Policies     // access-policies, a bucket file
	Warnings []policy.Diagnostic // about these files
	Sum      layout.Sum          // of a bucket file's bytes; of a set, SumOfSet
	More     *SetContent         // nil: that of a bucket file, or of no files
}

// SetContent is what is known of the good files of a set beyond content.
type SetContent struct {
	IAM    *index.IAM               // iam
	Access []*policy.AccessDocument // what iam was compiled from
	List   []string                 // buckets.json
	Files  []Seen                   // their names, in byte order, and sums
}

// Set is never nil.
func (c *Content) Set() *SetContent {
	if c.More == nil {
		return &SetContent{}
	}
	return c.More
}

// Statements counts those of the content; nil has none.
func (c *Content) Statements() int {
	switch {
	case c == nil:
	case c.Policies != nil:
		return c.Policies.Len()
	case c.Set().IAM != nil:
		return c.Set().IAM.Len()
	}
	return 0
}

// NoContent is that of no files.
var NoContent = Content{Sum: layout.SumOfNone}

// Fault is why a unit is quarantined.
type Fault struct {
	Since       time.Time
	Diagnostics []policy.Diagnostic
}

func (f *Fault) Same(diagnostics []policy.Diagnostic) bool {
	return f != nil && slices.Equal(f.Diagnostics, diagnostics)
}

// Unit is a set of files that stands or falls together.
type Unit struct {
	Seen []Seen // in byte order of names
	// Complete: seen is what the files were. False before the first look, and
	// after a fault that may go away without any file changing.
	Complete bool
	Known    bool // good is the last good content; false: never was any
	Good     Content
	Fault    *Fault
	Stray    []policy.Diagnostic // warnings about names beside the files
	There    bool                // it has a folder
}

// Bucket is the unit of one bucket file: a unit, small, as there may be
// millions. The seen name is the bucket's file name.
type Bucket struct {
	Seen     Seen
	Complete bool
	Known    bool
	Good     *Content // nil if known: there was no file
	Fault    *Fault
}

// Claims reports whether the unit makes its organization an owner: it does
// unless all that is good about it is that it was not there.
func (b *Bucket) Claims() bool { return b != nil && !b.Blank() }

// Blank reports whether the file is broken, and that it was not there is the
// last good content: "the first, broken policy of a bucket".
func (b *Bucket) Blank() bool { return b != nil && b.Known && b.Good == nil }

// Last is what looks at one organization have left: what was last seen of it, and
// what is good of that.
type Last struct {
	// Faulted: the folder itself was at fault at the last look.
	Faulted bool
	Units   [len(layout.Sets)]Unit
	Buckets map[string]*Bucket // by file name; what the last look saw, or the mirror has
	// BucketsFault is why buckets/ itself is at fault.
	BucketsFault *Fault
	Misplaced    map[string]policy.Diagnostic // by path: names without a place, warnings and errors
}

func (o *Last) Unit(p layout.Part) *Unit { return &o.Units[p] }
