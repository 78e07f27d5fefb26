package policyjson

import (
	"bytes"
	"slices"
	"strings"

	"postern/internal/jsonscan"
	"postern/internal/value"
	"postern/policy"
)

// Part is a part of a statement that has a place in its file.
type Part uint8

// The parts. Of a Place of a statement's list, Entry counts the list's entries
// as policy.Statement has them.
const (
	PartDocument   Part = iota // the document's `{`
	PartVersion                // the value of its version
	PartStatements             // the key of its statements
	PartStatement              // a statement's `{`
	PartPrincipal              // an entry of Principals
	PartAction                 // an entry of Actions
	PartResource               // an entry of Resources
	PartOperator               // the name of the operator of condition Entry
	PartKey                    // the key of condition Entry
	PartValue                  // value Value of condition Entry
)

// Place names a part of a document of organization or bucket policies.
type Place struct {
	Statement int
	Part      Part
	Entry     int
	Value     int
}

// Spot is where a Place stands in its file.
type Spot struct {
	At policy.Position
	// Text is the JSON string, number or literal that stands there, as it is
	// written; "" where an object begins. It aliases no file.
	Text string
}

// Locate returns where the places of a document stand in the file that it was
// read from without an error. A place that the document does not have is where
// the document begins. It takes time linear in the file, however many places are
// asked for; documents keep no places, as there may be a million of them. In a file
// that has become another one places mean nothing, and nothing worse happens.
func Locate(file string, data []byte, places []Place) []Spot {
	l := locator{data: withoutMark(data), want: make(map[Place]int, len(places))}
	for _, p := range places {
		l.want[p] = -1
	}
	l.s.Reset(l.data, jsonscan.MaxDepth, 0, true)
	l.s.Peek()
	begin := l.s.Offset()
	l.members(l.topField)
	offsets := make([]int, len(places))
	for i, p := range places {
		if offsets[i] = l.want[p]; offsets[i] < 0 {
			offsets[i] = begin
		}
	}
	at := positions(file, l.data, slices.Clone(offsets))
	out := make([]Spot, len(places))
	for i, offset := range offsets {
		out[i] = Spot{at(offset), l.scalar(offset)}
	}
	return out
}

// scalar is the text of the value, or key, that begins at offset.
func (l *locator) scalar(offset int) string {
	rest := l.data[min(offset, len(l.data)):]
	end := 0
	switch {
	case len(rest) == 0, rest[0] == '{', rest[0] == '[':
		return ""
	case rest[0] == '"':
		for end = 1; end < len(rest) && rest[end] != '"'; end++ {
			if rest[end] == '\\' {
				end++
			}
		}
		end++
	default:
		if end = bytes.IndexAny(rest, " \t\r\n,]}"); end < 0 {
			end = len(rest)
		}
	}
	return string(rest[:min(end, len(rest))])
}

// locator walks through a good document once.
type locator struct {
	s    jsonscan.Scanner
	data []byte
	want map[Place]int // offset of each, -1 until it is passed
	at   Place         // where in a statement the walk is
}

// pass notes that a place stands at offset.
func (l *locator) pass(p Place, offset int) {
	if _, wanted := l.want[p]; wanted {
		l.want[p] = offset
	}
}

// members calls read with the folded name and the place of each member of the
// object that comes next.
func (l *locator) members(read func(name string, at int)) {
	l.s.EnterObject()
	for l.s.Member() {
		raw, escaped := l.s.Key()
		if escaped {
			raw = jsonscan.Unescape(nil, raw)
		}
		if len(raw) > 2*len("notprincipal") {
			raw = nil // no element has such a name
		}
		read(value.FoldASCII(string(raw)), l.s.KeyOffset())
	}
}

// entries calls read before each entry of a list, or before the one value.
func (l *locator) entries(read func(i int)) {
	if l.s.Peek() != jsonscan.Array {
		read(0)
		return
	}
	l.s.EnterArray()
	for i := 0; l.s.Element(); i++ {
		read(i)
	}
}

func (l *locator) topField(name string, at int) {
	switch name {
	case "policy": // the wrapper of an organization policy
		l.members(l.topField)
	case "version":
		l.s.Peek()
		l.pass(Place{Part: PartVersion}, l.s.Offset())
		l.s.Skip()
	case "statement", "statements":
		l.pass(Place{Part: PartStatements}, at)
		l.entries(func(i int) {
			l.s.Peek()
			l.at = Place{Statement: i}
			l.pass(Place{Statement: i, Part: PartStatement}, l.s.Offset())
			l.members(l.statementField)
		})
	default:
		l.s.Skip()
	}
}

func (l *locator) statementField(name string, _ int) {
	switch strings.TrimSuffix(strings.TrimPrefix(name, "not"), "s") {
	case "principal":
		l.at.Part, l.at.Entry = PartPrincipal, 0
		if l.s.Peek() == jsonscan.Object {
			l.members(l.principals)
		} else {
			l.list()
		}
	case "action":
		l.at.Part, l.at.Entry = PartAction, 0
		l.list()
	case "resource":
		l.at.Part, l.at.Entry = PartResource, 0
		l.list()
	case "condition":
		l.conditions()
	default:
		l.s.Skip()
	}
}

// list passes every entry of a list.
func (l *locator) list() {
	l.entries(func(int) {
		l.s.Peek()
		l.pass(l.at, l.s.Offset())
		l.at.Entry++
		l.s.Skip()
	})
}

// principals passes the entries of one kind of principal that a document keeps.
func (l *locator) principals(name string, _ int) {
	if name != "aws" && name != "cw" {
		l.s.Skip()
		return
	}
	l.entries(func(int) {
		l.s.Peek()
		at := l.s.Offset()
		raw, escaped, _ := l.s.Text()
		if escaped {
			raw = jsonscan.Unescape(nil, raw)
		}
		if strings.HasPrefix(string(raw[:min(len(raw), len(sessionPrefix))]), sessionPrefix) {
			return // a session, which is no entry
		}
		l.pass(l.at, at)
		l.at.Entry++
	})
}

func (l *locator) conditions() {
	l.at.Entry = 0
	l.members(func(_ string, operatorAt int) {
		l.members(func(_ string, at int) {
			p := l.at
			p.Part = PartOperator
			l.pass(p, operatorAt)
			p.Part = PartKey
			l.pass(p, at)
			l.entries(func(i int) {
				l.s.Peek()
				p.Part, p.Value = PartValue, i
				l.pass(p, l.s.Offset())
				l.s.Skip()
			})
			l.at.Entry++
		})
	})
}
