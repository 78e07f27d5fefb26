package decisionlog

import (
	"encoding/binary"
	"unsafe"

	"postern/policy"
)

// record is one record of a ring: what belongs to the answer, and a note. Its text
// is valid until the ring passes on.
type record struct {
	text []byte // without the first word of the ring
	size uint64
}

// The places of what a record begins with, before the texts id, peer and door.
const (
	recordTime     = 0 // in nanoseconds since 1970
	recordDuration = 8
	recordTexts    = 16
)

func (r record) time() int64 { return int64(binary.LittleEndian.Uint64(r.text[recordTime:])) }

// entry is a record as the writer looks at it: its texts are those of the record.
type entry struct {
	time, duration int64
	id, peer, door string

	logged, shadowed, cut, denyOnly bool
	item                            int
	every                           uint32
	seen                            uint32
	caller, owner, why              string
	decision                        policy.Decision
	request                         policy.Request
	hasRequest                      bool

	values []policy.Value
	spans  []span
}

// span is where the values of an attribute stand in entry.values.
type span struct {
	of       *policy.Attribute
	from, to int
}

// read reads a record. The memory of e is used again.
func (e *entry) read(r record) {
	in := reader{r.text}
	e.time, e.duration = int64(in.word()), int64(in.word())
	e.id, e.peer, e.door = in.string(), in.string(), in.string()
	h := in.b
	flags := h[noteFlags]
	e.logged, e.shadowed = flags&noteLogged != 0, flags&noteShadowed != 0
	e.hasRequest, e.cut, e.denyOnly = flags&noteRequest != 0, flags&noteCut != 0, flags&noteDenyOnly != 0
	e.item = int(int32(binary.LittleEndian.Uint32(h[noteItem:])))
	e.every = binary.LittleEndian.Uint32(h[noteEvery:])
	e.seen = binary.LittleEndian.Uint32(h[noteSeen:])
	e.decision = policy.Decision{
		Outcome: policy.Outcome(h[noteFlags+1]), Reason: policy.Reason(h[noteFlags+2]), Layer: policy.Layer(h[noteFlags+3]),
		Generation: binary.LittleEndian.Uint64(h[noteGen:]), MaxOpenSeconds: binary.LittleEndian.Uint64(h[noteOpen:]),
	}
	in.b = h[noteTexts:]
	e.caller, e.owner, e.why = in.string(), in.string(), in.string()
	if e.hasRequest {
		e.request.DenyOnly = e.denyOnly
		e.readRequest(&in)
	}
}

func (e *entry) readRequest(in *reader) {
	r := &e.request
	p, res := &r.Principal, &r.Resource
	flags := in.byte()
	res.Kind, p.ClaimsStated, res.TagsKnown = policy.ResourceKind(flags&^(3<<6)), flags&(1<<6) != 0, flags&(1<<7) != 0
	r.Now = int64(in.word())
	p.Org, r.Action = in.string(), in.string()
	res.Type, res.ID, res.Org, res.UID = in.string(), in.string(), in.string(), in.string()
	for _, list := range [...]*[]string{&p.IDs, &p.Groups} {
		*list = (*list)[:0]
		for range in.count() {
			*list = append(*list, in.string())
		}
	}
	res.Tags = res.Tags[:0]
	for range in.count() {
		res.Tags = append(res.Tags, policy.Tag{Key: in.string(), Value: in.string()})
	}
	e.values, e.spans = e.values[:0], e.spans[:0]
	for _, list := range [...]*[]policy.Attribute{&r.Context, &p.Properties, &r.ActionProperties, &res.Properties, &p.Claims} {
		*list = (*list)[:0]
		n := in.count()
		if cap(*list) < n { // so that e.spans can refer to its elements
			*list = make([]policy.Attribute, 0, 2*n)
		}
		for range n {
			a := policy.Attribute{Key: in.string()}
			values := in.count() - 1
			a.Unreadable = values < 0
			*list = append(*list, a)
			from := len(e.values)
			for range max(values, 0) {
				kind := policy.ValueKind(in.byte())
				e.values = append(e.values, policy.Value{Kind: kind, Text: in.string()})
			}
			e.spans = append(e.spans, span{&(*list)[len(*list)-1], from, len(e.values)})
		}
	}
	for _, s := range e.spans { // e.values has grown to its end now
		if !s.of.Unreadable {
			s.of.Values = e.values[s.from:s.to:s.to]
		}
	}
}

// reader takes a record apart.
type reader struct{ b []byte }

func (r *reader) byte() byte {
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) word() uint64 {
	w := binary.LittleEndian.Uint64(r.b)
	r.b = r.b[8:]
	return w
}

func (r *reader) count() int {
	if c := r.b[0]; c < 0x80 {
		r.b = r.b[1:]
		return int(c)
	}
	n, length := binary.Uvarint(r.b)
	r.b = r.b[length:]
	return int(n)
}

func (r *reader) string() string {
	n := r.count()
	s := unsafe.String(unsafe.SliceData(r.b), n)
	r.b = r.b[n:]
	return s
}
