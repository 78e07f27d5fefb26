package explorer

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"postern/policy"
)

type nowIn struct{}

// nowOut is how the process and its policies are.
type nowOut struct {
	At            time.Time      `json:"at"`
	Generation    uint64         `json:"generation"`
	Digest        string         `json:"digest"`
	Result        string         `json:"result"`
	Failure       string         `json:"failure,omitempty"`
	StateFailure  string         `json:"stateFailure,omitempty"`
	LastReload    time.Time      `json:"lastReload"`
	ReloadSeconds float64        `json:"reloadSeconds"`
	HeldSince     *time.Time     `json:"heldSince,omitempty"`
	Transaction   bool           `json:"transaction"`
	Organizations int            `json:"organizations"`
	Buckets       int            `json:"buckets"`
	Files         int            `json:"files"`
	Statements    map[string]int `json:"statements"`
	SnapshotBytes int64          `json:"snapshotBytes"`
	Warnings      int            `json:"warnings"`
	Quarantined   []unitOut      `json:"quarantined"`
	Metrics       string         `json:"metrics"`
	Revision      *Revision      `json:"revision,omitempty"`
	// Looks are the last that changed something, newest first.
	Looks   []lookOut         `json:"looks"`
	Denials []json.RawMessage `json:"denials"`
}

// Revision is a state of a fleet's policies, as a puller applied it (specification 9.2).
type Revision struct {
	Epoch    uint64    `json:"epoch"`
	Revision uint64    `json:"revision"`
	Time     time.Time `json:"time"`    // of the revision
	Applied  time.Time `json:"applied"` // when it was applied here
}

// unitOut is a unit that is broken.
type unitOut struct {
	Unit     string    `json:"unit"`
	Since    time.Time `json:"since"`
	LastGood bool      `json:"lastGood"`
	Errors   []string  `json:"errors"`
}

// now answers the figures of this moment.
func (s *Server) now(context.Context, nowIn) (nowOut, error) {
	st := s.config.InForce.Status()
	out := nowOut{
		At: time.Now(), Generation: st.Generation, Digest: st.Digest.String(), Result: st.Result.String(), Failure: st.Failure, StateFailure: st.StateFailure,
		LastReload: st.FinishedAt, ReloadSeconds: st.Duration.Seconds(), Transaction: st.HeldTransaction,
		Organizations: len(st.Organizations), Buckets: st.Buckets, Files: st.Files, Statements: map[string]int{},
		SnapshotBytes: st.SnapshotBytes, Warnings: st.WarningCount, Quarantined: []unitOut{}, Denials: []json.RawMessage{}, Looks: s.timeline.newest(),
	}
	if !st.HeldSince.IsZero() {
		out.HeldSince = &st.HeldSince
	}
	for l := policy.LayerNone + 1; l < policy.LayerCount; l++ {
		out.Statements[l.String()] = st.Statements[l]
	}
	for _, q := range st.Quarantined {
		u := unitOut{Unit: q.Unit, Since: q.Since, LastGood: q.LastGood, Errors: []string{}}
		for _, d := range q.Diagnostics {
			u.Errors = append(u.Errors, d.String())
		}
		out.Quarantined = append(out.Quarantined, u)
	}
	if s.config.Metrics != nil {
		var b strings.Builder
		s.config.Metrics(&b)
		out.Metrics = b.String()
	}
	if s.config.Denials != nil {
		out.Denials = append(out.Denials, s.config.Denials()...)
	}
	if s.config.Revision != nil {
		out.Revision = s.config.Revision()
	}
	return out, nil
}
