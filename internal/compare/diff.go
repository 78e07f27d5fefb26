package compare

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"postern/internal/action"
	"postern/policy"
)

// Direction tells how a decision changes.
type Direction uint8

// The directions.
const (
	Gained  Direction = iota // denied before, and allowed now
	Lost                     // allowed before, and denied now
	Changed                  // allowed before and now, with other obligations
)

// String names the direction as answers do.
func (d Direction) String() string { return [...]string{"gained", "lost", "changed"}[d] }

// Diff is what changes between two policy directories (specification 8.3).
type Diff struct {
	// Gained, Lost and Changed have a class each, sorted.
	Gained, Lost, Changed []Change
	// Unknown are classes of which it is not known whether a decision changes.
	Unknown []Unknown
}

// Empty reports that no decision changes, for certain.
func (d *Diff) Empty() bool {
	return len(d.Gained)+len(d.Lost)+len(d.Changed)+len(d.Unknown) == 0
}

// A Class is a set of requests: those of callers of an organization that satisfy
// a cause.
type Class struct {
	Direction Direction
	Cause     Cause
	// Organization is the caller's, Owner the resource's; "" is any. Bucket is
	// the bucket, "" is any; Type is the type of resource in the iam layer.
	Organization, Owner, Bucket, Type string
}

// A Cause is why decisions change: a statement that one side has and the other
// has not, or a fact that is another.
type Cause struct {
	// New: the statement is one of the new directory, else of the old one.
	New       bool
	Statement policy.StatementRef
	// Fact is what changed besides statements, as a sentence without its full
	// stop; "" where the cause is a statement.
	Fact string
}

// Change is a class in which decisions change, with one request for which it
// does.
type Change struct {
	Class
	// Witness is decided by both sides, at its Now.
	Witness  *policy.Request
	Old, New policy.Explanation
	// Buckets, if the class is about any bucket, are those of the cause: how many
	// of the buckets of the owner it can speak of, and the first of them.
	Buckets int
	First   []string
}

// Unknown is a class in which decisions may change.
type Unknown struct {
	Class
	// Any: they may change in any direction.
	Any bool
	// Why says what left it open.
	Why []string
}

type comparison struct {
	old, new *side
	now      int64
	listed   *wordTree
	names    []string // of all buckets, sorted
	diff     *Diff
	token    map[string]bearer
	budget   func() *budget
}

// Compare finds the decisions that change from old to new, at the time now
// (seconds since 1970) where conditions do not ask for another.
//
// Every request that one side allows and the other denies, or that both allow
// with other obligations, is in one of the classes of the Diff.
func Compare(old, new Side, now int64) *Diff { return compareWithin(old, new, now, newBudget) }

// compareWithin is Compare with a budget for each cause.
func compareWithin(old, new Side, now int64, limits func() *budget) *Diff {
	k := &Checker{}
	x := &comparison{budget: limits, old: newSide(k, old), new: newSide(k, new), now: now, diff: &Diff{}, token: map[string]bearer{}}
	names := map[string]bool{}
	for _, s := range []Side{old, new} {
		for name := range s.Buckets {
			names[name] = true
		}
	}
	x.names = slices.Sorted(maps.Keys(names))
	x.listed = listedNames(x.names)
	x.defaults()
	x.platforms()
	for _, org := range x.organizations() {
		x.organization(org)
	}
	for _, name := range x.names {
		x.bucket(name)
	}
	x.iam()
	for _, list := range [][]Change{x.diff.Gained, x.diff.Lost, x.diff.Changed} {
		slices.SortStableFunc(list, func(a, b Change) int { return compareClasses(a.Class, b.Class) })
	}
	slices.SortStableFunc(x.diff.Unknown, func(a, b Unknown) int { return compareClasses(a.Class, b.Class) })
	return x.diff
}

func compareClasses(a, b Class) int {
	side := func(c Cause) int {
		if c.New {
			return 1
		}
		return 0
	}
	return cmp.Or(
		strings.Compare(a.Cause.Statement.File, b.Cause.Statement.File),
		strings.Compare(a.Cause.Fact, b.Cause.Fact),
		cmp.Compare(side(a.Cause), side(b.Cause)),
		cmp.Compare(a.Cause.Statement.Index, b.Cause.Statement.Index),
		cmp.Compare(a.Cause.Statement.Line, b.Cause.Statement.Line),
		strings.Compare(a.Organization, b.Organization),
		strings.Compare(a.Owner, b.Owner),
		strings.Compare(a.Bucket, b.Bucket),
		strings.Compare(a.Type, b.Type),
		cmp.Compare(a.Direction, b.Direction),
	)
}

func (s *side) decide(r *policy.Request) policy.Decision {
	return s.Snapshot.Decide(r, &s.scratch)
}

// organizations are those that either side knows.
func (x *comparison) organizations() []string {
	names := append(x.old.organizations(), x.new.organizations()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// report notes what was found of a class; of a class in which nothing changes
// nothing.
func (x *comparison) report(c Class, w *policy.Request, f found, why []string) {
	switch f {
	case foundText:
		change := Change{Class: c, Witness: w, Old: x.old.Snapshot.Explain(w), New: x.new.Snapshot.Explain(w)}
		list := [...]*[]Change{Gained: &x.diff.Gained, Lost: &x.diff.Lost, Changed: &x.diff.Changed}[c.Direction]
		*list = append(*list, change)
	case foundLimit:
		x.diff.Unknown = append(x.diff.Unknown, Unknown{Class: c, Why: why})
	}
}

// report notes what was found of a class about all buckets of an owner, with those
// of which the cause can speak.
func (q *question) report(c Class, w *policy.Request, f found, why []string) {
	q.comparison.report(c, w, f, why)
	if f != foundText {
		return
	}
	list := q.diff.Gained
	if c.Direction == Lost {
		list = q.diff.Lost
	}
	change := &list[len(list)-1]
	for _, name := range q.names {
		if (q.old.Buckets[name].Owner == c.Owner || q.new.Buckets[name].Owner == c.Owner) && q.speaksOf(name) {
			if change.Buckets++; len(change.First) < 3 {
				change.First = append(change.First, name)
			}
		}
	}
}

// statementCause is a statement as a cause in a direction.
func statementCause(d Direction, c *clause) Cause {
	isNew := (d == Gained) == (c.Effect == policy.EffectAllow)
	if c.implied {
		fact := "the bucket has no policy"
		if isNew {
			fact += " any more"
		} else {
			fact = "the bucket has a policy now"
		}
		return Cause{New: isNew, Fact: fact}
	}
	return Cause{New: isNew, Statement: c.ref()}
}

// eachCause calls do with each statement that only one side has, and with the
// direction in which it can change decisions.
func eachCause(old, new []*clause, do func(Direction, *clause)) {
	for _, c := range only(old, new) {
		do(map[policy.Effect]Direction{policy.EffectAllow: Lost, policy.EffectDeny: Gained}[c.Effect], c)
	}
	for _, c := range only(new, old) {
		do(map[policy.Effect]Direction{policy.EffectAllow: Gained, policy.EffectDeny: Lost}[c.Effect], c)
	}
}

// wholeOrganization, onBuckets and inBucketStep report whether actions of a class are
// asked on the whole organization, on a bucket or object, and at the bucket step.
func wholeOrganization(c action.Class) bool { return c.WholeOrganization() }
func onBuckets(c action.Class) bool         { return c != action.IAM && !c.WholeOrganization() }
func inBucketStep(c action.Class) bool      { return c == action.Bucket || c == action.BucketPolicy }

// organization compares the organization policies of one organization.
func (x *comparison) organization(org string) {
	eachCause(x.old.organizationClauses(org), x.new.organizationClauses(org), func(d Direction, c *clause) {
		cause := statementCause(d, c)
		q := x.question(d, c)
		q.at = ownStep
		others := x.old.organizationClauses(org)
		if !cause.New {
			others = x.new.organizationClauses(org)
		}
		if !q.narrow(x.new.Checker.organization(), others) {
			return
		}
		if c.has("*") {
			x.wholeOrganization(q, Class{Direction: d, Cause: cause, Organization: org, Owner: org, Type: "organization"})
		}
		q.doubts = nil
		w, f := q.own(org)
		q.report(Class{Direction: d, Cause: cause, Organization: org, Owner: org}, w, f, q.doubts)
		q.doubts, q.budget = nil, x.budget()
		x.foreign(q, cause, org)
	})
}

// wholeOrganization asks about the actions that are asked on an organization.
// The iam layer decides the cwobject: ones beside organization policies.
func (x *comparison) wholeOrganization(q *question, class Class) {
	org := class.Organization
	w, f := q.differs(scenario{caller: org, owner: org, kind: policy.ResourceOrganization}, wholeOrganization)
	if f == foundNothing && x.hasIAM(org) {
		// An Allow of the iam layer may be what the Deny takes away.
		if q.cause.Effect == policy.EffectDeny && x.new.organization().speaksOf(q.cause, action.ControlPlane) {
			f = foundLimit
			q.doubts.add(doubtIAM)
		}
	}
	x.report(class, w, f, q.doubts)
}

// own asks about buckets of the caller's organization: those that no folder has
// first, which nothing but the organization step decides.
func (q *question) own(org string) (*policy.Request, found) {
	loose := *q
	loose.comparison = &comparison{budget: q.comparison.budget, old: q.old, new: q.new, now: q.now, token: q.token, diff: &Diff{}}
	sc := scenario{caller: org, owner: org, statesOwner: true, spelled: map[string]string{}}
	w, f := loose.differs(sc, onBuckets)
	if f != foundLimit {
		return w, f
	}
	// Something differs in the organization step: see where a bucket lets it
	// through.
	limited := doubts(nil)
	if w, f := q.differs(sc, onBuckets); f == foundText {
		return w, f
	} else if f == foundLimit {
		limited = append(limited, q.doubts...)
	}
	for _, name := range q.names {
		if !q.speaksOf(name) || q.old.Buckets[name].Owner != org && q.new.Buckets[name].Owner != org {
			continue
		}
		q.doubts = nil
		w, f := q.differs(scenario{caller: org, owner: org, bucket: name, spelled: map[string]string{}}, onBuckets)
		if f == foundText {
			return w, f
		}
		for _, d := range q.doubts {
			limited.add(d)
		}
		if q.budget.over() {
			limited.add(doubtWork)
			break
		}
	}
	q.doubts = limited
	if len(limited) > 0 {
		return nil, foundLimit
	}
	return nil, foundNothing
}

// speaksOf reports that the cause may speak of a bucket or its objects.
func (q *question) speaksOf(bucket string) bool {
	return q.cause.NotResource || slices.ContainsFunc(q.left, func(g glob) bool { return together(g.head(), bucket) })
}

// foreign asks about buckets of other organizations, and of callers of others
// where a Deny to everyone reaches them.
func (x *comparison) foreign(q *question, cause Cause, org string) {
	reported := map[[2]string]found{}
	ask := func(caller, owner, bucket string, at int) {
		key := [2]string{caller, owner}
		if reported[key] == foundText || q.budget.over() {
			return
		}
		q.at, q.doubts = at, nil
		w, f := q.differs(scenario{caller: caller, owner: owner, bucket: bucket, spelled: map[string]string{}}, inBucketStep)
		if f == foundText {
			q.report(Class{Direction: q.direction, Cause: cause, Organization: caller, Owner: owner}, w, f, nil)
			reported[key] = f
		} else if f == foundLimit && reported[key] != foundLimit {
			x.report(Class{Direction: q.direction, Cause: cause, Organization: caller, Owner: owner}, nil, f, q.doubts)
			reported[key] = f
		}
	}
	others := x.organizations()
	toEveryone := q.cause.Effect == policy.EffectDeny && slices.ContainsFunc(q.cause.Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalEveryone })
	for _, name := range x.names {
		b, ok := q.allowing.Buckets[name]
		if !ok || !b.HasPolicy || !q.speaksOf(name) {
			continue
		}
		if b.Owner != org {
			ask(org, b.Owner, name, ownStep)
		} else if toEveryone {
			for _, caller := range others {
				if caller != org {
					ask(caller, org, name, ownerStep)
				}
			}
		}
	}
	if q.budget.over() {
		x.diff.Unknown = append(x.diff.Unknown, Unknown{Class: Class{Direction: q.direction, Cause: cause}, Why: []string{doubtWork}})
	}
}

// bucket compares what the sides say of one bucket.
func (x *comparison) bucket(name string) {
	old, wasListed := x.old.Buckets[name]
	new, isListed := x.new.Buckets[name]
	if wasListed && isListed && old.Owner == new.Owner && slices.Equal(old.Claimants, new.Claimants) && old.HasPolicy == new.HasPolicy && old.Content == new.Content {
		return
	}
	if !wasListed || !isListed || old.Owner != new.Owner || !slices.Equal(old.Claimants, new.Claimants) {
		x.bucketFact(name, old, new, wasListed, isListed)
		return
	}
	owner := old.Owner
	callers := x.organizations()
	if !slices.Contains(callers, owner) {
		callers = append(callers, owner)
	}
	eachCause(x.old.bucketClauses(name, owner), x.new.bucketClauses(name, owner), func(d Direction, c *clause) {
		cause := statementCause(d, c)
		q := x.question(d, c)
		q.at = bucketStep
		for _, caller := range callers {
			q.doubts = nil
			if c.implied && caller != owner {
				continue
			}
			w, f := q.differs(scenario{caller: caller, owner: owner, bucket: name, spelled: map[string]string{}}, inBucketStep)
			x.report(Class{Direction: d, Cause: cause, Organization: caller, Owner: owner, Bucket: name}, w, f, q.doubts)
		}
	})
}

// bucketFact compares a bucket whose owner is another on the two sides, or that
// only one of them has.
func (x *comparison) bucketFact(name string, old, new BucketFile, wasListed, isListed bool) {
	var fact string
	switch {
	case !wasListed:
		fact = "the bucket is in the folder of " + new.Owner + " now"
	case !isListed:
		fact = "the bucket is in the folder of " + old.Owner + " no more"
	case old.Owner != new.Owner:
		fact = "the bucket belonged to " + old.Owner + ", and belongs to " + new.Owner
	default:
		fact = "other organizations claim the bucket than before"
	}
	owners := []string{old.Owner, new.Owner}
	callers := append(x.organizations(), owners...)
	slices.Sort(callers)
	for _, d := range []Direction{Gained, Lost} {
		q := x.question(d, nil)
		for _, caller := range slices.Compact(callers) {
			if caller == "" {
				continue
			}
			var doubts doubts
			result := foundNothing
			var w *policy.Request
			// Where a side has no such bucket, a caller may state that it is its own.
			for _, owner := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(owners), caller)))) {
				for _, states := range []bool{false, true} {
					if result == foundText || owner == "" || !states && !slices.Contains(owners, owner) {
						continue
					}
					q.doubts = nil
					r, f := q.differs(scenario{caller: caller, owner: owner, bucket: name, statesOwner: states, spelled: map[string]string{}}, onBuckets)
					if f == foundText {
						w, result = r, f
					} else if f == foundLimit {
						result = f
						doubts = append(doubts, q.doubts...)
					}
				}
			}
			x.report(Class{Direction: d, Cause: Cause{Fact: fact}, Organization: caller, Bucket: name}, w, result, slices.Compact(doubts))
		}
	}
}
