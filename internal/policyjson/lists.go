package policyjson

import "slices"

// lists keeps lists of one document. They share a few blocks of memory: most
// have one or two entries, and a document has three a statement.
type lists[T any] struct {
	room []T
	size int
}

// begin prepares for a file of n bytes.
func (l *lists[T]) begin(n int) { *l = lists[T]{size: min(n/128+4, 512)} }

// keep returns a copy of list that lives on its own and has no room to grow;
// nil for an empty one.
func (l *lists[T]) keep(list []T) []T {
	n := len(list)
	if n == 0 {
		return nil
	}
	if cap(l.room)-len(l.room) < n {
		if n > l.size {
			return slices.Clone(list)
		}
		l.room = make([]T, 0, l.size)
	}
	at := len(l.room)
	l.room = append(l.room, list...)
	return l.room[at : at+n : at+n]
}
