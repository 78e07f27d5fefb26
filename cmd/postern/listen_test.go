package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Attack class 10, identity from an untrusted hop: who can ask can ask in any
// name, so only this machine can, unless it is allowed in so many words.
func TestAttack10LoopbackOnly(t *testing.T) {
	ctx := context.Background()
	for _, a := range []string{"127.0.0.1:8180", "127.0.0.2:0", "[::1]:8180", "localhost:8180"} {
		if err := checkAddress(ctx, a, false); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	for _, a := range []string{"0.0.0.0:8180", ":8180", "[::]:8180", "192.0.2.1:80", "[2001:db8::1]:80"} {
		if err := checkAddress(ctx, a, false); err == nil || !strings.Contains(err.Error(), "-allow-remote") {
			t.Errorf("%s: %v", a, err)
		}
		if err := checkAddress(ctx, a, true); err != nil {
			t.Errorf("%s with -allow-remote: %v", a, err)
		}
	}
	for _, a := range []string{"8180", "127.0.0.1", "127.0.0.1:", "::1"} {
		if err := checkAddress(ctx, a, true); err == nil || !strings.Contains(err.Error(), "write HOST:PORT") {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestSocket(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "s")
	open := func(want string) net.Listener {
		t.Helper()
		ls, err := listen(ctx, noListen, path, false)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("got %v, want %q", err, want)
			}
			return nil
		}
		if err != nil || len(ls) != 1 {
			t.Fatal(ls, err)
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != os.ModeSocket|0o660 {
			t.Fatalf("mode %v, %v", info.Mode(), err)
		}
		return ls[0]
	}
	first := open("")
	open("in use by another process")
	first.(*net.UnixListener).SetUnlinkOnClose(false)
	first.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal("no stale socket to try:", err)
	}
	second := open("") // replaces the stale one
	second.Close()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Error("the socket is left behind:", err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	open("is no socket")
	if data, err := os.ReadFile(path); err != nil || string(data) != "precious" {
		t.Error("the file at the path was touched:", err)
	}
	path = filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	open("choose a shorter one")
}

func TestListenFailsWhole(t *testing.T) {
	ctx := context.Background()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := listen(ctx, l.Addr().String(), "", false); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("an address in use: %v", err)
	}
	address := freeAddress(t)
	if _, err := listen(ctx, address, filepath.Join(t.TempDir(), "no", "such", "folder"), false); err == nil {
		t.Error("a socket in no folder is served")
	}
	again, err := net.Listen("tcp", address)
	if err != nil {
		t.Error("the TCP address stayed open when the socket failed:", err)
	} else {
		again.Close()
	}
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
