// Package jsonscan is a strict pull scanner for JSON (RFC 8259), used for
// policy files and for request bodies alike, so that neither is laxer than
// the other.
//
// It is strict where leniency has been a security bug in other decoders: invalid UTF-8
// and lone surrogates are errors, duplicate keys are found after unescaping, nesting is
// bounded, and nothing may follow the value. It allocates only for objects with more than
// mapFrom members, and it has the byte offset of everything.
package jsonscan

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// Kind is the first byte of a value, with '0' for every number.
type Kind byte

// The kinds of value. None means that no value begins here: see Err.
const (
	None   Kind = 0
	Object Kind = '{'
	Array  Kind = '['
	String Kind = '"'
	Number Kind = '0'
	True   Kind = 't'
	False  Kind = 'f'
	Null   Kind = 'n'
)

// String names the kind in messages to users.
func (k Kind) String() string {
	switch k {
	case Object:
		return "an object"
	case Array:
		return "a list"
	case String:
		return "a string"
	case Number:
		return "a number"
	case True, False:
		return "a boolean"
	case Null:
		return "null"
	}
	return "nothing"
}

// MaxDepth bounds the nesting that Reset accepts.
const MaxDepth = 64

// mapFrom is the number of members from which an object's keys go into a map:
// below it comparing tags is faster, above it would be quadratic.
const mapFrom = 64

// Error says what is wrong, and where: Offset is in bytes, from 0.
type Error struct {
	Offset  int
	Message string
}

// Error returns the message without the offset.
func (e *Error) Error() string { return e.Message }

type key struct {
	tag        uint64 // length and last bytes of the unescaped key: equal keys have equal tags
	start, end int32  // the raw bytes
	escaped    bool
}

// Scanner reads one JSON text. The first error stops it: every later call
// fails, and Err tells which it was. The zero value needs Reset.
type Scanner struct {
	data []byte
	pos  int

	errMessage string
	errOffset  int

	maxDepth   int
	maxMembers int // 0: no bound
	lenient    bool
	depth      int
	first      bool
	base       [MaxDepth + 1]int32
	keys       []key
	large      [MaxDepth + 1]map[string]int32
	mapped     bool   // large holds a map
	scratch    []byte // the key being added, unescaped
	other      []byte // the key that it is compared with, unescaped

	// The member that Member found last.
	keyEnd     int // of its closing quote; 0 if there is no member yet
	keyEscaped bool
	keyOffset  int
	duplicate  int
}

// Reset starts on data, which the scanner never writes to and which must not
// change while it is in use. Nesting past maxDepth (at most MaxDepth) and
// objects of more than maxMembers members (0: no bound) are errors, and so is
// a duplicate key unless reportDuplicates: then Duplicate tells.
func (s *Scanner) Reset(data []byte, maxDepth, maxMembers int, reportDuplicates bool) {
	s.data, s.pos = data, 0
	s.errMessage, s.errOffset = "", 0
	s.maxDepth, s.maxMembers, s.lenient = min(maxDepth, MaxDepth), maxMembers, reportDuplicates
	s.depth, s.first = 0, false
	s.keys = s.keys[:0]
	s.keyOffset, s.keyEnd = 0, 0
	s.duplicate = -1
	if s.mapped {
		clear(s.large[:])
		s.mapped = false
	}
	if len(data) > math.MaxInt32 { // keys hold their places as int32
		s.fail(0, msgTooLong)
	}
}

// Err returns the first error, nil if there was none.
func (s *Scanner) Err() error {
	if s.errMessage == "" {
		return nil
	}
	e := &Error{Offset: s.errOffset, Message: s.errMessage}
	switch s.errMessage {
	case msgDepth:
		e.Message += strconv.Itoa(s.maxDepth)
	case msgMembers:
		e.Message += strconv.Itoa(s.maxMembers)
	}
	return e
}

// Failed reports whether there was an error, without allocating.
func (s *Scanner) Failed() bool { return s.errMessage != "" }

// Offset returns the offset of the next unread byte.
func (s *Scanner) Offset() int { return s.pos }

func (s *Scanner) fail(offset int, message string) bool {
	if s.errMessage == "" {
		s.errMessage, s.errOffset = message, offset
	}
	return false
}

func (s *Scanner) space() {
	if s.pos < len(s.data) && s.data[s.pos] <= ' ' {
		s.spaces()
	}
}

func (s *Scanner) spaces() { s.pos = blank(s.data, s.pos) }

// blank returns the offset of the first byte from i on that is no white space.
func blank(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i
}

// Peek skips white space and returns the kind of the value that begins there.
func (s *Scanner) Peek() Kind {
	if s.errMessage != "" {
		return None
	}
	s.space()
	if s.pos >= len(s.data) {
		s.fail(s.pos, msgEnds)
		return None
	}
	switch c := s.data[s.pos]; c {
	case '{', '[', '"', 't', 'f', 'n':
		return Kind(c)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return Number
	}
	s.fail(s.pos, msgNoValue)
	return None
}

// End reports whether nothing but white space is left.
func (s *Scanner) End() bool {
	if s.errMessage != "" {
		return false
	}
	s.space()
	if s.pos < len(s.data) {
		return s.fail(s.pos, msgTrailing)
	}
	return true
}

func (s *Scanner) enter(open byte, what string) bool {
	if s.errMessage != "" {
		return false
	}
	s.space()
	if s.pos >= len(s.data) || s.data[s.pos] != open {
		return s.fail(s.pos, what)
	}
	if s.depth >= s.maxDepth {
		return s.fail(s.pos, msgDepth)
	}
	s.pos++
	s.depth++
	s.first = true
	return true
}

// EnterObject reads the `{` of an object. Read its members with Member.
func (s *Scanner) EnterObject() bool {
	if !s.enter('{', msgWantObject) {
		return false
	}
	s.base[s.depth] = int32(len(s.keys))
	return true
}

// EnterArray reads the `[` of a list. Read its elements with Element.
func (s *Scanner) EnterArray() bool { return s.enter('[', msgWantList) }

// next reads the comma between members or elements, or the closing byte. It returns false
// after the closing byte or an error.
func (s *Scanner) next(close byte, what string) bool {
	if s.errMessage != "" {
		return false
	}
	s.space()
	if s.pos >= len(s.data) {
		return s.fail(s.pos, msgEndsInside)
	}
	c := s.data[s.pos]
	if c == close {
		if c == '}' {
			return s.leave()
		}
		s.pos++
		s.depth--
		s.first = false
		return false
	}
	if s.first {
		s.first = false
		return true
	}
	if c != ',' {
		return s.fail(s.pos, what)
	}
	s.pos++
	s.space()
	if s.pos < len(s.data) && s.data[s.pos] == close {
		return s.fail(s.pos, msgTrailingComma)
	}
	return true
}

// Element moves to the next element of the list entered last. It returns false at the end
// of the list or after an error.
func (s *Scanner) Element() bool { return s.next(']', msgNoCommaList) }

// Member moves to the next member of the object entered last and reads its key and the
// colon, so that the value is next. It returns false at the end of the object or after an
// error.
func (s *Scanner) Member() bool {
	// The usual case in one go: white space only where files have it, and a key
	// of plain ASCII that does not stand at the very end. Whatever else it meets
	// is left to member, which begins again.
	data, i := s.data, s.pos
	if s.errMessage != "" || i >= len(data) {
		return s.member()
	}
	if data[i] <= ' ' {
		if i = blank(data, i); i >= len(data) {
			return s.member()
		}
	}
	if data[i] == '}' {
		s.pos = i
		return s.leave()
	}
	if !s.first {
		if data[i] != ',' {
			return s.member()
		}
		if i++; i < len(data) && data[i] <= ' ' {
			i = blank(data, i)
		}
	}
	if i+9 > len(data) || data[i] != '"' {
		return s.member()
	}
	start := i + 1
	word := binary.LittleEndian.Uint64(data[start:])
	stop, end := stops(word), start
	for stop == 0 && end+16 <= len(data) {
		end += 8
		stop = stops(binary.LittleEndian.Uint64(data[end:]))
	}
	end += bits.TrailingZeros64(stop) / 8
	if end+1 >= len(data) || data[end] != '"' || data[end+1] != ':' {
		return s.member()
	}
	// This is what tag computes.
	n := end - start
	t := uint64(n) << 56
	if n >= 8 {
		t ^= binary.LittleEndian.Uint64(data[end-8:])
	} else {
		t ^= word & (1<<(8*n) - 1)
	}
	own := s.keys[s.base[s.depth]:]
	if len(own) >= mapFrom || s.maxMembers > 0 && len(own) >= s.maxMembers {
		return s.member()
	}
	for k := range own {
		if own[k].tag == t {
			return s.member()
		}
	}
	s.keys = append(s.keys, key{tag: t, start: int32(start), end: int32(end)})
	s.first = false
	s.keyOffset, s.keyEnd, s.keyEscaped, s.duplicate = i, end, false, -1
	s.pos = end + 2
	return true
}

// member is Member for all cases.
func (s *Scanner) member() bool {
	if !s.next('}', msgNoCommaObject) {
		return false
	}
	offset := s.pos
	raw, escaped, ok := s.Text()
	if !ok {
		if s.errMessage == msgWantString {
			s.errMessage = msgWantKey
		}
		return false
	}
	s.keyOffset, s.keyEnd, s.keyEscaped = offset, offset+1+len(raw), escaped
	s.duplicate = s.addKey(raw, escaped)
	if s.duplicate >= 0 && !s.lenient {
		return s.fail(s.keyOffset, msgDuplicate)
	}
	if s.maxMembers > 0 && len(s.keys)-int(s.base[s.depth]) > s.maxMembers {
		return s.fail(s.keyOffset, msgMembers)
	}
	if s.space(); s.pos >= len(s.data) || s.data[s.pos] != ':' {
		return s.fail(s.pos, msgColon)
	}
	s.pos++
	return true
}

// leave reads the `}` of an object and forgets its keys.
func (s *Scanner) leave() bool {
	s.pos++
	s.keys = s.keys[:s.base[s.depth]]
	if s.mapped {
		s.large[s.depth] = nil
	}
	s.depth--
	s.first = false
	return false
}

// Key returns the raw bytes of the key that Member read, between the quotes,
// and whether they hold escapes.
func (s *Scanner) Key() (raw []byte, escaped bool) {
	if s.keyEnd == 0 {
		return nil, false
	}
	return s.data[s.keyOffset+1 : s.keyEnd], s.keyEscaped
}

// KeyOffset returns the offset of the opening quote of that key.
func (s *Scanner) KeyOffset() int { return s.keyOffset }

// Duplicate returns the offset of an earlier key of the same object that equals the one
// that Member read, and whether there is one.
func (s *Scanner) Duplicate() (offset int, ok bool) { return s.duplicate, s.duplicate >= 0 }

// addKey adds a key to those of the current object. It returns the offset of an earlier
// key that equals it, or -1.
func (s *Scanner) addKey(raw []byte, escaped bool) int {
	text := raw
	if escaped {
		s.scratch = Unescape(s.scratch[:0], raw)
		text = s.scratch
	}
	t := tag(text)
	own := s.keys[s.base[s.depth]:]
	found := -1
	if len(own) >= mapFrom {
		found = s.addLarge(own, text)
	} else {
		for i := range own {
			if own[i].tag == t && s.sameKey(&own[i], text) {
				found = int(own[i].start) - 1
				break
			}
		}
	}
	s.keys = append(s.keys, key{tag: t, start: int32(s.keyOffset + 1), end: int32(s.keyOffset + 1 + len(raw)), escaped: escaped})
	return found
}

// addLarge is addKey for objects of many members.
func (s *Scanner) addLarge(own []key, text []byte) int {
	m := s.large[s.depth]
	if m == nil {
		m = make(map[string]int32, 2*len(own))
		for _, k := range own {
			t := s.data[k.start:k.end]
			if k.escaped {
				t = Unescape(nil, t)
			}
			if _, ok := m[string(t)]; !ok {
				m[string(t)] = k.start - 1
			}
		}
		s.large[s.depth], s.mapped = m, true
	}
	if at, ok := m[string(text)]; ok {
		return int(at)
	}
	m[string(text)] = int32(s.keyOffset)
	return -1
}

func (s *Scanner) sameKey(k *key, text []byte) bool {
	raw := s.data[k.start:k.end]
	if !k.escaped {
		return string(raw) == string(text)
	}
	s.other = Unescape(s.other[:0], raw)
	return string(s.other) == string(text)
}

func tag(text []byte) uint64 {
	n := len(text)
	t := uint64(n) << 56
	if n >= 8 {
		return t ^ binary.LittleEndian.Uint64(text[n-8:])
	}
	for i, c := range text {
		t ^= uint64(c) << (8 * i)
	}
	return t
}

// Literal reads `true`, `false` or `null` and returns its kind.
func (s *Scanner) Literal() (Kind, bool) {
	k := s.Peek()
	word := ""
	switch k {
	case True:
		word = "true"
	case False:
		word = "false"
	case Null:
		word = "null"
	default:
		return None, s.fail(s.pos, msgWantLiteral)
	}
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return None, s.fail(s.pos, msgNoValue)
	}
	s.pos += len(word)
	return k, true
}

// Skip reads one value of any kind, checking it as strictly as the rest.
func (s *Scanner) Skip() bool {
	switch s.Peek() {
	case Object:
		s.EnterObject()
		for s.Member() {
			s.Skip()
		}
	case Array:
		s.EnterArray()
		for s.Element() {
			s.Skip()
		}
	case String:
		s.Text()
	case Number:
		s.NumberText()
	case None:
	default:
		s.Literal()
	}
	return s.errMessage == ""
}
