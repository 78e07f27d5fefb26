package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"postern/cmd/postern-sync/internal/pull"
	"postern/cmd/postern-sync/internal/revision"
)

// Report is what a puller tells of itself.
type Report struct {
	Node     string       `json:"node"`
	Revision revision.ID  `json:"revision"` // that the directory has
	Digest   revision.Sum `json:"digest"`
	Files    int          `json:"files"`
	Time     time.Time    `json:"time"`              // of the revision
	Applied  time.Time    `json:"applied"`           // when it was applied
	Newest   revision.ID  `json:"newest"`            // that the puller has seen
	Contact  time.Time    `json:"contact"`           // when the stream last answered
	Err      string       `json:"error,omitempty"`   // why the newest revision is not here
	Since    *time.Time   `json:"since,omitempty"`   // since when
	At       time.Time    `json:"at"`                // when this was told
	Sidecar  *Sidecar     `json:"sidecar,omitempty"` // nil: none was asked
}

// Sidecar is what a sidecar says of itself.
type Sidecar struct {
	Ready       bool         `json:"ready"`
	Generation  uint64       `json:"generation"`
	Digest      revision.Sum `json:"digest"`
	Quarantined []string     `json:"quarantined,omitempty"`
	Err         string       `json:"error,omitempty"` // why it could not be asked
}

// Of returns the report of a puller in that state.
func Of(node string, s pull.State, sidecar *Sidecar, now time.Time) *Report {
	r := &Report{
		Node: node, Revision: s.Position.ID, Digest: s.Position.Digest, Files: s.Position.Count, Time: s.Position.Time, Applied: s.Position.Applied,
		Newest: s.Newest, Contact: s.Contact, Err: s.Err, At: now, Sidecar: sidecar,
	}
	if !s.Since.IsZero() {
		r.Since = &s.Since
	}
	return r
}

// Lag returns how many revisions the directory is behind the newest that the puller has
// seen. A new epoch counts as all of its revisions.
func (r *Report) Lag() uint64 {
	switch {
	case !r.Newest.Above(r.Revision):
		return 0
	case r.Newest.Epoch == r.Revision.Epoch:
		return r.Newest.Revision - r.Revision.Revision
	}
	return r.Newest.Revision
}

// Decode reads a report.
func Decode(data []byte) (*Report, error) {
	r := new(Report)
	return r, json.Unmarshal(data, r)
}

// Client asks a sidecar.
type Client struct {
	url  string
	http http.Client
}

// NewClient returns a client of the sidecar at a URL, or at unix:PATH.
func NewClient(at string) (*Client, error) {
	c := &Client{url: strings.TrimSuffix(at, "/") + "/readyz"}
	c.http.Timeout = 2 * time.Second
	if path, ok := strings.CutPrefix(at, "unix:"); ok {
		c.url = "http://postern/readyz"
		c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}
	} else if !strings.HasPrefix(at, "http://") && !strings.HasPrefix(at, "https://") {
		return nil, fmt.Errorf("-sidecar %q is none; write a URL like http://127.0.0.1:8180, or unix:PATH", at)
	}
	return c, nil
}

// mostReadyz bounds what is read of a sidecar's answer.
const mostReadyz = 16 << 20

// Ask returns what the sidecar says now.
func (c *Client) Ask(ctx context.Context) *Sidecar {
	s := new(Sidecar)
	fail := func(err error) *Sidecar {
		s.Err = err.Error()
		return s
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return fail(err)
	}
	answer, err := c.http.Do(q)
	if err != nil {
		return fail(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, mostReadyz))
	if err != nil {
		return fail(err)
	}
	var body struct {
		Generation  uint64
		Digest      string
		Quarantined []struct{ Unit string }
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return fail(fmt.Errorf("%s: %d, no JSON", c.url, answer.StatusCode))
	}
	s.Ready, s.Generation = answer.StatusCode == http.StatusOK, body.Generation
	if body.Digest != "" {
		if err := s.Digest.UnmarshalText([]byte(body.Digest)); err != nil {
			return fail(err)
		}
	}
	for _, q := range body.Quarantined {
		s.Quarantined = append(s.Quarantined, q.Unit)
	}
	return s
}
