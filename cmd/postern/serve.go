package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"postern/index"
	"postern/loader"
)

// shutdownLimit bounds how long SIGTERM waits for answers in flight.
const shutdownLimit = 10 * time.Second

const serveExamples = `  postern serve -policies /etc/postern
  postern serve -policies /etc/postern -listen none -socket /run/postern/postern.sock
  postern serve -policies /etc/postern -default-org acme -state /var/lib/postern
  POSTERN_POLICIES=/etc/postern POSTERN_LISTEN=127.0.0.1:9000 postern serve

Ask it:
  curl -s 127.0.0.1:8180/access/v1/evaluation -H 'Content-Type: application/json' -d '{
    "subject": {"type": "role", "id": "Admin", "properties": {"org": "acme"}},
    "action": {"name": "s3:GetObject"},
    "resource": {"type": "object", "id": "my-bucket/key"}}'

SIGHUP reads the policies again at once; SIGTERM answers what is in flight and ends.
`

type serveOptions struct {
	policyFlags
	listen, socket, state, publicURL string
	socketGroup                      string
	metricsListen                    string
	allowHosts                       list
	explain                          choice
	allowRemote, allowEmpty          bool
	stateSync                        bool
	rescan, reread                   time.Duration
	maxBody                          size
	maxConnections                   int
	doorFlags
	decisions logFlags
	explore   string
	exploreFlags
}

func (o *serveOptions) define(fs *flags) {
	o.policyFlags.define(fs)
	o.explain = choice{"on", []string{"on", "off"}}
	o.maxBody = 1 << 20
	fs.StringVar(&o.listen, "listen", "127.0.0.1:8180", "TCP `ADDRESS` to serve on, or "+noListen)
	fs.StringVar(&o.socket, "socket", "", "`PATH` of a Unix socket to serve on too, mode 0660")
	fs.StringVar(&o.socketGroup, "socket-group", "", "`NAME` of the group that the Unix socket is given to; its members may connect")
	fs.StringVar(&o.metricsListen, "metrics-listen", "", "TCP `ADDRESS` that has /metrics, /healthz and /readyz and nothing else; other machines may reach it")
	fs.BoolVar(&o.allowEmpty, "allow-empty", false, "be ready (/readyz) although the policy directory holds no policy file")
	fs.StringVar(&o.state, "state", "", "`DIR` where last good policies survive a restart")
	fs.BoolVar(&o.stateSync, "state-sync", false, "wait for the disk before a change is in force, so that -state is not behind after a loss of power")
	fs.StringVar(&o.publicURL, "public-url", "", "`URL` under which clients reach the server, for its metadata")
	fs.Var(&o.allowHosts, "allow-host", "accept this `NAME` in Host too, for a proxy's upstream; may be repeated")
	fs.Var(&o.explain, "explain", "`on|off`: whether X-Postern-Explain is answered")
	fs.BoolVar(&o.allowRemote, "allow-remote", false, "allow a -listen that other machines can reach")
	fs.DurationVar(&o.rescan, "rescan", time.Minute, "`INTERVAL` at which the whole directory is looked at, in case an event was missed")
	fs.DurationVar(&o.reread, "reread", time.Hour, "`INTERVAL` in which every file is read once, in case its content changed and its time did not")
	fs.Var(&o.maxBody, "max-body", "largest request body, in `BYTES`")
	o.doorFlags.define(fs)
	o.decisions.define(fs)
	fs.StringVar(&o.explore, "explore", "", "loopback `ADDRESS` of a page that shows what is decided and why; whoever has its URL may read the policies")
	o.exploreFlags.define(fs)
	fs.IntVar(&o.maxConnections, "max-connections", 4096, "`N`: most connections at once that may ask; further ones get 429, but for probes")
}

func (o *serveOptions) check() error {
	if err := o.policyFlags.check(); err != nil {
		return err
	}
	if o.rescan <= 0 {
		return usagef("-rescan %s is no interval; write one above 0, like 60s", o.rescan)
	}
	if o.reread <= 0 {
		return usagef("-reread %s is no interval; write one above 0, like 1h", o.reread)
	}
	switch {
	case o.explore != "" && o.explain.value == "off":
		return usagef("-explore shows what -explain off keeps back; leave one of the two out")
	case o.explore == "" && len(o.tests) > 0:
		return usagef("-explore-tests is for the explorer; write -explore 127.0.0.1:PORT too")
	case o.explore == "" && len(o.compare) > 0:
		return usagef("-explore-compare is for the explorer; write -explore 127.0.0.1:PORT too")
	}
	if o.maxConnections < 1 {
		return usagef("-max-connections %d admits nobody; write a number above 0", o.maxConnections)
	}
	if err := o.decisions.check(); err != nil {
		return err
	}
	if o.socketGroup != "" && o.socket == "" {
		return usagef("-socket-group %s needs -socket PATH", o.socketGroup)
	}
	if o.listen == "" {
		return usagef("-listen is empty; write an address like 127.0.0.1:8180, or %s to serve the socket only", noListen)
	}
	if _, port, err := net.SplitHostPort(o.metricsListen); o.metricsListen != "" && (err != nil || port == "") {
		return usagef("-metrics-listen %q is no address; write HOST:PORT or :PORT, like 127.0.0.1:9180 or :9180", o.metricsListen)
	}
	return nil
}

func (o *serveOptions) config(current *index.Current, logger *slog.Logger) loader.Config {
	c := o.policyFlags.config(current, logger)
	c.StateDir, c.StateSync = o.state, o.stateSync
	c.Rescan, c.Reread = o.rescan, o.reread
	return c
}

func runServe(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("serve", "serve -policies DIR [flags]", serveExamples)
	var o serveOptions
	o.define(fs)
	rest, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(rest) > 0 {
		err = usagef("takes no arguments, but got %q; did you mean -policies %s?", rest[0], rest[0])
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return complain(errs, "serve", err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	if err := serve(ctx, &o, hangup, env, newLogger(errs), errs); err != nil {
		return complain(errs, "serve", err)
	}
	return exitOK
}
