package compare

import (
	"slices"

	"postern/internal/action"
	"postern/policy"
)

// A question asks for a request that one side allows and the other denies.
type question struct {
	*comparison
	direction Direction
	// allowing allows, and denying denies.
	allowing, denying *side
	// cause is a statement that the request satisfies, an Allow of allowing or a
	// Deny of denying, in the step at; nil where a fact is the cause, and whatever
	// lets the sides differ will do.
	cause *clause
	at    int
	// left are the resource patterns of the cause with which it can make a
	// difference; nil where they were not narrowed.
	left []glob

	budget *budget
	doubts doubts
}

func (x *comparison) question(d Direction, cause *clause) *question {
	q := &question{comparison: x, direction: d, allowing: x.new, denying: x.old, cause: cause, budget: x.budget()}
	if d == Lost {
		q.allowing, q.denying = x.old, x.new
	}
	return q
}

// narrow leaves out the resource patterns of the cause that statements of the
// other side cover: with them it says what that side says too. It returns false
// if there is none left, so that the cause changes nothing.
func (q *question) narrow(r *reader, others []*clause) bool {
	if q.cause.NotResource {
		return true
	}
	var twins []glob
	stars := false
	for _, o := range others {
		if o.Effect == q.cause.Effect && !o.NotResource && principalsWithin(q.cause.Statement, o.Statement) && conditionsWithin(q.cause.Statement, o.Statement) && r.actionsWithin(q.cause, o) {
			twins = append(twins, o.globs(true)...)
			stars = stars || o.has("*")
		}
	}
	for _, res := range q.cause.resources {
		// On the whole organization only `*` as it is written counts.
		if res.text == "*" && !stars || !slices.ContainsFunc(twins, func(t glob) bool { return within([]demand{oneOf(res.glob())}, []glob{t}) }) {
			q.left = append(q.left, res.glob())
		}
	}
	return len(q.left) > 0
}

// differs looks for a request in scenarios that begin as the given one, with the
// actions of the given classes.
func (q *question) differs(of scenario, classes func(action.Class) bool) (*policy.Request, found) {
	if q.budget.over() {
		q.doubts.add(doubtWork)
		return nil, foundLimit
	}
	type pair struct {
		kind   policy.ResourceKind
		action asked
	}
	kinds := []policy.ResourceKind{policy.ResourceObject, policy.ResourceBucket}
	if of.kind == policy.ResourceOrganization {
		kinds = []policy.ResourceKind{policy.ResourceOrganization}
	}
	var pairs []pair
	for _, kind := range kinds {
		of.kind = kind
		for _, a := range q.actions(of, classes) {
			pairs = append(pairs, pair{kind, a})
		}
	}
	// What is asked every day comes first: an object's action on an object, any
	// other on a bucket, and names that no table knows last.
	strange := func(p pair) int {
		switch {
		case len(p.action.hands) == 0:
			return 2
		case p.kind != policy.ResourceOrganization && (action.KindOf(p.action.hands[0]) == action.OnObject) != (p.kind == policy.ResourceObject):
			return 1
		}
		return 0
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return strange(a) - strange(b) })
	result := foundNothing
	for _, p := range pairs {
		for _, who := range q.tokensAnd(of.caller) {
			of.kind, of.action, of.bearer, of.stated = p.kind, p.action, who, false
			sc := of
			r, f, stated := q.inScenario(&sc)
			if f == foundNothing && stated {
				sc = of
				sc.stated = true
				r, f, _ = q.inScenario(&sc)
			}
			switch f {
			case foundText:
				return r, f
			case foundLimit:
				result = foundLimit
			}
			if q.budget.over() {
				q.doubts.add(doubtWork)
				return nil, foundLimit
			}
		}
	}
	return nil, result
}

// actions are the actions to ask for, of which the cause speaks.
func (q *question) actions(of scenario, classes func(action.Class) bool) []asked {
	var out []asked
	var clauses []*clause
	for _, s := range []*side{q.allowing, q.denying} {
		of.action = asked{class: action.Bucket}
		if of.kind == policy.ResourceOrganization {
			of.action.class = action.ControlPlane
		}
		for _, st := range s.view(&of).steps {
			clauses = append(clauses, q.relevant(&of, st.allows)...)
			clauses = append(clauses, q.relevant(&of, st.denies)...)
		}
	}
	for _, a := range askedActions(clauses, classes) {
		if q.cause != nil && len(a.hands) > 0 && !slices.ContainsFunc(a.hands, q.cause.known.has) {
			continue
		}
		out = append(out, a)
	}
	return out
}

// tokensAnd are the callers to ask for: one with identifiers, and a token of the
// organization.
func (q *question) tokensAnd(org string) []bearer {
	if b := q.tokens(org); b.name != "" {
		return []bearer{{}, b}
	}
	return []bearer{{}}
}

// relevant leaves out the clauses that speak of other resources than the cause
// and the scenario.
func (q *question) relevant(sc *scenario, list []*clause) []*clause {
	if sc.bucket == "" && (q.cause == nil || q.cause.NotResource) {
		return list
	}
	var out []*clause
	for _, c := range list {
		if c.implied || c.NotResource || slices.ContainsFunc(c.resources, func(r resource) bool {
			head := r.head()
			return (sc.bucket == "" || together(head, sc.bucket)) && (q.cause == nil || q.cause.implied || q.cause.NotResource || q.cause.effectOnObjects(sc) ||
				slices.ContainsFunc(q.cause.resources, func(o resource) bool { return together(o.head(), head) }))
		}) {
			out = append(out, c)
		}
	}
	return out
}

// effectOnObjects reports that the clause may hold for a bucket because of its
// objects (specification 1.2).
func (c *clause) effectOnObjects(sc *scenario) bool {
	return c.Effect == policy.EffectDeny && sc.kind == policy.ResourceBucket
}

// inScenario looks for a request in one scenario. stated reports that clauses
// ask for keys that the context may state in the server's place.
func (q *question) inScenario(sc *scenario) (r *policy.Request, f found, stated bool) {
	a, d := q.allowing.view(sc), q.denying.view(sc)
	if a.never {
		return nil, foundNothing, false
	}
	var lists [][]*clause
	trim := func(v *view) {
		v.steps = slices.Clone(v.steps)
		for i, st := range v.steps {
			st.allows, st.denies = q.relevant(sc, st.allows), q.relevant(sc, st.denies)
			v.steps[i] = st
			lists = append(lists, st.allows, st.denies)
		}
	}
	trim(&a)
	trim(&d)
	stated = statable(lists)
	s := &solver{scenario: sc, listed: q.listed, budget: q.budget}
	s.accept = func(c *choice) bool {
		w := c.request(q.now)
		if q.allowing.decide(w).Outcome != policy.Allow || q.denying.decide(w).Outcome == policy.Allow || !q.causes(s.need, w) {
			return false
		}
		r = w
		return true
	}
	once := func() found { return q.ways(s, a, d) }
	f = once()
	if f == foundLimit && !q.budget.over() {
		keys := sc.variableKeys(lists...)
		if len(keys) > 0 {
			for _, values := range assignments(keys, lists...) {
				for _, v := range []*view{&a, &d} {
					with := *v.scenario
					with.fixed = values
					v.scenario = &with
				}
				with := *sc
				with.fixed = values
				s.scenario = &with
				if once() == foundText {
					f = foundText
					break
				}
			}
		}
	}
	if f == foundLimit {
		for _, why := range s.doubts {
			q.doubts.add(why)
		}
	}
	return r, f, stated
}

// causes reports that a request satisfies the cause: for certain, or as the
// index explains it where what is needed leaves it open.
func (q *question) causes(need []item, w *policy.Request) bool {
	if q.cause == nil || !slices.ContainsFunc(need, func(it item) bool {
		return it.clause == q.cause && (it.doubt != "" || slices.ContainsFunc(it.atoms, func(a *atom) bool { return a.inexact }))
	}) {
		return true
	}
	side := q.allowing
	if q.cause.Effect == policy.EffectDeny {
		side = q.denying
	}
	return slices.Contains(side.Snapshot.Explain(w).Determining, q.cause.ref())
}

// ways tries the ways in which one side allows while the other denies.
func (q *question) ways(s *solver, a, d view) found {
	hands := a.hands()
	// Every Deny that allows has to fail.
	var fail []item
	for _, st := range a.steps {
		for _, c := range st.denies {
			for hand := range hands {
				fail = append(fail, a.item(c, hand))
			}
		}
	}
	// try looks for a request besides what makes the other side deny. fixed is the
	// step and hand of which an Allow is chosen already.
	try := func(need, more []item, fixedStep, fixedHand int) found {
		var choices [][]item
		for i, st := range a.steps {
			if st.free {
				continue
			}
			for hand := range hands {
				if i == fixedStep && hand == fixedHand {
					continue
				}
				var ways []item
				for _, c := range st.allows {
					if it := a.item(c, hand); !it.never {
						ways = append(ways, it)
					}
				}
				if len(ways) == 0 {
					return foundNothing
				}
				choices = append(choices, ways)
			}
		}
		return s.solve(need, choices, append(fail[:len(fail):len(fail)], more...))
	}
	result := foundNothing
	note := func(f found) bool {
		if f == foundLimit {
			result = f
		}
		return f == foundText
	}
	if d.never && q.cause == nil {
		return try(nil, nil, -1, -1)
	}
	// noAllow are the Allows of a step that denies, which have to fail.
	noAllow := func(st step, hand int) (out []item) {
		for _, c := range st.allows {
			out = append(out, d.item(c, hand))
		}
		return out
	}
	switch {
	case q.cause == nil:
		for _, st := range d.steps {
			for hand := range hands {
				for _, c := range st.denies {
					if it := d.item(c, hand); !it.never && note(try([]item{it}, nil, -1, -1)) {
						return foundText
					}
				}
				if !st.free && note(try(nil, noAllow(st, hand), -1, -1)) {
					return foundText
				}
			}
		}
	case q.cause.Effect == policy.EffectDeny:
		for hand := range hands {
			if it := d.item(q.cause, hand); !d.never && !it.never && note(try([]item{it}, nil, -1, -1)) {
				return foundText
			}
		}
	default:
		at := q.at
		if at == bucketStep {
			at = len(a.steps) - 1
		}
		for hand := range hands {
			it := a.item(q.cause, hand)
			if it.never {
				continue
			}
			var without []item
			if !d.never {
				st := d.steps[0]
				if q.at == bucketStep {
					st = d.steps[len(d.steps)-1]
				}
				if st.free {
					continue
				}
				without = noAllow(st, hand)
			}
			if note(try([]item{it}, without, at, hand)) {
				return foundText
			}
		}
	}
	return result
}

// statable reports that clauses ask for keys that the context may state in the
// server's place.
func statable(lists [][]*clause) bool {
	return slices.ContainsFunc(lists, func(list []*clause) bool {
		return slices.ContainsFunc(list, func(c *clause) bool { return c.statable() })
	})
}
