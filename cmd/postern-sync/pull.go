package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"postern/cmd/postern-sync/internal/history"
	"postern/cmd/postern-sync/internal/pull"
	"postern/cmd/postern-sync/internal/report"
	"postern/cmd/postern-sync/internal/stream"
)

// step, if it is not nil, is called before each step of an apply (see apply.Directory): a
// test has the process killed there.
var step func(what string) error

// reportEvery is how often a puller tells what it has, besides after each change.
const reportEvery = 15 * time.Second

func runPull(c *call) error {
	var at connection
	var of fleet
	at.define(c)
	of.define(c)
	host, _ := os.Hostname()
	var (
		policies = c.String("policies", "", "the policy directory `DIR` to keep; required")
		maxAge   = c.Duration("max-age", 24*time.Hour, "how old a revision may be that a machine without state begins with")
		poll     = c.Duration("poll", 5*time.Second, "`INTERVAL` at which the newest revision is asked for")
		check    = c.Duration("check", time.Minute, "`INTERVAL` at which the whole directory is compared with what was applied")
		adopt    = c.Bool("adopt", false, "take over a directory that has files of no revision: they are replaced or removed")
		node     = c.String("node", host, "`NAME` under which this machine reports")
		sidecar  = c.String("sidecar", "", "`URL|unix:PATH` of the sidecar, whose state is reported too")
		listen   = c.String("listen", "", "TCP `ADDRESS` that has /metrics, /healthz and /readyz")
	)
	if err := c.parse(0); err != nil {
		return err
	}
	switch {
	case *policies == "":
		return fmt.Errorf("%w: -policies is missing", errUsage)
	case len(of.keys) == 0:
		return fmt.Errorf("%w: -verify-key is missing; without one anybody who can publish decides", errUsage)
	case *poll <= 0 || *check <= 0 || *maxAge <= 0:
		return fmt.Errorf("%w: -poll, -check and -max-age are above 0", errUsage)
	case *node == "" || stream.CheckPrefix(*node) != nil:
		return fmt.Errorf("%w: -node %q is no name; write words of A-Z a-z 0-9 - _", errUsage, *node)
	}
	keys, err := of.read()
	if err != nil {
		return err
	}
	var client *report.Client
	if *sidecar != "" {
		if client, err = report.NewClient(*sidecar); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
	}
	logger := newLogger(c.errs)
	var p *pull.Puller
	made := make(chan struct{}) // p is there
	at.Reconnected = func() {
		<-made
		p.Ask()
	}
	conn, err := at.connect(c, true, logger)
	if err != nil {
		return err
	}
	defer conn.Close()
	p = pull.New(pull.Config{
		Log: conn, Reader: &history.Reader{Log: conn, Fleet: of.name, Keys: keys}, Path: *policies,
		MaxAge: *maxAge, Poll: *poll, Check: *check, Adopt: *adopt, Logger: logger, Step: step,
	})
	close(made)
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	reports := &reporter{node: nodeToken(*node), p: p, client: client, conn: conn}
	if *listen != "" {
		l, err := net.Listen("tcp", *listen)
		if err != nil {
			return fmt.Errorf("-listen: %w", err)
		}
		server := &http.Server{Handler: report.Door(func() *report.Report { return reports.now(ctx) }), ReadHeaderTimeout: 5 * time.Second, ErrorLog: nil}
		defer server.Close()
		go func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				logger.Error("metrics are not served any more", "error", err.Error())
			}
		}()
		logger.Info("serving metrics and probes", "address", l.Addr().String())
	}
	var all sync.WaitGroup
	all.Go(func() { reports.run(ctx) })
	err = p.Run(ctx)
	cancel()
	all.Wait()
	return err
}

// nodeToken returns a node's name as one word of a subject.
func nodeToken(node string) string {
	b := []byte(node)
	for i := range b {
		if b[i] == '.' {
			b[i] = '_'
		}
	}
	return string(b)
}

// reporter tells what a puller has.
type reporter struct {
	node   string
	p      *pull.Puller
	client *report.Client // nil: no sidecar is asked
	conn   *stream.Conn
}

func (r *reporter) now(ctx context.Context) *report.Report {
	var s *report.Sidecar
	if r.client != nil {
		s = r.client.Ask(ctx)
	}
	return report.Of(r.node, r.p.State(), s, time.Now().UTC())
}

// run reports each reportEvery, and soon after something changed.
func (r *reporter) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var last time.Time
	var told pull.State
	for {
		s := r.p.State()
		changed := s.Position != told.Position || s.Err != told.Err
		if now := time.Now(); (changed || now.Sub(last) >= reportEvery) && r.conn.Connected() {
			if data, err := json.Marshal(r.now(ctx)); err == nil && r.conn.Report(r.node, data) == nil {
				if last, told = now, s; changed {
					last = now.Add(2*time.Second - reportEvery) // once more when the sidecar has it
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
