package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Kept is how many revisions the stream keeps.
const Kept = 1000

func (c *Conn) rev() string               { return c.c.Prefix + ".rev" }
func (c *Conn) live() string              { return c.c.Prefix + ".live" }
func (c *Conn) blob(name string) string   { return c.c.Prefix + ".blob." + name }
func (c *Conn) unnamed() string           { return c.c.Prefix + ".unnamed" }
func (c *Conn) status(node string) string { return c.c.Prefix + ".status." + node }
func (c *Conn) stream(which string) string {
	return strings.ReplaceAll(c.c.Prefix, ".", "_") + "_" + which
}

// Create makes the three streams, or brings those that are there to this form.
func (c *Conn) Create(ctx context.Context, replicas int) error {
	for _, s := range []*nats.StreamConfig{
		{
			Name: c.stream("REV"), Subjects: []string{c.rev()}, MaxMsgs: Kept, Discard: nats.DiscardOld,
			DenyDelete: true, DenyPurge: true, AllowDirect: true,
			RePublish: &nats.RePublish{Source: c.rev(), Destination: c.live()},
		},
		{
			Name: c.stream("BLOB"), Subjects: []string{c.blob("*"), c.unnamed()}, MaxMsgsPerSubject: 1,
			Discard: nats.DiscardOld, AllowDirect: true,
		},
		{
			Name: c.stream("STATUS"), Subjects: []string{c.status("*")}, MaxMsgsPerSubject: 1, MaxAge: 24 * time.Hour,
			Discard: nats.DiscardOld, AllowDirect: true,
		},
	} {
		s.Replicas, s.Storage = replicas, nats.FileStorage
		_, err := c.js.AddStream(s, nats.Context(ctx))
		if errors.Is(err, nats.ErrStreamNameAlreadyInUse) {
			_, err = c.js.UpdateStream(s, nats.Context(ctx))
		}
		if err != nil {
			return fmt.Errorf("stream %s: %w", s.Name, err)
		}
	}
	return nil
}
