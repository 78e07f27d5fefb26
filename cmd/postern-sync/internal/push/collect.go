package push

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// unnamed is the note of blobs that nothing names.
type unnamed map[string]unnamedBlob

// unnamedBlob says since when nothing names a blob, and where it stood then: whoever
// stores it again, for a revision to come, puts it elsewhere.
type unnamedBlob struct {
	Since    time.Time `json:"since"`
	Sequence uint64    `json:"sequence"`
}

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
		noted, is := note[name]
		if is && p.now().Sub(noted.Since) < keptUnnamed {
			continue
		}
		sequence, err := p.Conn.BlobSequence(ctx, name)
		switch {
		case errors.Is(err, stream.ErrNone): // another push removed it
			delete(note, name)
			continue
		case err != nil:
			return err
		case sequence != noted.Sequence:
			note[name] = unnamedBlob{p.now(), sequence}
			continue
		}
		if err := p.Conn.DeleteBlob(ctx, sequence); err != nil {
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
