// Package policygen makes policies and requests from a seed.
//
// Small makes tiny, adversarial worlds in which everything collides, for tests
// that hold one evaluator against another; SmallAccess adds an iam layer to
// them. Users, Groups, Orgwide, Wildcards, Buckets, Conditions, Tenants and Iam
// make the workloads of the benchmarks, up to 1,000,000 statements, and requests
// with a known mixture of answers.
//
// Every document is one that the strict parser could have produced
// (specification 1.4, 1.5, 2), and every request one that internal/request would
// let through. The same seed makes the same output, on every machine.
package policygen

import "math/rand/v2"

// generator is a source of randomness with a few words for it.
type generator struct{ *rand.Rand }

// chance is true once in n times.
func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

// between returns a number from low to high, both included.
func (g generator) between(low, high int) int { return low + g.IntN(high-low+1) }

// pick returns one of its arguments.
func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// some returns 1 to most of the given values, in random order and now and then
// with one of them twice.
func some[T any](g generator, most int, make func() T) []T {
	out := []T{make()}
	for len(out) < most && g.chance(2) {
		out = append(out, make())
	}
	return out
}
