package fuzz

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/policy"
)

// byteSource gives the fuzzer's bytes as random numbers, so that a mutation
// changes one choice of the generator, and goes on with a generator of its own.
type byteSource struct {
	data []byte
	rest *rand.PCG
}

func (s *byteSource) Uint64() uint64 {
	if len(s.data) == 0 {
		return s.rest.Uint64()
	}
	var word [8]byte
	n := copy(word[:], s.data)
	s.data = s.data[n:]
	// Spread short words: choices look at the high bits.
	return binary.LittleEndian.Uint64(word[:]) * 0x9e3779b97f4a7c15
}

var forms = map[string]index.Form{"auto": index.FormAuto, "roaring": index.FormRoaring, "names": index.FormNames, "scan": index.FormScan}

// FuzzDecide holds the compiled index, in each of its forms, to the reference
// evaluator: outcome, reason, layer, steps and determining statements.
func FuzzDecide(f *testing.F) {
	for i := range 64 {
		f.Add(uint64(i), []byte{})
	}
	f.Cleanup(func() {
		if n := tooCostly.Load(); n > 0 {
			f.Logf("%d decisions were too costly", n)
		}
	})
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		r := rand.New(&byteSource{data: data, rest: rand.NewPCG(seed, 1)})
		directory, requests := policygen.SmallFrom(r)
		agree(t, directory, append(append(requests, blinded(r, requests)...), denyOnly(r, requests)...))
	})
}

// tooCostly counts the decisions that agree found to pass their budget.
var tooCostly atomic.Int64

// agree checks every form against the reference on every request.
func agree(t *testing.T, d *policy.Directory, requests []*policy.Request) {
	t.Helper()
	ref := reference.New(d)
	for name, form := range forms {
		s, ds := compile.Compiler{Form: form}.Directory(d, 7)
		if policy.HasErrors(ds) {
			t.Fatalf("the generator made what the compiler refuses: %v", ds)
		}
		var sc index.Scratch
		for i, request := range requests {
			want := ref.Evaluate(request)
			want.Decision.Generation = 7
			decided := s.Decide(request, &sc)
			if decided.Reason == policy.TooCostly && sc.Spent() > index.Budget {
				// The one way in which they may differ, always towards the denial
				// (specification 1.6): what it costs is for FuzzCost to hold.
				tooCostly.Add(1)
				continue
			}
			if decided != want.Decision {
				t.Fatalf("%s: request %d %+v: decided %+v, want %+v", name, i, *request, decided, want.Decision)
			}
			got := s.Explain(request)
			got.Nearest, got.Hints, got.Truncated, got.Looked = nil, nil, false, 0
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: request %d %+v:\nexplained %+v\nwant      %+v", name, i, *request, got, want)
			}
		}
	}
}

// TestDecideProperties checks what must hold of any policies, without a
// reference: the order of files and statements never matters, one more Deny
// never allows, one more Allow never denies, and statements that did not
// determine the answer can be removed.
func TestDecideProperties(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		d, requests := policygen.SmallFrom(r)
		before := outcomes(t, d, requests)

		shuffled := policygen.Edit(d, func(doc *policy.Document) {
			r.Shuffle(len(doc.Statements), func(i, j int) {
				doc.Statements[i], doc.Statements[j] = doc.Statements[j], doc.Statements[i]
			})
			for i := range doc.Statements {
				s := &doc.Statements[i]
				slices.Reverse(s.Actions)
				slices.Reverse(s.Resources)
				slices.Reverse(s.Principals)
				slices.Reverse(s.Conditions)
			}
		})
		for _, o := range shuffled.Organizations {
			r.Shuffle(len(o.Policies), func(i, j int) { o.Policies[i], o.Policies[j] = o.Policies[j], o.Policies[i] })
		}
		if after := outcomes(t, shuffled, requests); !slices.Equal(before, after) {
			t.Errorf("seed %d: the order of statements or files matters", seed)
		}

		for _, effect := range []policy.Effect{policy.EffectAllow, policy.EffectDeny} {
			more := policygen.Edit(d, func(doc *policy.Document) {
				s := doc.Statements[r.IntN(len(doc.Statements))]
				if s.NotPrincipal {
					return
				}
				s.Effect = effect
				doc.Statements = append(doc.Statements, s)
			})
			for i, after := range outcomes(t, more, requests) {
				was, is := before[i].Outcome == policy.Allow, after.Outcome == policy.Allow
				if effect == policy.EffectDeny && !was && is || effect == policy.EffectAllow && was && !is {
					t.Errorf("seed %d, request %d: one %v more turned %v into %v", seed, i, effect, before[i], after)
				}
			}
		}
	}
}

func outcomes(t *testing.T, d *policy.Directory, requests []*policy.Request) []policy.Decision {
	t.Helper()
	s, ds := compile.Compiler{}.Directory(d, 1)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	var sc index.Scratch
	out := make([]policy.Decision, len(requests))
	for i, r := range requests {
		out[i] = s.Decide(r, &sc)
	}
	return out
}
