package loader

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/loader/internal/mirror"
	"postern/loader/source"
)

// lookAndDie looks and publishes what is at rest, and is killed before anything
// is mirrored.
func (tr *testTree) lookAndDie() {
	tr.t.Helper()
	tr.l.mu.Lock()
	defer tr.l.mu.Unlock()
	tr.l.state.OpenMarks()
	for sc := (&source.Scope{All: true}); ; {
		if err := tr.l.look(context.Background(), sc); err != nil {
			tr.t.Fatal(err)
		}
		due, ok := tr.l.departing()
		if !ok {
			return
		}
		time.Sleep(time.Until(due))
		sc = &source.Scope{}
		tr.l.rest.AddDue(sc)
	}
}

// deniedStill checks that no bucket of those is allowed, neither now nor after
// more restarts, killed or not, and that SIGHUP ends that.
func (tr *testTree) deniedStill(buckets ...string) {
	tr.t.Helper()
	for i := range 3 {
		tr.open()
		if i%2 == 0 {
			tr.lookAndDie()
		} else {
			tr.load()
		}
		for _, b := range buckets {
			tr.never(fmt.Sprintf("%s after restart %d", b, i), tr.decide("o1", b), allowed)
		}
	}
	tr.remove("o1/buckets/n.json")
	tr.sighup()
	tr.wantUnits()
	tr.wantAll(allowed, buckets...)
}

// "That fault ends for each policy when its file is back, and for all when
// SIGHUP confirms ... with `-state` it outlives a restart", whenever the process
// is killed, and also where the marks are gone.
func TestMissedOutlivesAKill(t *testing.T) {
	for lost, lose := range losses {
		if lost == "some in another" {
			continue // denied for another reason
		}
		for _, killed := range []string{"before the fault is mirrored", "before the return is mirrored", "before the end is mirrored", "later"} {
			for _, marks := range []string{"", "without marks", "and the list is rotten"} {
				if marks != "" && testing.Short() {
					continue // the marks are left as they are
				}
				if marks == "and the list is rotten" && killed == "before the fault is mirrored" {
					continue // it is not there yet
				}
				t.Run(lost+" "+killed+" "+marks, func(t *testing.T) {
					tr := missing(t, "state")
					lose(tr)
					tr.look(killed == "before the fault is mirrored")
					tr.write("o1/buckets/a.json", denyAll("a"))
					if killed != "before the fault is mirrored" {
						tr.look(killed == "before the return is mirrored")
					}
					if killed == "before the end is mirrored" {
						tr.write("o1/buckets/b.json", denyAll("b"))
						tr.write("o1/buckets/c.json", denyAll("c"))
						tr.look(true)
						if strings.Contains(tr.describe(), "missed") {
							t.Error(tr.describe())
						}
						tr.remove("o1/buckets")
						tr.look(true)
					}
					switch marks {
					case "without marks":
						if err := os.Remove(filepath.Join(tr.config.StateDir, mirror.MarksName)); err != nil {
							t.Fatal(err)
						}
					case "and the list is rotten":
						tr.flip("o1/buckets.missed", 20)
					}
					tr.deniedStill("b", "c")
				})
			}
		}
	}
}

func (tr *testTree) look(die bool) {
	tr.t.Helper()
	if die {
		tr.lookAndDie()
	} else {
		tr.load()
	}
}

// "an organization that vanished and appears again without the bucket policies
// that it held has the same fault; with `-state` it outlives a restart": it
// appears while the process is down, too.
func TestVanishedIsBackWhileDown(t *testing.T) {
	for _, killed := range []bool{false, true} {
		for _, restarts := range []int{0, 1} {
			for _, with := range []string{"", "o1/buckets", "o1/buckets/n.json"} {
				t.Run(fmt.Sprint(killed, restarts, with), func(t *testing.T) {
					tr := missing(t, "state")
					tr.rename("o1", "..o")
					tr.look(killed)
					for range restarts {
						tr.open()
						tr.look(killed)
					}
					tr.policies()
					switch with {
					case "o1/buckets":
						tr.mkdir(with)
					case "o1/buckets/n.json":
						tr.write(with, denyAll("n"))
					}
					tr.deniedStill("a", "b", "c")
				})
			}
		}
	}
}

// "A folder that cannot be listed is a fault: last good holds, and at a cold
// start it denies what it could hold", also where the organization vanished
// while the process was down, and is back with such a folder after the start:
// what the mirror has is in force, and as it may not have had all, whatever else
// the organization lists denies.
func TestVanishedWhileDownIsBackAtFault(t *testing.T) {
	backs := map[string]func(tr *testTree){
		"the organization's folder": func(tr *testTree) {
			tr.link("nowhere", "o1")
			tr.load()
			tr.remove("o1")
			tr.mkdir("..o1")
			tr.write("..o1/buckets", "")
			tr.link("..o1", "o1")
		},
		"buckets/": func(tr *testTree) { tr.link("nowhere", "o1/buckets") },
		"a file":   func(tr *testTree) { tr.write("o1/buckets", "") },
	}
	for name, back := range backs {
		for _, killed := range []bool{false, true} {
			for restarts := range 3 {
				t.Run(fmt.Sprint(name, killed, restarts), func(t *testing.T) {
					tr := missing(t, "state")
					tr.rename("o1", "..o")
					tr.start()
					back(tr)
					tr.policies()
					tr.look(killed)
					for range restarts {
						tr.open()
						tr.look(killed)
					}
					tr.wantUnits("o1/buckets")
					tr.wantAll(bucketDeny, "a", "b", "c")
					tr.wantAll(unavailable, "n")
					tr.remove("o1/buckets")
					tr.load()
					tr.wantUnits("o1/buckets")
					tr.wantAll(bucketDeny, "a", "b", "c")
					tr.wantAll(unavailable, "n")
					tr.sighup()
					tr.wantUnits()
					tr.wantAll(allowed, "a", "b", "c", "n")
					tr.consistent()
				})
			}
		}
	}
}

// What is missed ends where each of it is in another organization; that does not
// make known what a folder holds that cannot be listed.
func TestMovedFromAFolderAtFault(t *testing.T) {
	tr := missing(t, "state")
	tr.remove("o1/buckets")
	tr.start() // the mirror may not have had all
	tr.wantUnits("o1/buckets")
	tr.wantAll(unavailable, "n")
	tr.link("nowhere", "o1/buckets")
	tr.load()
	tr.write("o1/buckets.json", `{"buckets":["n"]}`)
	for _, b := range []string{"a", "b", "c"} {
		tr.write("o2/buckets/"+b+".json", allowBucket(b))
	}
	for range 2 {
		tr.load()
		tr.wantUnits("o1/buckets")
		tr.wantError("o1/buckets: this link leads to nothing")
		tr.wantAll(unavailable, "n")
		tr.start()
	}
	tr.remove("o1/buckets")
	tr.load()
	tr.wantUnits()
	tr.wantAll(allowed, "n")
}
