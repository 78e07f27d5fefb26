package compare

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"postern/policy"
)

// TestDiffAgainstSolver holds Compare to a solver of satisfiability modulo theories,
// which is told by smtWorld what the specification says of a fragment of policies:
// literal and prefixed principals, actions, resources with a `*` at their end, some
// conditions, two layers, two organizations. For each direction, caller's
// organization and owner it has to find a request that is decided otherwise exactly
// where the solver does. The solver is Debian's z3, or what POSTERN_Z3 names.
func TestDiffAgainstSolver(t *testing.T) {
	name := os.Getenv("POSTERN_Z3")
	if name == "" {
		var err error
		if name, err = exec.LookPath("z3"); err != nil {
			t.Skip("there is no z3, and POSTERN_Z3 names no other; .ci/run installs it")
		}
	}
	pairs := 150
	if testing.Short() {
		pairs = 20
	}
	const asked = 8 // a pair: two directions, callers, owners
	var problem strings.Builder
	problem.WriteString("(set-option :smt.random_seed 1)\n")
	var told []map[string]bool
	unknown := 0
	var worlds [][2]smtWorld
	for i := range pairs {
		r := rand.New(rand.NewPCG(uint64(i), 3))
		old := newSMTWorld(r)
		new := old.changed(r)
		worlds = append(worlds, [2]smtWorld{old, new})
		before, ds := sideOf(directory(t, old.files()))
		after, more := sideOf(directory(t, new.files()))
		if policy.HasErrors(append(ds, more...)) {
			t.Fatal(ds, more)
		}
		d := Compare(before, after, 1_767_225_600)
		found := map[string]bool{}
		for _, list := range [][]Change{d.Gained, d.Lost} {
			for _, c := range list {
				if c.Type == "" {
					found[fmt.Sprint(c.Direction, c.Organization, c.Owner)] = true
				}
			}
		}
		for _, u := range d.Unknown {
			if u.Type == "" {
				unknown++
				t.Errorf("pair %d: %+v is unknown: %q", i, u.Class, u.Why)
			}
		}
		told = append(told, found)
		problem.WriteString("(push)\n" + smtRequest)
		for _, caller := range smtOrgs {
			for _, owner := range smtOrgs {
				was, is := old.decides(caller, owner), new.decides(caller, owner)
				fmt.Fprintf(&problem, "(push)\n(assert %s)\n(push)\n(assert (and (not %s) %s))\n(check-sat)\n(pop)\n(push)\n(assert (and %s (not %s)))\n(check-sat)\n(pop)\n(pop)\n",
					smtResource(caller, owner), was, is, was, is)
			}
		}
		problem.WriteString("(pop)\n")
	}
	solver := exec.Command(name, "-in", "-smt2")
	solver.Stdin = strings.NewReader(problem.String())
	var errs bytes.Buffer
	solver.Stderr = &errs
	out, err := solver.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, errs.String(), out)
	}
	answers := strings.Fields(string(out))
	if len(answers) != pairs*asked {
		t.Fatalf("%d answers, want %d: %.300s", len(answers), pairs*asked, out)
	}
	sat, unsat := 0, 0
	for i := range pairs {
		for _, caller := range smtOrgs {
			for _, owner := range smtOrgs {
				for _, d := range []Direction{Gained, Lost} {
					answer := answers[0]
					answers = answers[1:]
					switch answer {
					case "sat":
						sat++
					case "unsat":
						unsat++
					default:
						t.Errorf("pair %d, %s %s %s: the solver says %s", i, d, caller, owner, answer)
						continue
					}
					if found := told[i][fmt.Sprint(d, caller, owner)]; found != (answer == "sat") {
						t.Errorf("pair %d, %s, callers of %s, buckets of %s: the solver says %s, and Compare %t\nold %v\nnew %v",
							i, d, caller, owner, answer, found, worlds[i][0].files(), worlds[i][1].files())
					}
				}
			}
		}
	}
	t.Logf("%d pairs: %d questions with a request, %d without, %d classes unknown", pairs, sat, unsat, unknown)
	if sat < pairs/2 || unsat < pairs/2 {
		t.Errorf("%d questions with a request, %d without: the worlds went wrong", sat, unsat)
	}
}

var smtOrgs = []string{"o1", "o2"}

// smtWorld has an organization policy and a bucket policy each for o1 and o2, whose
// buckets are b1 and b2.
type smtWorld struct {
	organization, bucket [2][]smtStatement
	open                 [2]bool // the bucket has no policy
}

// smtStatement is a statement of the fragment. Principals are "*", an organization,
// `role/x`, `role/x*`, in a bucket policy with the organization in front; an entry of
// resources is "*", "b1/*", "b1/k/*", "b1/k".
type smtStatement struct {
	deny, not             bool // not: NotPrincipal
	who, action, resource string
	key, operator, value  string // of a condition; "" has none
}

func newSMTWorld(r *rand.Rand) (w smtWorld) {
	for i := range smtOrgs {
		w.organization[i] = append(w.organization[i], smtStatement{who: "*", action: "s3:*", resource: "*"})
		if r.IntN(3) == 0 {
			w.organization[i] = nil
		}
		for range 1 + r.IntN(3) {
			w.organization[i] = append(w.organization[i], smtRandom(r, i, false))
		}
		for range 1 + r.IntN(4) {
			w.bucket[i] = append(w.bucket[i], smtRandom(r, i, true))
		}
		w.open[i] = r.IntN(8) == 0
	}
	return w
}

func smtRandom(r *rand.Rand, org int, bucket bool) smtStatement {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	name := fmt.Sprintf("b%d", org+1)
	s := smtStatement{
		deny: r.IntN(3) == 0, who: pick("*", "*", "role/a", "role/b", "role/a*"),
		action:   pick("s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:GetBucketLocation"),
		resource: pick("*", name+"/*", name+"/k/*", name+"/k", name+"*"),
	}
	if !bucket {
		s.resource = pick("*", "*", "b1/*", "b2/*", "b1/k/*", "b2/k")
		return s
	}
	if s.who != "*" {
		s.who = pick("o1", "o2", "o1:"+s.who, "o2:"+s.who)
		s.not = s.deny && r.IntN(3) == 0
	}
	switch r.IntN(6) {
	case 0:
		s.key, s.operator, s.value = "k", pick("StringEquals", "StringNotEquals", "StringEqualsIfExists"), pick("a", "b")
	case 1:
		s.key, s.operator, s.value = pick("k", "n", "f"), "Null", pick("true", "false")
	case 2:
		s.key, s.operator, s.value = "n", pick("NumericLessThan", "NumericGreaterThanEquals", "NumericLessThanIfExists"), pick("10", "20")
	case 3:
		s.key, s.operator, s.value = "f", pick("Bool", "BoolIfExists"), pick("true", "false")
	}
	return s
}

// changed is the world with a few other statements.
func (w smtWorld) changed(r *rand.Rand) smtWorld {
	for i := range smtOrgs {
		for _, list := range []*[]smtStatement{&w.organization[i], &w.bucket[i]} {
			*list = slices.Clone(*list)
			bucket := list == &w.bucket[i]
			switch r.IntN(5) {
			case 0:
				*list = append(*list, smtRandom(r, i, bucket))
			case 1:
				if len(*list) > 1 {
					*list = (*list)[1:]
				}
			case 2:
				(*list)[r.IntN(len(*list))] = smtRandom(r, i, bucket)
			}
		}
		if r.IntN(10) == 0 {
			w.open[i] = !w.open[i]
		}
	}
	return w
}

// files writes the world as policy files.
func (w smtWorld) files() map[string]string {
	out := map[string]string{}
	for i, org := range smtOrgs {
		var statements []string
		for n, s := range w.organization[i] {
			statements = append(statements, fmt.Sprintf(`{"name": "s%d", "effect": %q, "actions": [%q], "resources": [%q], "principals": [%q]}`, n, s.effect(), s.action, s.resource, s.who))
		}
		out[org+"/access-policies/p"] = `{"version": "v1alpha1", "name": "p", "statements": [` + strings.Join(statements, ",") + `]}`
		bucket := fmt.Sprintf("%s/buckets/b%d", org, i+1)
		if w.open[i] {
			out[bucket] = ""
			continue
		}
		statements = nil
		for _, s := range w.bucket[i] {
			who, resource, condition := `"*"`, "*", ""
			if s.who != "*" {
				org, name, named := strings.Cut(s.who, ":")
				if who = org; named {
					who = "arn:aws:iam::" + org + ":" + name
				}
				who = fmt.Sprintf(`{"AWS": %q}`, who)
			}
			if s.resource != "*" {
				resource = "arn:aws:s3:::" + s.resource
			}
			principal := "Principal"
			if s.not {
				principal = "NotPrincipal"
			}
			if s.key != "" {
				condition = fmt.Sprintf(`, "Condition": {%q: {%q: %q}}`, s.operator, s.key, s.value)
			}
			statements = append(statements, fmt.Sprintf(`{"Effect": %q, %q: %s, "Action": %q, "Resource": %q%s}`, s.effect(), principal, who, s.action, resource, condition))
		}
		out[bucket] = `{"Version": "2012-10-17", "Statement": [` + strings.Join(statements, ",") + `]}`
	}
	return out
}

func (s *smtStatement) effect() string {
	if s.deny {
		return "Deny"
	}
	return "Allow"
}

// smtRequest declares a request. Of the caller's identifiers two names and one that
// begins as a prefix count, and there is always another. An action that is asked of
// objects meets on a bucket the Denies of its objects (specification 1.2). A key is
// absent, a list, or an object, which nothing reads.
const smtRequest = `
(declare-const idA Bool) (declare-const idB Bool) (declare-const idAx Bool)
(declare-const action Int) (declare-const aboutObjects Bool) (declare-const resource Int)
(declare-const kA Bool) (declare-const kB Bool) (declare-const kOther Bool) (declare-const kObject Bool)
(assert (=> kObject (not (or kA kB kOther))))
(declare-const nObject Bool) (declare-const nText Bool)
(declare-const n1 Bool) (declare-const n2 Bool) (declare-const n3 Bool) (declare-const v1 Int) (declare-const v2 Int) (declare-const v3 Int)
(assert (=> nObject (not (or nText n1 n2 n3))))
(declare-const fObject Bool) (declare-const fText Bool) (declare-const fTrue Bool) (declare-const fFalse Bool)
(assert (=> fObject (not (or fText fTrue fFalse))))
`

// smtActions are one action of each kind that the fragment tells apart, and whether
// it is asked of objects; smtResources one resource of each kind. zz is a bucket that
// no folder has.
var (
	smtActions = []struct {
		name         string
		aboutObjects bool
	}{
		{"s3:GetObject", true}, {"s3:GetObjectAcl", true}, {"s3:PutObject", true}, {"s3:DeleteObject", true}, {"s3:ListBucket", false},
		{"s3:GetBucketLocation", false}, {"s3:GetBucketAcl", false}, {"s3:PutBucketAcl", false}, {"s3:GetZz", false}, {"s3:Zz", false},
	}
	smtResources = []string{"b1", "b1/k", "b1/kx", "b1/k/x", "b1/x", "b2", "b2/k", "b2/kx", "b2/k/x", "b2/x", "zz", "zz/k"}
)

// smtMatches reports that a text matches a pattern with a `*` at its end, or none.
func smtMatches(pattern, text string) bool {
	head, open := strings.CutSuffix(pattern, "*")
	return pattern == text || open && strings.HasPrefix(text, head)
}

func smtOr(list []string) string { return "(or false " + strings.Join(list, " ") + ")" }

// smtResource says which actions and which resources of an owner there are: its
// bucket, objects in it, and for its own callers the bucket that no folder has.
func smtResource(caller, owner string) string {
	var actions, resources []string
	for i, a := range smtActions {
		actions = append(actions, fmt.Sprintf("(and (= action %d) (= aboutObjects %t))", i, a.aboutObjects))
	}
	for i, r := range smtResources {
		if r[:2] == "b"+owner[1:] || r[:2] == "zz" && caller == owner {
			resources = append(resources, fmt.Sprintf("(= resource %d)", i))
		}
	}
	return "(and " + smtOr(actions) + " " + smtOr(resources) + ")"
}

// holds is the statement's formula for callers of an organization.
func (s *smtStatement) holds(caller string) string {
	org, name, named := strings.Cut(s.who, ":")
	switch {
	case s.who == "*":
		org, name = caller, ""
	case !named && slices.Contains(smtOrgs, s.who):
		if name = ""; s.not {
			org = "" // an organization alone exempts nobody (specification 1.5)
		}
	case !named:
		org, name = caller, s.who
	}
	who := map[string]string{"": "true", "role/a": "idA", "role/b": "idB", "role/a*": "(or idA idAx)"}[name]
	if org != caller {
		who = "false"
	}
	if s.not {
		who = "(not " + who + ")"
	}
	var actions, cells []string
	for i, a := range smtActions {
		if smtMatches(s.action, a.name) {
			actions = append(actions, fmt.Sprintf("(= action %d)", i))
		}
	}
	for i, r := range smtResources {
		cell := fmt.Sprintf("(= resource %d)", i)
		switch bucket, _, inside := strings.Cut(s.resource, "/"); {
		case smtMatches(s.resource, r):
			cells = append(cells, cell)
		case s.deny && inside && bucket == r:
			cells = append(cells, "(and aboutObjects "+cell+")")
		}
	}
	return fmt.Sprintf("(and %s %s %s %s)", who, smtOr(actions), smtOr(cells), s.condition())
}

// condition is the formula of the statement's condition (specification 1.7).
func (s *smtStatement) condition() string {
	if s.key == "" {
		return "true"
	}
	present := map[string]string{"k": "(or kA kB kOther)", "n": "(or nText n1 n2 n3)", "f": "(or fText fTrue fFalse)"}[s.key]
	unreadable := map[string]string{"k": "kObject", "n": "(or nObject nText)", "f": "(or fObject fText)"}[s.key]
	operator, ifExists := strings.CutSuffix(s.operator, "IfExists")
	of := map[string]string{"a": "kA", "b": "kB"}[s.value]
	some := func(test string) string {
		return fmt.Sprintf("(or (and n1 (%s v1 %s)) (and n2 (%s v2 %s)) (and n3 (%s v3 %s)))", test, s.value, test, s.value, test, s.value)
	}
	holds := ""
	switch operator {
	case "StringEquals":
		holds = of
	case "StringNotEquals":
		holds = "(not " + of + ")"
	case "NumericLessThan":
		holds = some("<")
	case "NumericGreaterThanEquals":
		holds = some(">=")
	case "Bool":
		holds = map[string]string{"true": "fTrue", "false": "fFalse"}[s.value]
	case "Null":
		unreadable = s.key + "Object"
		if holds = present; s.value == "true" {
			holds = "(not " + present + ")"
		}
	}
	if ifExists {
		holds = fmt.Sprintf("(or (not %s) %s)", present, holds)
	}
	if s.deny {
		return fmt.Sprintf("(or %s %s)", unreadable, holds)
	}
	return fmt.Sprintf("(and (not %s) %s)", unreadable, holds)
}

// decides is the formula of an allow (specification 1.1, 1.3).
func (w *smtWorld) decides(caller, owner string) string {
	step := func(list []smtStatement) (allows, denies []string) {
		allows, denies = []string{"false"}, []string{"false"}
		for i := range list {
			if s := &list[i]; s.deny {
				denies = append(denies, s.holds(caller))
			} else {
				allows = append(allows, s.holds(caller))
			}
		}
		return allows, denies
	}
	passes := func(allows, denies []string) string {
		return fmt.Sprintf("(or %s) (not (or %s))", strings.Join(allows, " "), strings.Join(denies, " "))
	}
	at := map[string]int{"o1": 0, "o2": 1}
	own := passes(step(w.organization[at[caller]]))
	bucket := passes(step(w.bucket[at[owner]]))
	if w.open[at[owner]] {
		bucket = fmt.Sprint(caller == owner)
	}
	if caller == owner {
		// A bucket that no folder has has no policy.
		return fmt.Sprintf("(and %s (or (= resource %d) (= resource %d) (and %s)))", own, slices.Index(smtResources, "zz"), slices.Index(smtResources, "zz/k"), bucket)
	}
	var owners []smtStatement
	for _, s := range w.organization[at[owner]] {
		if s.deny && s.who == "*" {
			owners = append(owners, s)
		}
	}
	_, denies := step(owners)
	return fmt.Sprintf("(and %s %s (not (or %s)))", own, bucket, strings.Join(denies, " "))
}
