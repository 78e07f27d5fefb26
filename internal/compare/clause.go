package compare

import (
	"slices"
	"strings"

	"postern/internal/action"
	"postern/internal/conditionkey"
	"postern/policy"
)

// A clause is a statement of an organization or bucket policy, with its patterns
// read.
type clause struct {
	*policy.Statement
	document *policy.Document
	layer    policy.Layer
	index    int // in the document

	actions   []glob // in lower case
	known     idSet  // the actions of the table of which the statement speaks
	resources []resource

	// implied: no file has the statement. It speaks of the callers of owner.
	implied bool
	owner   string
}

// statable reports that the clause asks for keys that the context may state in
// the server's place.
func (c *clause) statable() bool {
	for _, condition := range c.Conditions {
		switch kind, _ := conditionkey.Split(condition.Key); kind {
		case conditionkey.PrincipalArn, conditionkey.PrincipalAccount, conditionkey.Username:
			return true
		}
	}
	return slices.ContainsFunc(c.resources, func(r resource) bool { return !r.exact })
}

// resource is one resource pattern of a clause.
type resource struct {
	// text is the pattern as written.
	text string
	// read is the pattern read, with its variables as they stand in a scenario. It is
	// the zero glob of a plain pattern: of most, their texts tell enough.
	read glob
	// exact reports that the glob matches what the pattern does; it is false for
	// a policy variable, whose value the glob takes for anything.
	exact bool
}

// newResource returns the resource of a pattern as it is written.
func newResource(text string, variables bool) resource {
	if isPlain(text) {
		return resource{text: text, exact: true}
	}
	g, exact := readGlob(text, variables)
	return resource{text, g, exact}
}

// glob returns the pattern read.
func (r *resource) glob() glob {
	if len(r.read.runs) == 0 {
		return plainGlob(r.text)
	}
	return r.read
}

// head is glob.head of the pattern.
func (r *resource) head() string {
	if len(r.read.runs) == 0 {
		return r.begins()
	}
	return r.read.head()
}

// begins is begins of the pattern's text.
func (r *resource) begins() string { return begins(r.text) }

// begins returns literal text with which whatever a pattern matches begins: all that
// stands before its first wildcard or `$`.
func begins(pattern string) string {
	for i := range len(pattern) {
		if c := pattern[i]; c == '*' || c == '?' || c == '$' {
			return pattern[:i]
		}
	}
	return pattern
}

// prefix reports that the pattern is the text that begins gives, with a `*` behind.
func (r *resource) prefix() bool {
	return len(r.begins())+1 == len(r.text) && strings.HasSuffix(r.text, "*")
}

// plain reports that the pattern has no wildcard, or one `*` at its end.
func (r *resource) plain() bool { return len(r.begins()) == len(r.text) || r.prefix() }

// ref names the clause to a user.
func (c *clause) ref() policy.StatementRef {
	return policy.StatementRef{Document: c.document.Name, Statement: c.Name, Index: c.index, File: c.document.File, Line: c.Line, Effect: c.Effect, Layer: c.layer}
}

// globs are the resource patterns of a clause that are read exactly, or all.
func (c *clause) globs(exact bool) []glob {
	var out []glob
	for _, r := range c.resources {
		if r.exact || !exact {
			out = append(out, r.glob())
		}
	}
	return out
}

// has reports that a resource pattern stands in the list as it is written.
func (c *clause) has(text string) bool {
	return slices.ContainsFunc(c.resources, func(r resource) bool { return r.text == text })
}

// inexact reports that a resource pattern has a policy variable.
func (c *clause) inexact() bool {
	return slices.ContainsFunc(c.resources, func(r resource) bool { return !r.exact })
}

// idSet is a set of known actions.
type idSet []uint64

func newIDSet() idSet { return make(idSet, (action.Count()+63)/64) }

func (s idSet) has(id action.ID) bool { return s[id/64]&(1<<(id%64)) != 0 }
func (s idSet) add(id action.ID)      { s[id/64] |= 1 << (id % 64) }

// within reports that other has every action of s.
func (s idSet) within(other idSet) bool {
	for i := range s {
		if s[i]&^other[i] != 0 {
			return false
		}
	}
	return true
}

// meets reports that the sets have an action in common.
func (s idSet) meets(other idSet) bool {
	for i := range s {
		if s[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// A Checker looks at policies one after the other. What it learns of the actions
// that their patterns match it keeps, so that many policies are looked at by one
// Checker. The zero value is ready; one goroutine uses it at a time.
type Checker struct {
	patterns map[string]matching // of actions
	lists    map[string]int32    // numbers of lists of actions, from 1 on
	beyond   map[beyond]bool
	buffer   []byte // to look up a list
}

// matching is an action pattern and the known actions that it matches by any of
// their names (specification 1.2).
type matching struct {
	glob
	known idSet
}

// A reader reads statements of one layer into clauses.
type reader struct {
	*Checker
	layer policy.Layer
	// bucket is the bucket of a bucket policy.
	bucket string
	// asked are the known actions that requests of the layer can have.
	asked idSet
	// services are the patterns of all actions that they can have, in lower case.
	services demand
}

// organization reads organization policies: every s3: and cwobject: action
// asks them (specification 1.3).
func (k *Checker) organization() *reader {
	return k.reader(policy.LayerOrganization, organizationActions, organizationServices)
}

// bucket reads the policy of a bucket, which only the s3: actions of the
// bucket step ask.
func (k *Checker) bucket(bucket string) *reader {
	r := k.reader(policy.LayerBucket, bucketActions, bucketServices)
	r.bucket = bucket
	return r
}

func (k *Checker) reader(layer policy.Layer, asked idSet, services demand) *reader {
	if k.patterns == nil {
		k.patterns, k.lists, k.beyond = map[string]matching{}, map[string]int32{}, map[beyond]bool{}
	}
	return &reader{Checker: k, layer: layer, asked: asked, services: services}
}

// listOf returns the number of a clause's list of actions, 0 for no clause. Two with the
// same number have the same list, as it is written.
func (k *Checker) listOf(c *clause) int32 {
	if c == nil {
		return 0
	}
	k.buffer = append(k.buffer[:0], '+')
	if c.NotAction {
		k.buffer[0] = '-'
	}
	for _, a := range c.Statement.Actions {
		k.buffer = append(append(k.buffer, a...), 1)
	}
	n, ok := k.lists[string(k.buffer)]
	if !ok {
		n = int32(len(k.lists)) + 1
		k.lists[string(k.buffer)] = n
	}
	return n
}

// read reads all statements of a document.
func (r *reader) read(doc *policy.Document) []*clause {
	words := len(r.asked)
	clauses, known := make([]clause, len(doc.Statements)), make(idSet, words*len(doc.Statements))
	out := make([]*clause, len(doc.Statements))
	for i := range doc.Statements {
		s := &doc.Statements[i]
		c := &clauses[i]
		*c = clause{Statement: s, document: doc, layer: r.layer, index: i, known: known[i*words : (i+1)*words : (i+1)*words]}
		c.actions = make([]glob, len(s.Actions))
		for k, text := range s.Actions {
			m := r.matching(text)
			c.actions[k] = m.glob
			for i, w := range m.known {
				c.known[i] |= w
			}
		}
		for i := range c.known {
			if s.NotAction {
				c.known[i] = ^c.known[i]
			}
			c.known[i] &= r.asked[i]
		}
		c.resources = make([]resource, len(s.Resources))
		for k, text := range s.Resources {
			c.resources[k] = newResource(text, doc.Variables)
		}
		out[i] = c
	}
	return out
}

// matching reads an action pattern.
func (r *reader) matching(text string) matching {
	if m, ok := r.patterns[text]; ok {
		return m
	}
	m := matching{known: newIDSet()}
	m.glob, _ = readGlob(lower(text), false)
	for id, names := range actionNames {
		if slices.ContainsFunc(names, m.matches) {
			m.known.add(action.ID(id))
		}
	}
	r.patterns[text] = m
	return m
}

// domain demands a resource that requests of the layer can have.
func (r *reader) domain() []demand {
	if r.layer != policy.LayerBucket {
		return nil
	}
	return []demand{oneOf(literalGlob(r.bucket), prefixGlob(r.bucket+"/"))}
}

// actionNames are, by action, the names under which a pattern may match it, in
// lower case.
var actionNames = func() [][]string {
	out := make([][]string, action.Count())
	for id := range out {
		out[id] = []string{lower(action.Name(action.ID(id)))}
		for _, name := range action.Also(action.ID(id)) {
			out[id] = append(out[id], lower(name))
		}
	}
	return out
}()

// knownNames are the names of all known actions, in lower case.
var knownNames = func() *wordTree {
	var all []string
	for _, names := range actionNames {
		all = append(all, names[0])
	}
	return newWordTree(all...)
}()

// idsOf is the set of known actions of a kind.
func idsOf(is func(action.ID) bool) idSet {
	s := newIDSet()
	for id := range action.ID(action.Count()) {
		if is(id) {
			s.add(id)
		}
	}
	return s
}

var (
	// objectActions are those that, asked on a bucket, are about its objects
	// (specification 1.2).
	objectActions = idsOf(func(id action.ID) bool { return action.KindOf(id) == action.OnObject })
	// wholeActions are asked on the whole organization (specification 1.3).
	wholeActions = idsOf(func(id action.ID) bool { return action.ClassOfID(id).WholeOrganization() })

	// organizationActions and bucketActions are those that requests of the layer can
	// have, and the services the patterns of all actions that they can have.
	organizationActions  = idsOf(func(id action.ID) bool { return action.ClassOfID(id) != action.IAM })
	organizationServices = oneOf(prefixGlob("s3:"), prefixGlob("cwobject:"))
	bucketActions        = idsOf(func(id action.ID) bool {
		return action.ClassOfID(id) == action.Bucket || action.ClassOfID(id) == action.BucketPolicy
	})
	bucketServices = oneOf(prefixGlob("s3:"))
)

// lower folds ASCII letters, as actions are compared (specification 1.6).
func lower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}
