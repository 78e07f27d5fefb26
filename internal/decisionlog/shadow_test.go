package decisionlog

import (
	"slices"
	"testing"

	"postern/policy"
)

// moody is a candidate that is not loaded for one caller, and panics for another.
type moody struct{ candidate }

func (m moody) Decide(r *policy.Request) (policy.Decision, policy.Digest, bool) {
	switch r.Principal.IDs[0] {
	case "saml/absent":
		return policy.Decision{}, policy.Digest{}, false
	case "saml/panics":
		panic("a fault")
	}
	return m.candidate.Decide(r)
}

// TestShadowCounts: each decision is counted once by what the candidate came to; what it
// did not decide is skipped, and nothing needs a log.
func TestShadowCounts(t *testing.T) {
	l := newLog(Config{Buffer: MinBuffer, Shadow: moody{}}, nil, began)
	open := allowed
	open.MaxOpenSeconds = 5
	long := plain("gains")
	for range 10 {
		long.Principal.Groups = append(long.Principal.Groups, string(make([]byte, 8000)))
	}
	admin := plain("x")
	admin.Principal.IDs = []string{"role/Admin"}
	for _, n := range []Note{
		{Request: plain("gains"), Decision: denied}, {Request: plain("loses"), Decision: allowed}, {Request: plain("nobody"), Decision: denied},
		{Request: plain("same"), Decision: allowed}, {Request: admin, Decision: open}, {Request: plain("absent"), Decision: denied},
		{Request: plain("panics"), Decision: allowed}, {Request: long, Decision: denied}, {Why: "bad_request"},
	} {
		n.Item = -1
		commit(l, Answer{ID: []byte("x"), Door: "evaluation"}, n)
	}
	l.rings[0].drops.add(true, 1)
	l.writer.pass()
	got := l.Stats().Shadow
	want := make([]uint64, len(shadowResults))
	want[shadowSame], want[shadowGained], want[shadowLost], want[shadowChanged], want[shadowSkipped] = 3, 1, 1, 1, 4
	if !slices.Equal(got, want) {
		t.Errorf("of %q are counted %d, want %d", shadowResults, got, want)
	}
}
