package decisionlog

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"postern/policy"
)

// Note is one decision, as whoever answers knows it when it is made.
type Note struct {
	// Request is what was asked; nil where it could not be read.
	Request *policy.Request
	// Cut says that there was a request, which is left out.
	Cut bool
	// Caller and Owner are the caller's and the owner's organization by which it
	// was decided.
	Caller, Owner string
	Decision      policy.Decision
	// Why is why it was decided without a policy, "" if it was not: then
	// Decision.Reason says nothing.
	Why string
	// Item is the place in a batch, or among the questions of one request of a
	// door; -1 if it is the only one.
	Item int
}

// The flags of a note in a record.
const (
	noteLogged = 1 << iota
	noteShadowed
	noteRequest // it has its request
	noteCut     // it had one, which was too long
	noteDenyOnly
)

// The lengths and places of what every note begins with.
const (
	noteLength  = 0  // of the note, itself included
	noteFlags   = 4  // and outcome, reason, layer in the bytes after it
	noteItem    = 8  // -1 for none
	noteEvery   = 12 // one allow in so many is logged
	noteGen     = 16
	noteOpen    = 24
	noteSeen    = 32 // the number of the set of keys that a door sees, 0 for all
	noteTexts   = 36
	maxRecord   = 64 << 10 // bytes of a note; beyond, the request is left out
	noteItemMax = math.MaxInt32
	noItem      = math.MaxUint32
)

// Note appends a note of a decision to b, if it is to be logged or a candidate is
// to decide it too. It allocates nothing where b has room.
func (l *Log) Note(b []byte, n *Note) []byte {
	allow := n.Decision.Outcome == policy.Allow
	flags, every := byte(0), uint32(1)
	if l.logged {
		if allow {
			every = l.config.Allows
		}
		if every == 1 || every > 1 && rand.Uint32N(every) == 0 {
			flags = noteLogged
		}
	}
	if s := l.config.ShadowSample; l.config.Shadow != nil && (s <= 1 || rand.Uint32N(s) == 0) {
		flags |= noteShadowed
	}
	if flags == 0 {
		return b
	}
	from := len(b)
	b = append(b, make([]byte, noteTexts)...)
	item := uint32(noItem)
	if n.Item >= 0 {
		item = uint32(min(n.Item, noteItemMax))
	}
	b = appendText(b, n.Caller)
	b = appendText(b, n.Owner)
	b = appendText(b, n.Why)
	switch {
	case n.Cut:
		flags |= noteCut
	case n.Request != nil:
		if n.Request.DenyOnly {
			flags |= noteDenyOnly
		}
		binary.LittleEndian.PutUint32(b[from+noteSeen:], l.seen.number(n.Request.Seen))
		to := len(b)
		var ok bool
		if b, ok = appendRequest(b, n.Request, from+maxRecord); ok {
			flags |= noteRequest
		} else {
			b, flags = b[:to], flags|noteCut
		}
	}
	h := b[from:]
	binary.LittleEndian.PutUint32(h[noteLength:], uint32(len(h)))
	h[noteFlags], h[noteFlags+1], h[noteFlags+2], h[noteFlags+3] = flags, byte(n.Decision.Outcome), byte(n.Decision.Reason), byte(n.Decision.Layer)
	binary.LittleEndian.PutUint32(h[noteItem:], item)
	binary.LittleEndian.PutUint32(h[noteEvery:], every)
	binary.LittleEndian.PutUint64(h[noteGen:], n.Decision.Generation)
	binary.LittleEndian.PutUint64(h[noteOpen:], n.Decision.MaxOpenSeconds)
	return b
}

// Texts and lists are written as their length, in the form of a varint, and then
// their content.

func appendText(b []byte, s string) []byte {
	if len(s) < 0x80 {
		return append(append(b, byte(len(s))), s...)
	}
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendCount(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) }

// appendRequest appends a request; false if it goes beyond the length max, of
// which it is far less than a longest value beyond then.
func appendRequest(b []byte, r *policy.Request, max int) ([]byte, bool) {
	p, res := &r.Principal, &r.Resource
	flags := byte(res.Kind)
	if p.ClaimsStated {
		flags |= 1 << 6
	}
	if res.TagsKnown {
		flags |= 1 << 7
	}
	b = append(b, flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Now))
	b = appendText(b, p.Org)
	b = appendText(b, r.Action)
	b = appendText(b, res.Type)
	b = appendText(b, res.ID)
	b = appendText(b, res.Org)
	b = appendText(b, res.UID)
	for _, list := range [...][]string{p.IDs, p.Groups} {
		b = appendCount(b, len(list))
		for _, s := range list {
			if b = appendText(b, s); len(b) > max {
				return b, false
			}
		}
	}
	b = appendCount(b, len(res.Tags))
	for i := range res.Tags {
		b = appendText(appendText(b, res.Tags[i].Key), res.Tags[i].Value)
		if len(b) > max {
			return b, false
		}
	}
	for _, list := range [...][]policy.Attribute{r.Context, p.Properties, r.ActionProperties, res.Properties, p.Claims} {
		b = appendCount(b, len(list))
		for i := range list {
			a := &list[i]
			b = appendText(b, a.Key)
			// Of an unreadable key there are no values: the count says which it is.
			n := len(a.Values) + 1
			if a.Unreadable {
				n = 0
			}
			b = appendCount(b, n)
			for j := range a.Values {
				v := &a.Values[j]
				if b = appendText(append(b, byte(v.Kind)), v.Text); len(b) > max {
					return b, false
				}
			}
			if len(b) > max {
				return b, false
			}
		}
	}
	return b, len(b) <= max
}

// number returns the number of a set, 0 for nil.
func (s *seenSets) number(of *policy.KeySet) uint32 {
	if of == nil {
		return 0
	}
	if list := s.list.Load(); list != nil {
		for i := range *list {
			if (*list)[i].of == of {
				return uint32(i + 1)
			}
		}
	}
	return s.add(of)
}
