package decisionlog

import (
	"testing"

	"postern/policy"
)

// sampled counts the notes that a log makes of 20,000 decisions.
func sampled(l *Log, d policy.Decision) (n int) {
	note := Note{Request: plain("x"), Decision: d, Item: -1}
	var room []byte
	for range 20_000 {
		if room = l.Note(room[:0], &note); len(room) > 0 {
			n++
		}
	}
	return n
}

// TestSamples: of -log-allows 1/N and -shadow-sample N one decision in N is taken, by
// chance, within seven standard deviations; every denial is logged.
func TestSamples(t *testing.T) {
	one, _ := quiet(Config{Allows: 10})
	none, _ := quiet(Config{Allows: 0})
	shadow := newLog(Config{Buffer: MinBuffer, Shadow: candidate{}, ShadowSample: 10}, nil, began)
	for _, c := range []struct {
		name        string
		got         int
		least, most int
	}{
		{"allows of 1/10", sampled(one, allowed), 1700, 2300},
		{"denies of 1/10", sampled(one, denied), 20_000, 20_000},
		{"allows of none", sampled(none, allowed), 0, 0},
		{"denies of none", sampled(none, denied), 20_000, 20_000},
		{"allows that one in ten is shadowed of", sampled(shadow, allowed), 1700, 2300},
		{"denies that one in ten is shadowed of", sampled(shadow, denied), 1700, 2300},
	} {
		if c.got < c.least || c.got > c.most {
			t.Errorf("%s: %d of 20,000 are taken, want %d to %d", c.name, c.got, c.least, c.most)
		}
	}
}

// timed is a candidate that notes at which times it is asked.
type timed struct{ asked *[]int64 }

func (h timed) Decide(r *policy.Request) (policy.Decision, policy.Digest, bool) {
	*h.asked = append(*h.asked, r.Now)
	return allowed, policy.Digest{}, true
}

// TestShadowTime: a candidate decides at the time of the request, not at its own.
func TestShadowTime(t *testing.T) {
	var asked []int64
	l := newLog(Config{Buffer: MinBuffer, Shadow: timed{&asked}}, nil, began)
	r := plain("x")
	r.Now = 1_000_000_007
	commit(l, Answer{ID: []byte("x"), Door: "evaluation"}, Note{Request: r, Decision: denied, Item: -1})
	l.writer.pass()
	if len(asked) != 1 || asked[0] != r.Now {
		t.Errorf("the candidate was asked at %d, want %d", asked, r.Now)
	}
}
