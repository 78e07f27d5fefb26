package open

import "sync"

// Lazy is a value that is made when it is first needed, which only searches do.
// It is kept with the part of the snapshot that it is about, so that it is made
// again only for what changed. Snapshot.Bytes does not count it.
type Lazy[T any] struct {
	once  sync.Once
	value T
}

// Get returns the value, which work makes the first time.
func (l *Lazy[T]) Get(work func() T) *T {
	l.once.Do(func() { l.value = work() })
	return &l.value
}
