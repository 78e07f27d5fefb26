package compare

import (
	"slices"
	"strings"

	"postern/internal/action"
	"postern/internal/conditionkey"
	"postern/internal/value"
	"postern/policy"
)

// A scenario is what of a request is settled before the rest is searched for.
type scenario struct {
	// caller and owner are organizations; both are known.
	caller, owner string
	// bearer is the token that asks, without name for a caller with identifiers.
	bearer bearer
	// bucket is the bucket asked about; "" is one that no folder has, or the
	// whole organization.
	bucket string
	kind   policy.ResourceKind
	action asked
	// blank: the request does not say whose the caller is, and -default-org does.
	blank bool
	// statesOwner: the request says whose the resource is.
	statesOwner bool
	// stated: the context states the keys that the server sets where nobody does.
	stated bool
	// fixed are the values of keys that are settled because policy variables
	// stand for them.
	fixed fixed
	// spelled is how the clauses that were read spell the keys of slots.
	spelled map[string]string
}

// asked is the action that a scenario asks for.
type asked struct {
	// name as it is asked; of an action beyond the table "", and then it has a
	// slot of its own.
	name  string
	class action.Class
	// hands are the actions to which statements are held: it, and what it needs
	// beside it (specification 1.2). Of one beyond the table there is none, and
	// statements are held to its name.
	hands []action.ID
}

// The slots of a request. Condition keys have slots named as they fold, behind
// keySlot.
const (
	idsSlot      = "ids"
	resourceSlot = "resource"
	actionSlot   = "action"
	keySlot      = "key "
)

// truth is what a test comes to in a scenario.
type truth uint8

const (
	itFails truth = iota
	itHolds
	itDepends // on what is chosen
	itMay     // on what is not understood here
)

func known(holds bool) truth {
	if holds {
		return itHolds
	}
	return itFails
}

// An item is a clause in a scenario, for one of the actions at hand: it holds if
// all of its atoms do.
type item struct {
	*clause
	never bool // it cannot hold
	// doubt, if it is not "", is a test of which nothing is known: the clause
	// holds only if that does, too.
	doubt string
	atoms []*atom
}

// What leaves open whether there is a request.
const (
	doubtVariables = "policy variables"
	doubtText      = "a search for a text that several patterns agree on ended at its limit"
	doubtWork      = "the search ended at its limit of branches or of time"
	doubtIAM       = "the iam layer decides the actions of cwobject: beside organization policies"
	doubtEngine    = "the engine decides otherwise what the search found"
)

// item reads a clause in the scenario, for the action at hand; hand is its
// number among the actions at hand.
func (sc *scenario) item(c *clause, hand int) item {
	it := item{clause: c}
	add := func(what string) func(truth, *atom) bool {
		return func(t truth, a *atom) bool {
			switch t {
			case itFails:
				it.never = true
			case itDepends:
				it.atoms = append(it.atoms, a)
			case itMay:
				it.doubt = what
			}
			return !it.never
		}
	}
	if !add("")(sc.action.of(c, hand)) || !add("")(sc.principal(c)) || !add(doubtVariables)(sc.resource(c, hand)) {
		return it
	}
	for i := range c.Conditions {
		what := doubtVariables
		switch kind, _ := conditionkey.Split(c.Conditions[i].Key); kind {
		case conditionkey.ActionName, conditionkey.SubjectType, conditionkey.SubjectID, conditionkey.ResourceID, conditionkey.Groups:
			what = "a condition on " + c.Conditions[i].Key
		}
		if !add(what)(sc.condition(c, &c.Conditions[i])) {
			return it
		}
	}
	return it
}

// of tells whether a clause speaks of the action at hand.
func (a *asked) of(c *clause, hand int) (truth, *atom) {
	if len(a.hands) > 0 {
		return known(c.known.has(a.hands[hand])), nil
	}
	if c.implied {
		return itHolds, nil
	}
	return itDepends, textAtom(actionSlot, c.Effect, c.NotAction, c.actions, false)
}

// textAtom is the test that a text matches one of the globs, or none.
func textAtom(slot string, effect policy.Effect, none bool, globs []glob, inexact bool) *atom {
	test := policy.StringLike
	if none {
		test = policy.StringNotLike
	}
	return &atom{slot: slot, effect: effect, operator: policy.Operator{Test: test}, globs: globs, inexact: inexact}
}

// principal tells whether a clause speaks of callers of the organization
// (specification 1.4, 1.5).
func (sc *scenario) principal(c *clause) (truth, *atom) {
	if c.implied {
		return known(sc.caller == c.owner), nil
	}
	var globs []glob
	for _, p := range c.Principals {
		if p.Org != "" && p.Org != sc.caller {
			continue
		}
		switch p.Kind {
		case policy.PrincipalEveryone:
			return known(!c.NotPrincipal), nil
		case policy.PrincipalOrganization, policy.PrincipalAccount:
			// A token is listed where that denies, and nowhere else.
			if c.NotPrincipal && (p.Kind == policy.PrincipalAccount || sc.bearer.name != "") || c.Effect == policy.EffectAllow && sc.bearer.name != "" {
				continue
			}
			return known(!c.NotPrincipal), nil
		case policy.PrincipalExact:
			globs = append(globs, literalGlob(p.Name))
		case policy.PrincipalPrefix:
			globs = append(globs, prefixGlob(p.Name))
		}
	}
	if len(globs) == 0 || sc.bearer.name != "" {
		return known(c.NotPrincipal), nil
	}
	return itDepends, textAtom(idsSlot, c.Effect, c.NotPrincipal, globs, false)
}

// resource tells whether a clause speaks of the resource (specification 1.2,
// 1.3).
func (sc *scenario) resource(c *clause, hand int) (truth, *atom) {
	if sc.kind == policy.ResourceOrganization {
		return known(!c.NotResource && c.has("*")), nil
	}
	if c.implied || !c.NotResource && c.has("*") {
		return itHolds, nil
	}
	aboutObjects := c.Effect == policy.EffectDeny && sc.kind == policy.ResourceBucket &&
		len(sc.action.hands) > 0 && action.KindOf(sc.action.hands[hand]) == action.OnObject
	resources, missing := sc.resources(c)
	if missing && c.NotResource && c.Effect == policy.EffectAllow {
		return itFails, nil
	}
	var all, exact []glob
	for _, r := range resources {
		all = append(all, r.glob())
		if r.exact {
			exact = append(exact, r.glob())
		}
	}
	if !aboutObjects {
		a := textAtom(resourceSlot, c.Effect, c.NotResource, all, len(exact) < len(all))
		a.exact = exact
		return itDepends, a
	}
	if sc.bucket == "" && !c.NotResource {
		for _, g := range all {
			all = append(all, g.buckets()...)
		}
		return itDepends, textAtom(resourceSlot, c.Effect, false, all, len(exact) < len(resources))
	}
	if sc.bucket == "" {
		return itMay, nil // organization policies have no NotResource
	}
	behind := oneOf(behind(sc.bucket))
	if c.NotResource {
		for _, r := range resources {
			if within([]demand{behind}, []glob{r.glob()}) {
				if !r.exact {
					return itMay, nil
				}
				return itFails, nil
			}
		}
		return itHolds, nil
	}
	here := oneOf(literalGlob(sc.bucket), behind.globs[0])
	if apart([]demand{here}, all) {
		return itFails, nil
	}
	if len(exact) > 0 && !apart([]demand{here}, exact) {
		return itHolds, nil
	}
	return itMay, nil
}

// behind matches the objects of a bucket.
func behind(bucket string) glob {
	g, _ := readGlob("?*", false)
	b := literalGlob(bucket + "/")
	return glob{chars: append(b.chars, g.chars...), runs: append(b.runs[:len(b.chars)], g.runs...)}
}

// condition reads a condition of a clause: what the scenario settles is told at
// once.
func (sc *scenario) condition(c *clause, condition *policy.Condition) (truth, *atom) {
	kind, name := conditionkey.Split(condition.Key)
	slot := keySlot + conditionkey.Fold(condition.Key)
	sc.spell(condition.Key)
	settled := func(texts ...string) (truth, *atom) {
		a := sc.conditionAtom(slot, c, condition)
		if a.inexact {
			return itMay, nil
		}
		return known(!a.missing && a.holds(content{texts: texts})), nil
	}
	switch kind {
	case conditionkey.PrincipalOrg:
		return settled(sc.caller)
	case conditionkey.ResourceOrg:
		if sc.owner == "" {
			return settled(sc.caller)
		}
		return settled(sc.owner)
	case conditionkey.ResourceType:
		return settled(map[policy.ResourceKind]string{policy.ResourceBucket: "bucket", policy.ResourceObject: "object", policy.ResourceOrganization: "organization"}[sc.kind])
	case conditionkey.ResourceID:
		switch {
		case sc.kind == policy.ResourceOrganization:
			return settled(sc.caller)
		case sc.kind == policy.ResourceBucket && sc.bucket != "":
			return settled(sc.bucket)
		}
		a := sc.conditionAtom(resourceSlot, c, condition)
		if !a.textual() {
			return itMay, nil
		}
		if a.missing {
			return itFails, nil
		}
		return itDepends, a
	case conditionkey.ActionName:
		if sc.action.name == "" {
			return itMay, nil
		}
		if t, _ := settled(sc.action.name); t == itHolds {
			return itHolds, nil
		}
		return itMay, nil // the name may be spelled with other cases
	case conditionkey.SubjectType, conditionkey.SubjectID:
		if sc.bearer.name != "" {
			return sc.ofTokens(c, condition, kind)
		}
		return itMay, nil
	case conditionkey.PrincipalAccount:
		if !sc.stated {
			return settled(sc.caller)
		}
	case conditionkey.PrincipalArn:
		if sc.stated {
			break
		}
		if sc.bearer.name != "" {
			return settled()
		}
		return sc.principalArn(sc.conditionAtom(slot, c, condition))
	case conditionkey.Username:
		if !sc.stated && (sc.caller != sc.owner || sc.kind == policy.ResourceOrganization) {
			return settled()
		}
	case conditionkey.Groups:
		if name != sc.caller {
			return settled()
		}
		if sc.bearer.name != "" {
			return itMay, nil
		}
	case conditionkey.Claim:
		org, _, _ := strings.Cut(name, ":")
		if org != sc.caller || sc.bearer.name != "" {
			return settled()
		}
	}
	a := sc.conditionAtom(slot, c, condition)
	if a.missing {
		return itFails, nil
	}
	return itDepends, a
}

// ofTokens reads a condition on subject.type or subject.id of a token: any of several
// may ask.
func (sc *scenario) ofTokens(c *clause, condition *policy.Condition, kind conditionkey.Kind) (truth, *atom) {
	a := sc.conditionAtom("", c, condition)
	if a.inexact {
		return itMay, nil
	}
	holds := func(text string) bool { return !a.missing && a.holds(content{texts: []string{text}}) }
	if kind == conditionkey.SubjectType {
		return known(holds("token")), nil
	}
	first := holds(sc.bearer.name)
	if slices.ContainsFunc(sc.bearer.names, func(name string) bool { return holds(name) != first }) {
		return itMay, nil
	}
	return known(first), nil
}

// spell notes how a key is spelled; the first spelling stays.
func (sc *scenario) spell(key string) {
	if sc.spelled == nil {
		sc.spelled = map[string]string{}
	}
	if slot := keySlot + conditionkey.Fold(key); sc.spelled[slot] == "" {
		sc.spelled[slot] = key
	}
}

// principalArn reads a test of aws:PrincipalArn as the test of identifiers that it
// is where nobody states the key.
func (sc *scenario) principalArn(a *atom) (truth, *atom) {
	if a.missing {
		return itFails, nil
	}
	if a.operator.Test == policy.Null {
		return known(a.holds(content{texts: []string{"x"}})), nil
	}
	if !a.textual() {
		return known(a.unreadable()), nil // an ARN is no number, date, address or truth
	}
	on := *a
	behind := func(list []glob) (out []glob) {
		for _, g := range list {
			out = append(out, g.behind("arn:aws:iam::"+sc.caller+":")...)
		}
		return out
	}
	on.slot, on.globs, on.exact = idsSlot, behind(a.globs), behind(a.exact)
	// An ARN can be read, and then Arn operators are like the Like of texts.
	on.operator.Test = policy.StringLike
	if a.operator.Test.Negated() {
		on.operator.Test = policy.StringNotLike
	}
	return itDepends, &on
}

// slotFor is the slot of a name, in the scenario.
func (sc *scenario) slotFor(name string, listed *wordTree) *slot {
	switch name {
	case idsSlot:
		return &slot{domain: identifiers, prefer: []string{"role/x", "coreweave/x"}}
	case actionSlot:
		service := "s3:?*"
		if sc.action.class == action.ControlPlane {
			service = "cwobject:?*"
		}
		g, _ := readGlob(service, false)
		return &slot{domain: []demand{oneOf(g)}, avoid: knownNames, single: true}
	case resourceSlot:
		s := &slot{single: true}
		switch {
		case sc.bucket != "" && sc.kind == policy.ResourceBucket:
			s.domain = []demand{oneOf(literalGlob(sc.bucket))}
		case sc.bucket != "":
			s.domain = []demand{oneOf(behind(sc.bucket))}
			s.prefer = []string{sc.bucket + "/x"}
		case sc.kind == policy.ResourceBucket:
			s.domain = []demand{oneOf(anything), noneOf(withSlash)}
			s.avoid = listed
		default:
			s.domain = []demand{oneOf(objectOfAny), noneOf(prefixGlob("/"))}
			s.avoid = listed
		}
		return s
	}
	key := name[len(keySlot):]
	kind, _ := conditionkey.Split(key)
	if v, ok := sc.fixed[key]; ok {
		if v == nil {
			return &slot{absent: true, domain: []demand{oneOf()}}
		}
		return &slot{domain: []demand{oneOf(literalGlob(*v))}, single: true, prefer: []string{*v}}
	}
	s := &slot{absent: true, object: true}
	switch kind {
	case conditionkey.CurrentTime, conditionkey.EpochTime, conditionkey.PrincipalAccount:
		s.absent = false // the server sets it where nobody does
	case conditionkey.PrincipalArn:
		s.absent = sc.bearer.name != ""
	case conditionkey.Groups:
		s.object = false // they are strings
	}
	return s
}

// listedNames are texts that no bucket without a folder can begin with.
func listedNames(buckets []string) *wordTree {
	t := &wordTree{prefixes: true}
	t.texts = append(t.texts, buckets...)
	slices.Sort(t.texts)
	return t
}

var (
	anything, _    = readGlob("?*", false)
	withSlash, _   = readGlob("*/*", false)
	objectOfAny, _ = readGlob("?*/?*", false)

	// identifiers demands `provider/name` of a provider that callers have.
	identifiers = []demand{oneOf(objectOfAny), noneOf(prefixGlob("/"), prefixGlob("group/"), prefixGlob("token/"))}
)

// timeOf is the second that a text of a time key states alone, if it is one
// that a clock shows.
func timeOf(c content) (int64, bool) {
	if c.object || len(c.texts) != 1 {
		return 0, false
	}
	t, ok := value.Date(c.texts[0])
	return t.Seconds, ok && t.Nanos == 0 && t.Seconds >= 0
}
