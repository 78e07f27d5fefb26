package block

import "unsafe"

// Forget empties a slice, keeps its memory, and lets go of what its elements
// refer to.
func Forget[T any](s *[]T) {
	clear(*s)
	*s = (*s)[:0]
}

// Alias makes a string of b without copying. The string changes with b.
func Alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// SizeOf counts the bytes that a slice holds, what its elements refer to aside.
func SizeOf[T any](s []T) int64 {
	var zero T
	return int64(cap(s)) * int64(unsafe.Sizeof(zero))
}

// EntrySize is what a map entry costs in bytes beside its key's text and its
// value.
const EntrySize = 48
