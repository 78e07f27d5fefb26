package index

import (
	"slices"
	"strings"

	"postern/index/internal/glob"
)

// beginnings finds the values of all stored beginnings of a text with one
// binary search: they lie on the chain of parents that starts at the greatest
// stored text not after it.
type beginnings[T any] struct {
	texts   []string // sorted
	parents []int32  // the longest other stored beginning of this text, -1 if none
	values  []T
}

func newBeginnings[T any](m map[string]T) (t beginnings[T]) {
	for text := range m {
		t.texts = append(t.texts, strings.Clone(text))
	}
	slices.Sort(t.texts)
	var open []int32 // the chain of the text before
	for i, text := range t.texts {
		for len(open) > 0 && !strings.HasPrefix(text, t.texts[open[len(open)-1]]) {
			open = open[:len(open)-1]
		}
		parent := int32(-1)
		if len(open) > 0 {
			parent = open[len(open)-1]
		}
		t.parents = append(t.parents, parent)
		t.values = append(t.values, m[text])
		open = append(open, int32(i))
	}
	return t
}

// find appends the value of every stored beginning of text. Once the budget of v
// is spent it leaves some out.
func (t *beginnings[T]) find(dst []T, text string, v *view) []T {
	low, high := 0, len(t.texts)
	for low < high {
		if mid := int(uint(low+high) >> 1); t.texts[mid] <= text {
			low = mid + 1
		} else {
			high = mid
		}
	}
	for i := int32(low) - 1; i >= 0 && v.Spend(glob.EndsWork+len(t.texts[i])/32); i = t.parents[i] {
		if strings.HasPrefix(text, t.texts[i]) {
			dst = append(dst, t.values[i])
		}
	}
	return dst
}

// size counts the bytes held, what values refer to aside.
func (t *beginnings[T]) size() int64 {
	n := sizeOf(t.texts) + sizeOf(t.parents) + sizeOf(t.values)
	for _, text := range t.texts {
		n += int64(len(text))
	}
	return n
}
