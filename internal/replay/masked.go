package replay

import (
	"slices"
	"strings"

	"postern/internal/action"
	"postern/internal/conditionkey"
	"postern/internal/jsonscan"
	"postern/policy"
)

// masked decides a request of which the log does not hold some values. They are taken
// for values that no operator can read, with which an Allow that asks for them fails
// and a Deny holds (specification 1.7), and q is changed to say so; false if another
// value could decide otherwise.
func (a *asker) masked(q *policy.Request) (policy.Decision, bool) {
	var s jsonscan.Scanner
	s.Reset(a.line.masked, jsonscan.MaxDepth, 0, false)
	hidden := texts(&s)
	for _, name := range hidden {
		hide(q, name)
	}
	d := a.config.Snapshot.Decide(q, &a.scratch)
	if matters := a.config.Uses.matters(q, hidden); !matters {
		return d, true
	}
	if class := action.ClassOf(q.Action); class == action.IAM || class.WholeOrganization() {
		return d, false
	}
	// Organization policies have no conditions, so that what they deny is denied
	// whatever a value is.
	if d.Outcome != policy.Allow && d.Layer != policy.LayerBucket {
		return d, true
	}
	bucket, _, _ := strings.Cut(q.Resource.ID, "/")
	statements := a.config.Uses.bucket(bucket)
	asks := func(u *use) bool {
		return slices.ContainsFunc(hidden, func(name string) bool { return u.asks(name, q.Principal.Org) })
	}
	switch d.Outcome {
	case policy.Allow:
		// The Denies that ask for it were held to the worst, unless a variable
		// stands for it.
		return d, !slices.ContainsFunc(statements, func(u use) bool { return u.variables && asks(&u) })
	case policy.ExplicitDeny:
		// A Deny that does not ask for it denies whatever it is.
		return d, slices.ContainsFunc(a.config.Snapshot.Explain(q).Determining, func(ref policy.StatementRef) bool {
			return ref.Layer == policy.LayerOrganization || ref.Index < len(statements) && !asks(&statements[ref.Index])
		})
	}
	return d, !slices.ContainsFunc(statements, func(u use) bool { return u.effect == policy.EffectAllow && asks(&u) })
}

// hide makes a value one that no operator can read.
func hide(q *policy.Request, name string) {
	list, key := &q.Context, name
	for prefix, of := range map[string]*[]policy.Attribute{
		"subject.": &q.Principal.Properties, "action.": &q.ActionProperties, "resource.": &q.Resource.Properties, "claims.": &q.Principal.Claims,
	} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			list, key = of, rest
		}
	}
	*list = slices.Clone(*list)
	for i := range *list {
		if a := &(*list)[i]; a.Key == key {
			a.Values, a.Unreadable = nil, true
		}
	}
}

// Uses says which keys the statements of a policy directory ask for. It is made
// while the directory is read (Document, Access), one call at a time.
type Uses struct {
	buckets map[string][]use
	access  map[string]*use // by organization
}

// use is what a statement asks for, in lower case where case does not count.
type use struct {
	effect    policy.Effect
	keys      []string
	claims    []string // paths
	tags      []string
	variables bool // a policy variable stands for one of keys
	patterns  string
}

// Document adds the policy of a bucket. It keeps nothing of d.
func (u *Uses) Document(bucket string, d *policy.Document) {
	if u.buckets == nil {
		u.buckets = map[string][]use{}
	}
	list := make([]use, len(d.Statements))
	some := false
	for i := range d.Statements {
		s := &d.Statements[i]
		list[i].effect = s.Effect
		list[i].conditions(s.Conditions, d.Variables)
		for _, r := range s.Resources {
			list[i].pattern(r, d.Variables)
		}
		some = some || len(list[i].keys)+len(list[i].patterns) > 0
	}
	if some { // of most of many buckets there is nothing to know
		u.buckets[strings.Clone(bucket)] = list
	}
}

// Access adds a document of the iam layer of an organization. It keeps nothing of d.
func (u *Uses) Access(org string, d *policy.AccessDocument) {
	if u.access == nil {
		u.access = map[string]*use{}
	}
	of := u.access[org]
	if of == nil {
		of = &use{}
		u.access[strings.Clone(org)] = of
	}
	selector := func(s *policy.Selector) {
		if s != nil {
			for _, r := range s.Requirements {
				of.tags = append(of.tags, strings.Clone(r.Key))
			}
		}
	}
	for _, r := range d.Roles {
		for _, rule := range r.Rules {
			of.conditions(rule.Conditions, true)
			selector(rule.Selector)
		}
	}
	for _, b := range d.Bindings {
		of.conditions(b.Conditions, true)
		selector(b.Selector)
	}
	for _, i := range d.Issuers {
		of.claims = append(of.claims, "iss")
		for _, r := range i.Rules {
			for _, c := range r.Claims {
				of.claims = append(of.claims, strings.Clone(c.Path))
			}
		}
	}
	var expression func(*policy.Expression)
	expression = func(e *policy.Expression) {
		if e != nil {
			if e.Key != "" {
				of.tags = append(of.tags, strings.Clone(e.Key))
			}
			expression(e.Left)
			expression(e.Right)
		}
	}
	var node func(*policy.Descriptor)
	node = func(n *policy.Descriptor) {
		if n == nil {
			return
		}
		expression(n.Condition)
		expression(n.Selector)
		for _, e := range n.Entries {
			node(e)
		}
		node(n.Then)
		node(n.Else)
		for _, o := range n.Options {
			node(o.Node)
		}
	}
	for _, r := range d.Records {
		node(r.Details)
	}
}

func (u *use) conditions(list []policy.Condition, variables bool) {
	for _, c := range list {
		u.keys = append(u.keys, strings.Clone(conditionkey.Fold(c.Key)))
		for _, v := range c.Values {
			u.pattern(v, variables)
		}
	}
}

// pattern notes the variables of a pattern: as text, in which a key is looked for.
func (u *use) pattern(text string, variables bool) {
	if variables && strings.Contains(text, "${") {
		u.variables = true
		u.patterns += strings.ToLower(text) + "\n"
	}
}

// bucket is what each statement of a bucket's policy asks for; nil if none asks for
// anything.
func (u *Uses) bucket(name string) []use { return u.buckets[name] }

// matters reports that a statement that can speak of a request asks for one of some
// values that are not known.
func (u *Uses) matters(q *policy.Request, hidden []string) bool {
	var list []use
	if class := action.ClassOf(q.Action); class == action.IAM || class.WholeOrganization() {
		if of := u.access[q.Principal.Org]; of != nil {
			list = []use{*of}
		}
	} else {
		bucket, _, _ := strings.Cut(q.Resource.ID, "/")
		list = u.bucket(bucket)
	}
	return slices.ContainsFunc(list, func(of use) bool {
		return slices.ContainsFunc(hidden, func(name string) bool { return of.asks(name, q.Principal.Org) })
	})
}

// asks reports that a statement asks for a value of callers of an organization, by
// the name that the log gives it.
func (u *use) asks(name, org string) bool {
	if path, ok := strings.CutPrefix(name, "claims."); ok {
		for _, c := range u.claims {
			if c == path || strings.HasPrefix(c, path+".") {
				return true
			}
		}
		name = "oidc:" + org + ":" + path
		beginning := name + "."
		if slices.ContainsFunc(u.keys, func(k string) bool { return strings.HasPrefix(k, beginning) }) {
			return true
		}
	}
	if key, ok := strings.CutPrefix(name, "tags."); ok {
		return slices.Contains(u.tags, key)
	}
	return slices.Contains(u.keys, conditionkey.Fold(name)) || u.patterns != "" && strings.Contains(u.patterns, strings.ToLower(name))
}
