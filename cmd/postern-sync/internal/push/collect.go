package push

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// unnamed is the note of blobs that nothing names: since when.
type unnamed map[string]time.Time

// keptUnnamed is how long a blob lives after nothing that is kept names it: somebody may
// still read.
const keptUnnamed = 7 * 24 * time.Hour

// collect removes the blobs that no kept revision has named for keptUnnamed.
func (p *Pusher) collect(ctx context.Context) error {
	r := p.reader()
	m, err := p.Conn.Leader(ctx)
	if err != nil {
		return err
	}
	named, read := map[string]bool{}, map[string]bool{}
	for i := range uint64(stream.Kept) {
		if i >= m.Sequence {
			break
		}
		kept, err := p.Conn.At(ctx, m.Sequence-i)
		if errors.Is(err, stream.ErrNone) {
			continue
		}
		if err != nil {
			return err
		}
		v, err := revision.Decode(kept.Data)
		if err != nil {
			return err
		}
		lists := []*revision.List{v.List}
		if v.Snapshot != nil {
			lists = append(lists, &v.Snapshot.List)
		}
		for _, l := range lists {
			if l == nil || read[l.Index[0].String()] {
				continue
			}
			read[l.Index[0].String()] = true
			x, err := r.Index(ctx, l)
			if err != nil {
				return err
			}
			for _, name := range append(x.Blobs(), l.Index...) {
				named[name.String()] = true
			}
		}
	}
	note := unnamed{}
	switch old, err := p.Conn.Unnamed(ctx); {
	case err == nil:
		if err := json.Unmarshal(old, &note); err != nil {
			note = unnamed{}
		}
	case !errors.Is(err, stream.ErrNone):
		return err
	}
	blobs, err := p.Conn.Blobs(ctx)
	if err != nil {
		return err
	}
	for name := range note {
		if named[name] || !blobs[name] {
			delete(note, name)
		}
	}
	for name := range blobs {
		if named[name] {
			continue
		}
		since, is := note[name]
		if !is {
			note[name] = p.now()
			continue
		}
		if p.now().Sub(since) < keptUnnamed {
			continue
		}
		sequence, err := p.Conn.BlobSequence(ctx, name)
		if err == nil {
			err = p.Conn.DeleteBlob(ctx, sequence)
		}
		if err != nil && !errors.Is(err, stream.ErrNone) {
			return err
		}
		delete(note, name)
	}
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return p.Conn.SetUnnamed(ctx, text)
}
