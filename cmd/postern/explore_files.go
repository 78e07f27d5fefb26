package main

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"postern/internal/explorer"
)

// rootFS are the files below a directory, which no link leads out of. The directory is
// opened anew each time, since another may have taken its place.
type rootFS string

// Open opens a file.
func (dir rootFS) Open(name string) (fs.File, error) {
	root, err := os.OpenRoot(string(dir))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(name)
}

// revisionOf reads which revision postern-sync applied to a policy directory
// (specification 9.2); nil where it keeps none.
func revisionOf(dir string) *explorer.Revision {
	f, err := os.Open(filepath.Join(dir, ".sync", "applied"))
	if err != nil {
		return nil
	}
	defer f.Close()
	out := new(explorer.Revision)
	if json.NewDecoder(io.LimitReader(f, 1<<20)).Decode(out) != nil || out.Revision == 0 {
		return nil
	}
	return out
}
