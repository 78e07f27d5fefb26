package push

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/cmd/postern-sync/internal/apply"
	"postern/cmd/postern-sync/internal/history"
	"postern/cmd/postern-sync/internal/natstest"
	"postern/cmd/postern-sync/internal/pull"
	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// fleet is one whose pusher publishes many revisions without reading each: it knows the
// newest.
type fleet struct {
	*testing.T
	*Pusher
	newest   *state
	contents map[string]string
}

func newFleet(t *testing.T) *fleet {
	conn := natstest.Connect(t, 1, natstest.Start(t, nil))
	f := &fleet{T: t, Pusher: newPusher(t, conn, "me"), contents: map[string]string{}}
	f.push(map[string]string{"o/buckets/first.json": "first"})
	return f
}

// push publishes a revision with these contents beside those that are there; "" removes.
func (f *fleet) push(contents map[string]string) *revision.Revision {
	f.Helper()
	maps.Copy(f.contents, contents)
	maps.DeleteFunc(f.contents, func(_, content string) bool { return content == "" })
	result, err := f.Push(f.Context(), directory(f.contents))
	if err != nil {
		f.Fatal(err)
	}
	if f.newest, err = f.Pusher.newest(f.Context()); err != nil {
		f.Fatal(err)
	}
	return result.Revision
}

// until publishes revisions of one small file each, up to that one.
func (f *fleet) until(number uint64) *revision.Revision {
	f.Helper()
	for f.newest.head.Number < number {
		next, _, err := f.next(f.newest)
		if err != nil {
			f.Fatal(err)
		}
		content := fmt.Sprint(next.Number)
		f.contents["o/buckets/small.json"] = content
		tree := f.newest.target.Tree.Clone()
		tree.Set("o/buckets/small.json", revision.File{Sum: revision.SumOf([]byte(content)), Size: int64(len(content))})
		contents := map[revision.Sum][]byte{}
		for _, content := range f.contents {
			contents[revision.SumOf([]byte(content))] = []byte(content)
		}
		if _, err := f.publish(f.Context(), f.newest, next, tree, tree.Difference(f.newest.target.Tree), contents); err != nil {
			f.Fatal(err)
		}
		data, err := next.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.newest.head = &history.Head{Revision: next, Message: revision.SumOf(data), Sequence: f.newest.head.Sequence + 1}
		f.newest.target = &history.Target{Tree: tree}
		clear(f.newest.named)
	}
	return f.newest.head.Revision
}

// counted counts what a machine reads.
type counted struct {
	*stream.Conn
	revisions, blobs atomic.Int64
}

func (c *counted) At(ctx context.Context, sequence uint64) (*stream.Message, error) {
	c.revisions.Add(1)
	return c.Conn.At(ctx, sequence)
}

func (c *counted) Blob(ctx context.Context, name string) ([]byte, error) {
	c.blobs.Add(1)
	return c.Conn.Blob(ctx, name)
}

// comes has a machine pull until it has the newest revision, and returns what it read.
func (f *fleet) comes(machine, dir string) *counted {
	f.Helper()
	log := &counted{Conn: f.Conn}
	p := pull.New(pull.Config{
		Log: log, Reader: &history.Reader{Log: log, Fleet: f.Fleet, Keys: []ed25519.PublicKey{f.Key.Public().(ed25519.PublicKey)}},
		Path: dir, Poll: 20 * time.Millisecond, Now: f.now,
	})
	ctx, stop := context.WithCancel(f.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	for end := time.Now().Add(time.Minute); p.State().Position.ID != f.newest.head.ID(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			f.Errorf("%s does not come to revision %s: %s", machine, f.newest.head.ID(), p.State().Err)
			break
		}
	}
	stop()
	if err := <-ended; err != nil {
		f.Error(err)
	}
	d, err := apply.Open(dir, nil)
	if err != nil {
		f.Fatal(err)
	}
	defer d.Close()
	if err := d.Check(); err != nil || d.Tree().Digest() != f.newest.head.Digest {
		f.Errorf("%s: %v", machine, err)
	}
	return log
}

// A snapshot comes every 500 revisions, and brings whoever begins, or was away for more
// than the stream keeps, to the newest.
func TestSnapshot(t *testing.T) {
	f := newFleet(t)
	big := strings.Repeat("x", mostInline)
	f.push(map[string]string{"o/buckets/big.json": big, "p/buckets/gone.json": "1"})
	away := filepath.Join(t.TempDir(), "away")
	f.until(10)
	f.comes("the machine that will be away", away)
	f.push(map[string]string{"p/buckets/gone.json": ""})
	for _, x := range []struct{ number, snapshot uint64 }{{500, 1}, {501, 501}, {1000, 501}, {1001, 1001}, {1100, 1001}} {
		if r := f.until(x.number); r.Snapshot.Revision != x.snapshot {
			t.Errorf("revision %d names the snapshot of %d, want %d", x.number, r.Snapshot.Revision, x.snapshot)
		}
	}
	if m, err := f.Conn.At(t.Context(), 100); err == nil {
		t.Fatalf("the stream has the message %d yet, of %d", m.Sequence, f.newest.head.Sequence)
	}
	for machine, dir := range map[string]string{"who was away": away, "who begins": filepath.Join(t.TempDir(), "new")} {
		log := f.comes(machine, dir)
		if n := log.revisions.Load(); n > 99 { // 1,001 to 1,099
			t.Errorf("%s read %d revisions", machine, n)
		}
		t.Logf("%s read %d revisions and %d blobs", machine, log.revisions.Load(), log.blobs.Load())
	}
}

// kept returns the blobs that the revisions of the stream name, themselves or by their
// snapshots.
func (f *fleet) kept() map[string]bool {
	f.Helper()
	out := map[string]bool{}
	for n := uint64(1); n <= f.newest.head.Sequence; n++ {
		m, err := f.Conn.At(f.Context(), n)
		if errors.Is(err, stream.ErrNone) {
			continue
		}
		if err != nil {
			f.Fatal(err)
		}
		v, err := revision.Decode(m.Data)
		if err != nil {
			f.Fatal(err)
		}
		lists := []*revision.List{v.List, &v.Snapshot.List}
		for _, l := range lists {
			if l == nil || out[l.Index[0].String()] {
				continue
			}
			x, err := f.reader().Index(f.Context(), l)
			if err != nil {
				f.Fatal(err)
			}
			for _, name := range append(x.Blobs(), l.Index...) {
				out[name.String()] = true
			}
		}
	}
	return out
}

// stored returns the blobs that are stored, and fails if one that is kept is not.
func (f *fleet) stored() map[string]bool {
	f.Helper()
	out, err := f.Conn.Blobs(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	for name := range f.kept() {
		if !out[name] {
			f.Fatalf("the blob %s is removed, and a kept revision names it", name)
		}
	}
	return out
}

// A blob is removed once nothing that is kept has named it for 7 days, and no other one
// is: not one that a kept revision or snapshot names, nor one that somebody has stored
// again for a revision that is not published yet.
func TestCollect(t *testing.T) {
	f := newFleet(t)
	clock := time.Now()
	f.Now = func() time.Time { return clock }
	collect := func() map[string]bool {
		t.Helper()
		if err := f.collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		return f.stored()
	}
	big := func(what string) map[string]string {
		return map[string]string{"o/buckets/big.json": strings.Repeat(what, mostInline)}
	}
	f.push(big("a"))
	f.push(big("b"))
	f.push(big("c"))
	f.until(1000)
	before := f.stored()
	if named := f.kept(); !maps.Equal(named, before) {
		t.Fatalf("%d blobs are stored, of which %d are named; the first revisions are to be kept", len(before), len(named))
	}
	f.until(1503) // 1,501 made a snapshot, and looked
	f.until(1600)
	named := f.kept()
	if len(named) >= len(before) {
		t.Fatalf("of %d blobs %d are named yet", len(before), len(named))
	}
	collect()
	clock = clock.Add(7*24*time.Hour - time.Second)
	if now := collect(); len(now) <= len(named) {
		t.Fatalf("a second before 7 days %d blobs are stored, of which %d are named", len(now), len(named))
	}

	// One of them is named again, and one is stored again.
	f.push(big("a"))
	f.push(big("d"))
	named = f.kept()
	var again string
	for name := range before {
		if !named[name] {
			again = name
		}
	}
	data, err := f.Conn.Blob(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Conn.PutBlob(t.Context(), again, data); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(2 * time.Second)
	named[again] = true
	if now := collect(); !maps.Equal(now, named) {
		t.Errorf("after 7 days %d blobs are stored, and %d are named, or were just stored: %v", len(now), len(named), now[again])
	}
	f.until(f.newest.head.Number + 1)
	f.comes("who begins", filepath.Join(t.TempDir(), "new"))

	// It waits for 7 days of its own.
	collect()
	clock = clock.Add(7*24*time.Hour + time.Second)
	delete(named, again)
	if now := collect(); !maps.Equal(now, named) {
		t.Errorf("at the end %d blobs are stored, and %d are named", len(now), len(named))
	}
}
