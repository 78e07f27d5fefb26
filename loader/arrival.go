package loader

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"slices"
	"time"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
)

// arrival is an organization's folder that appeared and is not at rest yet: it
// is not taken until nothing in it has changed for Config.Hold (specification
// 4, Removals and faults).
//
// Whoever copies an organization in copies it part by part, and what comes
// last may be the bucket policies that deny. So the folder is looked at from
// outside, names and stamps, until two such surveys that far apart show the
// same; then it is scanned, surveyed once more, and taken whole. Nothing in it
// has an event meanwhile: it is surveyed again when it is due.
type arrival struct {
	survey survey
	since  time.Time // when the survey was first like this
	first  time.Time
	// lost are bucket files of its survey that other organizations lost since:
	// one that moves here and arrives broken is not taken for none.
	lost []lostFile
}

// survey is what an organization's folder looks like from outside.
type survey struct {
	at    tree.Spot
	sum   [sha256.Size]byte   // of all names of the layout in it, and their stamps
	files map[string]struct{} // in buckets/
}

func (s survey) same(o survey) bool { return s.at.Same(o.at) && s.sum == o.sum }

// arriving reports whether the organization's folder found as at has to be at
// rest before it is taken: it is new to the model, and what it is part of was
// not exchanged whole.
func (s *scan) arriving(name string, at tree.Spot) bool {
	return s.l.loaded && !s.scope.atOnce && s.l.orgs[name] == nil && at.Kind == tree.Folder && s.found.root.Same(s.l.root)
}

// atRest surveys an organization's folder that is arriving, and reports whether
// it is at rest, or has not been for too long.
func (s *scan) atRest(name string, at tree.Spot) bool {
	now := s.survey(at)
	s.found.surveys[name] = now
	a, t := s.l.arrivals[name], time.Now()
	return a != nil && (a.survey.same(now) && t.Sub(a.since) >= s.l.c.Hold || t.Sub(a.first) >= longestHold)
}

// survey looks at all names of the layout in an organization's folder, and at
// the ignored ones beside them: what is written there first, as rsync's
// --delay-updates does, is a copy that is not done.
func (s *scan) survey(at tree.Spot) survey {
	v := survey{at: at}
	sum := sha256.New()
	addSpot(sum, "", at)
	s.surveyFolder(sum, at, func(string) {})
	for _, part := range layout.PartNames {
		of := tree.Look(s.real, at.Real, part)
		addSpot(sum, part, of)
		if of.Kind == tree.Folder {
			s.surveyFolder(sum, of, func(name string) {
				addSpot(sum, name, tree.Look(s.real, of.Real, name))
				if part == layout.BucketsName {
					v.files = with(v.files, name)
				}
			})
		}
	}
	sum.Sum(v.sum[:0])
	return v
}

// surveyFolder adds the ignored names in a folder and calls do for each other
// one, or adds why it cannot be listed.
func (s *scan) surveyFolder(sum hash.Hash, at tree.Spot, do func(name string)) {
	h, err := tree.Enter(s.root, s.real, at)
	var names []string
	if err == nil {
		names, err = h.Readdirnames(-1)
		h.Close()
	}
	if err != nil {
		sum.Write([]byte(tree.Reason(err)))
	}
	slices.Sort(names)
	for _, name := range names {
		if tree.Ignored(name) {
			addSpot(sum, name, tree.Look(s.real, at.Real, name))
		} else {
			do(name)
		}
	}
}

func addSpot(sum io.Writer, name string, at tree.Spot) {
	b := append([]byte(name), 0, byte(at.Kind))
	for _, n := range []int64{at.Stamp.Size, at.Stamp.Mtime, at.Stamp.Ctime, int64(at.Stamp.Inode), int64(at.Stamp.Device)} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = append(append(b, at.Real...), 0)
	sum.Write(append(append(b, at.Problem...), 0))
}

// stillArriving takes the organizations out of the findings that changed while
// they were scanned.
func (s *scan) stillArriving() {
	kept := s.found.orgs[:0]
	for _, f := range s.found.orgs {
		if before, ok := s.found.surveys[f.name]; ok {
			a := s.l.arrivals[f.name]
			now := s.survey(f.at)
			if !now.same(before) && (a == nil || time.Since(a.first) < longestHold) {
				s.found.surveys[f.name] = now
				continue
			}
			delete(s.found.surveys, f.name)
		}
		kept = append(kept, f)
	}
	clear(s.found.orgs[len(kept):])
	s.found.orgs = kept
}

// arrive notes which organizations' folders are arriving after a look.
func (l *Loader) arrive(f *findings) {
	for name := range l.arrivals {
		if _, looked := f.odd[name]; f.all || looked {
			if _, arriving := f.surveys[name]; !arriving {
				f.late = append(f.late, l.arrivals[name].lost...)
				delete(l.arrivals, name)
			}
		}
	}
	now := time.Now()
	for name, v := range f.surveys {
		if l.orgs[name] != nil { // a look in between took it
			delete(l.arrivals, name)
			continue
		}
		a := l.arrivals[name]
		if a == nil {
			a = &arrival{survey: v, since: now, first: now}
			l.arrivals[name] = a
		}
		if !a.survey.same(v) || now.Sub(a.since) >= l.c.Hold {
			a.survey, a.since = v, now
		}
	}
}

// noteLost notes for the organizations that are arriving which of their bucket
// files others lost in a commit.
func (l *Loader) noteLost(ch *changes) {
	for _, a := range l.arrivals {
		for _, x := range ch.lost {
			if _, ok := a.survey.files[x.bucket+layout.Suffix]; ok {
				a.lost = append(a.lost, x)
			}
		}
	}
}

// coming reports whether an organization that is arriving has one of the
// bucket files.
func (l *Loader) coming(files map[string]struct{}) bool {
	for _, a := range l.arrivals {
		for file := range a.survey.files {
			if _, ok := files[file]; ok {
				return true
			}
		}
	}
	return false
}
