package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Load is what to put on a server. Network, Address, Requests and Check are
// required, and one of Count and Duration, or a context that ends.
type Load struct {
	// Network is "tcp" or "unix"; Address is as net.Dial takes it.
	Network, Address string
	// Connections is how many clients ask at the same time, each with one
	// request under way; 1 if 0.
	Connections int
	// Requests are whole HTTP/1.1 requests (Post renders them), never written
	// to. Each connection sends them in order, over and over, beginning at a
	// place of its own.
	Requests [][]byte
	// Check judges the body of the answer to Requests[i], which had the status
	// that it has to have; any other has failed before. It is called from
	// Connections goroutines at once; body is valid until it returns. An error
	// ends the load. The time that it takes is in no latency.
	Check func(i int, body []byte) error
	// Status is what the status of the answer to Requests[i] has to be; 200 for
	// all if it is nil. It is called as Check is.
	Status func(i int) int

	// Count ends the load after that many answers, Duration after that time:
	// no request is begun later. 0 is no bound; both may be given.
	Count    uint64
	Duration time.Duration
	// Timeout is how long an answer may take before it counts as lost, which
	// is an error; it is kept late by a half at most. 10 s if 0.
	Timeout time.Duration
}

// Result is what a load gave.
type Result struct {
	// Elapsed is the time from the first request to the last answer.
	Elapsed time.Duration
	// Latency holds the time of every answer, from before the request was
	// written until the answer was read: Latency.Count() answers in all.
	Latency Histogram
}

// PerSecond is the number of answers a second.
func (r *Result) PerSecond() float64 {
	return float64(r.Latency.Count()) / r.Elapsed.Seconds()
}

// Run puts the load on, and returns when it has ended: by Count or Duration, by
// ctx, which is no error, or by the first answer that is wrong, lost or refused
// by Check. With an error, the result holds what was good until then.
func (l *Load) Run(ctx context.Context) (*Result, error) {
	clients, err := l.dial(ctx)
	if err != nil {
		return &Result{}, err
	}
	var sent atomic.Uint64
	var stop atomic.Bool
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()

	start := time.Now()
	var wait sync.WaitGroup
	for _, c := range clients {
		wait.Go(func() {
			defer c.conn.Close()
			if c.err = c.run(l, start, &sent, &stop); c.err != nil {
				stop.Store(true)
			}
		})
	}
	wait.Wait()
	result := &Result{Elapsed: time.Since(start)}
	var errs []error
	for _, c := range clients {
		result.Latency.Merge(&c.latency)
		errs = append(errs, c.err)
	}
	return result, errors.Join(errs...)
}

func (l *Load) dial(ctx context.Context) (clients []*client, err error) {
	if len(l.Requests) == 0 || l.Check == nil {
		return nil, errors.New("loadgen: a load needs Requests and Check")
	}
	n := max(l.Connections, 1)
	var dialer net.Dialer
	for i := range n {
		c, err := dialer.DialContext(ctx, l.Network, l.Address)
		if err != nil {
			for _, c := range clients {
				_ = c.conn.Close()
			}
			return nil, err
		}
		clients = append(clients, &client{conn: c, answers: reader{from: c}, at: i * len(l.Requests) / n})
	}
	return clients, nil
}

// client is one connection and its goroutine.
type client struct {
	conn    net.Conn
	answers reader
	at      int // the request to send next
	latency Histogram
	err     error
}

func (c *client) run(l *Load, start time.Time, sent *atomic.Uint64, stop *atomic.Bool) error {
	timeout := l.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	var limit time.Duration // the connection's deadline, since start
	for !stop.Load() {
		began := time.Since(start)
		if l.Duration > 0 && began >= l.Duration || l.Count > 0 && sent.Add(1) > l.Count {
			return nil
		}
		if limit < began+timeout { // setting it costs more than a request: seldom
			limit = began + timeout + timeout/2
			if err := c.conn.SetDeadline(start.Add(limit)); err != nil {
				return err
			}
			began = time.Since(start)
		}
		if _, err := c.conn.Write(l.Requests[c.at]); err != nil {
			return l.fault(c.at, err)
		}
		status := 200
		if l.Status != nil {
			status = l.Status(c.at)
		}
		body, err := c.answers.next(status)
		took := time.Since(start) - began
		if err == nil {
			err = l.Check(c.at, body)
		}
		if err != nil {
			return l.fault(c.at, err)
		}
		c.latency.Add(took)
		if c.at++; c.at == len(l.Requests) {
			c.at = 0
		}
	}
	return nil
}

func (l *Load) fault(i int, err error) error {
	return fmt.Errorf("request %d: %w\n%.2000s", i, err, l.Requests[i])
}
