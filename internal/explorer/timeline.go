package explorer

import (
	"slices"
	"sync"
	"time"

	"postern/policy"
)

// lookOut is one look at the policies that changed something.
type lookOut struct {
	At          time.Time `json:"at"`
	Generation  uint64    `json:"generation"`
	Result      string    `json:"result"`
	Seconds     float64   `json:"seconds"`
	Digest      string    `json:"digest"`
	Quarantined int       `json:"quarantined"`
}

// maxLooks is how many looks are kept.
const maxLooks = 50

// timeline keeps the last looks, oldest first.
type timeline struct {
	mutex sync.Mutex
	looks []lookOut
}

// Observe notes a look at the directory in force, as loader.Config.Observe tells it.
func (s *Server) Observe(st *policy.Status) {
	s.timeline.mutex.Lock()
	defer s.timeline.mutex.Unlock()
	if len(s.timeline.looks) == maxLooks {
		s.timeline.looks = slices.Delete(s.timeline.looks, 0, 1)
	}
	s.timeline.looks = append(s.timeline.looks, lookOut{st.FinishedAt, st.Generation, st.Result.String(), st.Duration.Seconds(), st.Digest.String(), len(st.Quarantined)})
}

// newest returns the looks, the last one first.
func (t *timeline) newest() []lookOut {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	out := append([]lookOut{}, t.looks...)
	slices.Reverse(out)
	return out
}
