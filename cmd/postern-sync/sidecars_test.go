package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/cmd/postern-sync/internal/push"
)

// sidecars is how many machines TestSidecars has: a sidecar and a puller each.
const sidecars = 50

// downFor is the environment variable of how long TestSidecars has no server of NATS; by
// default 5 s.
const downFor = "POSTERN_SYNC_TEST_DOWN"

// machine is one of a fleet, whose sidecar and puller are processes.
type machine struct {
	name, dir       string
	sidecar, puller *process
	kill            string // what the next puller has killed, see killAt
	client          http.Client
	calm            atomic.Bool // neither is being killed
}

// testFleet are machines, and what was pushed to them.
type testFleet struct {
	*commandLine
	urls     []string // of the servers of NATS
	from     string   // what is pushed
	base     string   // has the machines' folders
	machines []*machine

	mutex    sync.Mutex
	pushed   map[string]int // the order of pushes, by digest
	answered atomic.Int64
}

// newTestFleet returns a fleet without machines, whose streams are stored on that many
// servers.
func newTestFleet(t testing.TB, urls []string, replicas int) *testFleet {
	t.Helper()
	base, err := os.MkdirTemp("", "fleet") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	f := &testFleet{
		commandLine: &commandLine{TB: t, dir: t.TempDir(), flags: []string{"-prefix", "acme.test", "-nats", strings.Join(urls, ",")}},
		urls:        urls, from: t.TempDir(), base: base, pushed: map[string]int{},
	}
	f.does(exitOK, "key.pub", "keygen", f.key("key"))
	f.answers("init", "-replicas", fmt.Sprint(replicas))
	return f
}

// answers waits until a command does its work: servers choose a leader first.
func (f *testFleet) answers(command string, more ...string) {
	f.Helper()
	log := new(buffer)
	f.await(command, func() bool {
		log.Reset()
		args := append(append([]string{command}, f.flags...), more...)
		return run(f.Context(), args, func(string) (string, bool) { return "", false }, log, log) == exitOK
	}, log)
}

func (f *testFleet) add() *machine {
	f.Helper()
	m := &machine{name: fmt.Sprint("m", len(f.machines)), dir: filepath.Join(f.base, fmt.Sprint(len(f.machines)))}
	socket := m.dir + ".socket"
	m.client.Timeout = 10 * time.Second
	m.client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	if err := os.Mkdir(m.dir, 0o755); err != nil {
		f.Fatal(err)
	}
	m.sidecar = start(f, func() *exec.Cmd {
		return exec.Command(posternBinary(f), "serve", "-policies", m.dir, "-listen", "none", "-socket", socket)
	})
	m.puller = start(f, func() *exec.Cmd {
		cmd := itself(append([]string{"pull", "-policies", m.dir, "-verify-key", f.key("key.pub"), "-poll", "1s", "-node", m.name, "-sidecar", "unix:" + socket}, f.flags...)...)
		cmd.Env = append(cmd.Env, killAt+"="+m.kill)
		return cmd
	})
	f.machines = append(f.machines, m)
	return m
}

// push publishes a revision in which the buckets of a pair, of two organizations, allow
// both or deny both, and others change, come and go.
func (f *testFleet) push(n int) string {
	f.Helper()
	effect := []string{"Allow", "Deny"}[n%2]
	put(f, f.from, "a/access-policies/p.json", organization("Allow"), "b/access-policies/p.json", organization("Allow"),
		"a/buckets/always.json", bucket("always", "Allow"), "a/buckets/pair-a.json", bucket("pair-a", effect), "b/buckets/pair-b.json", bucket("pair-b", effect),
		fmt.Sprintf("c%d/buckets/c%d.json", n%3, n%3), bucket(fmt.Sprint("c", n%3), effect))
	os.RemoveAll(filepath.Join(f.from, fmt.Sprint("c", (n+1)%3)))
	name := fmt.Sprint("n", n)
	put(f, f.from, "a/buckets/"+name+".json", bucket(name, effect))
	d, err := push.Read(f.Context(), f.from, 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	digest := d.Tree.Digest().String()
	f.mutex.Lock()
	f.pushed[digest] = n
	f.mutex.Unlock()
	f.commandLine.push(exitOK, "digest "+digest, f.from)
	return digest
}

// has reports whether the sidecar has the revision of that digest in force.
func (m *machine) has(digest string) bool {
	r, err := m.client.Get("http://postern/readyz")
	if err != nil {
		return false
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	return err == nil && r.StatusCode == 200 && strings.Contains(string(data), digest)
}

func (f *testFleet) all(digest string) {
	f.Helper()
	for _, m := range f.machines {
		f.await(m.name+" has it", func() bool { return m.has(digest) }, &m.puller.log)
	}
}

const pair = `{"action":{"name":"s3:GetObject"},"evaluations":[
	{"subject":{"type":"user","id":"u","properties":{"org":"a"}},"resource":{"type":"object","id":"pair-a/k"}},
	{"subject":{"type":"user","id":"u","properties":{"org":"b"}},"resource":{"type":"object","id":"pair-b/k"}},
	{"subject":{"type":"user","id":"u","properties":{"org":"a"}},"resource":{"type":"object","id":"always/k"}}]}`

// watch asks every sidecar for decisions, again and again, until ctx is done: no answer
// has half of a push, or denies what every revision allows, and a machine that is calm
// answers.
func (f *testFleet) watch(ctx context.Context, machines []*machine) {
	for ctx.Err() == nil {
		for _, m := range machines {
			calm := m.calm.Load()
			r, err := m.client.Post("http://postern/access/v1/evaluations", "application/json", strings.NewReader(pair))
			var body struct{ Evaluations []struct{ Decision bool } }
			var data []byte
			if err == nil {
				data, err = io.ReadAll(r.Body)
				r.Body.Close()
			}
			if err == nil && r.StatusCode == 200 {
				err = json.Unmarshal(data, &body)
			} else if err == nil {
				err = fmt.Errorf("status %d", r.StatusCode)
			}
			switch e := body.Evaluations; {
			case err != nil || len(e) != 3:
				if calm && m.calm.Load() {
					f.Errorf("%s does not answer: %v %s", m.name, err, data)
				}
				continue
			case e[0].Decision != e[1].Decision:
				f.Errorf("%s has half of a push: %s", m.name, data)
			case !e[2].Decision:
				f.Errorf("%s denies what every revision allows: %s", m.name, data)
			}
			f.answered.Add(1)
			time.Sleep(5 * time.Millisecond) // the machine is theirs, too
		}
	}
}

// promised holds every generation that a sidecar has ever put in force to the promises.
func (f *testFleet) promised(m *machine) (generations int) {
	last := -1
	for line := range strings.Lines(m.sidecar.log.String()) {
		var x struct {
			Msg, Digest string
			Files       int
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			f.Errorf("%s: %v: %s", m.name, err, line)
		}
		if x.Msg != "generation published" || x.Files == 0 {
			continue
		}
		n, ok := f.pushed[x.Digest]
		switch {
		case !ok:
			f.Errorf("%s: a generation that nobody pushed: %s", m.name, line)
		case n < last:
			f.Errorf("%s: push %d after %d", m.name, n, last)
		}
		last = n
		generations++
	}
	return generations
}

// TestSidecars is a fleet of processes: three servers of NATS, and fifty machines with a
// sidecar and a puller each. Pullers, sidecars, both, and servers are killed with SIGKILL,
// the first two at each step of an apply; then all servers are gone for a while; then a
// machine is new. No sidecar ever has half of a push in force, or an older one after a
// newer; nothing is denied that was allowed; and all come to the last revision.
func TestSidecars(t *testing.T) {
	posternBinary(t)
	servers, urls := cluster(t)
	f := newTestFleet(t, urls, 3)
	began := time.Now()
	for range sidecars {
		f.add()
	}
	n := 0
	next := func() string { n++; return f.push(n) }
	f.all(next())
	t.Logf("%s: %d machines have the first revision", time.Since(began).Round(time.Millisecond), sidecars)

	ctx, stop := context.WithCancel(t.Context())
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer stop()
	for _, part := range [][]*machine{f.machines[:sidecars/2], f.machines[sidecars/2:]} {
		watchers.Go(func() { f.watch(ctx, part) })
	}
	calm := func(is bool) {
		for _, m := range f.machines {
			m.calm.Store(is)
		}
	}

	// Machine i is struck at step i.
	for round, whom := range []func(sidecar int) string{
		func(int) string { return "0" },
		func(sidecar int) string { return fmt.Sprint(sidecar) },
		func(sidecar int) string { return fmt.Sprint(sidecar, " 0") },
	} {
		for i, m := range f.machines {
			m.kill = fmt.Sprint(i, " ", whom(m.sidecar.cmd.Process.Pid))
			m.puller.again()
		}
		servers[round].kill()
		digest := next()
		died := 0
		time.Sleep(time.Second) // those that die do so
		for _, m := range f.machines {
			m.kill = ""
			dead := m.puller.dead()
			if m.sidecar.dead() {
				dead = true
				m.sidecar.again()
			}
			if dead {
				died++
			}
			m.puller.again()
		}
		servers[round].start()
		f.all(digest)
		t.Logf("%s: round %d: %d machines were struck at their steps", time.Since(began).Round(time.Millisecond), round, died)
		if died < 15 {
			t.Errorf("round %d: %d machines were struck, which are fewer than an apply has steps", round, died)
		}
	}

	// No server for a while. Whoever begins then, begins.
	calm(true)
	down := 5 * time.Second
	if s := os.Getenv(downFor); s != "" {
		var err error
		if down, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range servers {
		s.kill()
	}
	before := f.answered.Load()
	time.Sleep(down / 2)
	again := f.machines[7]
	again.calm.Store(false)
	again.sidecar.again()
	again.puller.again()
	f.await("a sidecar that begins without servers", func() bool { return again.has(f.last()) }, &again.sidecar.log)
	again.calm.Store(true)
	time.Sleep(down / 2)
	t.Logf("%s: %d times nothing was denied in %s without servers", time.Since(began).Round(time.Millisecond), f.answered.Load()-before, down)
	for _, s := range servers {
		s.start()
	}
	f.answers("status", "-verify-key", f.key("key.pub"))
	f.all(next())
	t.Logf("%s: all have the revision after that", time.Since(began).Round(time.Millisecond))

	f.add()
	f.all(f.last())
	stop()
	watchers.Wait()
	for _, m := range f.machines {
		m.puller.cmd.Process.Kill()
		m.sidecar.cmd.Process.Kill()
	}
	t.Logf("%s: killed", time.Since(began).Round(time.Millisecond))
	generations := 0
	for _, m := range f.machines {
		generations += f.promised(m)
	}
	t.Logf("%s: %d generations of %d sidecars, %d answers", time.Since(began).Round(time.Millisecond), generations, len(f.machines), f.answered.Load())
}

// last is the digest of the last push.
func (f *testFleet) last() string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	last, out := -1, ""
	for digest, n := range f.pushed {
		if n > last {
			last, out = n, digest
		}
	}
	return out
}
