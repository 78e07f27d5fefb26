package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plainPath are the files through which a request passes that is one evaluation
// on a connection that is kept: it is received, decoded, decided, answered and
// counted there, and takes no lock. (sync/atomic loads the snapshot and counts.)
var plainPath = []string{
	"index/*.go", "index/internal/*/*.go", "index/lowered/*.go", "internal/action/*.go", "internal/conditionkey/*.go", "internal/jsonscan/*.go", "internal/request/*.go", "internal/value/*.go", "policy/*.go",
	"sidecar/authzen.go", "sidecar/authzen_answer.go", "sidecar/body.go", "sidecar/budget.go", "sidecar/conn.go", "sidecar/counters.go",
	"sidecar/endpoints.go", "sidecar/exchange.go", "sidecar/handler.go", "sidecar/headers.go", "sidecar/json.go", "sidecar/judge.go",
	"internal/decisionlog/commit.go", "internal/decisionlog/note.go", "internal/decisionlog/ring.go",
	"sidecar/notes.go", "sidecar/places.go", "sidecar/repeat.go", "sidecar/response.go", "sidecar/server.go", "sidecar/task.go", "sidecar/timeouts.go",
}

// searching are the packages of those that only searches go through, which may
// wait for one another.
var searching = []string{"open", "search"}

// locks are the functions of those files that lock all the same, and when.
var locks = map[string]string{
	"sidecar/conn.go unfire":       "after a timeout has struck",
	"sidecar/counters.go take":     "for an exchange that no pool has",
	"sidecar/counters.go giveBack": "for an exchange that was collected",
	"sidecar/counters.go sum":      "for /metrics",
	"sidecar/places.go add":        "once a connection",
	"sidecar/places.go remove":     "once a connection",
	"sidecar/places.go admit":      "for a connection of the reserve",
	"sidecar/server.go serve":      "once a listener",
	"sidecar/server.go Shutdown":   "at the end",
	"sidecar/timeouts.go open":     "for /metrics",
	"sidecar/timeouts.go watch":    "in a goroutine of its own",
	"sidecar/timeouts.go fire":     "when a timeout strikes",
	"sidecar/timeouts.go closeIf":  "at the end",
}

// TestPlainPathTakesNoLock: a lock that is free costs little and shows in no
// profile, until two cores want it.
func TestPlainPathTakesNoLock(t *testing.T) {
	found := map[string]bool{}
	for _, pattern := range plainPath {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no such files, %v", pattern, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") || slices.Contains(searching, filepath.Base(filepath.Dir(name))) {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range f.Imports {
				if i.Path.Value == `"sync"` && !strings.HasPrefix(pattern, "sidecar/") {
					t.Errorf("%s imports sync: nothing there waits for another goroutine", name)
				}
			}
			for _, function := range lockers(f) {
				where := filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator))) + " " + function
				if found[where] = true; locks[where] == "" {
					t.Errorf("%s locks: the plain path takes no lock; if no request on it comes there, say in locks when it does", where)
				}
			}
		}
	}
	for where := range locks {
		if !found[where] {
			t.Errorf("%s does not lock: remove it from locks", where)
		}
	}
}

// lockers are the functions of a file that call something that may wait for
// another goroutine.
func lockers(f *ast.File) (names []string) {
	for _, d := range f.Decls {
		function, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		waits := false
		ast.Inspect(function, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if s, ok := call.Fun.(*ast.SelectorExpr); ok {
					switch s.Sel.Name {
					case "Lock", "RLock", "TryLock":
						waits = true
					}
				}
			}
			return true
		})
		if waits {
			names = append(names, function.Name.Name)
		}
	}
	return names
}

// TestLockersAreFound: a lock is found wherever in a function it is taken.
func TestLockersAreFound(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "", `package p
func (s *S) one() { s.mu.Lock() }
func two() { go func() { defer a.b.RLock() }() }
func none() { mu.Unlock() }`, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(lockers(f), " "); got != "one two" {
		t.Errorf("found %q", got)
	}
}
