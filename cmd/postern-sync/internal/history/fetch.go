package history

import (
	"context"
	"fmt"
	"sync"

	"postern/cmd/postern-sync/internal/pack"
	"postern/cmd/postern-sync/internal/revision"
)

// ahead is how many blobs are asked for before they are needed, at most.
const ahead = 16

// fetcher reads blobs in order, some ahead of the one that is needed.
type fetcher struct {
	names  []revision.Sum
	blobs  []chan result
	cancel context.CancelFunc
	free   chan struct{}
	done   sync.WaitGroup
}

type result struct {
	data []byte
	err  error
}

// fetch begins to read blobs. stop must be called at the end.
func fetch(ctx context.Context, log Log, names []revision.Sum) *fetcher {
	ctx, cancel := context.WithCancel(ctx)
	f := &fetcher{names: names, blobs: make([]chan result, len(names)), cancel: cancel, free: make(chan struct{}, ahead)}
	for i := range f.blobs {
		f.blobs[i] = make(chan result, 1)
	}
	blobs := f.blobs // which next cuts
	f.done.Go(func() {
		for i, name := range names {
			select {
			case f.free <- struct{}{}:
			case <-ctx.Done():
				return
			}
			f.done.Go(func() {
				stored, err := log.Blob(ctx, name.String())
				if err == nil {
					stored, err = pack.Unpack(name, stored)
				}
				blobs[i] <- result{stored, err}
			})
		}
	})
	return f
}

// next returns the next blob, which has that name.
func (f *fetcher) next(name revision.Sum) ([]byte, error) {
	if len(f.names) == 0 || f.names[0] != name {
		return nil, fmt.Errorf("the blob %s is asked for out of order", name)
	}
	r := <-f.blobs[0]
	f.names, f.blobs = f.names[1:], f.blobs[1:]
	<-f.free
	return r.data, r.err
}

func (f *fetcher) stop() {
	if f != nil {
		f.cancel()
		f.done.Wait()
	}
}

// parallel calls each with 0 to n-1, some at once, and returns the first error.
func parallel(ctx context.Context, n int, each func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free := make(chan struct{}, ahead)
	var all sync.WaitGroup
	for i := range n {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			if ctx.Err() != nil {
				return
			}
			if err := each(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
