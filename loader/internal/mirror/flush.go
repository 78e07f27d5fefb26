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

// Model is what the mirror has to know of what is in force. Its methods are
// called while it does not change, wanted and files from several goroutines.
type Model interface {
	// Wanted tells what the mirror has to hold of a unit.
	Wanted(p layout.Place) Wanted
	// Files reads the files of a unit again; what they hold now may be other
	// content, or nil.
	Files(p layout.Place) []layout.File
	// Organization tells whether an organization is in force and, if it is not,
	// what is remembered of its buckets/; nil: nothing.
	Organization(org string) (here bool, remembered *Held)
}

// Wanted is what the mirror has to hold of a unit.
type Wanted struct {
	Gone   bool       // its organization is: nothing
	Leave  bool       // what it holds, whatever that is: only the mirror knows
	Known  bool       // it has last good content; else nothing of it can be trusted
	Sum    layout.Sum // of that content; zeros if not known
	None   bool       // it is that of no files
	Faulty bool       // the unit is quarantined, so that even no files are worth a word
	Held   *Held      // known, and it is buckets/ as a whole: what that held and misses
}

// Note notes that a unit may have to be mirrored, with its files if they are to
// be kept.
func (s *Mirror) Note(p layout.Place, files []layout.File) {
	if s != nil && !s.taken {
		s.jobs[p] = files
		s.marks.due = append(s.marks.due, p)
	}
}

// Again is Note for a unit that did not change, and whose files may be kept
// already.
func (s *Mirror) Again(p layout.Place) {
	if s == nil {
		return
	}
	if _, ok := s.jobs[p]; !ok {
		s.jobs[p] = nil
	}
}

// Backlog reports whether units wait to be mirrored.
func (s *Mirror) Backlog() bool { return s != nil && len(s.jobs) > 0 && !s.trouble }

// Flush brings the mirror up to date with the model, flushAtOnce units at most.
// What fails is tried again with the next call.
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

// flushSome is flush while no other process uses the state directory.
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

// Now brings one unit up to date, and has it looked at again with the next
// flush.
func (s *Mirror) Now(m Model, p layout.Place) {
	if s == nil {
		return
	}
	s.failed(p, s.flushUnit(m, p, nil))
	s.Note(p, nil)
}

// failed logs the first of a row of errors.
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

// Problem says what is wrong with the state directory, "" if nothing.
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

// flushUnit brings one unit of the mirror up to date. files are its good ones,
// if they were kept. It reads the model and may run beside others.
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

// sweep removes what a killed process left half written, and has every unit of
// the organizations that are here brought up to date. Of those that are not,
// the model notes the folder.
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

// Mark marks the units that changed since the last call, before the generation
// that has them is in force. If it cannot, that is told, and the generation is
// published all the same: a revocation does not wait for a disk.
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
