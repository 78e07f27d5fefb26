package sidecar

import (
	"sync"
	"sync/atomic"
	"time"

	"postern/policy"
)

// verdict is what a decision is counted by: its reason, from which its outcome
// follows, and its layer.
type verdict uint8

// verdicts is how many verdicts there are.
const verdicts = policy.ReasonCount * policy.LayerCount

func verdictOf(d policy.Decision) verdict {
	return verdict(int(d.Reason)*policy.LayerCount + int(d.Layer))
}

func (v verdict) reason() policy.Reason { return policy.Reason(int(v) / policy.LayerCount) }
func (v verdict) layer() policy.Layer   { return policy.Layer(int(v) % policy.LayerCount) }

// bounds are the `le` of postern_request_duration_seconds.
var bounds = [...]time.Duration{
	10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond,
}

// counters is one block of counters. A block belongs to one exchange at a time,
// so that its lines are not shared between cores; the sums are taken when
// /metrics is read. The fields of the plain path come first.
type counters struct {
	_ [128]byte // no line is shared with what lies before, or fetched with it
	// single are the decisions of single evaluations, each an answer 200 of
	// the endpoint `evaluation` too; others are all other decisions.
	single    [verdicts]atomic.Uint64
	durations [endpoints]struct {
		counts [len(bounds) + 1]atomic.Uint64
		nanos  atomic.Uint64 // the sum of the durations
	}
	others [verdicts]atomic.Uint64
	// requests are all answers but those that single counts.
	requests [endpoints][len(codes)]atomic.Uint64
	_        [128]byte
}

// answered counts an answer of an endpoint, and what was decided for it.
func (c *counters) answered(at endpoint, status int, decided []verdict) {
	if at == endpointEvaluation && status == 200 && len(decided) == 1 {
		c.single[decided[0]].Add(1)
		return
	}
	for _, v := range decided {
		c.others[v].Add(1)
	}
	c.requests[at][codeOf(status)].Add(1)
}

// observe counts how long an answer took.
func (c *counters) observe(at endpoint, d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	of := &c.durations[at]
	of.counts[i].Add(1)
	of.nanos.Add(uint64(max(d, 0)))
}

// blocks are all blocks that were ever needed, and those that are free. There
// are never more than requests were once answered at the same time.
type blocks struct {
	mu   sync.Mutex
	all  []*counters
	free []*counters
}

func (b *blocks) take() *counters {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.free); n > 0 {
		c := b.free[n-1]
		b.free = b.free[:n-1]
		return c
	}
	c := new(counters)
	b.all = append(b.all, c)
	return c
}

// giveBack frees a block whose exchange is gone. What it counted stays counted.
func (b *blocks) giveBack(c *counters) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, c)
}

// totals are the sums over all blocks.
type totals struct {
	decisions [verdicts]uint64
	durations [endpoints]struct {
		counts [len(bounds) + 1]uint64
		nanos  uint64
	}
	requests [endpoints][len(codes)]uint64
}

func (b *blocks) sum() (t totals) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.all {
		for i := range t.decisions {
			single := c.single[i].Load()
			t.decisions[i] += single + c.others[i].Load()
			t.requests[endpointEvaluation][codeOf(200)] += single
		}
		for e := range t.requests {
			for i := range t.durations[e].counts {
				t.durations[e].counts[i] += c.durations[e].counts[i].Load()
			}
			t.durations[e].nanos += c.durations[e].nanos.Load()
			for i := range t.requests[e] {
				t.requests[e][i] += c.requests[e][i].Load()
			}
		}
	}
	return t
}
