// Package lint warns of what is written in a good policy and surely not meant
// (specification 8.1): a condition key that no request has, an action that is never
// asked on any resource of its statement, a guard that guards nothing. It looks at
// documents that policyjson read without an error, and changes nothing of what is
// accepted or decided.
//
// A rule is a row of a table and a function; a file holds a family of rules. Most
// look at one document alone. What a rule may know of the directory around it
// stands in Directory.
package lint

import (
	"slices"
	"strings"
	"sync"

	"postern/internal/compare"
	"postern/internal/policyjson"
	"postern/policy"
)

// Directory is what is known of the policy directory that documents lie in. What
// is not known is warned of by no rule: of the zero value nothing is.
type Directory struct {
	known         bool
	organizations map[string]bool
	names         []string        // of the organizations
	strangers     []string        // those of them that begin with "stranger"
	lists         map[string]bool // organizations that list their buckets

	skipDead bool
	memories sync.Pool // of *memory

	// What was noted of files for Whole, by their paths.
	mu       sync.Mutex
	named    map[string][]namedBucket
	policies map[string]*policy.Document // of organizations
	opened   map[string]held
	early    func() []policy.Diagnostic // what AllRead has begun to look for, or nil
}

// NewDirectory returns what the rules know of a directory with these organizations:
// those that have a folder, and those of -platform-org. The organizations of lists
// have a buckets.json.
func NewDirectory(organizations, lists []string) *Directory {
	d := &Directory{
		known: true, organizations: setOf(organizations), names: organizations, lists: setOf(lists),
		named: map[string][]namedBucket{}, policies: map[string]*policy.Document{}, opened: map[string]held{},
	}
	for _, name := range organizations {
		if strings.HasPrefix(name, "stranger") {
			d.strangers = append(d.strangers, name)
		}
	}
	return d
}

// SkipDead has no statements compared with one another, which takes longest of all
// rules where an organization has thousands: nobody wants to know of dead ones.
func (d *Directory) SkipDead() { d.skipDead = true }

// setOf returns the names as a set.
func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// Warnings returns what the rules find in a file that was read without an error,
// sorted. path is the file's name in diagnostics, and bucket the one whose policy it
// holds, "" if that is not known. Several goroutines may call it at a time; of a
// bucket's document and of data it keeps nothing.
func (d *Directory) Warnings(path, bucket string, data []byte, f policyjson.File) []policy.Diagnostic {
	var out []policy.Diagnostic
	switch {
	case f.Document != nil:
		out = d.document(path, bucket, data, f.Document)
		d.bucketsNamed(path, data, f.Document)
	case f.Access != nil:
		out = d.access(path, data, f.Access)
	}
	policy.SortDiagnostics(out)
	return out
}

// memory is what was learned from documents that others of the directory have too.
// One goroutine uses it at a time.
type memory struct {
	compare.Checker
	matches map[string]matched // of action patterns
	known   []matched          // room for look.known
}

func (d *Directory) memory() *memory {
	if m, ok := d.memories.Get().(*memory); ok {
		return m
	}
	return &memory{matches: map[string]matched{}}
}

// mostLearned bounds the patterns that are remembered: people write few.
const mostLearned = 10_000

// match is match, which looks at a pattern once.
func (m *memory) match(pattern string) matched {
	found, ok := m.matches[pattern]
	if !ok {
		found = match(pattern)
		if len(m.matches) < mostLearned {
			m.matches[strings.Clone(pattern)] = found
		}
	}
	return found
}

// rules are the rules that look at one statement of an organization or bucket
// policy.
var rules = [...]func(*look, *policy.Statement){
	operationNames,
	neverRead,
	actionsFitResources,
	conditionKeys,
	keysFitActions,
	equalsWithWildcard,
	datesLikeNumbers,
	templatesLeft,
	variablesIn2008,
	organizationsKnown,
}

// look is one document that is looked at.
type look struct {
	*policy.Document
	dir    *Directory
	bucket string
	index  int // of the statement at hand

	learned  *memory
	known    []matched // what each action pattern of the statement matches
	findings []finding
}

// finding is a warning whose place is not yet a line and column.
type finding struct {
	code  policy.Code
	place policyjson.Place
	// message returns the message, given what is written at the place.
	message func(written string) string
	fix     fix
}

// fix is what to write in the place of what stands at a place; no text is no fix.
type fix struct {
	place policyjson.Place
	text  string
}

func (d *Directory) document(path, bucket string, data []byte, doc *policy.Document) (out []policy.Diagnostic) {
	m := d.memory()
	defer d.memories.Put(m)
	l := look{Document: doc, dir: d, bucket: bucket, learned: m, known: m.known}
	for i := range l.Statements {
		l.statement(i)
	}
	m.known = l.known
	l.allowsNobody()
	l.compared()
	if len(l.findings) == 0 {
		return nil
	}
	var places []policyjson.Place
	for _, x := range l.findings {
		places = append(places, x.place, x.fix.place)
	}
	spots := policyjson.Locate(path, data, places)
	for i, x := range l.findings {
		d := policy.Diagnostic{Severity: policy.Warning, Code: x.code, Position: spots[2*i].At, Message: x.message(spots[2*i].Text)}
		if x.fix.text != "" {
			at := spots[2*i+1].At
			d.Fix = policy.Fix{Line: at.Line, Column: at.Column, Text: policyjson.String(x.fix.text)}
		}
		out = append(out, d)
	}
	return l.hold(out)
}

func (l *look) statement(i int) {
	l.index = i
	st := &l.Statements[i]
	l.known = l.known[:0]
	for _, a := range st.Actions {
		l.known = append(l.known, l.learned.match(a))
	}
	for _, rule := range rules {
		rule(l, st)
	}
}

// at is a place of the statement at hand.
func (l *look) at(part policyjson.Part, entry int) policyjson.Place {
	return policyjson.Place{Statement: l.index, Part: part, Entry: entry}
}

// warn reports a finding.
func (l *look) warn(code policy.Code, place policyjson.Place, message string) {
	l.warnFix(code, place, message, fix{})
}

// warnFix reports a finding with what to write.
func (l *look) warnFix(code policy.Code, place policyjson.Place, message string, f fix) {
	l.findings = append(l.findings, finding{code, place, func(string) string { return message }, f})
}

// allowsNobody warns of a bucket policy that shuts everyone out, because it has no
// Allow of anyone (specification 1.3).
func (l *look) allowsNobody() {
	if l.Kind != policy.KindBucket || slices.ContainsFunc(l.Statements, func(st policy.Statement) bool {
		return st.Effect == policy.EffectAllow && !slices.ContainsFunc(st.Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalNobody })
	}) {
		return
	}
	l.warn(policy.CodeDenyWithoutAllow, policyjson.Place{Part: policyjson.PartStatements},
		`no statement of this policy allows anyone, and a bucket's policy shuts out everyone whom it does not allow; add an "Allow" for those who are to use the bucket`)
}
