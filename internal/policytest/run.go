package policytest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/index"
	"postern/internal/request"
	"postern/policy"
)

// Result is what became of one request of a test.
type Result struct {
	// Name is the test's, and behind it what of `foreach` it took, as
	// [role/Viewer s3:GetObject].
	Name     string
	Position policy.Position
	Decision policy.Decision
	// Failures say what was wanted and what came, a sentence each; none if the
	// test holds.
	Failures []string
	// Explanation explains a decision that was not what was wanted, or where
	// Runner.Explain asks for it; nil otherwise.
	Explanation *policy.Explanation
}

// Runner runs tests against a snapshot. One goroutine at a time.
type Runner struct {
	Snapshot *index.Snapshot
	// Only, if it is not nil, says by their names which requests are asked.
	Only func(name string) bool
	// Explain has every decision explained: many times slower.
	Explain bool

	scratch index.Scratch
	decoder request.Decoder
	body    []byte
}

// Run asks the requests of a file's tests in their order and reports each,
// until report returns false. clock is the time where the file states none.
func (r *Runner) Run(f *File, clock time.Time, report func(*Result) bool) error {
	now := f.Now
	if now.IsZero() {
		now = clock
	}
	for i := range f.Tests {
		t := &f.Tests[i]
		for n := range t.Len() {
			body, took := t.body(r.body[:0], n)
			r.body = body
			q, err := r.decoder.Evaluation(body, now.Unix())
			if err != nil { // which Parse did not find: a time alone can do that
				return fmt.Errorf("%s: %s%s: %w", t.Position, t.Name, t.places(took), err)
			}
			name := t.Name + t.elements(q)
			if r.Only != nil && !r.Only(name) {
				continue
			}
			if !report(r.ask(t, name, q)) {
				return nil
			}
		}
	}
	return nil
}

// elements names what a request took from the lists of `foreach`.
func (t *Test) elements(q *policy.Request) string {
	var words []string
	for part, listed := range t.listed[:listedCount] {
		if listed {
			words = append(words, [...]string{q.Principal.IDs[0], q.Action, q.Resource.ID}[part])
		}
	}
	if words == nil {
		return ""
	}
	return "[" + strings.Join(words, " ") + "]"
}

func (r *Runner) ask(t *Test, name string, q *policy.Request) *Result {
	out := &Result{Name: name, Position: t.Position, Decision: r.Snapshot.Decide(q, &r.scratch)}
	w := &t.Wanted
	out.Failures = w.decided(out.Decision)
	if len(out.Failures) > 0 || w.Determined || r.Explain {
		e := r.Snapshot.Explain(q)
		out.Explanation = &e
		if w.Determined {
			out.Failures = append(out.Failures, w.determined(e.Determining)...)
		}
		if len(out.Failures) == 0 && !r.Explain {
			out.Explanation = nil
		}
	}
	return out
}

// decided compares all but the determining statements.
func (w *Wanted) decided(d policy.Decision) (failures []string) {
	allowed := d.Outcome == policy.Allow
	if allowed != w.Allow {
		failures = append(failures, fmt.Sprintf("wanted the decision %t, and it is %t", w.Allow, allowed))
	}
	if w.Reason != policy.ReasonNone && d.Reason != w.Reason {
		failures = append(failures, fmt.Sprintf("wanted the reason %s, and it is %s", w.Reason, d.Reason))
	}
	if w.Obligations {
		open := uint64(0)
		if allowed {
			open = d.MaxOpenSeconds
		}
		if open != w.MaxOpen {
			failures = append(failures, fmt.Sprintf("wanted %s, and there is %s", obligation(w.MaxOpen), obligation(open)))
		}
	}
	return failures
}

func obligation(seconds uint64) string {
	if seconds == 0 {
		return "no obligation"
	}
	return "the obligation max-open of " + strconv.FormatUint(seconds, 10) + " seconds"
}

// determined compares the determining statements.
func (w *Wanted) determined(refs []policy.StatementRef) []string {
	var got []string
	for _, ref := range refs {
		got = append(got, Name(ref))
	}
	wanted := slices.Clone(w.DeterminedBy)
	slices.Sort(wanted)
	slices.Sort(got)
	if slices.Equal(slices.Compact(wanted), slices.Compact(got)) {
		return nil
	}
	return []string{fmt.Sprintf("wanted it determined by %s, and it is by %s", names(wanted), names(got))}
}

func names(list []string) string {
	if len(list) == 0 {
		return "no statement"
	}
	return strings.Join(list, ", ")
}

// Name spells a statement as `determinedBy` has it, DOCUMENT/STATEMENT: the
// document's file where it has no name, and the statement's place, from 0, where
// it has none.
func Name(ref policy.StatementRef) string {
	document, statement := ref.Document, ref.Statement
	if document == "" {
		document = ref.File
	}
	if statement == "" {
		statement = strconv.Itoa(ref.Index)
	}
	return document + "/" + statement
}
