package source

import (
	"slices"
	"time"

	"postern/index"
	"postern/loader/internal/layout"
	"postern/policy"
)

// Seen is what the last look saw of one file.
type Seen struct {
	Name    string
	Version Version
	// Sum is the sum of the file's bytes, nil if they could not be read. What it
	// points to never changes.
	Sum *layout.Sum
	// Fresh says that the file was read so soon after its last change that a further
	// change might have the same Version. The next look reads it again.
	Fresh bool
}

// SumOfSet returns the sum of a set of files that all have been read.
func SumOfSet(files []Seen) layout.Sum {
	return layout.SumOfFiles(func(yield func(string, layout.Sum) bool) {
		for _, f := range files {
			if !yield(f.Name, *f.Sum) {
				return
			}
		}
	})
}

// Content is what the good files of a unit say. It is small because there may be
// millions of bucket files.
type Content struct {
	Policies *index.Policies     // of access-policies/, or of a bucket file
	Warnings []policy.Diagnostic // about the files
	Sum      layout.Sum          // of a bucket file, of its bytes; of a set, SumOfSet
	More     *SetContent         // nil for a bucket file, and where there are no files
}

// SetContent is the part of Content that only a set of files has.
type SetContent struct {
	IAM    *index.IAM               // of iam/
	Access []*policy.AccessDocument // the documents that IAM was compiled from
	List   []string                 // the buckets of buckets.json
	Files  []Seen                   // the names of the files, in byte order, with their sums
}

// Set returns More, or an empty SetContent in its place; never nil.
func (c *Content) Set() *SetContent {
	if c.More == nil {
		return &SetContent{}
	}
	return c.More
}

// Statements returns the number of statements; 0 if c is nil.
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

// NoContent is the content of a unit without files.
var NoContent = Content{Sum: layout.SumOfNone}

// Fault says why a unit is quarantined.
type Fault struct {
	Since       time.Time
	Diagnostics []policy.Diagnostic
}

// Same reports whether f is a fault with these diagnostics. f may be nil.
func (f *Fault) Same(diagnostics []policy.Diagnostic) bool {
	return f != nil && slices.Equal(f.Diagnostics, diagnostics)
}

// Unit is the state of a set of files that stands or falls together.
type Unit struct {
	Seen []Seen // in byte order of names
	// Complete says that Seen has the version and sum of every file, so that a file
	// with an equal version has not changed. It is false before the first look, and
	// after a fault that may go away without any file changing.
	Complete bool
	// Known says that Good is the last good content. If it is false there never was
	// any.
	Known bool
	Good  Content
	Fault *Fault              // nil if the unit is not quarantined
	Stray []policy.Diagnostic // warnings about names beside the files
	There bool                // the unit has a folder
}

// Bucket is the state of the unit of one bucket file. It is small because there
// may be millions.
type Bucket struct {
	Seen     Seen
	Complete bool     // as in Unit
	Known    bool     // as in Unit
	Good     *Content // nil while Known is true: the last good content is that there was no file
	Fault    *Fault
}

// Claims reports whether the file makes its organization a claimant of the bucket.
// It does, unless it is blank.
func (b *Bucket) Claims() bool { return b != nil && !b.Blank() }

// Blank reports whether the file is broken and the last good content is that there
// was no file: "the first, broken policy of a bucket" (specification 4, Units).
func (b *Bucket) Blank() bool { return b != nil && b.Known && b.Good == nil }

// Last is the state of one organization as the last looks left it.
type Last struct {
	// Faulted says that the folder itself was at fault at the last look.
	Faulted bool
	Units   [len(layout.Sets)]Unit
	Buckets map[string]*Bucket // by file name; what the last look saw, or what the mirror has
	// BucketsFault says what is wrong with buckets/ itself, nil if nothing is.
	BucketsFault *Fault
	// Misplaced has, by path, the names that have no place in the layout: warnings
	// and errors.
	Misplaced map[string]policy.Diagnostic
}

// Unit returns the unit of a part of layout.Sets.
func (o *Last) Unit(p layout.Part) *Unit { return &o.Units[p] }
