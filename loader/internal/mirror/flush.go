package mirror

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
)

// Model is what the mirror needs to know about what is in force. It does not change
// during a call of the mirror. Wanted and Files are called from several goroutines.
type Model interface {
	// Wanted returns what the mirror has to have of a unit.
	Wanted(p layout.Place) Wanted
	// Files reads the files of a unit again. By now they may have other content, or be
	// gone.
	Files(p layout.Place) []layout.File
	// Organization reports whether an organization is in force. If it is not, it
	// returns what is remembered of its buckets/, or nil.
	Organization(org string) (here bool, remembered *Held)
}

// Wanted says what the mirror has to have of a unit.
type Wanted struct {
	Gone   bool       // nothing, because the organization is gone
	Leave  bool       // what it has already, because nobody else has it
	Known  bool       // the unit has last good content; if not, nothing can be trusted
	Sum    layout.Sum // the sum of that content; zeros if Known is false
	None   bool       // that content is that there are no files
	Faulty bool       // the unit is quarantined, so that None has to be written too
	Held   *Held      // for buckets/ as a whole, if Known is true: what it held and misses
}

// Note notes that a unit changed. files are its good files if they were kept, or nil.
func (s *Mirror) Note(p layout.Place, files []layout.File) {
	if s != nil && !s.taken {
		s.jobs[p] = files
		s.marks.due = append(s.marks.due, p)
	}
}

// Again has a unit mirrored that did not change. It leaves the files that an earlier
// Note was given.
func (s *Mirror) Again(p layout.Place) {
	if s == nil {
		return
	}
	if _, ok := s.jobs[p]; !ok {
		s.jobs[p] = nil
	}
}

// Backlog reports whether units wait to be mirrored and the last write did not fail.
func (s *Mirror) Backlog() bool { return s != nil && len(s.jobs) > 0 && !s.trouble }

// Flush mirrors at most flushAtOnce of the units that wait. What fails is tried again
// with the next call.
func (s *Mirror) Flush(ctx context.Context, m Model) {
	if s == nil {
		return
	}
	if err := s.exclusive(func() error { return s.flushSome(ctx, m) }); err != nil {
		s.failed(layout.Place{}, err)
	}
	if s.taken {
		clear(s.jobs)
	}
}

// flushSome is Flush with the state directory locked.
func (s *Mirror) flushSome(ctx context.Context, m Model) error {
	if !s.swept {
		s.swept = true
		s.sweep(m)
	}
	var todo []layout.Place
	for p := range s.jobs {
		// An organization that vanished goes first, and with all it had.
		if p.Part == layout.Folder {
			var err error
			switch here, remembered := m.Organization(p.Org); {
			case here:
				s.stays(p.Org)
			case remembered != nil:
				err = s.leave(p.Org, *remembered)
			default:
				err = s.remove(p)
			}
			if err == nil {
				delete(s.jobs, p)
			}
			s.failed(p, err)
		} else if len(todo) < flushAtOnce && ctx.Err() == nil {
			todo = append(todo, p)
		}
	}
	var g errgroup.Group
	g.SetLimit(8)
	kept := make([][]layout.File, len(todo))
	for i, p := range todo {
		kept[i] = s.jobs[p]
	}
	for i, p := range todo {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			err := s.flushUnit(m, p, kept[i])
			s.mu.Lock()
			defer s.mu.Unlock()
			if err == nil {
				delete(s.jobs, p)
			} else {
				s.jobs[p] = nil // do not keep the bytes
			}
			s.failed(p, err)
			return nil
		})
	}
	g.Wait()
	dirs := map[string]struct{}{}
	for _, p := range todo {
		dirs[filepath.Dir(s.file(p))] = struct{}{}
	}
	for dir := range dirs { // the renames and removals
		syncFolder(dir)
	}
	if len(s.jobs) > 0 {
		return nil
	}
	s.unmarked = ""
	return s.marks.clear()
}

// Now mirrors one unit at once, and again with the next Flush.
func (s *Mirror) Now(m Model, p layout.Place) {
	if s == nil {
		return
	}
	s.failed(p, s.flushUnit(m, p, nil))
	s.Note(p, nil)
}

// failed notes whether a write failed, and logs the first of a row of failures.
func (s *Mirror) failed(p layout.Place, err error) {
	if err == nil {
		s.trouble = s.trouble && len(s.jobs) > 0
		return
	}
	if !s.trouble {
		s.log.Error("the state directory cannot be written: a restart would not know the last good content", "unit", layout.Shown(p.Path()), "error", tree.Reason(err))
	}
	s.trouble, s.failure = true, tree.Reason(err)
}

// Problem returns what is wrong with the state directory, or "".
func (s *Mirror) Problem() string {
	switch {
	case s == nil:
		return ""
	case s.taken:
		return errTaken.Error()
	case s.unmarked != "":
		return "it cannot be written before a generation is in force, and a restart could put older policies in force: " + s.unmarked
	case s.trouble:
		return "it cannot be written, and a restart would not know the last good content: " + s.failure
	}
	return ""
}

// flushUnit mirrors one unit. files are its good files if they were kept, or nil. It may
// run in parallel with itself.
func (s *Mirror) flushUnit(m Model, p layout.Place, files []layout.File) error {
	w := m.Wanted(p)
	switch {
	case w.Leave:
		return nil
	case w.Gone:
		return s.remove(p)
	case p.Part == layout.Buckets && p.Name == "" && w.Known:
		return s.setHeld(p.Org, *w.Held)
	case p.Part == layout.Buckets && p.Name == "":
		return errors.Join(s.remove(p), os.RemoveAll(filepath.Join(s.dir, p.Org, missedNames)))
	case !w.Known:
		old, err := s.read(p)
		switch {
		case err != nil: // what is there, if anything, is no good
			return nil
		case len(old) == 0: // that it was not there is not its last good content any more
			return s.remove(p)
		}
		return spoil(s.file(p)) // nor is what is there, whether a mark says so or not
	case w.None && !w.Faulty:
		return s.remove(p)
	}
	if old, err := s.read(p); err == nil && layout.SumOfUnit(p.Part, old) == w.Sum {
		return nil
	}
	switch {
	case w.None:
		files = nil
	case layout.SumOfUnit(p.Part, files) != w.Sum:
		files = m.Files(p)
	}
	if layout.SumOfUnit(p.Part, files) != w.Sum {
		// What was good is gone from its source before it was mirrored. An older
		// content is not what the snapshot says: better none, which denies.
		return s.remove(p)
	}
	return s.write(p, files)
}

// sweep removes files that a killed process did not finish, and has every unit mirrored
// that the mirror has of an organization in force. For other organizations the loader
// notes the folder.
func (s *Mirror) sweep(m Model) {
	orgs, _ := os.ReadDir(s.dir)
	for _, e := range orgs {
		name := e.Name()
		if strings.HasPrefix(name, temporary) {
			os.Remove(filepath.Join(s.dir, name))
			continue
		}
		if !e.IsDir() || !layout.ValidOrganization(name) {
			continue
		}
		if here, _ := m.Organization(name); !here {
			continue
		}
		s.stays(name)
		for _, sub := range []string{"", layout.BucketsName} {
			es, _ := os.ReadDir(filepath.Join(s.dir, name, sub))
			for _, e := range es {
				if strings.HasPrefix(e.Name(), temporary) {
					os.Remove(filepath.Join(s.dir, name, sub, e.Name()))
				}
			}
		}
		for _, p := range layout.Sets {
			s.Again(layout.Place{Org: name, Part: p})
		}
		s.Again(layout.Place{Org: name, Part: layout.Buckets})
		for _, file := range s.Buckets(name) {
			s.Again(layout.Place{Org: name, Part: layout.Buckets, Name: file})
		}
	}
}

// Mark marks the units that were noted since the last call. It must be called before
// the generation with their changes is in force. A failure is logged and shown by
// Problem, and the generation is published all the same: a revocation does not wait for
// a disk.
func (s *Mirror) Mark(m Model) {
	if s == nil || s.taken || len(s.marks.due) == 0 && !s.marks.short {
		return
	}
	k := &s.marks
	s.marksFailed(s.exclusive(func() error {
		due := k.due
		k.due = nil
		if k.file != nil && !k.short && k.append(marksOf(m, due)) == nil && k.size <= s.bound() {
			return nil
		}
		// Anew: what was found at the start, what waits to be mirrored, what is due.
		k.short = true
		places := append(slices.Collect(maps.Keys(s.jobs)), due...)
		return k.rewrite(append(k.found(), marksOf(m, places)...))
	}))
}
