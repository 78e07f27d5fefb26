package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// noListen is the value of -listen with which no TCP address is served.
const noListen = "none"

// socketMode is the mode of the Unix socket: the owner and the group of the process may
// connect, and nobody else (specification 3).
const socketMode = 0o660

// listen opens the TCP address and the Unix socket. Either may be left out, but not
// both. After an error nothing is open.
func listen(ctx context.Context, address, socket string, remote bool) ([]net.Listener, error) {
	var open []net.Listener
	if address != noListen {
		if err := checkAddress(ctx, address, remote); err != nil {
			return nil, err
		}
		l, err := listenTCP(ctx, "-listen", address)
		if err != nil {
			return nil, err
		}
		open = append(open, l)
	}
	if socket != "" {
		l, err := listenUnix(ctx, socket)
		if err != nil {
			for _, o := range open {
				o.Close()
			}
			return nil, err
		}
		open = append(open, l)
	}
	if len(open) == 0 {
		return nil, usagef("-listen %s needs -socket PATH: there would be nothing to serve on", noListen)
	}
	return open, nil
}

// listenTCP opens a TCP address. flag is the flag that it is from, for errors.
func listenTCP(ctx context.Context, flag, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another process; stop it, or choose another address with %s (%w)", address, flag, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return l, nil
}

// checkAddress returns an error if other machines could reach the address, unless remote
// allows that: whoever can connect is trusted with subject, resource and context
// (specification 3.3).
func checkAddress(ctx context.Context, address string, remote bool) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return usagef("-listen %q is no address; write HOST:PORT, like 127.0.0.1:8180, [::1]:8180 or localhost:8180, or %s", address, noListen)
	}
	if remote {
		return nil
	}
	refuse := func(what string) error {
		return usagef("-listen %s %s; anyone who can reach it could ask in any caller's name. Write -listen 127.0.0.1:%s, or add -allow-remote if a firewall or mesh guards it", address, what, port)
	}
	if host == "" {
		return refuse("is every address of this machine")
	}
	if ip := net.ParseIP(host); ip != nil {
		if !ip.IsLoopback() {
			return refuse("is not a loopback address")
		}
		return nil
	}
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return usagef("-listen %s: %v; write an address, like 127.0.0.1:%s", address, err, port)
	}
	for _, a := range addresses {
		if !a.IP.IsLoopback() {
			return refuse("is " + a.String() + ", not a loopback address")
		}
	}
	return nil
}

// listenUnix makes a Unix socket. The socket has its mode from the beginning, since
// anyone could connect between a bind and a chmod. A socket file on which nobody answers
// was left by a process that is gone, and is replaced. Anything else at that path is an
// error.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if longest := len(syscall.RawSockaddrUnix{}.Path) - 1; len(path) > longest {
		return nil, usagef("-socket path has %d bytes, and the system allows %d; choose a shorter one", len(path), longest)
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("-socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("-socket %s is there already and is no socket; remove it, or choose another path", path)
	default:
		dialer := net.Dialer{Timeout: time.Second}
		c, err := dialer.DialContext(ctx, "unix", path)
		if err == nil {
			c.Close()
			return nil, fmt.Errorf("-socket %s is in use by another process; stop it, or choose another path", path)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("-socket %s is there already, and it cannot be told whether another process uses it: %w", path, err)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("-socket: the socket of a process that is gone cannot be removed: %w", err)
		}
	}
	old := syscall.Umask(0o777 &^ socketMode)
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("-socket: %w", err)
	}
	return l, nil
}
