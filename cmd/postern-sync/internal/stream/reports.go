package stream

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Report is the last report of a puller.
type Report struct {
	Node string
	Data []byte
	Time time.Time // when it was stored
}

// Report tells what a puller's state is. It waits for no answer.
func (c *Conn) Report(node string, data []byte) error { return c.nc.Publish(c.status(node), data) }

// Reports returns the last report of each puller, in byte order of nodes.
func (c *Conn) Reports(ctx context.Context) ([]Report, error) {
	info, err := c.js.StreamInfo(c.stream("STATUS"), &nats.StreamInfoRequest{SubjectsFilter: c.status("*")}, nats.Context(ctx))
	if err != nil {
		return nil, meant(err)
	}
	var out []Report
	for _, subject := range slices.Sorted(maps.Keys(info.State.Subjects)) {
		m, err := c.js.GetLastMsg(c.stream("STATUS"), subject, nats.Context(ctx))
		if errors.Is(err, nats.ErrMsgNotFound) {
			continue // its time ended
		}
		if err != nil {
			return nil, meant(err)
		}
		out = append(out, Report{strings.TrimPrefix(subject, c.status("")), m.Data, m.Time})
	}
	return out, nil
}
