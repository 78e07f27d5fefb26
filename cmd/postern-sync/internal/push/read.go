package push

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"postern/index"
	"postern/internal/policyjson"
	"postern/loader"
	"postern/policy"

	"postern/cmd/postern-sync/internal/revision"
)

// Directory is what a policy directory has: the files that a sidecar would put in force.
type Directory struct {
	Tree     *revision.Tree
	Contents map[string][]byte // by path
}

// content returns the content of each sum.
func (d *Directory) content() map[revision.Sum][]byte {
	out := make(map[revision.Sum][]byte, len(d.Contents))
	for path, content := range d.Contents {
		f, _ := d.Tree.Get(path)
		out[f.Sum] = content
	}
	return out
}

// BrokenError says what is wrong with the files of a directory.
type BrokenError struct{ Diagnostics []policy.Diagnostic }

func (e *BrokenError) Error() string {
	var b strings.Builder
	for i, d := range e.Diagnostics {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.String())
	}
	return b.String()
}

// Read reads a policy directory as a sidecar does, and returns a BrokenError if a file of
// it is broken. What it returns is what was validated.
func Read(ctx context.Context, path string, maxFile int64) (*Directory, error) {
	if _, err := os.Lstat(filepath.Join(path, ".hold")); err == nil {
		return nil, fmt.Errorf("%s/.hold stands: whoever writes the directory has not ended; try again when it is gone", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	d := &Directory{Tree: &revision.Tree{}, Contents: map[string][]byte{}}
	var mutex sync.Mutex
	l, err := loader.New(loader.Config{
		Root: path, MaxFile: maxFile, PassHold: true, Current: new(index.Current), Logger: slog.New(slog.DiscardHandler),
		Inspect: func(path, _ string, data []byte, _ policyjson.File) []policy.Diagnostic {
			content := append([]byte{}, data...) // the loader uses data again
			path = strings.Clone(path)
			mutex.Lock()
			defer mutex.Unlock()
			d.Contents[path] = content
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	if err := l.Load(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s := l.Status()
	if len(s.Quarantined) > 0 {
		e := new(BrokenError)
		for _, q := range s.Quarantined {
			for _, x := range q.Diagnostics {
				if x.Severity == policy.Error {
					x.Position.File = strings.TrimSuffix(path, "/") + "/" + x.Position.File
					e.Diagnostics = append(e.Diagnostics, x)
				}
			}
		}
		return nil, e
	}
	files := map[string]revision.File{}
	for path, content := range d.Contents {
		if err := revision.CheckPath(path); err != nil {
			return nil, err
		}
		files[path] = revision.File{Sum: revision.SumOf(content), Size: int64(len(content))}
	}
	d.Tree = revision.NewTree(files)
	if d.Tree.Digest() != revision.Sum(s.Digest) {
		return nil, fmt.Errorf("%s changed while it was read; try again", path)
	}
	return d, nil
}
