package mirror

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"postern/loader/internal/layout"
)

// Held has the names of the bucket files that an organization's buckets/ held.
type Held struct {
	Known bool // Files are all that there were
	// Files are the bucket files that it held, and Missed those of them that are
	// missed. Both are in byte order of names and have no content.
	Files, Missed []layout.File
}

const (
	// heldNames lists the bucket files that buckets/ held. It is there while buckets/
	// is at fault or misses files.
	heldNames = "buckets.names"
	// missedNames lists the bucket files that buckets/ misses.
	missedNames = "buckets.missed"
	// leftName is a file that an organization has which vanished.
	leftName = "vanished"
)

// Remembered returns what an organization's buckets/ held and missed, by all that the
// mirror has. If the list of what was missed cannot be trusted, Remembered has every
// bucket file as missed that is not marked as removed.
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

// Listed returns what the lists of the mirror say of an organization's buckets/.
// trusted is false if the lists are damaged or overtaken.
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

// Sum returns the sum of what setHeld writes.
func (h Held) Sum() layout.Sum {
	p := layout.Place{Part: layout.Buckets}
	b := encode(p, h.Missed)
	if h.Known {
		b = append(b, encode(p, h.Files)...)
	}
	return layout.SumOf(b)
}

// setHeld writes the lists of the bucket files that an organization held, if all are
// known, and of those that it misses.
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

// NamesOf returns files without content for the keys of a map, in byte order.
func NamesOf[T any](of map[string]T) (out []layout.File) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		out = append(out, layout.File{Name: name})
	}
	return out
}

// leave removes what the mirror has of an organization that vanished, except its bucket
// policies, which are remembered. It spoils those of them that are overtaken, before
// the marks that say so are cleared.
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

// Left reports whether an organization vanished and the mirror has only what is
// remembered of it.
func (s *Mirror) Left(org string) bool {
	_, err := os.Lstat(filepath.Join(s.dir, org, leftName))
	return err == nil
}

// stays undoes leave for an organization that appeared again.
func (s *Mirror) stays(org string) { os.Remove(filepath.Join(s.dir, org, leftName)) }
