package mirror

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"postern/loader/internal/layout"
)

// Held is what is remembered of an organization's buckets/: names, not contents.
type Held struct {
	Known bool // files are all that there were
	// Files are what it held, and missed those of them that it misses; both
	// without content and in byte order of their names.
	Files, Missed []layout.File
}

const (
	// heldNames is the file of the mirror that lists what buckets/ held, while
	// that is at fault or misses policies.
	heldNames = "buckets.names"
	// missedNames is the file of the mirror that lists what buckets/ misses.
	missedNames = "buckets.missed"
	// leftName is a file of the mirror that an organization which vanished has.
	leftName = "vanished"
)

// Remembered is what the mirror knows of an organization's buckets/: what it
// held, and what it missed. Where the mirror may not say what was missed last,
// all that it has was, but for what is marked as removed.
func (s *Mirror) Remembered(org string) Held {
	listed, trusted := s.Listed(org)
	files := map[string]struct{}{}
	for _, name := range s.Buckets(org) {
		if !s.marks.removed(layout.Place{Org: org, Part: layout.Buckets, Name: name}) {
			files[name] = struct{}{}
		}
	}
	for _, f := range slices.Concat(listed.Files, listed.Missed) {
		files[f.Name] = struct{}{}
	}
	h := Held{Known: listed.Known, Files: NamesOf(files), Missed: listed.Missed}
	if !trusted {
		h.Missed = h.Files
	}
	return h
}

// Listed is what the mirror lists of an organization's buckets/. Not trusted: what
// it has of that is damaged, or out of date.
func (s *Mirror) Listed(org string) (h Held, trusted bool) {
	p := layout.Place{Org: org, Part: layout.Buckets}
	var err error
	h.Files, err = s.read(p)
	h.Known = err == nil
	b, err := os.ReadFile(filepath.Join(s.dir, org, missedNames))
	if err == nil {
		h.Missed, err = decode(p, b)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err != nil || !s.marks.trusts(p, h.Sum()) {
		return Held{}, false
	}
	return h, true
}

// Sum is the sum of what setHeld writes.
func (h Held) Sum() layout.Sum {
	p := layout.Place{Part: layout.Buckets}
	b := encode(p, h.Missed)
	if h.Known {
		b = append(b, encode(p, h.Files)...)
	}
	return layout.SumOf(b)
}

// setHeld lists the bucket files that an organization holds, if all are known,
// and those that it misses.
func (s *Mirror) setHeld(org string, h Held) error {
	p := layout.Place{Org: org, Part: layout.Buckets}
	var err error
	if h.Known {
		err = s.write(p, h.Files)
	} else {
		err = s.remove(p)
	}
	at := filepath.Join(s.dir, org, missedNames)
	if len(h.Missed) > 0 {
		return errors.Join(err, put(at, encode(p, h.Missed)))
	}
	if gone := os.Remove(at); !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// NamesOf are files without content, in byte order of their names.
func NamesOf[T any](of map[string]T) (out []layout.File) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		out = append(out, layout.File{Name: name})
	}
	return out
}

// leave removes what the mirror has of an organization that vanished, but for
// its bucket policies, which are remembered. Of these it spoils what was
// overtaken, before the marks that say so are cleared.
func (s *Mirror) leave(org string, h Held) error {
	var errs []error
	for _, name := range s.Buckets(org) {
		p := layout.Place{Org: org, Part: layout.Buckets, Name: name}
		if s.marks.removed(p) {
			errs = append(errs, s.remove(p))
		} else if _, err := s.LastGood(p); errors.Is(err, errBehind) {
			errs = append(errs, spoil(s.file(p)))
		}
	}
	for _, p := range layout.Sets {
		errs = append(errs, s.remove(layout.Place{Org: org, Part: p}))
	}
	return errors.Join(append(errs, s.setHeld(org, h), put(filepath.Join(s.dir, org, leftName), nil))...)
}

// Left reports whether all that the mirror has of an organization is what is
// remembered of it.
func (s *Mirror) Left(org string) bool {
	_, err := os.Lstat(filepath.Join(s.dir, org, leftName))
	return err == nil
}

// stays takes back that an organization vanished.
func (s *Mirror) stays(org string) { os.Remove(filepath.Join(s.dir, org, leftName)) }
