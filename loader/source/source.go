package source

import (
	"context"
	"errors"
	"iter"

	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/policy"
)

// Source is where policies come from. It finds what changed since the last look
// and tells which changes are about what. The loader alone decides whether what a
// source found is put in force, waits or is missed. loader/directory is the source
// that is a policy directory.
//
// The loader calls its methods from one goroutine at a time. Watch reports changes
// from a goroutine of the source.
type Source interface {
	// Scan looks at what the query names. The error is ErrChanged if names moved
	// together under the look; the loader then looks at everything. Any other error
	// means that the source itself cannot be read.
	Scan(ctx context.Context, q *Query) (*Found, error)
	// Here looks at the source itself and at nothing in it.
	Here() (*Found, error)
	// Took tells the source that the loader has put the findings into its model,
	// without what it took out of them since Scan returned them.
	Took(f *Found)
	// Forget tells the source that the loader has nothing of a place any more.
	Forget(p layout.Place)

	// Gate looks whether anything may be published.
	Gate() Gate
	// Files reads files of one unit. It returns nil if one cannot be read.
	Files(p layout.Place, names []string) []layout.File
	// Differ returns the files whose content is not the one that was seen, and those
	// that cannot be read. It passes over files of which seen returns nil.
	Differ(files []SeenFile, seen func(SeenFile) *Seen) ([]SeenFile, error)

	// Watch reports changes until stop is called, which returns once nothing is
	// reported any more. On an error nothing is watched.
	Watch(ctx context.Context, to Events) (stop func(), err error)
	// Lost tells the source that its watch on what a change was about may be lost.
	// change is a name that Watch reported.
	Lost(change string)
	// About adds to the scope what a change is about. change is a name that Watch
	// reported.
	About(sc *Scope, change string)

	// Done returns the number of names looked at and of files read since the start,
	// and the time spent reading in nanoseconds.
	Done() (looks, reads, reading int64)
}

// ErrChanged says that names moved together while a look was under way. The look
// does not count and is repeated.
var ErrChanged = errors.New("it changed while it was looked at")

// Version identifies one state of a file or of a folder. Only its source can
// interpret it. Two equal versions of a file mean equal content, unless the file
// is fresh (Seen.Fresh).
type Version [5]uint64

// Query says what one look is about, and what the source needs to know for it.
type Query struct {
	Scope   *Scope
	Last    bool         // the last attempt: what still changes counts as broken
	Inner   bool         // the look is in the middle of another one
	Between func() error // called between pieces of work; nil if nothing is to be called

	// What the last looks left. The source must not modify it. It may change during
	// a call of Between, and at no other time.
	Org    func(name string) *Last // nil for an organization that is not in force
	Names  iter.Seq[string]        // of the organizations in force
	Files  int                     // the number of all files
	Loaded bool                    // a first look was published

	// Rest reports whether a new organization that looks as surveyed is at rest, so
	// that it is taken. Patient reports whether one that still changes may wait.
	Rest    func(org string, v Survey) bool
	Patient func(org string) bool

	Maker    Maker
	Keep     func(bytes int) bool  // whether to keep the bytes of a file of this size for the mirror
	Progress func(done, total int) // nil if nobody asks; total is 0 while it is not known
}

// Events receives the changes that a source reports. It is safe for concurrent
// use.
type Events interface {
	// Change reports a change. name means something to the source only. gone says
	// that a watch may be lost with it, urgent that its look must not wait.
	Change(name string, gone, urgent bool)
	// Everything asks for a look at everything, at once.
	Everything()
}

// SeenFile names one file and the unit that it belongs to.
type SeenFile struct {
	Unit layout.Place
	Name string
}

// Path returns the path of the file.
func (f SeenFile) Path() string {
	if f.Unit.Part < layout.List {
		return f.Unit.Path() + "/" + f.Name
	}
	return f.Unit.Path()
}

// Parsed is one file of a unit, parsed. At most one of Doc, Access and List is
// set, by the part that the file belongs to.
type Parsed struct {
	Doc         *policy.Document
	Access      *policy.AccessDocument
	List        []string
	Diagnostics []policy.Diagnostic
}

// Maker turns bytes into Content. It is safe for concurrent use.
type Maker interface {
	// Parse parses one file of a part. If parser is not nil, the document of a
	// bucket file is made in its memory and is valid until it parses again.
	Parse(parser *policyjson.Parser, p layout.Part, path string, data []byte) Parsed
	// Compile compiles the files of a unit, or returns what is wrong with them. It
	// does not keep files.
	Compile(p layout.Part, org string, files []Parsed) (Content, []policy.Diagnostic)
}

// Survey describes an organization that appeared, without its content.
type Survey struct {
	Sum   layout.Sum          // of all names in its folder and their versions
	Files map[string]struct{} // the names in buckets/
}

// Gate is what must be the same before and after a look (specification 4, One
// generation).
type Gate struct {
	Unknown     bool    // the source itself cannot be found, for which the look fails
	Doubtful    bool    // it cannot be told whether a hold stands
	Standing    bool    // a hold stands
	Hold        Version // of the hold
	Transaction bool    // the hold does not end by time
	Held        string  // identity and content of .held, which the last transaction left; "" if there is none
	Ended       bool    // .held is what a transaction was
}
