package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"postern/cmd/postern-sync/internal/history"
	"postern/cmd/postern-sync/internal/natstest"
	"postern/cmd/postern-sync/internal/pull"
	"postern/cmd/postern-sync/internal/push"
	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// The speed that specification 9.2 promises, each as a ratio that is at most 2. For
// figures, on a machine that does nothing else:
//
//	go test -run XXX -bench . -benchtime 1x -timeout 1h .

// compared reports the p99 of two sides and their ratio.
func compared(b *testing.B, ours, theirs []time.Duration, name string) {
	p := func(times []time.Duration, percent int) time.Duration {
		slices.Sort(times)
		return times[(len(times)-1)*percent/100]
	}
	b.Logf("ours p50 %v p99 %v, %s p50 %v p99 %v, of %d and %d", p(ours, 50), p(ours, 99), name, p(theirs, 50), p(theirs, 99), len(ours), len(theirs))
	b.ReportMetric(0, "ns/op") // the time of both sides means nothing
	b.ReportMetric(p(ours, 99).Seconds()*1000, "ours-p99-ms")
	b.ReportMetric(p(theirs, 99).Seconds()*1000, name+"-p99-ms")
	b.ReportMetric(float64(p(ours, 99))/float64(p(theirs, 99)), "ratio")
}

// BenchmarkVerified: from a revision's ack to its being verified in memory, in 200 pullers
// in this process, by turns with 200 bare subscribers of what the server publishes, who
// get the same bytes. A puller that is ready waits for all others before it goes on to
// its directory.
func BenchmarkVerified(b *testing.B) {
	const subscribers, rounds = 200, 60
	s := natstest.Start(b, nil)
	connect := func(prefix string) *stream.Conn {
		c, err := stream.Connect(stream.Config{Servers: []string{s.ClientURL()}, Prefix: prefix}, false)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(c.Close)
		return c
	}
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	to := map[string]*stream.Conn{"ours": connect("ours"), "bare": connect("bare")}
	for _, c := range to {
		if err := c.Create(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
	var mutex sync.Mutex
	var times []time.Time
	var all chan struct{} // is closed once each subscriber has come
	here := func() {
		now := time.Now()
		mutex.Lock()
		times = append(times, now)
		if len(times) == subscribers {
			close(all)
		}
		wait := all
		mutex.Unlock()
		<-wait
	}
	tree := &revision.Tree{}
	head := &history.Head{Revision: &revision.Revision{}}
	publish := func(which string, data []byte, behind uint64) (out []time.Duration) {
		mutex.Lock()
		times, all = nil, make(chan struct{})
		done := all
		mutex.Unlock()
		if _, err := to[which].Publish(b.Context(), data, revision.Sign(key, data), behind); err != nil {
			b.Fatal(err)
		}
		acked := time.Now()
		<-done
		for _, t := range times {
			out = append(out, max(t.Sub(acked), 0))
		}
		return out
	}
	ctx, stop := context.WithCancel(b.Context())
	var pullers sync.WaitGroup
	defer pullers.Wait()
	defer stop()
	var fleet []*pull.Puller
	base, err := os.MkdirTemp("/dev/shm", "fleet") // what comes after it is not measured
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(base) })
	for i := range subscribers {
		log := connect("ours")
		p := pull.New(pull.Config{
			Log: log, Reader: &history.Reader{Log: log, Fleet: "f", Keys: []ed25519.PublicKey{public}}, Path: filepath.Join(base, fmt.Sprint(i)),
			Poll: time.Hour, Check: time.Hour, Step: func(what string) error {
				if strings.HasPrefix(what, "stage ") {
					here()
				}
				return nil
			},
		})
		fleet = append(fleet, p)
		pullers.Go(func() {
			if err := p.Run(ctx); err != nil {
				b.Error(err)
			}
		})
		nc, err := nats.Connect(s.ClientURL())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(nc.Close)
		if _, err := nc.Subscribe("bare.live", func(*nats.Msg) { here() }); err != nil {
			b.Fatal(err)
		}
		nc.Flush()
	}
	for _, p := range fleet { // each has asked, and found nothing
		for p.State().Contact.IsZero() {
			time.Sleep(time.Millisecond)
		}
	}
	var ours, bare []time.Duration
	for b.Loop() {
		for n := range uint64(rounds) {
			content := []byte(strings.Replace(bucket("one", "Allow"), `"Effect"`, fmt.Sprintf(`"Sid":"v%d","Effect"`, n), 1))
			f := revision.File{Sum: revision.SumOf(content), Size: int64(len(content))}
			tree.Set("acme/buckets/one.json", f)
			next := &revision.Revision{Format: revision.Format, Fleet: "f", Epoch: 1, Number: head.Number + 1, Previous: head.Message, Digest: tree.Digest(), Count: 1, Time: time.Now().UTC(), By: "me",
				Changes: []revision.Change{{Path: "acme/buckets/one.json", File: f, Inline: content}}}
			data, err := next.Encode()
			if err != nil {
				b.Fatal(err)
			}
			behind := next.Number - 1
			head = &history.Head{Revision: next, Message: revision.SumOf(data)}
			bare = append(bare, publish("bare", data, behind)...)
			ours = append(ours, publish("ours", data, behind)...)
			for _, p := range fleet {
				for p.State().Position.ID != next.ID() {
					time.Sleep(time.Millisecond)
				}
			}
		}
	}
	compared(b, ours[subscribers:], bare[subscribers:], "bare") // the first turn warms up
}

// published is when the log of a sidecar says that the files of that digest came into
// force.
func published(log, digest string) (t time.Time) {
	for line := range strings.Lines(log) {
		if !strings.Contains(line, digest) {
			continue
		}
		var x struct {
			Msg  string
			Time time.Time
		}
		if json.Unmarshal([]byte(line), &x) == nil && x.Msg == "generation published" {
			t = x.Time
		}
	}
	return t
}

// BenchmarkDecided: from a revision's ack to its being in force in fifty sidecars as
// processes, each with a puller as one, by turns with a shell that copies the same files
// into fifty folders under .hold, from its start.
func BenchmarkDecided(b *testing.B) {
	for _, count := range []int{1, 10, 500} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			rounds := 8
			f := newTestFleet(b, []string{natstest.Start(b, nil).ClientURL()}, 1)
			base := f.base
			var copied []*process
			script := ""
			for i := range sidecars {
				dir := filepath.Join(base, fmt.Sprint("copied-", i))
				if err := os.Mkdir(dir, 0o755); err != nil {
					b.Fatal(err)
				}
				copied = append(copied, start(b, func() *exec.Cmd {
					return exec.Command(posternBinary(b), "serve", "-policies", dir, "-listen", "none", "-socket", dir+".socket")
				}))
				script += fmt.Sprintf(": >%s/.hold; cp -r %s/. %s/; rm %s/.hold\n", dir, f.from, dir, dir)
				f.add()
			}
			key, err := revision.ReadSignKey(f.key("key.key"))
			if err != nil {
				b.Fatal(err)
			}
			conn, err := stream.Connect(stream.Config{Servers: []string{f.urls[0]}, Prefix: "acme.test"}, false)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			await := func(p *process, digest string, since time.Time) time.Duration {
				for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
					if t := published(p.log.String(), digest); !t.IsZero() {
						return max(t.Sub(since), 0)
					}
					if time.Now().After(end) {
						b.Fatalf("%s is not in force:\n%s", digest, p.log.String())
					}
				}
			}
			var ours, theirs []time.Duration
			for b.Loop() {
				for n := range rounds + 1 {
					put(b, f.from, "acme/access-policies/p.json", organization("Allow"))
					for i := range count {
						name := fmt.Sprint("b", i)
						put(b, f.from, "acme/buckets/"+name+".json", strings.Replace(bucket(name, "Allow"), `"Effect"`, fmt.Sprintf(`"Sid":"v%d","Effect"`, n), 1))
					}
					d, err := push.Read(b.Context(), f.from, 1<<20)
					if err != nil {
						b.Fatal(err)
					}
					digest := d.Tree.Digest().String()
					p := push.Pusher{Conn: conn, Fleet: "default", Key: key, By: "me"}
					if _, err := p.Push(b.Context(), d); err != nil {
						b.Fatal(err)
					}
					acked := time.Now()
					for _, m := range f.machines {
						if t := await(m.sidecar, digest, acked); n > 0 {
							ours = append(ours, t)
						}
					}
					time.Sleep(500 * time.Millisecond) // reports are told
					began := time.Now()
					if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
						b.Fatalf("%v\n%s", err, out)
					}
					for _, p := range copied {
						if t := await(p, digest, began); n > 0 {
							theirs = append(theirs, t)
						}
					}
					for _, p := range copied {
						p.log.Reset()
					}
					for _, m := range f.machines {
						m.sidecar.log.Reset()
					}
				}
			}
			compared(b, ours, theirs, "cp")
		})
	}
}

// BenchmarkColdStart: from nothing to a directory of 100,000 files on the disk, by turns
// with reading as many files and writing them elsewhere, on the disk too.
func BenchmarkColdStart(b *testing.B) {
	const count, rounds = 100_000, 3
	conn := natstest.Connect(b, 1, natstest.Start(b, nil))
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	from := b.TempDir()
	for i := range count {
		name := fmt.Sprint("b", i)
		put(b, from, fmt.Sprintf("o%d/buckets/%s.json", i%100, name), wide(name))
	}
	d, err := push.Read(b.Context(), from, 1<<20)
	if err != nil {
		b.Fatal(err)
	}
	p := push.Pusher{Conn: conn, Fleet: "f", Key: key, By: "me"}
	result, err := p.Push(b.Context(), d)
	if err != nil {
		b.Fatal(err)
	}
	d = nil
	var ours, theirs []time.Duration
	for b.Loop() {
		for n := range rounds {
			dir := filepath.Join(b.TempDir(), fmt.Sprint(n))
			unix.Sync()
			began := time.Now()
			if err := copyTree(from, dir); err != nil {
				b.Fatal(err)
			}
			theirs = append(theirs, time.Since(began))
			os.RemoveAll(dir)
			unix.Sync()
			began = time.Now()
			ctx, stop := context.WithCancel(b.Context())
			puller := pull.New(pull.Config{Log: conn, Reader: &history.Reader{Log: conn, Fleet: "f", Keys: []ed25519.PublicKey{public}}, Path: dir})
			ended := make(chan error, 1)
			go func() { ended <- puller.Run(ctx) }()
			for puller.State().Position.ID != result.Revision.ID() {
				time.Sleep(time.Millisecond)
			}
			ours = append(ours, time.Since(began))
			stop()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
			os.RemoveAll(dir)
		}
	}
	compared(b, ours, theirs, "copy")
}

// wide is a bucket's policy of some 1,600 bytes.
func wide(name string) string {
	more := ""
	for i := range 30 {
		more += fmt.Sprintf(`,"arn:aws:s3:::%s/%s/part-%02d/*"`, name, strings.Repeat(string(rune('a'+i%26)), 12), i)
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%s/*"%s]}]}`, name, more)
}

// copyTree reads all files and writes them to another folder, whose file system it syncs.
func copyTree(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	err := filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), data, 0o644)
	})
	if err != nil {
		return err
	}
	f, err := os.Open(to)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
