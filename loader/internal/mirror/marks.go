package mirror

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
)

// marks is the file `overtaken.marks` of the state directory: of each unit whose
// mirror may be behind, what was in force last (specification 4, Restart). The
// marks of a generation are appended, in one write, before it is in force, so
// that a process that is killed at any moment never restarts behind what was in
// force: what the mirror has of a marked unit counts only if it is the content
// that the mark names.
//
//	postern-marks 1\n
//	<number of marks, 4 bytes> <marks> <sum>
//	...
//
// A mark is the SHA-256 of the unit's path and the sum of its content, or zeros
// where nothing that the mirror has of it can be trusted; the mark of an
// organization's folder goes for all in it, and says that all of it was removed.
// The last one of a unit counts. A frame's sum goes over the sum of the frame
// before and over the frame, so that a frame that is torn, rotten, missing or out
// of place is found: then nothing of the mirror is trusted, as it is not known
// which units it spoke of.
//
// Once the mirror has caught up, the marks are cleared. The file is bounded by
// the units that wait to be mirrored: see bound.
//
// Who opens the state directory writes the file anew, in place of the old one.
// So a process that finds another file under the name knows that a second
// process uses the directory, and keeps its hands off: see exclusive.
type marks struct {
	path string
	file *os.File   // as written by this process; nil if it could not be
	size int64      // of what is whole in it
	last layout.Sum // of the last frame
	sync bool       // fsync after each write

	known map[layout.Sum]known // as found at the start, until cleared
	due   []layout.Place       // units to be marked with the next generation
	short bool                 // a generation's marks are not in it: it has to be written anew
}

// known is a mark that was found at the start, and its number in the file.
type known struct {
	content layout.Sum
	order   int
}

// mark is one mark.
type mark struct{ unit, content layout.Sum }

const (
	MarksName  = "overtaken.marks" // which no organization is called
	marksMagic = "postern-marks 1\n"
	markSize   = 2 * len(layout.Sum{})
	// marksRest is the size in bytes up to which the file is not written anew, beside
	// twice the size of the marks of all units that wait.
	marksRest = 1 << 20
)

var (
	errDamaged = errors.New("the file " + MarksName + " of the state directory is damaged or missing")
	errBehind  = errors.New("other content of this unit was in force since it was mirrored")
	errTaken   = errors.New("another process uses it now; give each its own")
)

func newMarks(dir string, sync bool) marks {
	// Nothing is trusted before the marks were read.
	return marks{path: filepath.Join(dir, MarksName), sync: sync, known: map[layout.Sum]known{doubtAll: {}}}
}

func unitKey(p layout.Place) layout.Sum { return layout.SumOf([]byte(p.Path())) }

// doubtAll is the unit of a mark that goes for every unit.
var doubtAll layout.Sum

// appendFrame appends the marks as one frame that follows the one with the sum
// last, and returns its own.
func appendFrame(b []byte, last layout.Sum, ms []mark) ([]byte, layout.Sum) {
	begin := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(ms)))
	for i := range ms {
		b = append(append(b, ms[i].unit[:]...), ms[i].content[:]...)
	}
	own := layout.SumOf(slices.Concat(last[:], b[begin:]))
	return append(b, own[:]...), own
}

// parseMarks reads what appendFrame wrote. It returns errDamaged if a byte of it is
// another or is missing.
func parseMarks(b []byte) ([]mark, error) {
	b, ok := bytes.CutPrefix(b, []byte(marksMagic))
	if !ok {
		return nil, errDamaged
	}
	var out []mark
	var last layout.Sum
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, errDamaged
		}
		size := 4 + int64(binary.LittleEndian.Uint32(b))*int64(markSize)
		if int64(len(b)) < size+int64(len(last)) {
			return nil, errDamaged
		}
		own := layout.SumOf(slices.Concat(last[:], b[:size]))
		if !bytes.Equal(own[:], b[size:size+int64(len(own))]) {
			return nil, errDamaged
		}
		for at := b[4:size]; len(at) > 0; at = at[markSize:] {
			out = append(out, mark{layout.Sum(at[:len(layout.Sum{})]), layout.Sum(at[len(layout.Sum{}):markSize])})
		}
		last, b = own, b[size+int64(len(own)):]
	}
	return out, nil
}

// open reads the marks and writes the file anew, so that it is this process's. The state
// directory must be locked. The error is errDamaged if the marks cannot be trusted; any
// other says that they cannot be written. open can be used after either.
func (m *marks) open(mirrored bool) error {
	data, err := os.ReadFile(m.path)
	var found []mark
	switch {
	case err == nil:
		found, err = parseMarks(data)
	case errors.Is(err, fs.ErrNotExist) && !mirrored:
		err = nil
	case errors.Is(err, fs.ErrNotExist):
		err = errDamaged
	}
	if err != nil {
		found = []mark{{unit: doubtAll}}
	}
	m.known = make(map[layout.Sum]known, len(found))
	for i, k := range found {
		m.known[k.unit] = known{k.content, i}
	}
	return errors.Join(err, m.rewrite(found))
}

// trusts reports whether content that the mirror has of a unit may be put in force,
// because no mark says that other content was in force since.
func (m *marks) trusts(p layout.Place, content layout.Sum) bool {
	own, marked := m.known[unitKey(p)]
	for _, whole := range []layout.Sum{doubtAll, unitKey(layout.Place{Org: p.Org, Part: layout.Folder})} {
		if k, ok := m.known[whole]; ok && (!marked || own.order < k.order) {
			return false
		}
	}
	return !marked || own.content == content
}

// removed reports whether the last mark of a bucket file, or of its organization, says
// that it was removed.
func (m *marks) removed(p layout.Place) bool {
	own, marked := m.known[unitKey(p)]
	if whole := m.known[unitKey(layout.Place{Org: p.Org, Part: layout.Folder})]; whole.content == layout.SumOfGone && (!marked || own.order < whole.order) {
		return true
	}
	return marked && m.trusts(p, layout.SumOfGone)
}

// append appends the marks of one generation in one write.
func (m *marks) append(ms []mark) error {
	b, own := appendFrame(make([]byte, 0, 4+len(ms)*markSize+len(layout.Sum{})), m.last, ms)
	_, err := m.file.WriteAt(b, m.size)
	if err == nil && m.sync {
		err = m.file.Sync()
	}
	if err != nil {
		return err
	}
	m.size, m.last = m.size+int64(len(b)), own
	return nil
}

// rewrite replaces the file with one that has these marks.
func (m *marks) rewrite(ms []mark) error {
	b, last := []byte(marksMagic), layout.Sum{}
	if len(ms) > 0 {
		b, last = appendFrame(b, last, ms)
	}
	f, err := os.CreateTemp(filepath.Dir(m.path), temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && m.sync {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), m.path)
	}
	if err != nil {
		os.Remove(f.Name())
		f.Close()
		return err
	}
	if m.sync {
		syncFolder(filepath.Dir(m.path))
	}
	if m.file != nil {
		m.file.Close()
	}
	m.file, m.size, m.last, m.short = f, int64(len(b)), last, false
	return nil
}

// clear removes all marks. It is called when no unit waits to be mirrored.
func (m *marks) clear() error {
	if m.file == nil || m.short {
		if err := m.rewrite(nil); err != nil {
			return err
		}
	}
	if m.size > int64(len(marksMagic)) {
		if err := m.file.Truncate(int64(len(marksMagic))); err != nil {
			return err
		}
		m.size, m.last = int64(len(marksMagic)), layout.Sum{}
	}
	m.known, m.due = nil, nil
	return nil
}

// taken reports whether another process has replaced the file.
func (m *marks) taken() bool {
	if m.file == nil {
		return false
	}
	here, err1 := os.Stat(m.path)
	ours, err2 := m.file.Stat()
	return err1 == nil && err2 == nil && !os.SameFile(here, ours)
}

func syncFolder(dir string) {
	if f, err := os.Open(dir); err == nil {
		f.Sync()
		f.Close()
	}
}

// exclusive calls do with the state directory locked against other processes. It returns
// errTaken if another process uses the directory now.
func (s *Mirror) exclusive(do func() error) error {
	if s.taken {
		return errTaken
	}
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	if s.marks.taken() {
		s.taken = true
		return errTaken
	}
	return do()
}

// bound returns the size in bytes past which the file of marks is written anew.
func (s *Mirror) bound() int64 { return marksRest + int64(2*markSize*len(s.jobs)) }

// found returns the marks that were found at the start, in the order of the file.
func (m *marks) found() []mark {
	out := make([]mark, 0, len(m.known))
	for unit, k := range m.known {
		out = append(out, mark{unit, k.content})
	}
	slices.SortFunc(out, func(a, b mark) int { return m.known[a.unit].order - m.known[b.unit].order })
	return out
}

// OpenMarks reads the marks. Calls after the first do nothing.
func (s *Mirror) OpenMarks() {
	if s == nil || s.opened {
		return
	}
	s.opened = true
	err := s.exclusive(func() error { return s.marks.open(len(s.Organizations()) > 0) })
	if errors.Is(err, errDamaged) {
		s.log.Error("nothing that the state directory holds is trusted: what is broken now denies", "error", err.Error())
	} else if err != nil {
		s.marksFailed(err)
	}
}

// marksFailed notes whether the marks of a generation could be written, and logs the
// first of a row of failures.
func (s *Mirror) marksFailed(err error) {
	switch {
	case err == nil:
		s.unmarked = ""
		return
	case s.unmarked == "":
		s.log.Error("the state directory cannot be written before a generation is in force: a restart before it is mirrored could put older policies in force", "error", tree.Reason(err))
	}
	s.unmarked = tree.Reason(err)
}

// marksOf returns the marks of units by what the model has of them.
func marksOf(m Model, places []layout.Place) []mark {
	ms := make([]mark, 0, len(places))
	put := func(p layout.Place) { ms = append(ms, mark{unitKey(p), m.Wanted(p).Sum}) }
	for _, p := range places {
		if p.Part != layout.Folder {
			put(p)
			continue
		}
		switch here, remembered := m.Organization(p.Org); {
		case here: // it is back, and its units have marks of their own
		case remembered == nil:
			ms = append(ms, mark{unitKey(p), layout.SumOfGone})
		default: // its bucket policies are remembered
			for _, set := range layout.Sets {
				put(layout.Place{Org: p.Org, Part: set})
			}
			put(layout.Place{Org: p.Org, Part: layout.Buckets})
		}
	}
	return ms
}
