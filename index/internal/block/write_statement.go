package block

import (
	"slices"
	"strings"

	"postern/index/internal/glob"
	"postern/index/lowered"
)

// programsOf returns the place of an entry of programs, which is written if it
// is new.
func (w *Writer) programsOf(a *lowered.Actions) uint32 {
	id := strings.Join(a.Programs, "\xff\xff")
	if a.Not {
		id += "\xff!"
	}
	at, ok := w.programs[id]
	if !ok {
		w.entries = append(w.entries, 0, uint32(len(a.Programs)))
		if a.Not {
			w.entries[programsNot] = 1
		}
		for _, p := range a.Programs {
			w.textEntry(p)
		}
		at = w.flush()
		if w.programs == nil {
			w.programs = map[string]uint32{}
		}
		w.programs[id] = at
	}
	return at
}

// body writes a statement's record and entries, and returns the place of the
// record.
func (w *Writer) body(s *Statement) uint32 {
	from := s.From
	var flags uint32
	set := func(flag uint32, on bool) {
		if on {
			flags |= flag
		}
	}
	set(flagDeny, from.Deny)
	set(flagEveryone, from.Principals.Everyone)
	set(flagNotPrincipal, from.Principals.Not)
	set(flagNotResource, from.NotResource)
	set(flagWhole, from.WholeOrganization)
	set(flagPrograms, from.Actions.Not || len(from.Actions.Programs) > 0)

	exact, globs, prefixes := w.exact[:0], w.globs[:0], w.prefixes[:0]
	for _, program := range s.Patterns {
		switch kind, literal := glob.Classify(program); kind {
		case glob.Exact:
			exact = append(exact, program)
		case glob.Prefix:
			prefixes = append(prefixes, lowered.Name{Text: literal})
		default:
			globs = append(globs, program)
		}
	}
	w.exact, w.globs, w.prefixes = exact, globs, prefixes
	slices.Sort(exact)
	exact = slices.Compact(exact)
	prefixes = prefixFree(prefixes)
	counts := [countWords]uint32{
		uint32(len(from.Conditions)), uint32(len(s.Exact)), uint32(len(s.Prefixes)), uint32(len(from.Principals.Organizations)),
		uint32(len(exact)), uint32(len(prefixes)), uint32(len(globs)),
	}
	set(flagLong, slices.Max(counts[:]) > 0xff)

	w.places = w.places[:0]
	for _, n := range s.Exact {
		w.places = append(w.places, w.name(n.Name))
	}
	programs := uint32(0)
	if flags&flagPrograms != 0 {
		programs = w.programsOf(&from.Actions)
	}
	if flags&flagLong == 0 {
		w.entries = append(w.entries, flags|counts[0]<<8|counts[1]<<16|counts[2]<<24, counts[3]|counts[4]<<8|counts[5]<<16|counts[6]<<24)
	} else {
		w.entries = append(w.entries, flags, 0)
	}
	if flags&flagPrograms != 0 {
		w.entries = append(w.entries, programs)
	}
	if flags&flagLong != 0 {
		w.entries = append(w.entries, counts[:]...)
	}
	for i, n := range s.Exact {
		w.entries = append(w.entries, n.Hash, w.places[i])
	}
	for _, n := range s.Prefixes {
		w.prefixEntry(n)
	}
	for _, org := range from.Principals.Organizations {
		w.prefixEntry(lowered.Name{Org: org})
	}
	for _, t := range exact {
		w.textEntry(t)
	}
	for _, n := range prefixes {
		w.textEntry(n.Text)
	}
	for _, t := range globs {
		w.textEntry(t)
	}
	w.conditions(from.Conditions)
	Forget(&w.exact)
	Forget(&w.globs)
	Forget(&w.prefixes)
	return w.flush()
}
