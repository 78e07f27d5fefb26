package source

import (
	"context"
	"errors"
	"iter"

	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/policy"
)

// Source is where policies come from: it finds what is not as it was at the last
// look, and says which changes are about what. Whether what it found is put in
// force, held back or missed is not its affair, and how it finds it nobody
// else's. loader/directory is the one that is a policy directory.
//
// Its methods are called by one goroutine at a time; what Watch starts may tell
// of changes at any moment.
type Source interface {
	// Scan looks at what the query asks for. ErrChanged asks for a look at
	// everything instead, as names moved together.
	Scan(ctx context.Context, q *Query) (*Found, error)
	// Here are the findings of a look at nothing but the source itself.
	Here() (*Found, error)
	// Took says that the findings are in the model now, without those that were
	// taken out of them since Scan returned them.
	Took(f *Found)
	// Forget says that nothing is known of a place any more.
	Forget(p layout.Place)

	// Gate tells whether anything may be published.
	Gate() Gate
	// Files reads files of one unit; nil if one cannot be read.
	Files(p layout.Place, names []string) []layout.File
	// Differ are those of the files that do not hold what was seen of them, or
	// cannot be read. seen is nil for those that there is nothing to compare with.
	Differ(files []SeenFile, seen func(SeenFile) *Seen) ([]SeenFile, error)

	// Watch tells whatever changes, until stop is called, which waits until nothing
	// is told any more.
	Watch(ctx context.Context, to Events) (stop func(), err error)
	// Lost says that what a change was about, as Watch told it, may be watched no
	// more.
	Lost(change string)
	// About puts into scope what a change is about.
	About(sc *Scope, change string)

	// Done are the names looked at and the files read since the start, and the
	// nanoseconds that reading took.
	Done() (looks, reads, reading int64)
}

// ErrChanged says that names moved together under a look, which is then repeated.
var ErrChanged = errors.New("it changed while it was looked at")

// Version identifies a state of a file, or of a folder, for its source alone: two
// equal ones mean the same content unless the file is fresh.
type Version [5]uint64

// Query is what one look is to look at, and what it has to know.
type Query struct {
	Scope   *Scope
	Last    bool         // nothing more is tried after it: what changes still is broken
	Inner   bool         // it is in the middle of another look
	Between func() error // called between pieces of work; nil: not at all

	// What is known. The source reads it and writes none of it; it changes
	// during a call of Between, and at no other time.
	Org    func(name string) *Last // nil: not in force
	Names  iter.Seq[string]        // of the organizations in force
	Files  int                     // in all
	Loaded bool                    // there was a first look

	// Rest reports whether an organization that was not there is taken though it
	// looks as surveyed, and Patient whether one that changes still may wait.
	Rest    func(org string, v Survey) bool
	Patient func(org string) bool

	Maker    Maker
	Keep     func(bytes int) bool  // whether a file's bytes are to be kept for the mirror
	Progress func(done, total int) // nil: nobody asks; a total of 0 is not known yet
}

// Events takes what a source has to tell of changes. It is safe from many
// goroutines.
type Events interface {
	// Change notes a change under a name that the source knows again; gone: a watch
	// may be lost with it; urgent: nothing is waited for.
	Change(name string, gone, urgent bool)
	// Everything asks for a look at everything, at once.
	Everything()
}

// SeenFile is one file, by the unit that it belongs to.
type SeenFile struct {
	Unit layout.Place
	Name string
}

// Parsed is one file of a unit, read and parsed.
type Parsed struct {
	Doc         *policy.Document
	Access      *policy.AccessDocument
	List        []string
	Diagnostics []policy.Diagnostic
}

// Maker makes content of bytes. It is safe from many goroutines.
type Maker interface {
	// Parse reads one file of a part. A bucket file's document is made in the
	// memory of parser, unless that is nil, and is good until that parses again.
	Parse(parser *policyjson.Parser, p layout.Part, path string, data []byte) Parsed
	// Compile makes content of the files of a unit, or says what is wrong with
	// them. It does not keep files.
	Compile(p layout.Part, org string, files []Parsed) (Content, []policy.Diagnostic)
}

// Survey is what an organization that is new looks like from outside.
type Survey struct {
	Sum   layout.Sum          // of all names in it and their versions
	Files map[string]struct{} // in buckets/
}

// Gate is what must be the same before and after a look.
type Gate struct {
	Unknown     bool    // the source itself cannot be found: the look fails for that
	Doubtful    bool    // whether a hold stands cannot be told
	Standing    bool    // a hold stands
	Hold        Version // of the hold
	Transaction bool    // it does not end by time
	Held        string  // identity and content of what the last transaction left; "" if nothing
}
