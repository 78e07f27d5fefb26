package push

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/cmd/postern-sync/internal/natstest"
	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// directory is one that has the files of these contents.
func directory(contents map[string]string) *Directory {
	d := &Directory{Contents: map[string][]byte{}}
	files := map[string]revision.File{}
	for path, content := range contents {
		d.Contents[path] = []byte(content)
		files[path] = revision.File{Sum: revision.SumOf([]byte(content)), Size: int64(len(content))}
	}
	d.Tree = revision.NewTree(files)
	return d
}

func newPusher(t *testing.T, conn *stream.Conn, by string) *Pusher {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Pusher{Conn: conn, Fleet: "f", Key: key, By: by}
}

// Whatever is lost on the way of a revision, whoever pushes is told what is true: it is
// published, once, or who came first. An answer that is lost on a connection that stays
// is as one on a connection that ends.
func TestLost(t *testing.T) {
	const message = "HPUB test.rev "
	for name, x := range map[string]struct {
		loss        natstest.Loss
		otherBefore bool // another pushes before the message goes on
		otherAfter  bool // another pushes when it is lost
		overtaken   bool
		revisions   uint64 // that the stream has at the end
	}{
		"the answer":                           {natstest.Loss{}, false, false, false, 2},
		"the answer, and the connection":       {natstest.Loss{Cut: true}, false, false, false, 2},
		"the answer, and another follows":      {natstest.Loss{}, false, true, false, 3},
		"the message":                          {natstest.Loss{Message: true}, false, false, false, 2},
		"the message, and another comes first": {natstest.Loss{Message: true, Cut: true}, false, true, true, 2},
		"the refusal":                          {natstest.Loss{}, true, false, true, 2},
		"the refusal, and the connection":      {natstest.Loss{Cut: true}, true, false, true, 2},
		"the answer to a blob":                 {natstest.Loss{Of: "PUB test.blob."}, false, false, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := natstest.Start(t, nil)
			direct := natstest.Connect(t, 1, s)
			other := newPusher(t, direct, "bob@there")
			if _, err := other.Push(t.Context(), directory(map[string]string{"o/buckets/a.json": "1"})); err != nil {
				t.Fatal(err)
			}
			content := "alice's"
			if x.loss.Of == "" {
				x.loss.Of = message
			} else {
				content = strings.Repeat("much ", mostInline)
			}
			push := func() {
				if _, err := other.Push(t.Context(), directory(map[string]string{"o/buckets/a.json": "bob's"})); err != nil {
					t.Error(err)
				}
			}
			if x.otherBefore {
				x.loss.Before = push
			}
			if x.otherAfter {
				x.loss.After = push
			}
			url, lost := natstest.Lossy(t, s, x.loss)
			conn, err := stream.Connect(stream.Config{Servers: []string{url}, Prefix: "test", Timeout: 500 * time.Millisecond}, false)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			p := newPusher(t, conn, "alice@here")
			p.Keys = append(p.Keys, other.Key.Public().(ed25519.PublicKey))
			other.Keys = append(other.Keys, p.Key.Public().(ed25519.PublicKey))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			result, err := p.Push(ctx, directory(map[string]string{"o/buckets/a.json": content}))
			if !lost.Load() {
				t.Error("nothing was lost")
			}
			var first *OvertakenError
			switch {
			case x.overtaken && (!errors.As(err, &first) || first.First.By != "bob@there" || first.First.Number != 2):
				t.Errorf("overtaken, and told: %v", err)
			case !x.overtaken && err != nil:
				t.Error(err)
			case !x.overtaken && (result.Revision.Number != 2 || result.Revision.By != "alice@here"):
				t.Errorf("published, and told: %+v", result.Revision)
			}
			var by []string
			for n := uint64(1); ; n++ {
				m, err := direct.At(t.Context(), n)
				if errors.Is(err, stream.ErrNone) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				v, err := revision.Decode(m.Data)
				if err != nil {
					t.Fatal(err)
				}
				by = append(by, fmt.Sprintf("%d by %s", v.Number, v.By))
			}
			if uint64(len(by)) != x.revisions {
				t.Errorf("the stream has %q, want %d", by, x.revisions)
			}
		})
	}
}
