package apply

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"crypto/sha256"

	"postern/cmd/postern-sync/internal/revision"
)

// A Stray is a path of the directory that has not what the index says.
type Stray struct{ Path, What string }

// StrayError says that somebody else changed the directory.
type StrayError struct {
	Strays []Stray // the first ones
	Count  int
}

// mostStrays is how many paths a StrayError names.
const mostStrays = 10

func (e *StrayError) Error() string {
	var b strings.Builder
	for i, s := range e.Strays {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s %s", s.Path, s.What)
	}
	if e.Count > len(e.Strays) {
		fmt.Fprintf(&b, "; and %d more", e.Count-len(e.Strays))
	}
	return "the directory was changed by somebody else: " + b.String() + ". Nothing is applied; undo that, or start once with -adopt, which replaces or removes what no revision has"
}

func (e *StrayError) add(path, what string) {
	if e.Count++; len(e.Strays) < mostStrays {
		e.Strays = append(e.Strays, Stray{path, what})
	}
}

// stamp tells whether a file may have been written since it was read.
type stamp struct {
	size       int64
	mtime      time.Time
	ctime, ino uint64
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), mtime: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.ctime, s.ino = uint64(sys.Ctim.Nano()), sys.Ino
	}
	return s
}

// sumOf reads a file, which must be a plain one.
func (d *Directory) sumOf(name string) (revision.File, stamp, error) {
	info, err := d.root.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no plain file")
	}
	if err != nil {
		return revision.File{}, stamp{}, err
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return revision.File{}, stamp{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return revision.File{Sum: revision.Sum(h.Sum(nil)), Size: n}, stampOf(info), err
}

// unchanged returns a StrayError unless a path has what the index says, so that it may be
// replaced or removed.
func (d *Directory) unchanged(p string) error {
	e := new(StrayError)
	for _, folder := range parents(p) {
		if info, err := d.root.Lstat(folder); err == nil && !info.IsDir() {
			e.add(folder, "is no folder")
			return e
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	want, is := d.tree.Get(p)
	found, at, err := d.sumOf(p)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !is:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		e.add(p, "is gone")
	case err != nil:
		e.add(p, "cannot be read: "+err.Error())
	case !is:
		e.add(p, "is not from a revision")
	case found != want:
		e.add(p, "has another content than its revision")
	default:
		d.stamps[p] = at
		return nil
	}
	return e
}

// Check compares the whole directory with the index, and returns a StrayError if they
// differ. It reads the files that it has not read before, or that may have been
// written since.
func (d *Directory) Check() error {
	e := new(StrayError)
	seen, err := d.walk(func(p, what string) { e.add(p, what) })
	if err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(seen)) {
		want, is := d.tree.Get(p)
		if !is {
			e.add(p, "is not from a revision")
			continue
		}
		if d.stamps[p] == stampOf(seen[p]) {
			continue
		}
		found, at, err := d.sumOf(p)
		switch {
		case err != nil:
			e.add(p, "cannot be read: "+err.Error())
		case found != want:
			e.add(p, "has another content than its revision")
		default:
			d.stamps[p] = at
		}
	}
	if len(seen) < d.tree.Len() || e.Count > 0 {
		for _, p := range d.tree.Paths() {
			if _, is := seen[p]; !is {
				e.add(p, "is gone")
			}
		}
	}
	if e.Count > 0 {
		return e
	}
	return nil
}

// Adopt makes the index say what the directory has, so that the next Apply replaces or
// removes what is not the revision's. What is no plain file of the layout it cannot
// take over.
func (d *Directory) Adopt() error {
	e := new(StrayError)
	seen, err := d.walk(func(p, what string) { e.add(p, what) })
	if err != nil {
		return err
	}
	files := map[string]revision.File{}
	for p := range seen {
		f, at, err := d.sumOf(p)
		if err != nil {
			e.add(p, "cannot be read: "+err.Error())
			continue
		}
		files[p], d.stamps[p] = f, at
	}
	if e.Count > 0 {
		return fmt.Errorf("-adopt cannot take the directory over: %w", e)
	}
	d.tree = revision.NewTree(files)
	return d.writeIndex(d.position.ID)
}

// walk finds the plain files of the layout. It tells stray of whatever else the sidecar
// would read something through: links, files where folders belong, and folders of
// organizations and parts that have no file.
func (d *Directory) walk(stray func(path, what string)) (map[string]fs.FileInfo, error) {
	seen := map[string]fs.FileInfo{}
	list := func(name string) ([]fs.DirEntry, error) {
		f, err := d.root.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return f.ReadDir(-1)
	}
	file := func(p string, entry fs.DirEntry) error {
		if revision.CheckPath(p) != nil {
			return nil
		}
		info, err := entry.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			stray(p, "is no plain file")
		default:
			seen[p] = info
		}
		return nil
	}
	orgs, err := list(".")
	if err != nil {
		return nil, err
	}
	for _, org := range orgs {
		if !revision.IsOrganization(org.Name()) {
			continue
		}
		if !org.IsDir() {
			if org.Type()&fs.ModeSymlink != 0 {
				stray(org.Name(), "is a link")
			}
			continue
		}
		before := len(seen)
		parts, err := list(org.Name())
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			p := path.Join(org.Name(), part.Name())
			switch {
			case !revision.IsPart(part.Name()):
			case part.Name() == "buckets.json":
				err = file(p, part)
			case !part.IsDir():
				stray(p, "is no folder")
			default:
				var names []fs.DirEntry
				if names, err = list(p); err != nil {
					return nil, err
				}
				for _, name := range names {
					if err := file(path.Join(p, name.Name()), name); err != nil {
						return nil, err
					}
				}
			}
			if err != nil {
				return nil, err
			}
		}
		if len(seen) == before {
			stray(org.Name(), "is a folder without policies")
		}
	}
	return seen, nil
}

func sorted(names map[string]bool) []string { return slices.Sorted(maps.Keys(names)) }

// notEmpty reports whether a folder could not be removed as something is in it.
func notEmpty(err error) bool {
	return errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST)
}
