package directory

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"slices"
)

// arriving reports whether the organization's folder, found as at, has to be at rest
// before it is taken: it is new to the model, and the root was not exchanged whole.
func (s *scan) arriving(name string, at tree.Spot) bool {
	return s.q.Loaded && !s.q.Scope.AtOnce && s.q.Org(name) == nil && at.Kind == tree.Folder && !s.found.Moved
}

// atRest surveys the folder of an organization that is arriving, and reports whether it
// is taken.
func (s *scan) atRest(name string, at tree.Spot) bool {
	now := s.survey(at)
	s.found.Surveys[name], s.trace.surveys[name] = now, at
	return s.q.Rest(name, now)
}

// survey looks at all names in an organization's folder that have a place in the layout,
// and at the ignored names beside them: a copy that is written there first, as by
// rsync --delay-updates, is not done.
func (s *scan) survey(at tree.Spot) source.Survey {
	v := source.Survey{}
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
					v.Files = source.With(v.Files, name)
				}
			})
		}
	}
	sum.Sum(v.Sum[:0])
	return v
}

// surveyFolder adds the ignored names in a folder to the sum and calls do for every other
// name. If the folder cannot be listed it adds the reason.
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

// stillArriving takes out of the findings the organizations that were taken and changed
// during the look.
func (s *scan) stillArriving() {
	kept := s.found.Orgs[:0]
	for _, f := range s.found.Orgs {
		if before, ok := s.found.Surveys[f.Name]; ok {
			now := s.survey(spotOf(f.Trace))
			if now.Sum != before.Sum && s.q.Patient(f.Name) {
				s.found.Surveys[f.Name] = now
				continue
			}
			delete(s.found.Surveys, f.Name)
		}
		kept = append(kept, f)
	}
	clear(s.found.Orgs[len(kept):])
	s.found.Orgs = kept
}
