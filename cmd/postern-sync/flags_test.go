package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"postern/cmd/postern-sync/internal/natstest"
	"postern/cmd/postern-sync/internal/push"
	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// -fail-on refuses a push that changes decisions in that direction, as postern diff finds
// it, and no other.
func TestFailOn(t *testing.T) {
	c := newCommandLine(t, natstest.Start(t, nil))
	c.flags = append(c.flags, "-verify-key", c.key("key.pub"))
	from := t.TempDir()
	push := func(code int, says, effect, failOn, after string) {
		t.Helper()
		put(t, from, "acme/buckets/one.json", bucket("one", effect), "acme/access-policies/p.json", organization("Allow"))
		c.push(code, says, from, "-fail-on", failOn, "-postern", posternBinary(t))
		c.push(exitOK, after, from) // without -fail-on
	}
	push(exitOK, "revision 1.1, 2 files", "Deny", "gained", "1.1, nothing") // nothing is there to compare with
	push(exitFound, "nothing is published, as -fail-on gained says", "Allow", "gained", "1.2, 1 files changed")
	push(exitOK, "revision 1.3, ", "Deny", "gained", "1.3, nothing")
	push(exitOK, "revision 1.4, ", "Allow", "lost", "1.4, nothing")
	push(exitFound, "nothing is published, as -fail-on lost says", "Deny", "lost", "1.5, 1 files changed")
	push(exitFound, "nothing is published, as -fail-on any says", "Allow", "any", "1.6, 1 files changed")
	put(t, from, "acme/buckets/one.json", bucket("one", "Deny"))
	c.push(exitFailed, "postern diff: ", from, "-fail-on", "gained", "-postern", filepath.Join(t.TempDir(), "none"))
	c.push(exitFailed, "write gained, lost or any", from, "-fail-on", "all")
	c.does(exitOK, "revision 1.6 of", append([]string{"status"}, c.flags...)...)
}

// -epoch begins anew after the streams were lost: machines that are ahead of the new
// streams say so, and take the new epoch. No push goes back to an older one.
func TestEpoch(t *testing.T) {
	port := natstest.FreePort(t)
	on := func(o *server.Options) { o.Port = port }
	first := natstest.Start(t, on)
	c := newCommandLine(t, first)
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "p")
	push := func(says, effect string, more ...string) {
		t.Helper()
		put(t, from, "acme/buckets/one.json", bucket("one", effect))
		c.push(exitOK, says, from, more...)
	}
	push("revision 1.1", "Allow", "-epoch", "1")
	push("revision 1.2", "Deny")
	log, _ := c.pull(to)
	c.await("it is pulled", func() bool { return same(from, to) }, log)
	last := files(to)

	first.Shutdown()
	first.WaitForShutdown()
	natstest.Start(t, on) // with an empty folder
	c.does(exitOK, "", append([]string{"init"}, c.flags...)...)
	push("revision 1.1", "Allow")
	put(t, from, "acme/buckets/two.json", bucket("two", "Allow"))
	push("revision 1.2", "Allow")
	c.await("the other revision is told", func() bool { return strings.Contains(log.String(), "there are two revisions 1.2") }, log)
	if now := files(to); now["acme/buckets/one.json"] != last["acme/buckets/one.json"] || len(now) != len(last) {
		t.Errorf("it went to %v", now)
	}
	c.push(exitOK, "revision 2.1, 2 files changed", from, "-epoch", "2")
	c.await("the new epoch is pulled", func() bool { return same(from, to) }, log)
	c.push(exitFailed, "-epoch 1 is below the fleet's, which is 2", from, "-epoch", "1")
	push("revision 2.2", "Deny")
	c.await("it goes on", func() bool { return same(from, to) }, log)
}

// A machine without state takes no revision that is older than -max-age, and a heartbeat
// tells it that the newest is no old one. One with state asks no clock.
func TestMaxAge(t *testing.T) {
	s := natstest.Start(t, nil)
	c := newCommandLine(t, s)
	key, err := revision.ReadSignKey(c.key("key.key"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := stream.Connect(stream.Config{Servers: []string{s.ClientURL()}, Prefix: "acme.test"}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	from := t.TempDir()
	pushed := func(effect string, age time.Duration) {
		t.Helper()
		put(t, from, "acme/buckets/one.json", bucket("one", effect))
		d, err := push.Read(t.Context(), from, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		p := push.Pusher{Conn: conn, Fleet: "default", Key: key, By: "me", Now: func() time.Time { return time.Now().Add(-age) }}
		if _, err := p.Push(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(log *buffer, dir string) {
		t.Helper()
		c.await("its age is told", func() bool { return strings.Contains(log.String(), "(-max-age)") }, log)
		if len(files(dir)) > 0 {
			t.Errorf("it took %v", files(dir))
		}
	}
	base := t.TempDir()
	pushed("Allow", 49*time.Hour)
	log, stop := c.pull(filepath.Join(base, "with state"), "-max-age", "50h")
	c.await("a machine with a longer -max-age", func() bool { return same(from, filepath.Join(base, "with state")) }, log)
	stop()
	pushed("Deny", 47*time.Hour)
	log, _ = c.pull(filepath.Join(base, "with state"), "-max-age", "1ns")
	c.await("a machine with state", func() bool { return same(from, filepath.Join(base, "with state")) }, log)
	cold, _ := c.pull(filepath.Join(base, "cold"))
	refused(cold, filepath.Join(base, "cold"))
	short, _ := c.pull(filepath.Join(base, "short"), "-max-age", "1ns")
	c.push(exitOK, "revision 1.3, 0 files changed", "", "-heartbeat")
	c.await("after a heartbeat", func() bool { return same(from, filepath.Join(base, "cold")) }, cold)
	refused(short, filepath.Join(base, "short"))
	c.does(exitFailed, "are above 0", append([]string{"pull", "-policies", base, "-verify-key", c.key("key.pub"), "-max-age", "0s"}, c.flags...)...)
}

// -sidecar has the state of the sidecar in the table, by TCP and by socket: that it has
// the revision in force, that a unit is quarantined, that it does not answer.
func TestSidecarFlag(t *testing.T) {
	c := newCommandLine(t, natstest.Start(t, nil))
	from, base := t.TempDir(), t.TempDir()
	address, socket := "127.0.0.1:"+port(t), filepath.Join(base, "socket")
	serve := func(dir string, flags ...string) *process {
		t.Helper()
		if err := os.Mkdir(filepath.Join(base, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		return start(t, func() *exec.Cmd {
			return exec.Command(posternBinary(t), append([]string{"serve", "-policies", filepath.Join(base, dir), "-max-file", "400"}, flags...)...)
		})
	}
	byTCP, bySocket := serve("tcp", "-listen", address), serve("socket-dir", "-listen", "none", "-socket", socket)
	put(t, from, "acme/buckets/one.json", bucket("one", "Allow"))
	c.push(exitOK, "revision 1.1", from)
	log, _ := c.pull(filepath.Join(base, "tcp"), "-node", "a", "-sidecar", "http://"+address)
	c.pull(filepath.Join(base, "socket-dir"), "-node", "b", "-sidecar", "unix:"+socket)
	table := func(says ...string) {
		t.Helper()
		var out buffer
		defer func() { t.Logf("\n%s", out.String()) }()
		c.await(strings.Join(says, ", "), func() bool {
			out = buffer{}
			run(t.Context(), append([]string{"status", "-fleet", "-verify-key", c.key("key.pub")}, c.flags...), func(string) (string, bool) { return "", false }, &out, &out)
			for _, s := range says {
				if !strings.Contains(out.String(), s) {
					return false
				}
			}
			return true
		}, log)
	}
	table("2 of 2 have revision 1.1")
	put(t, from, "acme/buckets/big.json", bucket("big", "Allow")+strings.Repeat(" ", 400))
	c.push(exitOK, "revision 1.2", from)
	table("0 of 2 have revision 1.2", "1 quarantined: acme/buckets/big.json")
	byTCP.kill()
	bySocket.kill()
	os.Remove(filepath.Join(from, "acme/buckets/big.json"))
	c.push(exitOK, "revision 1.3", from)
	table("0 of 2 have revision 1.3", "a     1.3", "b     1.3", "its sidecar does not answer: ", "connection refused", "socket")
	c.does(exitFailed, `-sidecar "localhost" is none; write a URL`, append([]string{"pull", "-policies", base, "-verify-key", c.key("key.pub"), "-sidecar", "localhost"}, c.flags...)...)
}

// A directory that had policies before it had a puller is left alone, and said to be;
// -adopt takes it over, but for what it cannot know.
func TestAdopt(t *testing.T) {
	c := newCommandLine(t, natstest.Start(t, nil))
	from, to := t.TempDir(), t.TempDir()
	put(t, from, "acme/buckets/one.json", bucket("one", "Allow"), "acme/buckets/two.json", bucket("two", "Allow"))
	put(t, to, "acme/buckets/one.json", bucket("one", "Deny"), "acme/buckets/two.json", bucket("two", "Allow"), "other/buckets/x.json", bucket("x", "Allow"), "README.md", "mine")
	mine := files(to)
	c.push(exitOK, "revision 1.1", from)
	log, stop := c.pull(to)
	c.await("what is there is told", func() bool {
		return strings.Contains(log.String(), "acme/buckets/one.json is not from a revision") && strings.Contains(log.String(), "start once with -adopt")
	}, log)
	stop()
	if now := files(to); len(now) != len(mine) || now["acme/buckets/one.json"] != mine["acme/buckets/one.json"] {
		t.Errorf("without -adopt it has %v", now)
	}
	if err := os.Symlink("acme", filepath.Join(to, "link")); err != nil {
		t.Fatal(err)
	}
	log, stop = c.pull(to, "-adopt")
	c.await("a link is told", func() bool {
		return strings.Contains(log.String(), "-adopt cannot take the directory over") && strings.Contains(log.String(), "link is a link")
	}, log)
	stop()
	os.Remove(filepath.Join(to, "link"))
	log, _ = c.pull(to, "-adopt")
	c.await("it is taken over", func() bool { return same(from, to) }, log)
	if data, err := os.ReadFile(filepath.Join(to, "README.md")); err != nil || string(data) != "mine" {
		t.Errorf("what is no policy: %q, %v", data, err)
	}
	if _, err := os.Lstat(filepath.Join(to, "other")); err == nil {
		t.Error("the folder of an organization that is in no revision is there")
	}
}
