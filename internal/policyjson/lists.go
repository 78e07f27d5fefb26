package policyjson

import "slices"

// lists keeps the lists of one document in few allocations: a document has
// three lists a statement, and most have one or two entries.
type lists[T any] struct {
	room  []T
	size  int
	again bool // the memory is used again for the next file
}

// begin prepares for a file of n bytes.
func (l *lists[T]) begin(n int) {
	if l.again {
		clear(l.room)
		l.room = l.room[:0]
		return
	}
	*l = lists[T]{size: min(n/128+4, 512)}
}

// keep returns a copy of list without room to grow, or nil for an empty list.
func (l *lists[T]) keep(list []T) []T {
	n := len(list)
	if n == 0 {
		return nil
	}
	if cap(l.room)-len(l.room) < n {
		if l.again {
			l.size = max(2*cap(l.room), n, 16)
		} else if n > l.size {
			return slices.Clone(list)
		}
		l.room = make([]T, 0, l.size)
	}
	at := len(l.room)
	l.room = append(l.room, list...)
	return l.room[at : at+n : at+n]
}
