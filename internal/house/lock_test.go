package house

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// plainPath are the files that decode, decide and encode one evaluation. They
// take no lock: none of them imports sync, and what they call beyond is in
// this list too. (sync/atomic loads the snapshot and counts.)
var plainPath = []string{
	"index/*.go", "internal/action/*.go", "internal/jsonscan/*.go", "internal/request/*.go", "internal/value/*.go", "policy/*.go",
	"sidecar/authzen.go", "sidecar/authzen_answer.go", "sidecar/handler.go", "sidecar/headers.go",
}

// TestPlainPathTakesNoLock: a lock that is free costs little and shows in no
// profile, until two cores want it. Search may have one: it is not the plain
// path.
func TestPlainPathTakesNoLock(t *testing.T) {
	for _, pattern := range plainPath {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no such files, %v", pattern, err)
		}
		for _, name := range files {
			if base := filepath.Base(name); strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, "search") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range f.Imports {
				if i.Path.Value == `"sync"` {
					t.Errorf("%s imports sync: the plain path takes no lock", name)
				}
			}
		}
	}
}
