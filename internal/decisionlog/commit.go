package decisionlog

import (
	"encoding/binary"
	"strconv"
	"time"

	"postern/policy"
)

// Source is who answers, one request at a time: which ring its records go to, and
// the ids that it makes.
type Source struct {
	ring   *ring
	number uint64
	made   uint64
}

// Source returns the next one.
func (l *Log) Source() Source {
	n := l.numbers.Add(1)
	return Source{ring: l.rings[n%uint64(len(l.rings))], number: n}
}

// AppendID appends an id that no other request of any process has.
func (l *Log) AppendID(b []byte, s *Source) []byte {
	s.made++
	b = append(append(b, l.started...), '-')
	b = append(strconv.AppendUint(b, s.number, 36), '-')
	return strconv.AppendUint(b, s.made, 36)
}

// Answer is an answer of which notes were made.
type Answer struct {
	Began    time.Time
	Duration time.Duration
	ID, Peer []byte
	Door     string
	// Notes are those of Log.Note, one behind the other. Of items of a batch those
	// from the place Items on are left out: they were not answered.
	Notes []byte
	Items int
	// Batch says that a note that is alone is of an item all the same.
	Batch bool
}

// Commit hands the notes of an answer to the writer, and returns true if the answer
// may be given.
func (l *Log) Commit(s *Source, a *Answer) bool {
	fixed := recordTexts + 6 + len(a.ID) + len(a.Peer) + len(a.Door)
	total := uint64(0)
	if !a.Batch && len(a.Notes) > 0 && int(binary.LittleEndian.Uint32(a.Notes[noteLength:])) == len(a.Notes) {
		binary.LittleEndian.PutUint32(a.Notes[noteItem:], noItem)
	}
	for n, rest := a.next(a.Notes); n != nil; n, rest = a.next(rest) {
		total += rounded(fixed + len(n))
	}
	if total == 0 {
		return true
	}
	r := s.ring
	switch limit := r.size; {
	case l.config.Full == Drop && total <= r.size/4*3: // else each by itself
		limit = r.size / 4 * 3
		fallthrough
	case l.config.Full != Drop && total <= limit:
		at, ok := l.claim(r, total, limit)
		if !ok && l.config.Full == Block {
			at, ok = l.await(r, total)
		}
		if ok {
			for n, rest := a.next(a.Notes); n != nil; n, rest = a.next(rest) {
				at = l.write(r, at, fixed, a, n)
			}
			return true
		}
		if l.config.Full == Deny {
			return false
		}
	case l.config.Full == Deny:
		return false
	}
	at := a.Began.UnixNano()
	for n, rest := a.next(a.Notes); n != nil; n, rest = a.next(rest) {
		allow := policy.Outcome(n[noteFlags+1]) == policy.Allow
		size, limit := rounded(fixed+len(n)), r.size
		if allow && l.config.Full == Drop {
			limit = r.size / 4 * 3
		}
		if place, ok := l.claim(r, size, limit); ok {
			l.write(r, place, fixed, a, n)
		} else {
			r.drops.add(allow, at)
		}
	}
	return true
}

// next returns the first of some notes, nil if there is none, and those behind it.
// Notes of items that were not answered are left out.
func (a *Answer) next(notes []byte) (note, rest []byte) {
	for len(notes) > 0 {
		n := binary.LittleEndian.Uint32(notes[noteLength:])
		note, notes = notes[:n], notes[n:]
		if int(int32(binary.LittleEndian.Uint32(note[noteItem:]))) < a.Items {
			return note, notes
		}
	}
	return nil, nil
}

// claim is ring.claim, and rouses the writer when the ring is half full.
func (l *Log) claim(r *ring, n, limit uint64) (at uint64, ok bool) {
	at, ok = r.claim(n, limit)
	if ok {
		if used := at - r.tail.Load(); used < r.size/2 && used+n >= r.size/2 {
			l.rouse()
		}
	}
	return at, ok
}

// await claims as soon as there is room, for a while.
func (l *Log) await(r *ring, n uint64) (at uint64, ok bool) {
	for end := time.Now().Add(l.config.Wait); ; {
		l.rouse()
		time.Sleep(time.Millisecond)
		if at, ok = l.claim(r, n, r.size); ok || !time.Now().Before(end) {
			return at, ok
		}
	}
}

// write fills a record, and returns the place behind it. fixed is the length of
// what stands before the note.
func (l *Log) write(r *ring, at uint64, fixed int, a *Answer, note []byte) uint64 {
	var head [recordTexts + 2]byte
	binary.LittleEndian.PutUint64(head[recordTime:], uint64(a.Began.UnixNano()))
	binary.LittleEndian.PutUint64(head[recordDuration:], uint64(a.Duration))
	n := rounded(fixed + len(note))
	head[recordTexts], head[recordTexts+1] = byte(len(a.ID))&0x7f|0x80, byte(len(a.ID)>>7)
	to := r.put(r.put(at+wordBytes, head[:]), a.ID)
	head[0], head[1] = byte(len(a.Peer))&0x7f|0x80, byte(len(a.Peer)>>7)
	to = r.put(r.put(to, head[:2]), a.Peer)
	head[0], head[1] = byte(len(a.Door))&0x7f|0x80, byte(len(a.Door)>>7)
	to = r.putText(r.put(to, head[:2]), a.Door)
	r.put(to, note)
	r.finish(at, n)
	return at + n
}
