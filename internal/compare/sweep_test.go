package compare

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/index"
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/policy"
)

// TestDiffSweep is the proof of specification 8.3: pairs of directories from all
// workloads, from examples and published policies and from the corpus, mutated, and
// random requests to each pair. Each that is decided otherwise satisfies a cause of
// a class, reported or unknown, of its direction; each witness differs; equal
// directories in any order differ in nothing.
//
// POSTERN_DIFF_REQUESTS is how many requests a pair is asked (1000000 is the long
// form), POSTERN_DIFF_PAIRS how many pairs are made of each source, POSTERN_DIFF_SEED
// with what they begin, and POSTERN_DIFF_SOURCE which source alone is played.
func TestDiffSweep(t *testing.T) {
	pairs, requests, seed := 12, 1500, uint64(1)
	small := testing.Short() || underRace
	if small {
		pairs, requests = 2, 400
	}
	setting := func(name string, was int) int {
		if v := os.Getenv(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return n
		}
		return was
	}
	pairs, requests = setting("POSTERN_DIFF_PAIRS", pairs), setting("POSTERN_DIFF_REQUESTS", requests)
	seed = uint64(setting("POSTERN_DIFF_SEED", int(seed)))
	alone := os.Getenv("POSTERN_DIFF_SOURCE")
	all := sweep{dimensions: map[string]int{}, why: map[string]int{}}
	for _, source := range sweepSources(t) {
		if alone != "" && alone != source.name {
			continue
		}
		t.Run(source.name, func(t *testing.T) {
			of := sweep{dimensions: map[string]int{}, why: map[string]int{}}
			n := pairs
			switch { // what these vary most, others seldom have
			case source.name == "operators":
				n *= 20
			case strings.HasSuffix(source.name, "iam"):
				n *= 4
			}
			for i := range n {
				r := rand.New(rand.NewPCG(seed+uint64(i), 0x737765))
				of.pair(t, r, source, requests, fmt.Sprintf("%s %d", source.name, seed+uint64(i)))
			}
			t.Logf("%s", of.line())
			all.add(&of)
		})
	}
	t.Logf("all: %s", all.line())
	for _, why := range sortedKeys(all.why) {
		t.Logf("%6d unknown: %s", all.why[why], why)
	}
	for _, name := range sortedKeys(all.dimensions) {
		t.Logf("%8d differ with %s", all.dimensions[name], name)
	}
	if alone != "" || small || os.Getenv("POSTERN_DIFF_PAIRS") != "" {
		return
	}
	for _, name := range wantedDimensions() {
		if all.dimensions[name] == 0 {
			t.Errorf("no request that differs has: %s", name)
		}
	}
}

// underRace says that the race detector is at work, under which what has one
// goroutine need not be repeated at length.
var underRace bool

// A sweep counts what was compared and asked.
type sweep struct {
	pairs, unread, asked, differing int
	gained, lost, changed, unknown  int
	differingByUnknown              int
	dimensions, why                 map[string]int
	comparing, asking               time.Duration
}

func (s *sweep) line() string {
	return fmt.Sprintf("%d pairs (%d could not be), %d requests, %d differ (%d by unknown classes alone); classes: %d gained, %d lost, %d changed, %d unknown; %v comparing, %v asking",
		s.pairs, s.unread, s.asked, s.differing, s.differingByUnknown, s.gained, s.lost, s.changed, s.unknown, s.comparing.Round(time.Millisecond), s.asking.Round(time.Millisecond))
}

func (s *sweep) add(o *sweep) {
	s.pairs, s.unread, s.asked, s.differing = s.pairs+o.pairs, s.unread+o.unread, s.asked+o.asked, s.differing+o.differing
	s.gained, s.lost, s.changed, s.unknown = s.gained+o.gained, s.lost+o.lost, s.changed+o.changed, s.unknown+o.unknown
	s.differingByUnknown += o.differingByUnknown
	s.comparing, s.asking = s.comparing+o.comparing, s.asking+o.asking
	for name, n := range o.dimensions {
		s.dimensions[name] += n
	}
	for name, n := range o.why {
		s.why[name] += n
	}
}

// sweepPair makes a pair of directories of a source.
func sweepPair(r *rand.Rand, source sweepSource) (old, new *policy.Directory, made []*policy.Request) {
	d, made := source.make(r)
	old = available(d)
	if r.IntN(2) == 0 {
		old = withRelatives(r, old)
	}
	switch r.IntN(3) {
	case 0:
		new = another(r, old)
	case 1:
		new = twisted(r, old)
	case 2:
		new = twisted(r, another(r, old))
	}
	if r.IntN(3) > 0 {
		twistedAccess(r, new)
	} else {
		anotherAccess(r, new)
	}
	if r.IntN(2) == 0 {
		old, new = new, old
	}
	if r.IntN(2) == 0 { // it is in force where no other organization has a folder
		name := sortedKeys(old.Organizations)[0]
		old.DefaultOrganization, new.DefaultOrganization = name, name
	}
	defaultOf(old)
	defaultOf(new)
	return old, new, made
}

func (s *sweep) pair(t *testing.T, r *rand.Rand, source sweepSource, requests int, name string) {
	t.Helper()
	var old, new *policy.Directory
	var made []*policy.Request
	var sides [2]Side
	for {
		for range 20 {
			if old, new, made = sweepPair(r, source); newSweepWords(r, nil, old, new).differ {
				break
			}
		}
		bad := false
		for i, d := range []*policy.Directory{old, new} {
			var ds []policy.Diagnostic
			sides[i], ds = sideOf(d)
			bad = bad || policy.HasErrors(ds)
		}
		if !bad {
			break
		}
		if s.unread++; s.unread > 20*(s.pairs+5) {
			t.Fatalf("%s: pairs are refused", name)
		}
	}
	const now = 1_767_225_600
	began := time.Now()
	diff := compareWithin(sides[0], sides[1], now, func() *budget { return &budget{branches: 5000, end: time.Now().Add(100 * time.Millisecond)} })
	s.comparing += time.Since(began)
	s.pairs++
	s.gained, s.lost, s.changed, s.unknown = s.gained+len(diff.Gained), s.lost+len(diff.Lost), s.changed+len(diff.Changed), s.unknown+len(diff.Unknown)
	h := &heldDiff{old: old, new: new, sides: sides, diff: diff, before: reference.New(old), after: reference.New(new)}
	h.witnesses(t)
	for _, u := range diff.Unknown {
		if len(u.Why) == 0 {
			t.Fatalf("%s: nothing says why %+v is unknown", name, u)
		}
		for _, why := range u.Why {
			s.why[why]++
		}
	}
	again, _ := sideOf(inOtherOrder(r, old))
	if d := Compare(sides[0], again, now); !d.Empty() {
		t.Fatalf("%s: equal directories in another order differ:\n%s", name, written(d))
	}
	began = time.Now()
	differed := 0
	words := newSweepWords(r, made, old, new)
	for range requests {
		q, ok := words.request(now)
		if !ok {
			continue
		}
		s.asked++
		d, differs := h.direction(q)
		if !differs {
			continue
		}
		s.differing++
		if known, told := h.told(q, d); !told {
			h.fail(t, name, q, d)
		} else if !known {
			s.differingByUnknown++
		}
		if differed++; differed <= 200 || requests < 5000 {
			for _, dimension := range h.dimensions(q) {
				s.dimensions[dimension]++
			}
		}
	}
	s.asking += time.Since(began)
}

// inOtherOrder is a directory whose statements and files stand in another order.
func inOtherOrder(r *rand.Rand, d *policy.Directory) *policy.Directory {
	out := edited(d, func(doc *policy.Document) {
		r.Shuffle(len(doc.Statements), func(i, j int) { doc.Statements[i], doc.Statements[j] = doc.Statements[j], doc.Statements[i] })
		for i := range doc.Statements {
			s := &doc.Statements[i]
			s.Line = i + 1
			r.Shuffle(len(s.Actions), func(i, j int) { s.Actions[i], s.Actions[j] = s.Actions[j], s.Actions[i] })
			r.Shuffle(len(s.Resources), func(i, j int) { s.Resources[i], s.Resources[j] = s.Resources[j], s.Resources[i] })
			r.Shuffle(len(s.Conditions), func(i, j int) { s.Conditions[i], s.Conditions[j] = s.Conditions[j], s.Conditions[i] })
		}
	})
	for _, name := range sortedKeys(out.Organizations) {
		o := out.Organizations[name]
		o.Access = slices.Clone(o.Access)
		r.Shuffle(len(o.Policies), func(i, j int) {
			o.Policies[i], o.Policies[j] = o.Policies[j], o.Policies[i]
			o.Policies[i].File, o.Policies[j].File = o.Policies[j].File, o.Policies[i].File
		})
		r.Shuffle(len(o.Access), func(i, j int) { o.Access[i], o.Access[j] = o.Access[j], o.Access[i] })
	}
	return out
}

// A heldDiff is what Compare found of a pair, held to the reference and the index.
type heldDiff struct {
	old, new      *policy.Directory
	sides         [2]Side
	diff          *Diff
	before, after interface {
		Evaluate(*policy.Request) policy.Explanation
	}
	scratch [2]index.Scratch
	// statements finds those that only one directory has, by what StatementRef says.
	statements [2]map[string]*policy.Document
}

func directionOf(was, is policy.Decision) (Direction, bool) {
	switch allowed, allows := was.Outcome == policy.Allow, is.Outcome == policy.Allow; {
	case !allowed && allows:
		return Gained, true
	case allowed && !allows:
		return Lost, true
	case allowed && was.MaxOpenSeconds != is.MaxOpenSeconds:
		return Changed, true
	}
	return 0, false
}

// direction asks the index, which costs less than the reference.
func (h *heldDiff) direction(q *policy.Request) (Direction, bool) {
	return directionOf(h.sides[0].Snapshot.Decide(q, &h.scratch[0]), h.sides[1].Snapshot.Decide(q, &h.scratch[1]))
}

// witnesses sees that each witness is a request, that both evaluators decide it
// otherwise on the two sides, and that it lies in its class.
func (h *heldDiff) witnesses(t *testing.T) {
	t.Helper()
	for want, list := range [...][]Change{Gained: h.diff.Gained, Lost: h.diff.Lost, Changed: h.diff.Changed} {
		for _, c := range list {
			checked(t, c.Witness)
			if d, differs := directionOf(h.before.Evaluate(c.Witness).Decision, h.after.Evaluate(c.Witness).Decision); !differs || d != Direction(want) {
				t.Fatalf("the witness of %+v does not differ: %+v", c.Class, *c.Witness)
			}
			if d, differs := h.direction(c.Witness); !differs || d != Direction(want) {
				t.Fatalf("the index does not decide otherwise on %+v of %+v", *c.Witness, c.Class)
			}
			if !lies(h.old, h.new, c.Class, c.Witness) {
				t.Fatalf("the witness %+v is not in its class %+v\nold %s\nnew %s", *c.Witness, c.Class, statementOf(h.old, c.Cause.Statement), statementOf(h.new, c.Cause.Statement))
			}
		}
	}
}

// told reports that a class of its direction has a request; known, that a reported
// one has.
func (h *heldDiff) told(q *policy.Request, d Direction) (known, told bool) {
	if slices.ContainsFunc([...][]Change{Gained: h.diff.Gained, Lost: h.diff.Lost, Changed: h.diff.Changed}[d], func(c Change) bool { return lies(h.old, h.new, c.Class, q) }) {
		return true, true
	}
	return false, slices.ContainsFunc(h.diff.Unknown, func(u Unknown) bool { return (u.Any || u.Direction == d) && lies(h.old, h.new, u.Class, q) })
}

func (h *heldDiff) fail(t *testing.T, name string, q *policy.Request, d Direction) {
	t.Helper()
	was, is := h.before.Evaluate(q), h.after.Evaluate(q)
	for _, ref := range append(was.Determining, is.Determining...) {
		t.Logf("%s: old %s\nnew %s", ref.File, statementOf(h.old, ref), statementOf(h.new, ref))
	}
	t.Fatalf("%s: %s, and no class has it: %+v\nold %+v\nnew %+v\n%s", name, d, *q, was.Decision, is.Decision, written(h.diff))
}

// dimensions are those of a request that differs, and of the statements that
// decided it and that one directory alone has.
func (h *heldDiff) dimensions(q *policy.Request) []string {
	bucket, _, _ := strings.Cut(q.Resource.ID, "/")
	owner := ""
	for _, d := range []*policy.Directory{h.old, h.new} {
		if b := d.Buckets[bucket]; b != nil && q.Resource.Kind != policy.ResourceTyped {
			owner = b.Owner
		}
	}
	if q.Resource.Kind == policy.ResourceTyped {
		return append(dimensionsOf(q, nil, false, ""), accessDimensions(h.old, h.new, q.Principal.Org)...)
	}
	out := dimensionsOf(q, nil, false, owner)
	for i, d := range []*policy.Directory{h.old, h.new} {
		for _, ref := range h.sides[i].Snapshot.Explain(q).Determining {
			doc := h.document(i, d, ref.File)
			if doc == nil || ref.Index >= len(doc.Statements) {
				continue
			}
			s := &doc.Statements[ref.Index]
			if other := h.document(1-i, []*policy.Directory{h.new, h.old}[i], ref.File); other == nil ||
				!slices.ContainsFunc(other.Statements, func(o policy.Statement) bool { return normal(&o, other.Variables) == normal(s, doc.Variables) }) {
				out = append(out, dimensionsOf(q, s, doc.Variables, owner)...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (h *heldDiff) document(side int, d *policy.Directory, file string) *policy.Document {
	if h.statements[side] == nil {
		m := map[string]*policy.Document{}
		policygen.Edit(d, func(doc *policy.Document) { m[doc.File] = doc })
		h.statements[side] = m
	}
	return h.statements[side][file]
}
