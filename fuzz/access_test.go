package fuzz

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/policy"
)

// FuzzAccess holds the iam layer of the compiled index, in each of its forms,
// to the reference evaluator, as FuzzDecide does the other layers: constraints
// too.
func FuzzAccess(f *testing.F) {
	for i := range 64 {
		f.Add(uint64(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		r := rand.New(&byteSource{data: data, rest: rand.NewPCG(seed, 1)})
		directory, requests := policygen.SmallAccessFrom(r)
		agreeAccess(t, directory, requests)
	})
}

func agreeAccess(t *testing.T, d *policy.Directory, requests []*policy.Request) {
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
			if got := s.Decide(request, &sc); got != want.Decision {
				t.Fatalf("%s: request %d %+v: decided %+v, want %+v", name, i, *request, got, want.Decision)
			}
			got := s.Explain(request)
			got.Nearest, got.Truncated, got.Looked = nil, false, 0
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: request %d %+v:\nexplained %+v\nwant      %+v", name, i, *request, got, want)
			}
		}
	}
}
