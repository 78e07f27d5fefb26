package directory

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// Source is the source.Source that is a policy directory (specification 4). It keeps
// where each folder was at the last look and which links lead there. What the last
// look saw of files is in the model of the loader.
type Source struct {
	path     string // it may be a link, and may be re-pointed
	maxFiles int
	workers  int // side by side
	rescan   time.Duration
	now      func() time.Time
	log      *slog.Logger
	Reader   tree.Reader

	at       tree.Spot            // the root at the last look
	spots    map[string]*spots    // by organization
	arriving map[string]tree.Spot // the folders of organizations that are arriving, at their last survey
	routes   routes
	watcher  *watcher
	scans    int // the number of calls of Scan, to see that one came in between

	Looks       atomic.Int64 // the number of names looked at
	reading     atomic.Int64 // the time spent reading in nanoseconds, of all workers together
	progressing sync.Mutex
}

// spots has where the folders of one organization were at the last look.
type spots struct {
	at      tree.Spot
	units   [len(layout.Sets)]tree.Spot
	buckets tree.Spot
}

// Config says where a policy directory is, and its bounds. All fields are required.
type Config struct {
	Path     string        // it may be a link
	MaxFile  int64         // the size of the largest file, in bytes
	MaxFiles int           // the number of all files
	Workers  int           // how many files are read and parsed in parallel
	Rescan   time.Duration // the interval between looks at everything, for messages
	Now      func() time.Time
	Log      *slog.Logger
}

// New returns the source. It does not look at the directory. The error says that the
// path is empty, or cannot be made absolute.
func New(c Config) (*Source, error) {
	path, err := filepath.Abs(c.Path)
	if c.Path == "" || err != nil {
		return nil, fmt.Errorf("no policy directory: %q", c.Path)
	}
	return &Source{path: path, maxFiles: c.MaxFiles, workers: c.Workers, rescan: c.Rescan, now: c.Now, log: c.Log,
		Reader: tree.Reader{MaxFile: c.MaxFile}, spots: map[string]*spots{}, arriving: map[string]tree.Spot{}, routes: newRoutes()}, nil
}

// Contains reports whether a folder is in the policy directory, or is the policy
// directory. In doubt, as where the folder does not exist, it is not.
func (d *Source) Contains(folder string) bool {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return false
	}
	root, _, err := tree.Find(d.path)
	if err != nil {
		return false
	}
	at, _, err := tree.Find(folder)
	if err != nil {
		return false
	}
	_, below := tree.Below(root.Real, at.Real)
	return below || at.Real == root.Real
}

// of returns where the folders of an organization were at the last look; never nil.
func (d *Source) of(org string) *spots {
	if o := d.spots[org]; o != nil {
		return o
	}
	return &spots{}
}

// versionOf returns the version of a file or folder with that stamp.
func versionOf(s tree.Stamp) source.Version {
	return source.Version{uint64(s.Size), uint64(s.Mtime), uint64(s.Ctime), s.Inode, s.Device}
}

// freshFor is the coarsest step that the clock of a file system may have.
const freshFor = 2 * time.Second

// freshAt reports whether a file read now may change further without its stamp
// changing.
func freshAt(s tree.Stamp, now time.Time) bool {
	return max(s.Mtime, s.Ctime) > now.Add(-freshFor).UnixNano()
}

// Forget implements source.Source.
func (d *Source) Forget(p layout.Place) { d.routes.drop(p) }

// Done implements source.Source.
func (d *Source) Done() (looks, reads, reading int64) {
	return d.Looks.Load(), d.Reader.Reads.Load(), d.reading.Load()
}

// spent adds the time since begin to the time spent reading.
func (d *Source) spent(begin time.Time) { d.reading.Add(int64(time.Since(begin))) }

// folder returns the real path of the folder of a unit's files at the last look.
func (d *Source) folder(p layout.Place) string {
	o := d.of(p.Org)
	switch p.Part {
	case layout.Buckets:
		return o.buckets.Real
	case layout.List:
		return o.at.Real
	}
	return o.units[p.Part].Real
}

// Files implements source.Source.
func (d *Source) Files(p layout.Place, names []string) []layout.File {
	root, err := os.OpenRoot(d.at.Real)
	if err != nil {
		return nil
	}
	defer root.Close()
	dir := d.folder(p)
	if p.Part != layout.Buckets && p.Part != layout.List {
		dir = tree.Look(d.at.Real, d.of(p.Org).at.Real, layout.PartNames[p.Part]).Real
	}
	var out []layout.File
	for _, name := range names {
		at := tree.Look(d.at.Real, dir, name)
		rel, ok := tree.Below(d.at.Real, at.Real)
		if at.Kind != tree.Regular || !ok {
			return nil
		}
		data, err := d.Reader.Read(root, rel, at)
		if err != nil {
			return nil
		}
		out = append(out, layout.File{Name: name, Data: data})
	}
	return out
}

// Differ implements source.Source.
func (d *Source) Differ(files []source.SeenFile, seen func(source.SeenFile) *source.Seen) (out []source.SeenFile, err error) {
	root, err := os.OpenRoot(d.at.Real)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, f := range files {
		if was := seen(f); was != nil && was.Sum != nil && !d.same(root, f, was) {
			out = append(out, f)
		}
	}
	return out, nil
}

// same reports whether a file has the version and the content that were seen.
func (d *Source) same(root *os.Root, f source.SeenFile, was *source.Seen) bool {
	at := tree.Look(d.at.Real, d.folder(f.Unit), f.Name)
	rel, ok := tree.Below(d.at.Real, at.Real)
	if !ok || at.Kind != tree.Regular || versionOf(at.Stamp) != was.Version {
		return false
	}
	data, err := d.Reader.Read(root, rel, at)
	return err == nil && layout.SumOf(data) == *was.Sum
}

// readProblem returns the error of a unit for a failed read.
func (d *Source) readProblem(path string, err error) policy.Diagnostic {
	if errors.Is(err, tree.ErrTooLarge) {
		return layout.Problem(path, "this file is larger than "+strconv.FormatInt(d.Reader.MaxFile, 10)+" bytes; raise -max-file, or move part of it into another file (of a bucket there is only one)")
	}
	return layout.Problem(path, "this file cannot be read: "+tree.Reason(err))
}

func (d *Source) tooMany(path string) policy.Diagnostic {
	return layout.Problem(path, "the policy directory holds more than "+strconv.Itoa(d.maxFiles)+" files; this one is past the bound")
}
