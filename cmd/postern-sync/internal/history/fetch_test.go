package history

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"postern/cmd/postern-sync/internal/pack"
	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// slowly has blobs, and takes a while that differs to answer.
type slowly map[string][]byte

func (s slowly) At(context.Context, uint64) (*stream.Message, error) { return nil, stream.ErrNone }

func (s slowly) Blob(_ context.Context, name string) ([]byte, error) {
	time.Sleep(rand.N(time.Millisecond))
	if data, ok := s[name]; ok {
		return data, nil
	}
	return nil, stream.ErrNone
}

// The content of a list of many blobs is had whole and in order, whichever blob comes
// first; whoever reads may end at any file, as on a full disk.
func TestContents(t *testing.T) {
	log := slowly{}
	w := pack.Writer{Put: func(name revision.Sum, stored []byte) error { log[name.String()] = stored; return nil }}
	var changes []revision.Change
	contents := map[string][]byte{}
	for i := range 60 {
		path, content := fmt.Sprintf("o/buckets/%03d.json", i), []byte(strings.Repeat(fmt.Sprint(i, " "), pack.Chunk/6))
		c := revision.Change{Path: path, File: revision.File{Sum: revision.SumOf(content), Size: int64(len(content))}}
		changes, contents[path] = append(changes, c), content
		if err := w.Add(c, content); err != nil {
			t.Fatal(err)
		}
	}
	list, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	r := &Reader{Log: log}
	target, err := r.build(t.Context(), &revision.Tree{}, list, nil)
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	for _, end := range []int{0, 1, 7, 20, 59, 60} {
		want := map[revision.Sum]bool{}
		for _, c := range changes {
			want[c.Sum] = true
		}
		n := 0
		err := target.Contents(t.Context(), want, func(content []byte) error {
			if n == end {
				return enough
			}
			if string(content) != string(contents[changes[n].Path]) {
				t.Errorf("file %d has another content", n)
			}
			n++
			return nil
		})
		if n != end || end < len(changes) != errors.Is(err, enough) || end == len(changes) && err != nil {
			t.Errorf("to %d: %d, %v", end, n, err)
		}
	}
}
