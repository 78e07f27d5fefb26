package history

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"postern/cmd/postern-sync/internal/pack"
	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// Log is where revisions and blobs are read. A *stream.Conn is one.
type Log interface {
	At(ctx context.Context, sequence uint64) (*stream.Message, error)
	Blob(ctx context.Context, name string) ([]byte, error)
}

// Reader reads the revisions of one fleet.
type Reader struct {
	Log   Log
	Fleet string
	Keys  []ed25519.PublicKey
}

// Head is a revision that was found to be signed, and where it is stored.
type Head struct {
	*revision.Revision
	Message  revision.Sum
	Sequence uint64
}

// Verify returns the revision of a message, or an error unless one of the keys signed it
// and it is one of the fleet.
func (r *Reader) Verify(m *stream.Message) (*Head, error) {
	if err := revision.Verify(r.Keys, m.Data, m.Signature); err != nil {
		return nil, err
	}
	return r.decode(m)
}

func (r *Reader) decode(m *stream.Message) (*Head, error) {
	v, err := revision.Decode(m.Data)
	if err != nil {
		return nil, err
	}
	if v.Fleet != r.Fleet {
		return nil, fmt.Errorf("the revision is of the fleet %.80q, and this is %q", v.Fleet, r.Fleet)
	}
	return &Head{v, revision.SumOf(m.Data), m.Sequence}, nil
}

// Base is what a reader has: a revision and its files.
type Base struct {
	ID      revision.ID
	Message revision.Sum
	Tree    *revision.Tree
}

// shortWalk is how many revisions are read rather than a snapshot.
const shortWalk = 64

// errBroken says that the revisions between are not there, or are others.
var errBroken = errors.New("the chain of revisions is broken")

// Resolve returns what files the head comes to. base may be nil. It does not change the
// base.
func (r *Reader) Resolve(ctx context.Context, h *Head, base *Base) (*Target, error) {
	if base != nil && (base.ID.Epoch != h.Epoch || base.ID.Revision >= h.Number) {
		base = nil
	}
	snapshot := h.Snapshot
	if base != nil && (snapshot == nil || base.ID.Revision >= snapshot.Revision || h.Number-base.ID.Revision <= shortWalk) {
		chain, err := r.walk(ctx, h, base.ID.Revision)
		if err == nil && chain[0].Previous == base.Message {
			t, err := r.build(ctx, base.Tree.Clone(), nil, chain)
			if err == nil {
				return t, t.check(h)
			}
			if ctx.Err() != nil {
				return nil, err
			}
		} else if err != nil && !errors.Is(err, errBroken) {
			return nil, err
		}
	}
	if snapshot == nil {
		chain, err := r.walk(ctx, h, 0)
		if err != nil {
			return nil, fmt.Errorf("%w, and there is no snapshot", err)
		}
		t, err := r.build(ctx, &revision.Tree{}, nil, chain)
		if err != nil {
			return nil, err
		}
		return t, t.check(h)
	}
	var chain []*Head
	if snapshot.Revision < h.Number {
		var err error
		if chain, err = r.walk(ctx, h, snapshot.Revision); err != nil {
			return nil, err
		}
	}
	t, err := r.build(ctx, &revision.Tree{}, &snapshot.List, chain)
	if err != nil {
		return nil, err
	}
	return t, t.check(h)
}

// walk returns the revisions after the one with number after, up to and with the head, in
// order. Each is the one that the next names. It returns errBroken if one is not there.
func (r *Reader) walk(ctx context.Context, h *Head, after uint64) ([]*Head, error) {
	n := h.Number - after
	chain := make([]*Head, n)
	chain[n-1] = h
	if n > stream.Kept || h.Sequence < n {
		return nil, errBroken
	}
	messages := make([]*stream.Message, n-1)
	// Each revision took one place in the stream, mostly; where it did not, its sum
	// tells.
	err := parallel(ctx, int(n-1), func(ctx context.Context, i int) error {
		m, err := r.Log.At(ctx, h.Sequence-(n-1)+uint64(i))
		if errors.Is(err, stream.ErrNone) {
			return nil
		}
		messages[i] = m
		return err
	})
	if err != nil {
		return nil, err
	}
	at := h.Sequence
	for i := int(n) - 2; i >= 0; i-- {
		next := chain[i+1]
		m := messages[i]
		if m == nil || revision.SumOf(m.Data) != next.Previous {
			if m, err = r.before(ctx, at, next.Previous); err != nil {
				return nil, err
			}
		}
		head, err := r.decode(m)
		if err != nil {
			return nil, err
		}
		if head.Epoch != h.Epoch || head.Number != next.Number-1 {
			return nil, fmt.Errorf("revision %s names %s as the one before it", next.ID(), head.ID())
		}
		chain[i], at = head, m.Sequence
	}
	return chain, nil
}

// mostHoles is how far a revision is looked for behind the next.
const mostHoles = 16

// before looks for the message with that sum before a sequence.
func (r *Reader) before(ctx context.Context, sequence uint64, sum revision.Sum) (*stream.Message, error) {
	for i := uint64(1); i <= mostHoles && i < sequence; i++ {
		m, err := r.Log.At(ctx, sequence-i)
		if errors.Is(err, stream.ErrNone) {
			continue
		}
		if err != nil || revision.SumOf(m.Data) == sum {
			return m, err
		}
	}
	return nil, errBroken
}

// build applies a snapshot and revisions to a tree.
func (r *Reader) build(ctx context.Context, tree *revision.Tree, snapshot *revision.List, chain []*Head) (*Target, error) {
	t := &Target{Tree: tree, log: r.Log, inline: map[revision.Sum][]byte{}}
	take := func(changes []revision.Change) {
		for _, c := range changes {
			if c.Removed {
				tree.Remove(c.Path)
			} else {
				tree.Set(c.Path, c.File)
			}
			if c.Inline != nil || c.Size == 0 && !c.Removed {
				t.inline[c.Sum] = c.Inline
			}
		}
	}
	list := func(l *revision.List) error {
		x, err := r.index(ctx, l)
		if err != nil {
			return err
		}
		t.indexes = append(t.indexes, x)
		take(x.Changes)
		return nil
	}
	if snapshot != nil {
		if err := list(snapshot); err != nil {
			return nil, err
		}
	}
	for _, h := range chain {
		if h.List != nil {
			if err := list(h.List); err != nil {
				return nil, err
			}
		}
		take(h.Changes)
	}
	return t, nil
}

// index reads the index of a list.
func (r *Reader) index(ctx context.Context, l *revision.List) (*pack.Index, error) {
	var data []byte
	f := fetch(ctx, r.Log, l.Index)
	defer f.stop()
	for _, name := range l.Index {
		part, err := f.next(name)
		if err != nil {
			return nil, err
		}
		if data = append(data, part...); len(data) > pack.MostIndex {
			return nil, errors.New("an index of blobs is too large")
		}
	}
	return pack.ReadIndex(data)
}

// Index reads the index of a list.
func (r *Reader) Index(ctx context.Context, l *revision.List) (*pack.Index, error) {
	return r.index(ctx, l)
}

// Target is what files a revision comes to, and where their content is.
type Target struct {
	Tree    *revision.Tree
	log     Log
	inline  map[revision.Sum][]byte
	indexes []*pack.Index
}

// check returns an error unless the files are those that the head says.
func (t *Target) check(h *Head) error {
	if t.Tree.Digest() != h.Digest || t.Tree.Len() != h.Count {
		return fmt.Errorf("revision %s comes to %d files with the digest %s, and it says %d with %s", h.ID(), t.Tree.Len(), t.Tree.Digest(), h.Count, h.Digest)
	}
	return nil
}

// Contents calls each with every wanted content, once, and returns an error if one cannot
// be had. It changes want.
func (t *Target) Contents(ctx context.Context, want map[revision.Sum]bool, each func(content []byte) error) error {
	for sum := range want {
		if content, ok := t.inline[sum]; ok {
			if err := each(content); err != nil {
				return err
			}
			delete(want, sum)
		}
	}
	for _, x := range t.indexes {
		if len(want) == 0 {
			return nil
		}
		var f *fetcher
		err := x.Read(
			func(c revision.Change) bool { return want[c.Sum] },
			func(names []revision.Sum) { f = fetch(ctx, t.log, names) },
			func(name revision.Sum) ([]byte, error) { return f.next(name) },
			func(c revision.Change, content []byte) error {
				if !want[c.Sum] {
					return nil // another path had it
				}
				delete(want, c.Sum)
				return each(content)
			})
		f.stop()
		if err != nil {
			return err
		}
	}
	if len(want) > 0 {
		return fmt.Errorf("the content of %d files is nowhere", len(want))
	}
	return nil
}
