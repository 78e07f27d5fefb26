package policytest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/internal/jsonscan"
	"postern/internal/request"
	"postern/internal/spelling"
	"postern/policy"
)

// Parse reads a file of tests (specification 8.2). Where something is wrong the
// file is nil and the diagnostics say what and where; each request is read once,
// so that a file that parses has no request that the HTTP door would refuse. The
// file aliases data, which must not change.
func Parse(name string, data []byte) (*File, []policy.Diagnostic) {
	p := parser{file: &File{Name: name}, data: data, names: map[string]bool{}}
	for i, c := range data {
		if c == '\n' {
			p.lines = append(p.lines, i)
		}
	}
	p.s.Reset(data, jsonscan.MaxDepth, 0, false)
	p.top()
	if err, ok := p.s.Err().(*jsonscan.Error); ok {
		p.found = p.found[:0]
		p.wrong(err.Offset, "%s", err.Message)
	} else if len(p.found) == 0 && !p.s.End() {
		p.wrong(p.s.Offset(), "something follows the object; a file holds one")
	}
	if len(p.found) == 0 {
		p.requests()
	}
	if len(p.found) > 0 {
		policy.SortDiagnostics(p.found)
		return nil, p.found
	}
	return p.file, nil
}

type parser struct {
	s     jsonscan.Scanner
	data  []byte
	lines []int // the offsets of newlines
	file  *File
	names map[string]bool // of the tests so far
	found []policy.Diagnostic
}

// place is where an offset is, for people.
func (p *parser) place(offset int) policy.Position {
	n, _ := slices.BinarySearch(p.lines, offset)
	start := 0
	if n > 0 {
		start = p.lines[n-1] + 1
	}
	return policy.Position{File: p.file.Name, Line: n + 1, Column: offset - start + 1}
}

func (p *parser) wrong(offset int, format string, args ...any) {
	p.found = append(p.found, policy.Diagnostic{Position: p.place(offset), Message: fmt.Sprintf(format, args...)})
}

// object reads an object, whose members are read by row; what is in no row is
// an error that names the nearest. It returns the place of the `{`, and which
// members there were.
func (p *parser) object(what string, rows []row) (at int, has map[string]bool) {
	has = map[string]bool{}
	if p.s.Peek() != jsonscan.Object {
		at = p.s.Offset()
		p.mistaken(what, "an object", p.s.Peek())
		return at, has
	}
	at = p.s.Offset()
	p.s.EnterObject()
	for p.s.Member() {
		raw, escaped := p.s.Key()
		if escaped {
			raw = jsonscan.Unescape(nil, raw)
		}
		key := string(raw)
		i := slices.IndexFunc(rows, func(r row) bool { return r.key == key })
		if i < 0 {
			p.unknown(what, key, rows)
			p.s.Skip()
			continue
		}
		has[key] = true
		rows[i].read()
	}
	return at, has
}

// row is a member of an object, and what reads its value.
type row struct {
	key  string
	read func()
}

func (p *parser) unknown(what, key string, rows []row) {
	if i := spelling.Nearest(key, len(rows), func(i int) string { return rows[i].key }); i >= 0 {
		p.wrong(p.s.KeyOffset(), "%s has no member %q; write %q", what, key, rows[i].key)
		return
	}
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = rows[i].key
	}
	p.wrong(p.s.KeyOffset(), "%s has no member %q; its members are %s", what, key, strings.Join(keys, ", "))
}

// mistaken says that a value is of another kind than wanted, and skips it.
func (p *parser) mistaken(what, wanted string, is jsonscan.Kind) {
	if is != jsonscan.None {
		p.wrong(p.s.Offset(), "%s is %s; write %s", what, is, wanted)
	}
	p.s.Skip()
}

// text reads a string; "" if there was none, which it said.
func (p *parser) text(what string) string {
	at := p.s.Offset()
	raw, escaped, kind := p.s.TextOr()
	if kind != jsonscan.String {
		p.mistaken(what, "a string", kind)
		return ""
	}
	if escaped {
		raw = jsonscan.Unescape(nil, raw)
	}
	if len(raw) == 0 {
		p.wrong(at, "%s is empty; write it, or leave it out", what)
	}
	return string(raw)
}

// list reads a list, whose elements are read by element.
func (p *parser) list(what string, element func()) {
	if p.s.Peek() != jsonscan.Array {
		p.mistaken(what, "a list", p.s.Peek())
		return
	}
	p.s.EnterArray()
	for p.s.Element() {
		element()
	}
}

func (p *parser) texts(what string) (out []string) {
	p.list(what, func() { out = append(out, p.text("an element of "+what)) })
	return out
}

// raw returns the bytes of the value that is next.
func (p *parser) raw() []byte {
	p.s.Peek()
	at := p.s.Offset()
	p.s.Skip()
	return p.data[at:p.s.Offset()]
}

func (p *parser) top() {
	f := p.file
	at, has := p.object("the file", p.fileRows())
	for _, key := range fileNeeds {
		if !has[key] {
			p.wrong(at, `the file has no %q; write {"policies": "DIRECTORY", "tests": [...]}`, key)
		}
	}
	if has["tests"] && len(f.Tests) == 0 && len(p.found) == 0 {
		p.wrong(at, "tests is empty, so that the file tests nothing")
	}
}

// fileNeeds are the members that a file must have, testNeeds those of a test.
var (
	fileNeeds = []string{"policies", "tests"}
	testNeeds = []string{"name", "request", "decision"}
)

// fileRows are the members of a file.
func (p *parser) fileRows() []row {
	f := p.file
	return []row{
		{"policies", func() { f.Policies = p.text("policies") }},
		{"defaultOrg", func() { f.DefaultOrg = p.text("defaultOrg") }},
		{"platformOrgs", func() { f.PlatformOrgs = p.texts("platformOrgs") }},
		{"now", p.now},
		{"tests", func() { p.list("tests", p.test) }},
	}
}

func (p *parser) now() {
	p.s.Peek()
	at := p.s.Offset()
	text := p.text("now")
	if text == "" {
		return
	}
	var err error
	if p.file.Now, err = time.Parse(time.RFC3339, text); err != nil {
		p.wrong(at, `now is %q; write a time like "2026-01-01T00:00:00Z"`, text)
	}
}

func (p *parser) test() {
	t := Test{}
	var foreach [listedCount][][]byte
	at, has := p.object("a test", p.testRows(&t, &foreach))
	t.Position = p.place(at)
	for _, key := range testNeeds {
		if !has[key] {
			p.wrong(at, `the test has no %q; write {"name": "...", "request": {...}, "decision": true or false}`, key)
		}
	}
	if p.names[t.Name] && t.Name != "" {
		p.wrong(at, "another test is called %q; give each a name of its own", t.Name)
	}
	p.names[t.Name] = true
	for part := range listedCount {
		if t.listed[part] {
			if len(t.parts[part]) > 0 {
				p.wrong(at, "%s stands in request and in foreach; leave it out of request", partNames[part])
			}
			t.parts[part] = foreach[part]
		}
	}
	if n := t.product(); n > MaxCases {
		p.wrong(at, "foreach stands for %d requests, and a test for at most %d; make several tests", n, MaxCases)
	}
	p.contradiction(at, &t.Wanted)
	p.file.Tests = append(p.file.Tests, t)
}

// testRows are the members of a test.
func (p *parser) testRows(t *Test, foreach *[listedCount][][]byte) []row {
	return []row{
		{"name", func() { t.Name = p.text("name") }},
		{"request", func() { p.request(t) }},
		{"decision", func() { p.decision(&t.Wanted) }},
		{"reason", func() { p.reason(&t.Wanted) }},
		{"obligations", func() { p.obligations(&t.Wanted) }},
		{"determinedBy", func() { t.Wanted.Determined, t.Wanted.DeterminedBy = true, p.texts("determinedBy") }},
		{"foreach", func() { p.foreach(t, foreach) }},
	}
}

// product is Len before it is known to be within MaxCases; it stops beyond.
func (t *Test) product() int {
	n := 1
	for i := range listedCount {
		if t.listed[i] {
			if n *= len(t.parts[i]); n > MaxCases {
				break
			}
		}
	}
	return n
}

func (p *parser) request(t *Test) {
	var rows []row
	for part, name := range partNames {
		rows = append(rows, row{name, func() { t.parts[part] = [][]byte{p.raw()} }})
	}
	p.object("request", rows)
}

func (p *parser) foreach(t *Test, lists *[listedCount][][]byte) {
	var rows []row
	for part, name := range partNames[:listedCount] {
		rows = append(rows, row{name, func() {
			p.s.Peek()
			at := p.s.Offset()
			t.listed[part] = true
			p.list("foreach."+name, func() { lists[part] = append(lists[part], p.raw()) })
			if len(lists[part]) == 0 && len(p.found) == 0 {
				p.wrong(at, "foreach.%s is empty, so that the test asks nothing", name)
			}
		}})
	}
	p.object("foreach", rows)
}

func (p *parser) decision(w *Wanted) {
	switch kind := p.s.Peek(); kind {
	case jsonscan.True, jsonscan.False:
		p.s.Literal()
		w.Allow = kind == jsonscan.True
	default:
		p.mistaken("decision", "true or false", kind)
	}
}

func (p *parser) reason(w *Wanted) {
	p.s.Peek()
	at := p.s.Offset()
	text := p.text("reason")
	reasons := policy.Reasons()
	if i := slices.IndexFunc(reasons, func(r policy.Reason) bool { return r.String() == text }); i >= 0 {
		w.Reason = reasons[i]
		return
	}
	if text == "" {
		return
	}
	if i := spelling.Nearest(text, len(reasons), func(i int) string { return reasons[i].String() }); i >= 0 {
		p.wrong(at, "there is no reason %q; write %q", text, reasons[i].String())
		return
	}
	p.wrong(at, "there is no reason %q; an answer's \"reason\" is what to write, such as %q", text, policy.Allowed.String())
}

// obligations reads the list as an answer has it.
func (p *parser) obligations(w *Wanted) {
	w.Obligations = true
	n := 0
	p.s.Peek()
	at := p.s.Offset()
	p.list("obligations", func() {
		n++
		p.object("an obligation", []row{
			{"id", func() { p.literal("id", "max-open") }},
			{"type", func() { p.literal("type", "max_open_seconds") }},
			{"properties", func() {
				p.object("properties", []row{{"seconds", func() { p.seconds(w) }}})
			}},
		})
	})
	if len(p.found) == 0 && (n > 1 || n == 1 && w.MaxOpen == 0) {
		p.wrong(at, `obligations is a list as an answer has it: [{"id": "max-open", "type": "max_open_seconds", "properties": {"seconds": 300}}], or [] for none`)
	}
}

func (p *parser) literal(what, wanted string) {
	p.s.Peek()
	at := p.s.Offset()
	if text := p.text(what); text != "" && text != wanted {
		p.wrong(at, "%s is %q; the only one is %q", what, text, wanted)
	}
}

func (p *parser) seconds(w *Wanted) {
	if kind := p.s.Peek(); kind != jsonscan.Number {
		p.mistaken("seconds", "a number", kind)
		return
	}
	at := p.s.Offset()
	raw, ok := p.s.NumberText()
	if !ok {
		return
	}
	var err error
	if w.MaxOpen, err = strconv.ParseUint(string(raw), 10, 64); err != nil || w.MaxOpen == 0 {
		p.wrong(at, "seconds is %s; write a whole number above 0", raw)
	}
}

// contradiction tells what no decision can fulfil.
func (p *parser) contradiction(at int, w *Wanted) {
	if w.Reason != policy.ReasonNone && (w.Reason.Outcome() == policy.Allow) != w.Allow {
		p.wrong(at, "the reason %s never goes with the decision %t; leave reason out, or change one of them", w.Reason, w.Allow)
	}
	if w.MaxOpen > 0 && !w.Allow {
		p.wrong(at, "a denial has no obligations; leave obligations out, or write []")
	}
}

// requests reads each request once, by the rules of the HTTP door.
func (p *parser) requests() {
	var d request.Decoder
	var body []byte
	now := p.file.Now.Unix()
	for i := range p.file.Tests {
		t := &p.file.Tests[i]
		for n := range t.Len() {
			var took [listedCount]int
			body, took = t.body(body[:0], n)
			if _, err := d.Evaluation(body, now); err != nil {
				p.found = append(p.found, policy.Diagnostic{Position: t.Position, Message: "request" + t.places(took) + ": " + err.Error()})
				break
			}
		}
	}
}

// places tells by their places, from 1, which elements foreach took, as
// [subject 2, action 1]: what they name is not known of a request that is refused.
func (t *Test) places(took [listedCount]int) string {
	var words []string
	for part := range listedCount {
		if t.listed[part] {
			words = append(words, partNames[part]+" "+strconv.Itoa(took[part]+1))
		}
	}
	if words == nil {
		return ""
	}
	return "[" + strings.Join(words, ", ") + "]"
}
