package peers

import (
	"runtime"
	"strconv"
	"testing"

	"postern/index"
	"postern/internal/policygen"
	"postern/policy"
)

// A decider answers the i-th request of the world that it was built for.
type decider func(i int) policy.Outcome

// An engine is one way to use one peer.
type engine struct {
	name string
	// tells is set where the peer tells a Deny from no match. The others'
	// denials are all ImplicitDeny.
	tells bool
	// linear is set where a decision looks at every statement. Fewer requests
	// are asked then, see asked.
	linear bool
	// most is the largest number of statements that it is built for, 0 if any
	// will do: beyond it, building takes minutes.
	most  int
	build func(tb testing.TB, w *world) decider
}

// engines run in this order. The one with a peer's plain name is that peer at
// its fastest; a name with a dash is another documented use of the same peer.
var engines = []engine{
	{name: "postern", tells: true, build: postern},
	{name: "minio", tells: true, build: minioByUser},
	{name: "minio-whole", tells: true, linear: true, build: minioWhole},
	{name: "cedar", tells: true, build: cedarByPrincipal},
	{name: "cedar-whole", tells: true, linear: true, build: cedarWhole},
	{name: "opa", build: opaData},
	{name: "opa-rules", most: 10_000, build: opaRules},
	{name: "casbin", build: casbinByUser},
	{name: "casbin-whole", linear: true, build: casbinWhole},
	{name: "casbin-cached", linear: true, build: casbinCached},
}

// shapes are the workloads that every engine can hold exactly.
var shapes = []struct {
	name string
	make func(n int, seed uint64) *policygen.Workload
}{
	{"users", policygen.Users},
}

var sizes = []int{10, 100, 1_000, 10_000, 100_000}

// asked is how many of the world's requests an engine is asked: all of them,
// or, where it looks at every statement, so many that it stays within seconds.
func (e *engine) asked(w *world) int {
	if !e.linear {
		return len(w.questions)
	}
	return min(len(w.questions), max(40, 4_000_000/len(w.statements)))
}

// ready builds an engine and checks its answers to the requests that it will
// be asked against postern's.
func (e *engine) ready(tb testing.TB, w *world) decider {
	tb.Helper()
	decide := e.build(tb, w)
	wrong := 0
	for i := range e.asked(w) {
		want := w.questions[i].Want
		if !e.tells && want == policy.ExplicitDeny {
			want = policy.ImplicitDeny
		}
		if got := decide(i); got != want {
			wrong++
			tb.Errorf("%s: %+v: %v, postern says %v", e.name, w.questions[i].Request, got, w.questions[i].Want)
		}
		if wrong > 5 {
			tb.FailNow()
		}
	}
	if wrong > 0 {
		tb.FailNow()
	}
	return decide
}

func postern(_ testing.TB, w *world) decider {
	var scratch index.Scratch
	return func(i int) policy.Outcome { return w.snapshot.Decide(&w.questions[i].Request, &scratch).Outcome }
}

// TestEnginesAgree asks every engine every kind of request.
func TestEnginesAgree(t *testing.T) {
	for _, shape := range shapes {
		for _, n := range []int{10, 200} {
			w := newWorld(t, shape.make, n, 512)
			asked := map[policy.Outcome]int{}
			for i := range w.questions {
				asked[w.questions[i].Want]++
			}
			if len(asked) != 3 {
				t.Fatalf("%s of %d: requests %v, want all three outcomes", shape.name, n, asked)
			}
			for _, e := range engines {
				t.Run(shape.name+"/"+strconv.Itoa(n)+"/"+e.name, func(t *testing.T) { e.ready(t, w) })
			}
		}
	}
}

// BenchmarkPeers measures one decision of each engine on the same statements
// and requests: names are workload/statements/engine. An engine is built, and
// its answers checked, before its time starts, and dropped before the next
// one is built.
func BenchmarkPeers(b *testing.B) {
	for _, shape := range shapes {
		for _, n := range sizes {
			b.Run(shape.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				w := newWorld(b, shape.make, n, hot)
				for _, e := range engines {
					var decide decider
					b.Run(e.name, func(b *testing.B) {
						if e.most > 0 && n > e.most {
							b.Skipf("building it for more than %d statements takes minutes", e.most)
						}
						if decide == nil {
							decide = e.ready(b, w)
							runtime.GC()
						}
						b.ReportAllocs()
						i, asked := 0, e.asked(w)
						for b.Loop() {
							decide(i)
							if i++; i == asked {
								i = 0
							}
						}
					})
				}
			})
		}
	}
}
