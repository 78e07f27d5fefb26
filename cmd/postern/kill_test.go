package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killed is a policy directory that is changed all the time, and a server of it
// that is killed again and again. Each unit holds a version, a number that an
// answer tells.
type killed struct {
	*testing.T
	dir, state, socket string
	client             http.Client
	version            int // last written
}

// unit is a unit of the policy directory, and the bucket that tells its version.
type versioned struct {
	file, unit, bucket string
	content            func(version int) string
}

var versionedUnits = []versioned{
	{"acme/access-policies/p.json", "acme/access-policies", "open", func(v int) string {
		return fmt.Sprintf(`{"version":"v1alpha1","name":"v%d","statements":[{"name":"s","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`, v)
	}},
	{"acme/buckets/b.json", "acme/buckets/b.json", "b", func(v int) string { return denyVersion("b", v) }},
	{"acme/buckets/c.json", "acme/buckets/c.json", "c", func(v int) string { return denyVersion("c", v) }},
}

func denyVersion(bucket string, v int) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Sid":"v%d","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::%s/*"}}`, v, bucket)
}

// put writes a file as a careful writer does.
func (k *killed) put(file, content string) {
	k.Helper()
	at := filepath.Join(k.dir, file)
	if err := os.WriteFile(at+".tmp", []byte(content), 0o644); err != nil {
		k.Fatal(err)
	}
	if err := os.Rename(at+".tmp", at); err != nil {
		k.Fatal(err)
	}
}

// next writes the next version of each unit.
func (k *killed) next() {
	k.Helper()
	k.version++
	for _, u := range versionedUnits {
		k.put(u.file, u.content(k.version))
	}
}

// serve starts the server; it is not waited for.
func (k *killed) serve() *exec.Cmd {
	k.Helper()
	cmd := exec.Command(binary, "serve", "-policies", k.dir, "-state", k.state, "-listen", "none", "-socket", k.socket)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if k.Failed() {
			k.Log("a server's log:\n" + log.String())
		}
	})
	return cmd
}

// end kills the server with -9.
func (k *killed) end(cmd *exec.Cmd) {
	k.Helper()
	cmd.Process.Kill()
	cmd.Wait()
	if s := cmd.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != syscall.SIGKILL {
		k.Fatalf("it ended by itself: %v", cmd.ProcessState)
	}
}

// seen is the version of a unit that is in force, -1 if the server does not
// answer, 0 if it denies for want of content.
func (k *killed) seen(u versioned) int {
	r, err := http.NewRequest("POST", "http://postern/access/v1/evaluation", strings.NewReader(strings.Replace(readKey, "b/k", u.bucket+"/k", 1)))
	if err != nil {
		k.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Postern-Explain", "true")
	answer, err := k.client.Do(r)
	if err != nil {
		return -1
	}
	defer answer.Body.Close()
	var body struct {
		Decision bool
		Context  struct {
			Reason      string
			Determining []struct{ Document, Statement string }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); answer.StatusCode == 503 {
		return -1
	} else if err != nil || answer.StatusCode != 200 {
		k.Fatalf("%d, %v", answer.StatusCode, err)
	}
	if body.Decision != (u.bucket == "open") {
		k.Fatalf("%s: decision %v: %s", u.unit, body.Decision, body.Context.Reason)
	}
	version := 0
	for _, d := range body.Context.Determining {
		for _, name := range []string{d.Document, d.Statement} {
			fmt.Sscanf(name, "v%d", &version)
		}
	}
	return version
}

// await waits until the server answers.
func (k *killed) await() {
	k.Helper()
	for end := time.Now().Add(patience); k.seen(versionedUnits[0]) < 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			k.Fatal("it does not serve")
		}
	}
}

// TestKill9 kills the server at a random moment of its start, of a reload or of
// writing the mirror, breaks every file, kills it again while it restores, and
// wants each unit at its last good content: the one last in force, or the one
// before, as the mirror is written after each generation and before the next.
func TestKill9(t *testing.T) {
	base := t.TempDir()
	k := &killed{T: t, dir: filepath.Join(base, "p"), state: filepath.Join(base, "s"), socket: filepath.Join(base, "sock")}
	k.client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", k.socket)
	}}
	write(t, k.dir, "acme/buckets.json", `{"buckets":["open"]}`, "acme/access-policies/x", "", "acme/buckets/x", "")
	k.next()
	first := k.serve()
	k.await()
	k.next()
	for k.seen(versionedUnits[2]) < 2 { // so that version 1 is mirrored
		time.Sleep(time.Millisecond)
	}
	k.end(first)

	restored := map[string]int{}
	for _, u := range versionedUnits {
		restored[u.unit] = 1
	}
	behind, latest, started := 0, 0, time.Now()
	n := rounds(t, 10)
	for round := range n {
		s := k.serve()
		inForce, before := map[string]int{}, map[string]int{}
		for end := time.Now().Add(time.Duration(rand.IntN(200)) * time.Millisecond); time.Now().Before(end); {
			k.next()
			time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
			for _, u := range versionedUnits {
				if v := k.seen(u); v > 0 && v != inForce[u.unit] {
					before[u.unit], inForce[u.unit] = inForce[u.unit], v
				}
			}
		}
		k.next() // a reload, and the mirror, are under way when it ends
		time.Sleep(time.Duration(20_000+rand.IntN(30_000)) * time.Microsecond)
		k.end(s)

		for _, u := range versionedUnits {
			k.put(u.file, "{")
		}
		s = k.serve() // it restores, and mirrors what it restored
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		k.end(s)
		s = k.serve()
		k.await()
		for _, u := range versionedUnits {
			v := k.seen(u)
			// The version in force may not be mirrored yet; the one before is.
			if v < restored[u.unit] || v < before[u.unit] || v > k.version {
				t.Fatalf("round %d: %s is at version %d; it was restored at %d, then %d and %d were in force, and %d written",
					round, u.unit, v, restored[u.unit], before[u.unit], inForce[u.unit], k.version)
			}
			if v < inForce[u.unit] {
				behind++
			}
			if v == k.version {
				latest++
			}
			restored[u.unit] = v
		}
		k.end(s)
	}
	t.Logf("%d kills in %d rounds, %v; of %d units, %d came back at what was last written, %d at what was in force before what was last seen so",
		3*n+1, n, time.Since(started).Round(time.Second), n*len(versionedUnits), latest, behind)
}
