package loader

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

// leafCount is the number of leaves of the digest, by the first 12 bits of the
// SHA-256 of a file's path (specification 3.4, Digest).
const leafCount = 1 << 12

// digest is the digest of all files in force, kept leaf by leaf so that a
// change costs one leaf. The zero digest is that of no files.
type digest struct {
	leaves [leafCount]leaf
	whole  policy.Digest // as made last
	path   []byte        // scratch
}

// leaf is one leaf of the digest.
type leaf struct {
	files []leafFile // in byte order of their paths
	sum   layout.Sum
	made  bool // sum is that of files
}

// leafFile is one file in force. Its path is that of dir and its name.
type leafFile struct {
	dir  *dir
	name string // "" for a buckets.json, whose path dir has
	sum  *layout.Sum
}

// dir is what files of one part of an organization share: one is made for all
// of them, as there may be millions.
type dir struct {
	org  string
	path string // "acme/buckets/", "acme/buckets.json"
	part layout.Part
}

func newDir(org string, p layout.Part) *dir {
	d := &dir{org: org, path: layout.Place{Org: org, Part: p}.Path(), part: p}
	if p != layout.List {
		d.path += "/"
	}
	return d
}

// compare orders by path. The paths of two folders never begin with one another.
func (f leafFile) compare(o leafFile) int {
	if f.dir != o.dir {
		if c := strings.Compare(f.dir.path, o.dir.path); c != 0 {
			return c
		}
	}
	return strings.Compare(f.name, o.name)
}

// leafOf is the leaf that a path belongs to.
func leafOf(path []byte) int {
	h := sha256.Sum256(path)
	return int(h[0])<<4 | int(h[1])>>4
}

// set says that the file of that name is in force with the content that has
// the sum; nil: that it is not in force.
func (d *digest) set(at *dir, name string, s *layout.Sum) {
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

// setAll says that of a set of files these are in force now, in place of those
// that were. Both are in byte order of names.
func (d *digest) setAll(at *dir, was, now []source.Seen) {
	for _, f := range was {
		if _, stays := slices.BinarySearchFunc(now, f.Name, func(f source.Seen, name string) int { return cmp.Compare(f.Name, name) }); !stays {
			d.set(at, f.Name, nil)
		}
	}
	for _, f := range now {
		d.set(at, f.Name, f.Sum)
	}
}

// make brings the leaves up to date, some workers side by side, and returns the
// digest of the whole.
func (d *digest) make(workers int) policy.Digest {
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
	all := make([]byte, 0, leafCount*sha256.Size)
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
		buf = append(append(append(buf, f.dir.path...), f.name...), 0)
		buf = append(buf, f.sum[:]...)
	}
	l.sum, l.made = layout.SumOf(buf), true
	return buf
}
