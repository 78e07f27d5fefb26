package fuzz

import (
	"math/rand/v2"
	"testing"

	"postern/internal/policygen"
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
		agree(t, directory, append(append(requests, blinded(r, requests)...), denyOnly(r, requests)...))
	})
}
