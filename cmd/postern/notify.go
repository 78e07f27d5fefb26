package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// notifier tells the service manager how the process is (specification 9.1, systemd). It
// does nothing where none asked for that.
type notifier struct {
	socket string // "": nobody listens
	logger *slog.Logger
	ready  sync.Once
}

// newNotifier returns the notifier that the environment asks for.
func newNotifier(env lookup, logger *slog.Logger) *notifier {
	n := &notifier{logger: logger}
	if path, ok := env("NOTIFY_SOCKET"); ok && path != "" {
		if path[0] == '@' {
			path = "\x00" + path[1:]
		}
		n.socket = path
	}
	return n
}

func (n *notifier) tell(state string) {
	if n.socket == "" {
		return
	}
	c, err := net.Dial("unixgram", n.socket)
	if err == nil {
		_, err = c.Write([]byte(state))
		c.Close()
	}
	if err != nil {
		n.logger.Warn("the service manager cannot be told", "state", state, "error", err.Error())
	}
}

// isReady tells, once, that decisions are served.
func (n *notifier) isReady() { n.ready.Do(func() { n.tell("READY=1") }) }

// stopping tells that the process ends.
func (n *notifier) stopping() { n.tell("STOPPING=1") }

// watchdog tells that the process is alive, as often as the service manager asks for,
// until ctx is done. Before each time alive must return within that time.
func (n *notifier) watchdog(ctx context.Context, env lookup, alive func(context.Context) bool) {
	text, _ := env("WATCHDOG_USEC")
	if pid, ok := env("WATCHDOG_PID"); ok && pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return
	}
	usec, err := strconv.ParseInt(text, 10, 64)
	if err != nil || usec <= 0 || n.socket == "" {
		return
	}
	every := time.Duration(usec) * time.Microsecond / 2
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		limit, cancel := context.WithTimeout(ctx, every)
		if alive(limit) {
			n.tell("WATCHDOG=1")
		} else if ctx.Err() == nil {
			n.logger.Error("the server does not answer itself; the service manager is not told that it is alive")
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// answers returns a function that reports whether the server on l accepts a connection and
// answers /readyz at all.
func answers(l net.Listener) func(context.Context) bool {
	network, at := l.Addr().Network(), l.Addr().String()
	return func(ctx context.Context) bool {
		c, err := new(net.Dialer).DialContext(ctx, network, at)
		if err != nil {
			return false
		}
		defer c.Close()
		if deadline, ok := ctx.Deadline(); ok {
			c.SetDeadline(deadline)
		}
		if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")); err != nil {
			return false
		}
		n, err := c.Read(make([]byte, 16))
		return n > 0 && err == nil
	}
}
