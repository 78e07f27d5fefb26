package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"postern/cmd/postern-sync/internal/natstest"
)

// patience is how long what must happen is waited for.
const patience = time.Minute

// buffer is a text that is written and read at once.
type buffer struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

func (b *buffer) Reset() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.text.Reset()
}

func (b *buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// commandLine runs commands against one server.
type commandLine struct {
	testing.TB
	dir   string
	flags []string // of every command
}

func newCommandLine(t *testing.T, s *server.Server) *commandLine {
	c := &commandLine{TB: t, dir: t.TempDir(), flags: []string{"-nats", s.ClientURL(), "-prefix", "acme.test"}}
	c.does(exitOK, "key.pub", "keygen", filepath.Join(c.dir, "key"))
	c.does(exitOK, "", append([]string{"init"}, c.flags...)...)
	return c
}

func (c *commandLine) key(name string) string { return filepath.Join(c.dir, name) }

// does runs a command, and wants an exit code and a part of what it prints.
func (c *commandLine) does(code int, says string, args ...string) string {
	c.Helper()
	var out buffer
	got := run(c.Context(), args, func(string) (string, bool) { return "", false }, &out, &out)
	if got != code || !strings.Contains(out.String(), says) {
		c.Fatalf("%q: exit %d, want %d, with %q:\n%s", args, got, code, says, out.String())
	}
	return out.String()
}

func (c *commandLine) push(code int, says, dir string, more ...string) string {
	c.Helper()
	args := append([]string{"push", "-sign-key", c.key("key.key")}, c.flags...)
	if dir != "" {
		args = append(args, "-policies", dir)
	}
	return c.does(code, says, append(args, more...)...)
}

// pull runs a puller until the returned function is called.
func (c *commandLine) pull(dir string, more ...string) (log *buffer, stop func()) {
	c.Helper()
	ctx, cancel := context.WithCancel(c.Context())
	log = new(buffer)
	ended := make(chan int, 1)
	go func() {
		args := append([]string{"pull", "-policies", dir, "-verify-key", c.key("key.pub"), "-poll", "200ms"}, c.flags...)
		ended <- run(ctx, append(args, more...), func(string) (string, bool) { return "", false }, log, log)
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if code := <-ended; code != 0 {
				c.Errorf("the puller ended with %d:\n%s", code, log)
			}
		})
	}
	c.Cleanup(stop)
	return log, stop
}

func (c *commandLine) await(what string, is func() bool, log *buffer) {
	c.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("%s: it does not come to be:\n%s", what, log)
		}
	}
}

// files are the policy files of a directory: content by path.
func files(dir string) map[string]string {
	out := map[string]string{}
	filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(name, ".json") && !strings.Contains(name, "/.sync/") {
			data, _ := os.ReadFile(name)
			path, _ := filepath.Rel(dir, name)
			out[path] = string(data)
		}
		return nil
	})
	return out
}

func same(a, b string) bool { return maps.Equal(files(a), files(b)) }

func put(t testing.TB, dir string, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		name := filepath.Join(dir, pairs[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(pairs[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func bucket(name, effect string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":%q,"Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}}`, effect, name, name)
}

func organization(effect string) string {
	return fmt.Sprintf(`{"version":"v1alpha1","name":"p","statements":[{"name":"s","effect":%q,"actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`, effect)
}

// TestPushAndPull is the whole from the command line: a push, a second one, what push
// refuses, a puller that follows, one that starts cold, and the tables.
func TestPushAndPull(t *testing.T) {
	c := newCommandLine(t, natstest.Start(t, nil))
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "policies")
	put(t, from, "acme/buckets/one.json", bucket("one", "Allow"), "acme/access-policies/p.json", organization("Allow"), "README.md", "mine")
	c.push(exitOK, "revision 1.1, 2 files changed, 2 files", from)
	c.push(exitOK, "revision 1.1, nothing to publish", from)
	log, stop := c.pull(to, "-node", "n.1", "-listen", "127.0.0.1:0")
	c.await("the first revision", func() bool { return same(from, to) }, log)

	put(t, from, "acme/buckets/two.json", bucket("two", "Deny"))
	c.push(exitOK, "revision 1.2, 1 files changed, 3 files", from)
	c.await("one more", func() bool { return same(from, to) }, log)

	put(t, from, "acme/buckets/three.json", "{")
	c.push(exitFound, "buckets/three.json:1:", from)
	put(t, from, "acme/buckets/three.json", bucket("three", "Allow"), ".hold", "")
	c.push(exitFailed, ".hold stands", from)
	os.Remove(filepath.Join(from, ".hold"))
	for _, b := range []string{"one", "two", "three"} {
		os.Remove(filepath.Join(from, "acme/buckets", b+".json"))
	}
	c.push(exitFailed, "would lose all of its bucket policies", from)
	os.RemoveAll(filepath.Join(from, "acme/access-policies"))
	put(t, from, "other/buckets/x.json", bucket("x", "Allow"))
	os.RemoveAll(filepath.Join(from, "acme"))
	c.push(exitOK, "revision 1.3, 4 files changed, 1 files", from)
	c.await("an organization less", func() bool { return same(from, to) }, log)
	if _, err := os.Lstat(filepath.Join(to, "acme")); err == nil {
		t.Error("the folder of an organization that is gone is there")
	}

	// A new machine, and one whose state is behind by everything.
	cold := filepath.Join(t.TempDir(), "p")
	coldLog, _ := c.pull(cold, "-node", "n2")
	c.await("a cold start", func() bool { return same(from, cold) }, coldLog)
	c.push(exitOK, "revision 1.3, nothing to publish", "", "-heartbeat")

	status := func(code int, says string, more ...string) string {
		return c.does(code, says, append(append([]string{"status", "-verify-key", c.key("key.pub")}, c.flags...), more...)...)
	}
	status(exitOK, "revision 1.3 of ")
	var table string
	c.await("both report", func() bool {
		var out buffer
		run(t.Context(), append([]string{"status", "-fleet", "-verify-key", c.key("key.pub")}, c.flags...), func(string) (string, bool) { return "", false }, &out, &out)
		table = out.String()
		return strings.Contains(table, "2 of 2 have revision 1.3")
	}, log)
	t.Logf("\n%s", table)

	// Its probes.
	var address string
	for line := range strings.SplitSeq(log.String(), "\n") {
		var x map[string]any
		if json.Unmarshal([]byte(line), &x) == nil && x["msg"] == "serving metrics and probes" {
			address = x["address"].(string)
		}
	}
	for path, says := range map[string]string{"/healthz": "ok", "/readyz": `"revision":{"epoch":1,"revision":3}`, "/metrics": "postern_sync_revision 3\n"} {
		if code, body := get(t, "http://"+address+path); code != 200 || !strings.Contains(body, says) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if promtool, err := exec.LookPath("promtool"); err == nil {
		_, body := get(t, "http://"+address+"/metrics")
		check := exec.Command(promtool, "check", "metrics")
		check.Stdin = strings.NewReader(body)
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool: %v %s", err, out)
		}
	}

	// By hand.
	stop()
	put(t, to, "other/buckets/mine.json", bucket("mine", "Allow"))
	log, stop = c.pull(to, "-node", "n1")
	c.await("a stray is told", func() bool { return strings.Contains(log.String(), "other/buckets/mine.json is not from a revision") }, log)
	stop()
	log, _ = c.pull(to, "-node", "n1", "-adopt")
	c.await("it is taken over", func() bool { return same(from, to) }, log)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(data)
}

// TestUsage: what was written wrong is told, and the exit code is 2.
func TestUsage(t *testing.T) {
	for args, says := range map[string]string{
		"":                 "Usage: postern-sync COMMAND",
		"pul":              `unknown command "pul"`,
		"push":             "-sign-key is missing",
		"push -sign-key x": "write either -policies DIR or -heartbeat",
		"pull":             "-policies is missing",
		"pull -policies x": "-verify-key is missing",
		"pull -policies x -verify-key k -node a/b": "-node",
		"status":                    "-verify-key is missing",
		"init":                      "-nats is missing",
		"init -nats x -prefix a..b": "the prefix",
		"keygen":                    "1 arguments are wanted",
	} {
		var out buffer
		if code := run(t.Context(), strings.Fields(args), os.LookupEnv, &out, &out); code != exitFailed || !strings.Contains(out.String(), says) {
			t.Errorf("%q: exit %d, %s", args, code, out.String())
		}
	}
}
