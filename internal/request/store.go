package request

import (
	"unsafe"

	"postern/internal/jsonscan"
	"postern/policy"
)

// The bounds of what a store keeps between requests: one large request must not
// make a pooled decoder large for ever.
const (
	keepBytes  = 64 << 10 // of its arena
	keepValues = 4 << 10  // values of condition keys
)

// store is the memory of one part of a decoded request: the strings that do
// not stand in the body as they are (unescaped, or put together), and the
// values of condition keys. What it gave out stays valid until reset, since
// growing makes a new array and leaves the old one to those who hold it.
type store struct {
	arena  []byte
	values []policy.Value
}

func (s *store) reset() {
	if cap(s.arena) > keepBytes {
		s.arena = nil
	}
	if cap(s.values) > keepValues {
		s.values = nil
	}
	s.arena, s.values = s.arena[:0], s.values[:0]
}

// tail returns the free end of the arena, with room for n bytes. What is appended
// to it is kept by handing the result to text.
func (s *store) tail(n int) []byte {
	if cap(s.arena)-len(s.arena) < n {
		s.arena = make([]byte, 0, 2*cap(s.arena)+max(n, 512))
	}
	return s.arena[len(s.arena):]
}

// text keeps what was appended to tail and returns it as a string.
func (s *store) text(b []byte) string {
	s.arena = s.arena[:len(s.arena)+len(b)]
	return alias(b)
}

// string keeps a string of the body: as it stands there if it holds no escape.
func (s *store) string(raw []byte, escaped bool) string {
	if !escaped {
		return alias(raw)
	}
	return s.text(jsonscan.Unescape(s.tail(len(raw)), raw))
}

// value keeps one value whose text was appended to tail.
func (s *store) value(kind policy.ValueKind, text []byte) []policy.Value {
	from := len(s.values)
	s.values = append(s.values, policy.Value{Kind: kind, Text: s.text(text)})
	return s.values[from:len(s.values):len(s.values)]
}

// alias views bytes as a string without copying: it is valid as long as b is
// not changed.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
