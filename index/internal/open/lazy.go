package open

import "sync"

// Lazy is worked out when it is first asked for, which only searches do, and
// kept with the part of the snapshot that it is about: so it is worked out
// again for what changed, and no more. It is not counted in Snapshot.Bytes.
type Lazy[T any] struct {
	once  sync.Once
	value T
}

// Get returns the value; work makes it the first time.
func (l *Lazy[T]) Get(work func() T) *T {
	l.once.Do(func() { l.value = work() })
	return &l.value
}
