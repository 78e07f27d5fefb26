package loader

import (
	"errors"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/policy"
)

// directory is the source that is a policy directory (specification 4). It
// remembers where each folder lay at the last look, and what leads there; what
// was seen of files it reads in the model, by their versions.
type directory struct {
	path     string // it may be a link, and may be re-pointed
	maxFiles int
	workers  int // side by side
	rescan   time.Duration
	now      func() time.Time
	log      *slog.Logger
	reader   tree.Reader

	at       tree.Spot // of the root
	spots    map[string]*spots
	arriving map[string]tree.Spot // the folders of organizations that are arriving, as last surveyed
	routes   routes
	watcher  *watcher

	looks       atomic.Int64 // names looked at
	reading     atomic.Int64 // nanoseconds, of all workers together
	progressing sync.Mutex
}

// spots are where the folders of one organization lay at the last look.
type spots struct {
	at      tree.Spot
	units   [len(layout.Sets)]tree.Spot
	buckets tree.Spot
}

// directoryConfig says where a policy directory is, and its bounds.
type directoryConfig struct {
	path     string // absolute
	maxFile  int64  // bytes in a file
	maxFiles int
	workers  int           // files read and parsed side by side
	rescan   time.Duration // from one look at everything to the next, for messages
	now      func() time.Time
	log      *slog.Logger
}

func newDirectory(c directoryConfig) *directory {
	return &directory{path: c.path, maxFiles: c.maxFiles, workers: c.workers, rescan: c.rescan, now: c.now, log: c.log,
		reader: tree.Reader{MaxFile: c.maxFile}, spots: map[string]*spots{}, arriving: map[string]tree.Spot{}, routes: newRoutes()}
}

// of is never nil.
func (d *directory) of(org string) *spots {
	if o := d.spots[org]; o != nil {
		return o
	}
	return &spots{}
}

// versionOf is the version of a file or folder of which that is the stamp.
func versionOf(s tree.Stamp) version {
	return version{uint64(s.Size), uint64(s.Mtime), uint64(s.Ctime), s.Inode, s.Device}
}

// freshFor is the coarsest step of a file system's clock that is allowed for.
const freshFor = 2 * time.Second

func freshAt(s tree.Stamp, now time.Time) bool {
	return max(s.Mtime, s.Ctime) > now.Add(-freshFor).UnixNano()
}

// took is a source's.
func (d *directory) took(f *found) {
	t, ok := f.trace.(*trace)
	if !ok {
		return
	}
	d.at = t.root
	d.routes.set(layout.Place{Part: layout.Root}, []string{t.root.Real}, t.through)
	for _, of := range f.orgs {
		d.tookOrganization(of)
	}
	for p, through := range t.links {
		if touched := f.touched; touched != nil && touched.orgs[p.Org] != nil {
			continue // a look in between knows better
		}
		if p.Part == layout.Folder && p.Name == "" && d.spots[p.Org] != nil {
			continue
		}
		d.routes.set(p, nil, through)
	}
	for name := range d.arriving {
		if _, looked := f.odd[name]; f.all || looked {
			delete(d.arriving, name)
		}
	}
	for name := range f.surveys {
		d.arriving[name] = t.surveys[name]
	}
	if d.watcher != nil && f.all {
		wanted := map[string]struct{}{}
		d.routes.folders(func(dir string) { wanted[dir] = struct{}{} })
		d.watcher.keep(wanted)
	}
}

func (d *directory) tookOrganization(f *orgFinding) {
	if f.gone {
		delete(d.spots, f.name)
		return
	}
	o := d.spots[f.name]
	if o == nil {
		o = &spots{}
		d.spots[f.name] = o
	}
	o.at = spotOf(f.trace)
	if f.whole {
		d.routes.set(layout.Place{Org: f.name, Part: layout.Folder}, o.at.Folder(), o.at.Through)
	}
	if f.fault != nil {
		for _, p := range layout.Sets {
			o.units[p] = tree.Spot{}
			d.routes.drop(layout.Place{Org: f.name, Part: p})
		}
		return
	}
	for p, x := range f.units {
		if x == nil {
			continue
		}
		t, ok := x.trace.(*setTrace)
		if !ok {
			t = &setTrace{}
		}
		o.units[p] = t.at
		d.routes.set(layout.Place{Org: f.name, Part: layout.Part(p)}, t.at.Folder(), slices.Concat(t.at.Through, t.through))
	}
	b := f.buckets
	if b == nil {
		return
	}
	o.buckets = spotOf(b.trace)
	d.routes.set(layout.Place{Org: f.name, Part: layout.Buckets}, o.buckets.Folder(), o.buckets.Through)
	if b.fault != nil {
		return
	}
	for i := range b.found {
		if x := &b.found[i]; !x.gone {
			through, _ := x.trace.([]string)
			d.routes.set(layout.Place{Org: f.name, Part: layout.Buckets, Name: x.name}, nil, through)
		}
	}
}

// forget is a source's.
func (d *directory) forget(p layout.Place) { d.routes.drop(p) }

// done is a source's.
func (d *directory) done() (looks, reads, reading int64) {
	return d.looks.Load(), d.reader.Reads.Load(), d.reading.Load()
}

// spent adds the time since begin to that of reading.
func (d *directory) spent(begin time.Time) { d.reading.Add(int64(time.Since(begin))) }

// folder is where the files of a unit lay at the last look.
func (d *directory) folder(p layout.Place) string {
	o := d.of(p.Org)
	switch p.Part {
	case layout.Buckets:
		return o.buckets.Real
	case layout.List:
		return o.at.Real
	}
	return o.units[p.Part].Real
}

// files is a source's.
func (d *directory) files(p layout.Place, names []string) []layout.File {
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
		data, err := d.reader.Read(root, rel, at)
		if err != nil {
			return nil
		}
		out = append(out, layout.File{Name: name, Data: data})
	}
	return out
}

// differ is a source's.
func (d *directory) differ(files []seenFile, seen func(seenFile) *file) (out []seenFile, err error) {
	root, err := os.OpenRoot(d.at.Real)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, f := range files {
		if was := seen(f); was != nil && was.sum != nil && !d.same(root, f, was) {
			out = append(out, f)
		}
	}
	return out, nil
}

// same reports whether a file holds what was seen of it.
func (d *directory) same(root *os.Root, f seenFile, was *file) bool {
	at := tree.Look(d.at.Real, d.folder(f.unit), f.name)
	rel, ok := tree.Below(d.at.Real, at.Real)
	if !ok || at.Kind != tree.Regular || versionOf(at.Stamp) != was.version {
		return false
	}
	data, err := d.reader.Read(root, rel, at)
	return err == nil && layout.SumOf(data) == *was.sum
}

// readProblem is what a failed read means to a user.
func (d *directory) readProblem(path string, err error) policy.Diagnostic {
	if errors.Is(err, tree.ErrTooLarge) {
		return layout.Problem(path, "this file is larger than "+strconv.FormatInt(d.reader.MaxFile, 10)+" bytes; raise -max-file, or move part of it into another file (of a bucket there is only one)")
	}
	return layout.Problem(path, "this file cannot be read: "+tree.Reason(err))
}

func (d *directory) tooMany(path string) policy.Diagnostic {
	return layout.Problem(path, "the policy directory holds more than "+strconv.Itoa(d.maxFiles)+" files; this one is past the bound")
}
