package decisionlog

import (
	"fmt"
	"runtime/debug"

	"postern/policy"
)

// What a candidate came to (specification 8.4).
const (
	shadowSame = iota
	shadowGained
	shadowLost
	shadowChanged
	shadowSkipped
)

var shadowResults = [...]string{shadowSame: "same", shadowGained: "gained", shadowLost: "lost", shadowChanged: "changed", shadowSkipped: "skipped"}

// shadow has the candidate decide a record, and counts what it comes to; nil if it
// comes to the same.
func (w *writer) shadow(e *entry) *verdict {
	l := w.log
	if l.config.Shadow == nil || !e.shadowed {
		return nil
	}
	if e.why != "" { // no policy was asked
		l.figures.shadow[shadowSame].Add(1)
		return nil
	}
	if !e.hasRequest {
		w.skipped(1)
		return nil
	}
	d, digest, ok := w.candidate(e)
	if !ok {
		w.skipped(1)
		return nil
	}
	was, is := e.decision.Outcome == policy.Allow, d.Outcome == policy.Allow
	result := shadowSame
	switch {
	case is && !was:
		result = shadowGained
	case was && !is:
		result = shadowLost
	case is && d.MaxOpenSeconds != e.decision.MaxOpenSeconds:
		result = shadowChanged
	}
	l.figures.shadow[result].Add(1)
	if result == shadowSame {
		return nil
	}
	return &verdict{shadowResults[result], d, digest}
}

// candidate asks the candidate, which does not end the process if it panics.
func (w *writer) candidate(e *entry) (d policy.Decision, digest policy.Digest, ok bool) {
	defer func() {
		if v := recover(); v != nil {
			ok = false
			w.log.config.Logger.Error("the candidate panicked; its decision was skipped", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	return w.log.config.Shadow.Decide(&e.request)
}

// skipped counts decisions that the candidate did not make.
func (w *writer) skipped(n uint64) {
	if w.log.config.Shadow != nil {
		w.log.figures.shadow[shadowSkipped].Add(n)
	}
}
