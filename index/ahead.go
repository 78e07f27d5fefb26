package index

import (
	"postern/index/internal/match"
	"postern/policy"
)

// AheadBy is how many requests before its Decide a request is given to Ahead.
const AheadBy = 2

// Ahead asks for memory that deciding r will read, so that it comes while other
// requests are decided: whoever has more of them at hand than the next, as a batch
// has, calls it AheadBy requests before. nil stands for no request; it is given
// for each of the last AheadBy, when no further one is left. Whether and with what
// Ahead is called changes no decision.
func (s *Snapshot) Ahead(r *policy.Request, sc *Scratch) {
	s.store.AheadPolicy(sc.ahead)
	if r != nil {
		sc.ahead = match.HashBucket(match.BucketOf(r.Resource.ID))
		s.store.AheadSlot(sc.ahead)
	}
}
