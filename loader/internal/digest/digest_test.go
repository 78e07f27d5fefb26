package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"postern/loader/internal/layout"
	"postern/loader/source"
)

// naive is specification 3.4 to the letter: "SHA-256 over 4,096 leaf
// hashes; leaf i is SHA-256 over (path, NUL, SHA-256 of the content), in byte
// order of path, of the files whose SHA-256(path) begins with the 12 bits i".
func naive(files map[string]string) string {
	leaves := map[string][]string{} // by the 12 bits, as three digits
	for path := range files {
		at := sha256.Sum256([]byte(path))
		bits := hex.EncodeToString(at[:])[:3]
		leaves[bits] = append(leaves[bits], path)
	}
	var all []byte
	for i := range 4096 {
		h := sha256.New()
		paths := leaves[fmt.Sprintf("%03x", i)]
		slices.Sort(paths)
		for _, path := range paths {
			content := sha256.Sum256([]byte(files[path]))
			fmt.Fprintf(h, "%s\x00%s", path, content[:])
		}
		all = h.Sum(all)
	}
	whole := sha256.Sum256(all)
	return hex.EncodeToString(whole[:])
}

// TestDigestOfFiles sets files of every part, of organizations and with names that
// begin with one another, in a random order, and takes some away.
func TestDigestOfFiles(t *testing.T) {
	var d Digest
	files, of := map[string]string{}, map[string]leafFile{}
	for _, org := range []string{"o", "o1", "o-1"} {
		for p, part := range layout.PartNames {
			folder := NewFolder(org, layout.Part(p))
			for i, name := range []string{"a.json", "a-b.json", "a.b.json", "ab.json"} {
				path := org + "/" + part
				if layout.Part(p) != layout.List {
					path += "/" + name
				} else if name = layout.ListName; i > 0 {
					continue
				}
				files[path] = fmt.Sprint("content ", i)
				sum := layout.SumOf([]byte(files[path]))
				of[path] = leafFile{folder, name, &sum}
			}
		}
	}
	paths := slices.Collect(maps.Keys(files)) // in a random order
	for _, path := range paths {
		d.Set(of[path].folder, of[path].name, of[path].sum)
	}
	found := map[string]bool{}
	for leaf := range Leaves {
		for _, f := range d.FilesOf(leaf) {
			path := f.Path()
			if found[path] || LeafOf(path) != leaf || !strings.HasSuffix(path, f.Name) {
				t.Errorf("leaf %d has %+v", leaf, f)
			}
			found[path] = true
		}
	}
	if len(found) != len(files) {
		t.Errorf("%d files are in force, want %d", len(found), len(files))
	}
	for _, path := range append(paths, "") {
		if got, want := d.Sum(3).String(), naive(files); got != want {
			t.Fatalf("digest %s, want %s of %d files", got, want, len(files))
		}
		if path != "" {
			d.Set(of[path].folder, of[path].name, nil)
			delete(files, path)
		}
	}
}

// A set that takes the place of another: what both have stays, with the sum that
// it has now.
func TestSetAll(t *testing.T) {
	seen := func(files map[string]string) (out []source.Seen) {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			sum := layout.SumOf([]byte(files[name]))
			out = append(out, source.Seen{Name: name, Sum: &sum})
		}
		return out
	}
	var d Digest
	at := NewFolder("o1", layout.Policies)
	var was []source.Seen
	for _, files := range []map[string]string{{"a": "1", "b": "2"}, {"b": "2", "c": "3"}, {"b": "4", "a": "1"}, {}} {
		now, want := seen(files), map[string]string{}
		for name, content := range files {
			want["o1/access-policies/"+name] = content
		}
		d.SetAll(at, was, now)
		if got := d.Sum(1).String(); got != naive(want) {
			t.Errorf("the digest of %v is another", files)
		}
		was = now
	}
}

// "A change costs one leaf."
func TestDigestCostsOneLeaf(t *testing.T) {
	var d Digest
	files := map[string]string{}
	at := NewFolder("o1", layout.Buckets)
	put := func(i int, content string) {
		name, s := fmt.Sprintf("b%d.json", i), layout.SumOf([]byte(content))
		files["o1/buckets/"+name] = content
		d.Set(at, name, &s)
	}
	for i := range 3000 {
		put(i, fmt.Sprint(i))
	}
	check := func(leaves int) {
		t.Helper()
		n := 0
		for i := range d.leaves {
			if !d.leaves[i].made {
				n++
			}
		}
		if n != leaves {
			t.Errorf("%d leaves are made anew, want %d", n, leaves)
		}
		if got, want := d.Sum(2).String(), naive(files); got != want {
			t.Errorf("digest %s, want %s", got, want)
		}
	}
	check(Leaves)
	put(17, "other")
	check(1)
	put(17, "other")
	check(0)
	d.Set(at, "b18.json", nil)
	delete(files, "o1/buckets/b18.json")
	d.Set(at, "never.json", nil)
	check(1)
}
