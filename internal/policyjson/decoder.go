package policyjson

import (
	"bytes"
	"slices"

	"postern/internal/jsonscan"
	"postern/internal/value"
	"postern/policy"
)

// decoder reads one file. One goroutine uses it at a time.
type decoder struct {
	s      jsonscan.Scanner
	data   []byte // without a byte-order mark; offsets count from its start
	file   string
	limits Limits

	problems []problem
	kept     [2]int // the number of problems, by severity
	dropped  [2]int // the number of those that passed maxProblems

	// suggestions is how many searches for a similar name are left, and globs
	// how many patterns with wildcards may still be compared with the table of
	// actions.
	suggestions, globs int

	texts        texts
	textLists    lists[string]
	patternLists lists[policy.PrincipalPattern]
	// conditionLists are the conditions of organization and bucket policies.
	conditionLists lists[policy.Condition]
	cursor         cursor

	// Scratch memory. Results are copied out of it.
	unescaped     []byte
	list          []string
	principals    []policy.PrincipalPattern
	foreign       []foreignPrincipal // of the statement at hand
	conditionList conditions
	statementList []policy.Statement
	scopes        []scope // known scopes of the permission set or record at hand
	seen          names   // names of the document's statements

	// again says that the document is made in memory that the next file uses
	// too: see Parser.
	again    bool
	document policy.Document

	// steps is the cost of the document's resource patterns.
	steps steps

	// statementCount counts, in a file of iam/, what the bound on statements
	// counts.
	statementCount int

	// variables says that `${` begins a policy variable. It is set in iam
	// documents, and in bucket policies once their version is known.
	variables bool
	// bucket is the bucket whose policy the file is, "" if that is not known.
	bucket string
	// kind is the kind of document that the file should hold, KindNone as long
	// as any may.
	kind policy.Kind
}

const (
	maxSuggestions = 1_000
	maxGlobs       = 10_000
)

// field is one field that an object may have.
type field struct {
	name string
	// want says what the field's value should be, for a value of a wrong type.
	want string
	// add says what to write if the field is missing; "" if it may be missing.
	add string
}

// fieldSet is the fields of one kind of object.
type fieldSet struct {
	what   string // "the statement", in messages
	fields []field
	// anyCase says that field names are accepted in any ASCII case, as the
	// element names of bucket policies are.
	anyCase bool
	// hints says, by lower-case name, what to do instead of fields that people
	// try and that do not exist.
	hints map[string]string
}

// named is the field that a hint says to write in the place of another; -1 if it
// says more, or something else.
func (set *fieldSet) named(hint string) int {
	return slices.IndexFunc(set.fields, func(f field) bool { return hint == `write "`+f.name+`"` })
}

const maxFields = 12

// found says which fields of an object were there.
type found struct {
	at        [maxFields]int  // the offset of the key plus 1; 0 if the field is absent
	mentioned [maxFields]bool // a misspelled field was read as this one
	near      [maxFields]int  // the number of the problem, from 1, that says so; 0 if none does
}

func (f *found) has(i int) bool { return f.at[i] != 0 }

// key returns the key that the scanner's Member read, unescaped. It is valid
// until the next string is read.
func (d *decoder) key() []byte {
	raw, escaped := d.s.Key()
	if !escaped {
		return raw
	}
	d.unescaped = jsonscan.Unescape(d.unescaped[:0], raw)
	return d.unescaped
}

// fields reads an object with the fields of set; read reads the value of field
// i. A field that stands twice and an unknown field are errors. A misspelled
// field is read as the field that it is close to, so that errors inside it are
// reported too.
func (d *decoder) fields(set *fieldSet, read func(i int)) (f found) {
	d.s.EnterObject()
	for d.nextMember() {
		at := d.s.KeyOffset()
		key := d.key()
		i := indexField(set.fields, key)
		if i < 0 && set.anyCase {
			if i = indexFold(set.fields, key); i >= 0 && !f.has(i) {
				d.report(at, msgElementCase, quote(key), instead(set.fields[i].name))
			}
		}
		switch {
		case i < 0:
			i = d.unknownField(set, &f, key, at)
			if i < 0 || f.has(i) {
				d.skip()
				continue
			}
			f.mentioned[i], f.near[i] = true, len(d.problems)
		case f.has(i):
			d.reportOther(at, f.at[i]-1, msgSameElement, quote(key), quote(set.fields[i].name))
			d.skip()
			continue
		default:
			f.at[i] = at + 1
			d.standsToo(f.near[i], at, set.fields[i].name)
		}
		read(i)
	}
	return f
}

// unknownField reports a field that is not in set. It returns the field that is
// surely meant, or -1.
func (d *decoder) unknownField(set *fieldSet, f *found, key []byte, at int) int {
	i := -1
	if hint, ok := set.hints[value.FoldASCII(clip(key))]; !ok {
		i = d.nearest(key, len(set.fields), func(i int) string { return set.fields[i].name })
	} else if i = set.named(hint); i < 0 {
		d.report(at, msgUnknownHint, quote(key), set.what, hint)
		return -1
	}
	if i < 0 {
		all := ""
		for k, f := range set.fields {
			if k > 0 {
				all += ", "
			}
			all += quote([]byte(f.name))
		}
		d.report(at, msgUnknownField, quote(key), set.what, all)
		return -1
	}
	if f.has(i) {
		d.reportOther(at, f.at[i]-1, msgUnknownTwice, quote(key), set.what, quote(set.fields[i].name))
	} else {
		d.report(at, msgUnknownNear, quote(key), set.what, instead(set.fields[i].name))
	}
	return i
}

// standsToo changes the advice of problem n, counted from 1, to write a name: the
// name stands in the object, at a place behind it.
func (d *decoder) standsToo(n, at int, name string) {
	if n == 0 || d.problems[n-1].code != msgUnknownNear {
		return
	}
	p := &d.problems[n-1]
	p.code, p.other, p.args[2] = msgUnknownTwice, at, quote(name)
}

// missing reports the fields of set that are required and absent.
func (d *decoder) missing(set *fieldSet, f *found, at int) {
	if d.s.Failed() {
		return // the rest of the file was not read
	}
	for i := range set.fields {
		if set.fields[i].add != "" && !f.has(i) && !f.mentioned[i] {
			d.report(at, msgMissing, set.what, quote(set.fields[i].name), set.fields[i].add)
		}
	}
}

// duplicate reports a key that stands twice in its object.
func (d *decoder) duplicate() bool {
	other, ok := d.s.Duplicate()
	if ok {
		d.reportOther(d.s.KeyOffset(), other, msgDuplicateKey, quote(d.key()))
	}
	return ok
}

// skip reads a value and drops it. Duplicate keys inside it are errors all the
// same.
func (d *decoder) skip() {
	switch d.s.Peek() {
	case jsonscan.Object:
		d.s.EnterObject()
		for d.s.Member() {
			d.duplicate()
			d.skip()
		}
	case jsonscan.Array:
		d.s.EnterArray()
		for d.s.Element() {
			d.skip()
		}
	default:
		d.s.Skip()
	}
}

// wrongType reports that the next value has a wrong type, and skips it.
func (d *decoder) wrongType(what string, got jsonscan.Kind, want string) {
	if got != jsonscan.None {
		d.report(d.s.Offset(), msgWrongType, what, got.String(), want)
	}
	d.skip()
}

// text reads a string and returns it with its offset.
func (d *decoder) text(f *field) (text string, at int, ok bool) {
	k := d.s.Peek()
	at = d.s.Offset()
	if k != jsonscan.String {
		d.wrongType(quote([]byte(f.name)), k, f.want)
		return "", at, false
	}
	text, ok = d.readText()
	return text, at, ok
}

func (d *decoder) readText() (string, bool) {
	raw, escaped, ok := d.s.Text()
	if !ok {
		return "", false
	}
	if escaped {
		d.unescaped = jsonscan.Unescape(d.unescaped[:0], raw)
		raw = d.unescaped
	}
	return d.texts.keep(raw), true
}

// scalar reads the next value, of kind k, as text: a string, or with all also a
// number or boolean, which becomes the text that stands in the file.
func (d *decoder) scalar(k jsonscan.Kind, all bool) (text string, ok bool) {
	switch {
	case k == jsonscan.String:
		return d.readText()
	case !all:
	case k == jsonscan.Number:
		raw, ok := d.s.NumberText()
		return d.texts.keep(raw), ok
	case k == jsonscan.True, k == jsonscan.False:
		k, ok := d.s.Literal()
		if k == jsonscan.True {
			return "true", ok
		}
		return "false", ok
	}
	return "", false
}

// statements reads a list of statements, each with readOne; with single, one
// statement may stand in its place.
func (d *decoder) statements(f *field, single bool, readOne func(st *policy.Statement)) []policy.Statement {
	d.statementList = d.statementList[:0]
	read := func() {
		d.statementList = append(d.statementList, policy.Statement{})
		readOne(&d.statementList[len(d.statementList)-1])
	}
	n := 0
	if d.s.Peek() == jsonscan.Object && single {
		read()
	} else {
		d.listOf(f, false, func(k jsonscan.Kind, at int) {
			n++
			switch {
			case n > d.limits.Statements:
				if n == d.limits.Statements+1 && k != jsonscan.None {
					d.report(at, msgStatements, decimal(d.limits.Statements))
				}
				d.skip()
			case k != jsonscan.Object:
				d.wrongType("an entry of "+quote([]byte(f.name)), k, "a statement, an object")
			default:
				read()
			}
		})
	}
	if d.again {
		return slices.Clip(d.statementList)
	}
	return slices.Clone(d.statementList)
}

// effect reads an effect.
func (d *decoder) effect(f *field) (allow, ok bool) {
	text, at, ok := d.text(f)
	switch {
	case !ok:
	case text == "Allow":
		return true, true
	case text == "Deny":
		return false, true
	case value.EqualFoldASCII(text, "Allow"), value.EqualFoldASCII(text, "Deny"):
		right := instead("Deny")
		if len(text) == len("Allow") {
			right = "Allow"
		}
		d.report(at, msgEffectCase, quote([]byte(text)), right)
	default:
		d.report(at, msgEffect, quote([]byte(text)))
	}
	return false, false
}

func indexField(fields []field, key []byte) int {
	for i := range fields {
		if fields[i].name == string(key) {
			return i
		}
	}
	return -1
}

func indexFold(fields []field, key []byte) int {
	for i := range fields {
		if len(key) == len(fields[i].name) && value.EqualFoldASCII(fields[i].name, string(key)) {
			return i
		}
	}
	return -1
}

// object reports whether the file begins with an object. If it does not, it
// reports an error.
func (d *decoder) object(want string) bool {
	is := d.isObject("the document", want)
	if !is {
		d.s.End()
	}
	return is
}

// syntax reports the scanner's error.
func (d *decoder) syntax(err *jsonscan.Error) {
	switch {
	case len(bytes.TrimLeft(d.data, " \t\r\n")) == 0:
		d.report(0, msgEmptyFile)
	case bytes.HasPrefix(d.data, []byte("\xff\xfe")), bytes.HasPrefix(d.data, []byte("\xfe\xff")):
		d.report(0, msgUTF16)
	case beginsComment(d.data, err.Offset):
		d.report(err.Offset, msgComment)
	default:
		d.report(err.Offset, msgSyntax, err.Message)
	}
}

// beginsComment reports whether a comment begins at offset, as other formats
// have them.
func beginsComment(data []byte, offset int) bool {
	rest := data[min(offset, len(data)):]
	return bytes.HasPrefix(rest, []byte("//")) || bytes.HasPrefix(rest, []byte("/*")) || bytes.HasPrefix(rest, []byte("#"))
}
