package loader

import (
	"context"
	"errors"
	"iter"

	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/policy"
)

// source is where policies come from: it finds what is not as it was at the last
// look, and says which changes are about what. Whether what it found is put in
// force, held back or missed is not its affair, and how it finds it nobody
// else's. directory is the one that is a policy directory.
//
// Its methods are called by whoever holds Loader.mu, but for what watch starts.
type source interface {
	// scan looks at what the query asks for. errChanged asks for a look at
	// everything instead, as names moved together.
	scan(ctx context.Context, q *query) (*found, error)
	// here are the findings of a look at nothing but the source itself.
	here() (*found, error)
	// took says that the findings are in the model now, without those that were
	// taken out of them since scan returned them.
	took(f *found)
	// forget says that nothing is known of a place any more.
	forget(p layout.Place)

	// gate tells whether anything may be published.
	gate() gate
	// files reads files of one unit; nil if one cannot be read.
	files(p layout.Place, names []string) []layout.File
	// differ are those of the files that do not hold what was seen of them, or
	// cannot be read. seen is nil for those that there is nothing to compare with.
	differ(files []seenFile, seen func(seenFile) *file) ([]seenFile, error)

	// watch tells whatever changes, until stop is called.
	watch(ctx context.Context, to events) (stop func(), err error)
	// lost says that what a change was about, as watch told it, may be watched no
	// more.
	lost(change string)
	// about puts into scope what a change is about.
	about(sc *scope, change string)

	// done are the names looked at and the files read since the start, and the
	// nanoseconds that reading took.
	done() (looks, reads, reading int64)
}

// errChanged says that names moved together under a look, which is then repeated.
var errChanged = errors.New("it changed while it was looked at")

// version identifies a state of a file, or of a folder, for its source alone: two
// equal ones mean the same content unless the file is fresh.
type version [5]uint64

// query is what one look is to look at, and what it has to know.
type query struct {
	scope   *scope
	last    bool         // nothing more is tried after it: what changes still is broken
	inner   bool         // it is in the middle of another look
	between func() error // called between pieces of work; nil: not at all

	// What is known. The source reads it, between calls of between alone does
	// it change, and it writes none of it.
	org    func(name string) *last // nil: not in force
	names  iter.Seq[string]        // of the organizations in force
	files  int                     // in all
	loaded bool                    // there was a first look

	// rest reports whether an organization that was not there is taken though it
	// looks as surveyed, and patient whether one that changes still may wait.
	rest    func(org string, v survey) bool
	patient func(org string) bool

	maker    maker
	keep     func(bytes int) bool  // whether a file's bytes are to be kept for the mirror
	progress func(done, total int) // nil: nobody asks; a total of 0 is not known yet
}

// events takes what a source has to tell of changes. It is safe from many
// goroutines.
type events interface {
	// change notes a change under a name that the source knows again; gone: a watch
	// may be lost with it; urgent: nothing is waited for.
	change(name string, gone, urgent bool)
	// everything asks for a look at everything, at once.
	everything()
}

// seenFile is one file, by the unit that it belongs to.
type seenFile struct {
	unit layout.Place
	name string
}

// parsed is one file of a unit, read and parsed.
type parsed struct {
	doc         *policy.Document
	access      *policy.AccessDocument
	list        []string
	diagnostics []policy.Diagnostic
}

// maker makes content of bytes. It is safe from many goroutines.
type maker interface {
	parse(parser *policyjson.Parser, p layout.Part, path string, data []byte) parsed
	compile(p layout.Part, org string, files []parsed) (content, []policy.Diagnostic)
}

// survey is what an organization that is new looks like from outside.
type survey struct {
	sum   layout.Sum          // of all names in it and their versions
	files map[string]struct{} // in buckets/
}

// gate is what must be the same before and after a look.
type gate struct {
	unknown     bool    // the source itself cannot be found: the look fails for that
	doubtful    bool    // whether a hold stands cannot be told
	standing    bool    // a hold stands
	hold        version // of the hold
	transaction bool    // it does not end by time
	held        string  // identity and content of what the last transaction left; "" if nothing
}
