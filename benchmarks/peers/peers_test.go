package peers

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"postern/index"
	"postern/internal/policygen"
	"postern/policy"
)

// hot is how many distinct requests a benchmark goes round.
const hot = 4096

// A decider answers the i-th request of the world that it was built for. What
// it needs of the request in the engine's own form was made beforehand.
type decider func(i int) policy.Outcome

// An engine is one way to use one peer.
type engine struct {
	name string
	// build makes it from a world.
	build func(tb testing.TB, w *world) decider
	// tells is set where the peer's answer tells a Deny from no match. The
	// others' denials are all ImplicitDeny.
	tells bool
	// linear says whether one decision looks at all statements of a world, or at
	// a share of them; nil is no. Fewer requests are asked then, see asked.
	linear func(w *world) bool
}

// engines run in this order. PEER and PEER-WAY are documented uses of a peer;
// the plain name is the one that is fastest from 1,000 statements up, all in
// all. cached-casbin is none of them, for it remembers answers and does not
// decide.
var engines = []engine{
	{name: "postern", build: postern, tells: true},
	{name: "minio", build: minioByBucket},
	{name: "minio-users", build: minioByUser, tells: true, linear: minioShares},
	{name: "minio-whole", build: minioWhole, linear: always},
	{name: "cedar", build: cedarByBucket, tells: true},
	{name: "cedar-whole", build: cedarWhole, tells: true, linear: always},
	{name: "opa", build: opaData},
	{name: "opa-rules", build: opaRules},
	{name: "casbin", build: casbinByBucket},
	{name: "casbin-whole", build: casbinWhole, linear: always},
	{name: "cached-casbin", build: casbinCached},
}

// shapes are the workloads that the engines hold exactly.
var shapes = map[string]func(n int, seed uint64) *policygen.Workload{"users": policygen.Users, "groups": policygen.Groups}

// shapeNames are the shapes in the order in which they are measured.
var shapeNames = []string{"users", "groups"}

// sizes are numbers of statements.
var sizes = []int{10, 100, 1_000, 10_000, 100_000}

// always is for engines that look at every statement of any world.
func always(*world) bool { return true }

// asked is how many of a world's requests an engine is asked: all of them, or,
// where it looks at every statement, so many that all of them are answered
// within a few seconds.
func (e *engine) asked(w *world) int {
	if e.linear == nil || !e.linear(w) {
		return len(w.questions)
	}
	return min(len(w.questions), max(20, 2_000_000/len(w.statements)))
}

// disagree holds the answers of an engine against postern's and returns the
// first five that differ.
func (e *engine) disagree(w *world, decide decider) []string {
	var out []string
	for i := range e.asked(w) {
		want := w.questions[i].Want
		if !e.tells && want == policy.ExplicitDeny {
			want = policy.ImplicitDeny
		}
		if got := decide(i); got != want && len(out) < 5 {
			out = append(out, fmt.Sprintf("%+v: %v, and postern says %v", w.questions[i].Request, got, w.questions[i].Want))
		}
	}
	return out
}

// ready builds an engine and checks its answers to all requests that it will
// be asked.
func (e *engine) ready(tb testing.TB, w *world) decider {
	tb.Helper()
	decide := e.build(tb, w)
	if wrong := e.disagree(w, decide); len(wrong) > 0 {
		tb.Fatalf("%s: %q", e.name, wrong)
	}
	return decide
}

// postern is the engine of this project.
func postern(_ testing.TB, w *world) decider {
	var scratch index.Scratch
	return func(i int) policy.Outcome { return w.snapshot.Decide(&w.questions[i].Request, &scratch).Outcome }
}

// TestEnginesAgree holds every engine's answers against postern's. Each Deny
// has a twin here that allows the same, which must change no answer: hardly a
// request of the workloads is denied and allowed at once.
func TestEnginesAgree(t *testing.T) {
	for _, shape := range shapeNames {
		for _, n := range []int{10, 300} {
			w := newWorld(t, shape, n, 600)
			outcomes := map[policy.Outcome]int{}
			for i := range w.questions {
				outcomes[w.questions[i].Want]++
			}
			if len(outcomes) != 3 {
				t.Fatalf("%s of %d statements: outcomes %v, want all three", shape, n, outcomes)
			}
			for _, s := range w.statements {
				if s.deny {
					s.deny = false
					w.statements = append(w.statements, s)
				}
			}
			for i := range engines {
				e := &engines[i]
				t.Run(shape+"/"+strconv.Itoa(n)+"/"+e.name, func(t *testing.T) { e.ready(t, w) })
			}
		}
	}
}

// TestDisagreementIsSeen: an engine that errs on one request is found out, and
// so is one that takes a Deny for no match though it could tell.
func TestDisagreementIsSeen(t *testing.T) {
	w := newWorld(t, "users", 100, 100)
	right := postern(t, w)
	if wrong := engines[0].disagree(w, right); len(wrong) > 0 {
		t.Errorf("postern disagrees with itself: %q", wrong)
	}
	once := func(i int) policy.Outcome {
		if i == 57 {
			return (right(i) + 1) % 3
		}
		return right(i)
	}
	if wrong := engines[0].disagree(w, once); len(wrong) != 1 {
		t.Errorf("one wrong answer: %q", wrong)
	}
	blurred := func(i int) policy.Outcome {
		if right(i) == policy.Allow {
			return policy.Allow
		}
		return policy.ImplicitDeny
	}
	if wrong := (&engine{tells: true}).disagree(w, blurred); len(wrong) == 0 {
		t.Error("a Deny told as no match by an engine that can tell them apart is not seen")
	}
	if wrong := (&engine{}).disagree(w, blurred); len(wrong) > 0 {
		t.Errorf("an engine that cannot tell a Deny from no match: %q", wrong)
	}
}

// BenchmarkPeers measures one decision of each engine on the same statements
// and requests: names are workload/statements/engine. An engine is built, and
// its answers checked, before its time begins, and dropped before the next one
// is built.
func BenchmarkPeers(b *testing.B) {
	for _, shape := range shapeNames {
		for _, n := range sizes {
			b.Run(shape+"/"+strconv.Itoa(n), func(b *testing.B) {
				w := newWorld(b, shape, n, hot)
				for i := range engines {
					e := &engines[i]
					var decide decider // built once for all rounds of -count
					b.Run(e.name, func(b *testing.B) {
						if decide == nil {
							decide = e.ready(b, w)
							runtime.GC()
						}
						measure(b, decide, e.asked(w))
					})
				}
			})
		}
	}
}

// measure goes round the first so many requests.
func measure(b *testing.B, decide decider, asked int) {
	b.ReportAllocs()
	i, allowed := 0, 0
	for b.Loop() {
		if decide(i) == policy.Allow {
			allowed++
		}
		if i++; i == asked {
			i = 0
		}
	}
}
