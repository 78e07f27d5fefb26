package loader

import (
	"postern/index"
	"postern/loader/internal/layout"
	"postern/policy"
	"slices"
	"time"
)

// file is what was last seen of one file.
type file struct {
	name    string
	version version
	sum     *layout.Sum // of its bytes; nil if they were not read. It never changes.
	// fresh: it was read so soon after its last change that a further change
	// might bear the same stamp. The next look reads it again.
	fresh bool
}

// sumOfSet is the sum of a set of files that were read.
func sumOfSet(files []file) layout.Sum {
	return layout.SumOfFiles(func(yield func(string, layout.Sum) bool) {
		for _, f := range files {
			if !yield(f.name, *f.sum) {
				return
			}
		}
	})
}

// content is what good files say. It is small, as there may be millions of
// bucket files.
type content struct {
	policies *index.Policies     // access-policies, a bucket file
	warnings []policy.Diagnostic // about these files
	sum      layout.Sum          // of a bucket file's bytes; of a set, sumOfSet
	more     *setContent         // nil: that of a bucket file, or of no files
}

// setContent is what is known of the good files of a set beyond content.
type setContent struct {
	iam    *index.IAM               // iam
	access []*policy.AccessDocument // what iam was compiled from
	list   []string                 // buckets.json
	files  []file                   // their names, in byte order, and sums
}

// set is never nil.
func (c *content) set() *setContent {
	if c.more == nil {
		return &setContent{}
	}
	return c.more
}

var noContent = content{sum: layout.SumOfNone}

// fault is why a unit is quarantined.
type fault struct {
	since       time.Time
	diagnostics []policy.Diagnostic
}

func (f *fault) same(diagnostics []policy.Diagnostic) bool {
	return f != nil && slices.Equal(f.diagnostics, diagnostics)
}

// unit is a set of files that stands or falls together.
type unit struct {
	seen []file // in byte order of names
	// sure: seen is what the files were. False before the first look, and
	// after a fault that may go away without any file changing.
	sure  bool
	known bool // good is the last good content; false: never was any
	good  content
	fault *fault
	stray []policy.Diagnostic // warnings about names beside the files
	there bool                // it has a folder
}

// bucket is the unit of one bucket file: a unit, small, as there may be
// millions. The seen name is the bucket's file name.
type bucket struct {
	seen  file
	sure  bool
	known bool
	good  *content // nil if known: there was no file
	fault *fault
}

// claims reports whether the unit makes its organization an owner: it does
// unless all that is good about it is that it was not there.
func (b *bucket) claims() bool { return b != nil && !b.blank() }

// blank reports whether the file is broken, and that it was not there is the
// last good content: "the first, broken policy of a bucket".
func (b *bucket) blank() bool { return b != nil && b.known && b.good == nil }

// last is what looks at one organization have left: what was last seen of it, and
// what is good of that.
type last struct {
	// faulted: the folder itself was at fault at the last look.
	faulted bool
	units   [len(layout.Sets)]unit
	buckets map[string]*bucket // by file name; what the last look saw, or the mirror has
	// bucketsFault is why buckets/ itself is at fault.
	bucketsFault *fault
	odd          map[string]policy.Diagnostic // by path: names without a place, warnings and errors
}

func (o *last) unit(p layout.Part) *unit { return &o.units[p] }
