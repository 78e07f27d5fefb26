package push

import (
	"context"
	"sync"

	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// atOnce is how many blobs are uploaded at once.
const atOnce = 16

// uploads puts blobs into the stream, some at once. A blob that the newest revision needs
// is there; any other is stored, though an equal one may be there, as nothing keeps that
// from being removed.
type uploads struct {
	ctx   context.Context
	conn  *stream.Conn
	done  map[revision.Sum]bool
	free  chan struct{}
	all   sync.WaitGroup
	mutex sync.Mutex
	err   error
}

func newUploads(ctx context.Context, conn *stream.Conn, named map[revision.Sum]bool) *uploads {
	done := map[revision.Sum]bool{}
	for name := range named {
		done[name] = true
	}
	return &uploads{ctx: ctx, conn: conn, done: done, free: make(chan struct{}, atOnce)}
}

func (u *uploads) put(name revision.Sum, stored []byte) error {
	if u.done[name] {
		return nil
	}
	u.done[name] = true
	u.free <- struct{}{}
	u.all.Go(func() {
		defer func() { <-u.free }()
		if err := patiently(u.ctx, func() error { return u.conn.PutBlob(u.ctx, name.String(), stored) }); err != nil {
			u.mutex.Lock()
			defer u.mutex.Unlock()
			u.err = err
		}
	})
	u.mutex.Lock()
	defer u.mutex.Unlock()
	return u.err
}

// wait returns once all blobs are stored, or one could not be.
func (u *uploads) wait() error {
	u.all.Wait()
	u.mutex.Lock()
	defer u.mutex.Unlock()
	return u.err
}
