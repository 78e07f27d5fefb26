package revision

import (
	"crypto/sha256"
	"maps"
	"slices"
)

// File is what a revision says of one file: its sum and its size in bytes.
type File struct {
	Sum  Sum   `json:"sha256"`
	Size int64 `json:"size"`
}

// leaves is the number of leaves of a digest (specification 3.4, Digest).
const leaves = 1 << 12

// Tree is a set of files by path, with its digest. The zero Tree has no files. It is not
// safe for concurrent use.
type Tree struct {
	files map[string]File
	paths [leaves][]string // of each leaf, in byte order
	sums  [leaves]Sum
	stale [leaves]bool
}

// NewTree returns a tree of these files.
func NewTree(files map[string]File) *Tree {
	t := &Tree{}
	for path, f := range files {
		t.put(path, f, true)
	}
	for i := range t.paths {
		slices.Sort(t.paths[i])
	}
	return t
}

// noFiles is the sum of a leaf without files.
var noFiles = SumOf(nil)

// leafOf returns the number of the leaf of a path.
func leafOf(path string) int {
	h := sha256.Sum256([]byte(path))
	return int(h[0])<<4 | int(h[1])>>4
}

func (t *Tree) put(path string, f File, unsorted bool) {
	if t.files == nil {
		t.files = map[string]File{}
	}
	leaf := leafOf(path)
	if _, is := t.files[path]; !is {
		if unsorted {
			t.paths[leaf] = append(t.paths[leaf], path)
		} else if i, found := slices.BinarySearch(t.paths[leaf], path); !found {
			t.paths[leaf] = slices.Insert(t.paths[leaf], i, path)
		}
	}
	t.files[path], t.stale[leaf] = f, true
}

// Set adds a file or replaces it.
func (t *Tree) Set(path string, f File) { t.put(path, f, false) }

// Remove removes a file, if it is there.
func (t *Tree) Remove(path string) {
	if _, is := t.files[path]; !is {
		return
	}
	leaf := leafOf(path)
	delete(t.files, path)
	if i, found := slices.BinarySearch(t.paths[leaf], path); found {
		t.paths[leaf] = slices.Delete(t.paths[leaf], i, i+1)
	}
	t.stale[leaf] = true
}

// Get returns the file of a path.
func (t *Tree) Get(path string) (File, bool) { f, ok := t.files[path]; return f, ok }

// Len returns the number of files.
func (t *Tree) Len() int { return len(t.files) }

// Paths returns the paths of all files, in byte order.
func (t *Tree) Paths() []string { return slices.Sorted(maps.Keys(t.files)) }

// Files returns a copy of the files.
func (t *Tree) Files() map[string]File { return maps.Clone(t.files) }

// Clone returns a tree of the same files.
func (t *Tree) Clone() *Tree {
	c := *t
	c.files = maps.Clone(t.files)
	for i := range c.paths {
		c.paths[i] = slices.Clone(c.paths[i])
	}
	return &c
}

// Digest returns the digest of the files, as specification 3.4 defines it. It hashes the
// leaves that changed.
func (t *Tree) Digest() Sum {
	var buf []byte
	all := make([]byte, 0, leaves*sha256.Size)
	for i := range t.paths {
		switch {
		case len(t.paths[i]) == 0:
			t.sums[i], t.stale[i] = noFiles, false
		case t.stale[i]:
			buf = buf[:0]
			for _, path := range t.paths[i] {
				sum := t.files[path].Sum
				buf = append(append(append(buf, path...), 0), sum[:]...)
			}
			t.sums[i], t.stale[i] = SumOf(buf), false
		}
		all = append(all, t.sums[i][:]...)
	}
	return SumOf(all)
}

// Difference returns the changes that make t of from, in byte order of paths.
func (t *Tree) Difference(from *Tree) (out []Change) {
	for path, f := range t.files {
		if old, is := from.files[path]; !is || old != f {
			out = append(out, Change{Path: path, File: f})
		}
	}
	for path := range from.files {
		if _, stays := t.files[path]; !stays {
			out = append(out, Change{Path: path, Removed: true})
		}
	}
	SortChanges(out)
	return out
}
