package loader

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"postern/loader/internal/layout"
)

// held is what is remembered of an organization's buckets/: names, not contents.
type held struct {
	known bool // files are all that there were
	// files are what it held, and missed those of them that it misses; both
	// without content and in byte order of their names.
	files, missed []layout.File
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

// remembered is what the mirror knows of an organization's buckets/: what it
// held, and what it missed. Where the mirror may not say what was missed last,
// all that it has was, but for what is marked as removed.
func (s *state) remembered(org string) held {
	listed, trusted := s.held(org)
	files := map[string]struct{}{}
	for _, name := range s.buckets(org) {
		if !s.marks.removed(layout.Place{Org: org, Part: layout.Buckets, Name: name}) {
			files[name] = struct{}{}
		}
	}
	for _, f := range slices.Concat(listed.files, listed.missed) {
		files[f.Name] = struct{}{}
	}
	h := held{known: listed.known, files: namesOf(files), missed: listed.missed}
	if !trusted {
		h.missed = h.files
	}
	return h
}

// held is what the mirror lists of an organization's buckets/. Not trusted: what
// it has of that is damaged, or out of date.
func (s *state) held(org string) (h held, trusted bool) {
	p := layout.Place{Org: org, Part: layout.Buckets}
	var err error
	h.files, err = s.read(p)
	h.known = err == nil
	b, err := os.ReadFile(filepath.Join(s.dir, org, missedNames))
	if err == nil {
		h.missed, err = decode(p, b)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err != nil || !s.marks.trusts(p, h.sum()) {
		return held{}, false
	}
	return h, true
}

// sum is the sum of what setHeld writes.
func (h held) sum() layout.Sum {
	p := layout.Place{Part: layout.Buckets}
	b := encode(p, h.missed)
	if h.known {
		b = append(b, encode(p, h.files)...)
	}
	return layout.SumOf(b)
}

// setHeld lists the bucket files that an organization holds, if all are known,
// and those that it misses.
func (s *state) setHeld(org string, h held) error {
	p := layout.Place{Org: org, Part: layout.Buckets}
	var err error
	if h.known {
		err = s.write(p, h.files)
	} else {
		err = s.remove(p)
	}
	at := filepath.Join(s.dir, org, missedNames)
	if len(h.missed) > 0 {
		return errors.Join(err, put(at, encode(p, h.missed)))
	}
	if gone := os.Remove(at); !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// namesOf are files without content, in byte order of their names.
func namesOf[T any](of map[string]T) (out []layout.File) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		out = append(out, layout.File{Name: name})
	}
	return out
}

// leave removes what the mirror has of an organization that vanished, but for
// its bucket policies, which are remembered.
func (s *state) leave(org string, h held) error {
	var errs []error
	for _, p := range layout.Sets {
		errs = append(errs, s.remove(layout.Place{Org: org, Part: p}))
	}
	return errors.Join(append(errs, s.setHeld(org, h), put(filepath.Join(s.dir, org, leftName), nil))...)
}

// left reports whether all that the mirror has of an organization is what is
// remembered of it.
func (s *state) left(org string) bool {
	_, err := os.Lstat(filepath.Join(s.dir, org, leftName))
	return err == nil
}

// stays takes back that an organization vanished.
func (s *state) stays(org string) { os.Remove(filepath.Join(s.dir, org, leftName)) }
