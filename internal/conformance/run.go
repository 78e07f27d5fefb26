package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"postern/policy"
)

// Case is one request in one world, and the answer that is wanted.
type Case struct {
	// Name is TOPIC/SECTION/NUMBER; At is the line of the archive.
	Name, At string
	// Source is the rule in prose, with its place in the specification.
	Source string
	// Rules are ids of testdata/rules.txt.
	Rules []string
	// World is shared by the cases of a section.
	World *World
	// Body is an AuthZEN evaluation (specification 3.1).
	Body []byte
	// Seen are the keys that whoever asks can see (policy.Request), which AuthZEN
	// has no word for; nil in most cases.
	Seen *policy.KeySet
	// DenyOnly says that Denies alone are asked about, for which AuthZEN has no word
	// either.
	DenyOnly bool
	Want     Want

	cell *cellOf // nil unless the case comes from a table
}

// Want is the wanted answer. BadRequest says that the body is refused with a
// 400, and leaves the rest zero.
type Want struct {
	BadRequest bool
	Outcome    policy.Outcome
	Reason     policy.Reason
	Layer      policy.Layer
	// MaxOpenSeconds is the obligation of an allow, 0 if there is none
	// (specification 2, constraints).
	MaxOpenSeconds uint64
	// Determining has File, Index, Layer and Effect, in the iam layer all
	// fields, in the order of policy.Explanation. It is compared only if
	// HasDetermining.
	Determining    []policy.StatementRef
	HasDetermining bool
}

// Now is the server's clock in every case that Run asks: 2026-02-03T04:05:06Z.
// But for the expiry of tokens to the second, no wanted answer depends on it as
// long as the clock stands between 2026 and 2099.
const Now int64 = 1770091506

// Load returns every case of the corpus. An archive that cannot be read, and a
// corpus without cases, are failures.
//
// Worlds are shared by all callers of one process: nobody changes them.
func Load(t testing.TB) []Case {
	t.Helper()
	out, err := corpus()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("the corpus has no cases")
	}
	return slices.Clone(out)
}

// corpus reads all cases, once in a process. It reports all errors at once.
var corpus = sync.OnceValues(func() (out []Case, err error) {
	sections, err := readArchives()
	if err != nil {
		return nil, err
	}
	var wrong []error
	for _, s := range sections {
		cases, err := s.cases()
		if err != nil {
			wrong = append(wrong, err)
		}
		out = append(out, cases...)
	}
	return out, errors.Join(wrong...)
})

// Evaluate answers one request in the world that it was built for.
type Evaluate func(r *policy.Request) policy.Explanation

// Run holds an evaluator to the corpus. build is called once a world. Run
// compares outcome, reason, layer and the determining statements, in order.
func Run(t *testing.T, build func(t *testing.T, w *World) Evaluate) {
	t.Helper()
	cases := Load(t)
	for start := 0; start < len(cases); {
		section := sectionOf(cases[start])
		end := start
		for end < len(cases) && sectionOf(cases[end]) == section {
			end++
		}
		group := cases[start:end]
		start = end
		t.Run(section, func(t *testing.T) {
			var world *World
			var evaluate Evaluate
			for _, c := range group {
				if c.World != world {
					world, evaluate = c.World, build(t, c.World)
				}
				check(t, c, evaluate)
			}
		})
	}
}

func sectionOf(c Case) string { return c.Name[:strings.LastIndexByte(c.Name, '/')] }

func check(t *testing.T, c Case, evaluate Evaluate) {
	t.Helper()
	r, err := decode(c.Body)
	if c.Want.BadRequest {
		if err == nil {
			t.Errorf("%s (%s): accepted, want a 400\n%s\n%s", c.Name, c.At, abridge(string(c.Body)), c.Source)
		}
		return
	}
	if err != nil {
		t.Errorf("%s (%s): refused: %v\n%s\n%s", c.Name, c.At, err, abridge(string(c.Body)), c.Source)
		return
	}
	r.Seen, r.DenyOnly = c.Seen, c.DenyOnly
	if diff := compare(evaluate(r), c.Want); diff != "" {
		t.Errorf("%s (%s): %s\n%s\n%s", c.Name, c.At, diff, abridge(string(c.Body)), c.Source)
	}
}

// compare says how an answer differs from the wanted one; "" if it does not.
func compare(got policy.Explanation, want Want) string {
	var diffs []string
	if g := got.Decision; g.Outcome != want.Outcome || g.Reason != want.Reason || g.Layer != want.Layer {
		diffs = append(diffs, "got "+verdict(g.Outcome, g.Reason, g.Layer)+", want "+verdict(want.Outcome, want.Reason, want.Layer))
	}
	if g := got.Decision.MaxOpenSeconds; g != want.MaxOpenSeconds {
		diffs = append(diffs, fmt.Sprintf("open for %d seconds, want %d", g, want.MaxOpenSeconds))
	}
	if want.HasDetermining {
		refs := make([]policy.StatementRef, 0, len(got.Determining))
		for _, d := range got.Determining {
			if d.Layer != policy.LayerIAM {
				d = policy.StatementRef{File: d.File, Index: d.Index, Layer: d.Layer, Effect: d.Effect}
			}
			refs = append(refs, d)
		}
		if !slices.Equal(refs, want.Determining) {
			diffs = append(diffs, "determining "+refText(refs)+", want "+refText(want.Determining))
		}
	}
	return strings.Join(diffs, "; ")
}

func verdict(o policy.Outcome, r policy.Reason, l policy.Layer) string {
	return o.String() + " " + r.String() + " " + l.String()
}

func refText(refs []policy.StatementRef) string {
	var out []string
	for _, r := range refs {
		text := r.Layer.String() + " " + r.Effect.String() + " " + r.File + "#" + strconv.Itoa(r.Index)
		if r.Layer == policy.LayerIAM {
			text += fmt.Sprintf(" %q of %q, line %d", r.Statement, r.Document, r.Line)
		}
		out = append(out, text)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func abridge(s string) string {
	if len(s) > 600 {
		return s[:600] + " ..."
	}
	return s
}
