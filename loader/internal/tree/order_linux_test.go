package tree

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// Names are in order, each once, and there is a call between any two pieces.
func TestInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, orderedAtOnce, orderedAtOnce + 1, 3*orderedAtOnce - 1, 8 * orderedAtOnce, 41_234} {
		var names []string
		for range n {
			names = append(names, strconv.Itoa(r.IntN(2*n)))
		}
		want := slices.Compact(slices.Sorted(slices.Values(names)))
		calls := 0
		got, err := inOrder(slices.Clone(names), func() error { calls++; return nil })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d names: %d of %d, or in another order; %v", n, len(got), len(want), err)
		}
		if least := n / orderedAtOnce; calls < least || n >= 8*orderedAtOnce && calls < 2*least {
			t.Errorf("%d names: %d calls between", n, calls)
		}
		for stop := 1; stop <= calls; stop++ {
			left, failed := stop, errors.New("stopped")
			if _, err := inOrder(slices.Clone(names), func() error {
				if left--; left == 0 {
					return failed
				}
				return nil
			}); err != failed || left != 0 {
				t.Fatalf("%d names: %v at call %d, and %d calls after it", n, err, stop, -left)
			}
		}
	}
}
