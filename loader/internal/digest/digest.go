package digest

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// Leaves is the number of leaves of a digest. The number of a file's leaf is the first
// 12 bits of the SHA-256 of its path (specification 3.4, Digest).
const Leaves = 1 << 12

// Digest is the digest of a set of files. The zero Digest has no files. It is not safe
// for concurrent use.
type Digest struct {
	leaves [Leaves]leaf
	whole  policy.Digest // as made last
	path   []byte        // scratch
}

// leaf is one leaf of the digest.
type leaf struct {
	files []leafFile // in byte order of their paths
	sum   layout.Sum
	made  bool // sum is that of files
}

// leafFile is one file in force. Its path is that of its folder and its name.
type leafFile struct {
	folder *Folder
	name   string // "" for a buckets.json, whose path the folder has
	sum    *layout.Sum
}

// Folder is what the files of one part of an organization share. One is made for
// all of them, as there may be millions. It never changes.
type Folder struct {
	org  string
	path string // "acme/buckets/", "acme/buckets.json"
	part layout.Part
}

// NewFolder returns the Folder for the files of a part, which is Buckets or one of
// layout.Sets.
func NewFolder(org string, p layout.Part) *Folder {
	d := &Folder{org: org, path: layout.Place{Org: org, Part: p}.Path(), part: p}
	if p != layout.List {
		d.path += "/"
	}
	return d
}

// compare orders by path. The paths of two folders never begin with one another.
func (f leafFile) compare(o leafFile) int {
	if f.folder != o.folder {
		if c := strings.Compare(f.folder.path, o.folder.path); c != 0 {
			return c
		}
	}
	return strings.Compare(f.name, o.name)
}

// seen is the file by its unit.
func (f leafFile) seen() source.SeenFile {
	x := source.SeenFile{Unit: layout.Place{Org: f.folder.org, Part: f.folder.part}, Name: f.name}
	switch f.folder.part {
	case layout.Buckets:
		x.Unit.Name = f.name
	case layout.List:
		x.Name = layout.ListName
	}
	return x
}

// LeafOf returns the number of the leaf of the file with that path.
func LeafOf(path string) int { return leafOf([]byte(path)) }

func leafOf(path []byte) int {
	h := sha256.Sum256(path)
	return int(h[0])<<4 | int(h[1])>>4
}

// FilesOf returns the files of one leaf.
func (d *Digest) FilesOf(leaf int) []source.SeenFile {
	out := make([]source.SeenFile, len(d.leaves[leaf].files))
	for i, f := range d.leaves[leaf].files {
		out[i] = f.seen()
	}
	return out
}

// Set adds the file of that name, or replaces its sum; with nil it removes the file. It
// keeps s, which must not change.
func (d *Digest) Set(at *Folder, name string, s *layout.Sum) {
	if at.part == layout.List {
		name = ""
	}
	d.path = append(append(d.path[:0], at.path...), name...)
	l := &d.leaves[leafOf(d.path)]
	f := leafFile{at, name, s}
	i, found := slices.BinarySearchFunc(l.files, f, leafFile.compare)
	switch {
	case found && s == nil:
		l.files = slices.Delete(l.files, i, i+1)
	case found:
		if *l.files[i].sum == *s {
			l.files[i] = f // the text and sum of what is in force, and no older ones
			return
		}
		l.files[i] = f
	case s == nil:
		return
	default:
		l.files = slices.Insert(l.files, i, f)
	}
	l.made = false
}

// SetAll replaces the files was of a set with the files now. Both are in byte order of
// names and have sums.
func (d *Digest) SetAll(at *Folder, was, now []source.Seen) {
	for _, f := range was {
		if _, stays := slices.BinarySearchFunc(now, f.Name, func(f source.Seen, name string) int { return cmp.Compare(f.Name, name) }); !stays {
			d.Set(at, f.Name, nil)
		}
	}
	for _, f := range now {
		d.Set(at, f.Name, f.Sum)
	}
}

// Sum returns the digest. It hashes the leaves that changed, by several workers in
// parallel.
func (d *Digest) Sum(workers int) policy.Digest {
	var stale []*leaf
	for i := range d.leaves {
		if !d.leaves[i].made {
			stale = append(stale, &d.leaves[i])
		}
	}
	if stale == nil {
		return d.whole
	}
	var g errgroup.Group
	for some := range slices.Chunk(stale, max(len(stale)/max(workers, 1)+1, 64)) {
		g.Go(func() error {
			var buf []byte
			for _, l := range some {
				buf = l.make(buf)
			}
			return nil
		})
	}
	g.Wait()
	all := make([]byte, 0, Leaves*sha256.Size)
	for i := range d.leaves {
		all = append(all, d.leaves[i].sum[:]...)
	}
	d.whole = sha256.Sum256(all)
	return d.whole
}

// make computes the sum of one leaf in buf, which it returns for the next.
func (l *leaf) make(buf []byte) []byte {
	buf = buf[:0]
	for _, f := range l.files {
		buf = append(append(append(buf, f.folder.path...), f.name...), 0)
		buf = append(buf, f.sum[:]...)
	}
	l.sum, l.made = layout.SumOf(buf), true
	return buf
}
