package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// firstPassed is the first file descriptor that a service manager passes.
const firstPassed = 3

// passed are the listeners that the service manager opened before the process began
// (specification 9.1, systemd), so that a restart refuses no connection.
type passed struct {
	serve []net.Listener // in place of -listen and -socket
	watch []net.Listener // those called "metrics", in place of -metrics-listen
}

// inherit takes the sockets that were passed to this process, if any were. remote allows
// one that other machines can reach.
func inherit(ctx context.Context, env lookup, remote bool) (*passed, error) {
	p := new(passed)
	pid, _ := env("LISTEN_PID")
	count, _ := env("LISTEN_FDS")
	if pid != strconv.Itoa(os.Getpid()) || count == "" {
		return p, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 64 {
		return nil, fmt.Errorf("LISTEN_FDS is %q, and is to be a number of sockets", count)
	}
	list, _ := env("LISTEN_FDNAMES")
	names := strings.Split(list, ":")
	for i := range n {
		syscall.CloseOnExec(firstPassed + i)
		f := os.NewFile(uintptr(firstPassed+i), fmt.Sprintf("passed socket %d", i))
		l, err := net.FileListener(f)
		f.Close()
		if err != nil {
			p.close()
			return nil, fmt.Errorf("passed socket %d: %w", i, err)
		}
		if i < len(names) && names[i] == "metrics" {
			p.watch = append(p.watch, l)
			continue
		}
		p.serve = append(p.serve, l)
		if l.Addr().Network() == "tcp" {
			if err := checkAddress(ctx, l.Addr().String(), remote); err != nil {
				p.close()
				return nil, fmt.Errorf("passed socket %d: %w", i, err)
			}
		}
	}
	return p, nil
}

func (p *passed) close() {
	for _, l := range append(p.serve, p.watch...) {
		l.Close()
	}
}

// giveGroup gives the Unix socket at path to a group, whose members may connect.
func giveGroup(path, group string) error {
	g, err := user.LookupGroup(group)
	if err != nil {
		return usagef("-socket-group: %v", err)
	}
	id, err := strconv.Atoi(g.Gid)
	if err != nil {
		return fmt.Errorf("-socket-group: the group %s has the number %q", group, g.Gid)
	}
	if err := os.Lchown(path, -1, id); err != nil {
		return fmt.Errorf("-socket-group: %w", err)
	}
	return nil
}
