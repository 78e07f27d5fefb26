package match

import (
	"iter"
	"slices"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
)

// Prefixes maps prefixes to values, and finds the values of all prefixes of a
// text with one binary search: they lie on the chain of parents that starts at
// the greatest stored prefix not after the text.
type Prefixes[T any] struct {
	texts   []string // sorted
	parents []int32  // the longest other stored prefix that is a prefix of this one, -1 if there is none
	values  []T
}

// NewPrefixes stores prefixes with their values.
func NewPrefixes[T any](m map[string]T) (t Prefixes[T]) {
	for text := range m {
		t.texts = append(t.texts, strings.Clone(text))
	}
	slices.Sort(t.texts)
	var open []int32 // the chain of the prefix before
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

// Find appends the values of all stored prefixes of text. Once the budget of v
// is passed it may leave some out.
func (t *Prefixes[T]) Find(dst []T, text string, v *View) []T {
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

// Len is the number of stored prefixes.
func (t *Prefixes[T]) Len() int { return len(t.texts) }

// All yields the stored prefixes, in byte order, with their values.
func (t *Prefixes[T]) All() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for i, text := range t.texts {
			if !yield(text, t.values[i]) {
				return
			}
		}
	}
}

// Size returns the bytes held, without what values refer to.
func (t *Prefixes[T]) Size() int64 {
	n := block.SizeOf(t.texts) + block.SizeOf(t.parents) + block.SizeOf(t.values)
	for _, text := range t.texts {
		n += int64(len(text))
	}
	return n
}
