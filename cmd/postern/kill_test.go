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
	if strings.HasSuffix(body.Context.Reason, "_unavailable") {
		return 0
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
// writing the mirror, breaks every file, right before or right after, kills it
// again while it restores, and wants no unit behind what was seen in force: at
// that content or a later one, or denying; and where it had the time to mirror
// what was written last, at that.
func TestKill9(t *testing.T) {
	base := t.TempDir()
	k := &killed{T: t, dir: filepath.Join(base, "p"), state: filepath.Join(base, "s"), socket: filepath.Join(base, "sock")}
	k.client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", k.socket)
	}}
	write(t, k.dir, "acme/buckets.json", `{"buckets":["open"]}`, "acme/access-policies/x", "", "acme/buckets/x", "")
	inForce := map[string]int{} // the latest version seen, by unit
	see := func() {
		for _, u := range versionedUnits {
			inForce[u.unit] = max(inForce[u.unit], k.seen(u))
		}
	}
	smash := func() {
		for _, u := range versionedUnits {
			k.put(u.file, "{")
		}
	}
	denied, restored, started := 0, 0, time.Now()
	n := rounds(t, 12)
	for round := range n {
		k.next()
		s := k.serve()
		settled := false
		switch round % 4 {
		case 0: // whatever it is at
			for end := time.Now().Add(time.Duration(rand.IntN(200)) * time.Millisecond); time.Now().Before(end); see() {
				k.next()
				time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
			}
		case 3: // once all is mirrored
			k.await()
			for end := time.Now().Add(patience); !settled; settled = k.settled() {
				if see(); time.Now().After(end) {
					t.Fatal("the mirror does not catch up")
				}
			}
			see()
		default: // as soon as what was written last is in force
			k.await()
			time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
			k.next()
			for end := time.Now().Add(patience); inForce[versionedUnits[round%3].unit] < k.version; see() {
				if time.Now().After(end) {
					t.Fatal("it does not take up what is written")
				}
			}
		}
		if !settled && rand.IntN(2) == 0 {
			smash()
		}
		k.end(s)
		smash()
		s = k.serve() // it restores, and mirrors what it restored
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		k.end(s)
		s = k.serve()
		k.await()
		for _, u := range versionedUnits {
			v := k.seen(u)
			switch {
			case v == 0 && !settled:
				denied++
			case v < inForce[u.unit] || settled && v < k.version || v > k.version:
				t.Fatalf("round %d: %s is at version %d; %d was seen in force, and %d written", round, u.unit, v, inForce[u.unit], k.version)
			default:
				restored++
			}
		}
		k.end(s)
	}
	t.Logf("%d kills in %d rounds, %v: %d units came back with what was in force or later, %d denied", 3*n, n, time.Since(started).Round(time.Second), restored, denied)
}

// settled reports whether the mirror has caught up: no marks are left.
func (k *killed) settled() bool {
	fi, err := os.Stat(filepath.Join(k.state, "overtaken.marks"))
	return err == nil && fi.Size() == int64(len("postern-marks 1\n"))
}
