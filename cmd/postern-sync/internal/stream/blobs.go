package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
)

// Blob returns the stored bytes of a blob, or ErrNone.
func (c *Conn) Blob(ctx context.Context, name string) ([]byte, error) {
	m, err := c.js.GetLastMsg(c.stream("BLOB"), c.blob(name), nats.Context(ctx), nats.DirectGet())
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", name, meant(err))
	}
	return m.Data, nil
}

// PutBlob stores a blob.
func (c *Conn) PutBlob(ctx context.Context, name string, data []byte) error {
	if _, err := c.store(ctx, &nats.Msg{Subject: c.blob(name), Data: data}); err != nil {
		return fmt.Errorf("blob %s: %w", name, meant(err))
	}
	return nil
}

// Blobs returns the names of all blobs.
func (c *Conn) Blobs(ctx context.Context) (map[string]bool, error) {
	info, err := c.js.StreamInfo(c.stream("BLOB"), &nats.StreamInfoRequest{SubjectsFilter: c.blob("*")}, nats.Context(ctx))
	if err != nil {
		return nil, meant(err)
	}
	out := map[string]bool{}
	for subject := range info.State.Subjects {
		out[strings.TrimPrefix(subject, c.blob(""))] = true
	}
	return out, nil
}

// DeleteBlob removes a blob as it was when sequence returned where it is: one that was
// stored again since then stays.
func (c *Conn) DeleteBlob(ctx context.Context, sequence uint64) error {
	err := c.js.DeleteMsg(c.stream("BLOB"), sequence, nats.Context(ctx))
	var api *nats.APIError
	if errors.As(err, &api) && api.Code == 404 || errors.Is(err, nats.ErrMsgNotFound) {
		return nil
	}
	return err
}

// BlobSequence returns where a blob is stored.
func (c *Conn) BlobSequence(ctx context.Context, name string) (uint64, error) {
	m, err := c.js.GetLastMsg(c.stream("BLOB"), c.blob(name), nats.Context(ctx))
	if err != nil {
		return 0, meant(err)
	}
	return m.Sequence, nil
}

// Unnamed returns the note of which blobs nothing names, or ErrNone; SetUnnamed replaces
// it.
func (c *Conn) Unnamed(ctx context.Context) ([]byte, error) {
	m, err := c.js.GetLastMsg(c.stream("BLOB"), c.unnamed(), nats.Context(ctx))
	if err != nil {
		return nil, meant(err)
	}
	return m.Data, nil
}

// SetUnnamed replaces the note that Unnamed returns.
func (c *Conn) SetUnnamed(ctx context.Context, data []byte) error {
	_, err := c.store(ctx, &nats.Msg{Subject: c.unnamed(), Data: data})
	return meant(err)
}
