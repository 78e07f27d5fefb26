package rest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/loader/internal/layout"
	"postern/loader/source"
)

const hold = time.Second

// world is what is in force, and a clock.
type world struct {
	*testing.T
	*Rest
	now  time.Time
	orgs map[string]*source.Last
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, now: time.Unix(1_700_000_000, 0), orgs: map[string]*source.Last{}}
	w.Rest = New(hold, func(name string) *source.Last { return w.orgs[name] })
	w.Now = func() time.Time { return w.now }
	return w
}

// org puts an organization in force with the bucket files, and with the files in
// access-policies/.
func (w *world) org(name, buckets, policies string) {
	o := &source.Last{Buckets: map[string]*source.Bucket{}}
	for _, file := range strings.Fields(buckets) {
		o.Buckets[file] = &source.Bucket{Known: true, Good: &source.Content{}}
	}
	o.Unit(layout.Policies).Seen = seen(policies)
	w.orgs[name] = o
}

func seen(names string) (out []source.Seen) {
	for _, name := range strings.Fields(names) {
		out = append(out, source.Seen{Name: name})
	}
	return out
}

// version tells apart states of one folder.
func version(n int) source.Version { return source.Version{uint64(n)} }

// buckets are what a look found of buckets/ in that state: files that are gone,
// with a minus, and files that are new.
func buckets(state int, names string) *source.BucketsFinding {
	b := &source.BucketsFinding{Version: version(state)}
	for _, name := range strings.Fields(names) {
		if file, gone := strings.CutPrefix(name, "-"); gone {
			b.Found = append(b.Found, source.BucketFinding{Name: file, Gone: true})
		} else {
			b.Found = append(b.Found, source.BucketFinding{Name: file, Added: true, Good: &source.Content{}})
		}
	}
	return b
}

// left are the names of a finding that Depart left in it.
func left(b *source.BucketsFinding) string {
	if b == nil {
		return "nothing"
	}
	var out []string
	for i := range b.Found {
		name := b.Found[i].Name
		if b.Found[i].Gone {
			name = "-" + name
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

// look has Depart take what waits out of what was found of buckets/ of o1, and
// checks what it leaves, and whether anything waits then.
func (w *world) look(b *source.BucketsFinding, want string, waits bool, others ...*source.OrgFinding) {
	w.Helper()
	of := &source.OrgFinding{Name: "o1", Buckets: b}
	w.Depart(&source.Found{Orgs: append(others, of)}, false)
	if got := left(of.Buckets); got != want {
		w.Errorf("left in: %q, want %q", got, want)
	}
	if _, ok := w.Due(); ok != waits {
		w.Errorf("something waits: %v, want %v", ok, waits)
	}
}

// What vanished waits until its folder was as it is for Hold; what came does not.
func TestBucketsDepart(t *testing.T) {
	w := newWorld(t)
	w.org("o1", "a b c", "")
	w.look(buckets(1, "-a d"), "d", true)
	w.now = w.now.Add(hold / 2)
	w.look(buckets(1, "-a"), "", true)
	if in, _ := w.Due(); in != hold/2 {
		t.Errorf("due in %v, want %v", in, hold/2)
	}
	w.look(buckets(2, "-a"), "", true) // the folder changed
	w.now = w.now.Add(hold / 2)
	w.look(buckets(2, "-a -b"), "", true) // and lost another
	w.now = w.now.Add(hold)
	sc := &source.Scope{Orgs: map[string]*source.OrgScope{"o1": {Files: map[string]struct{}{"c": {}}}}}
	w.Widen(sc)
	if got := slices.Sorted(maps.Keys(sc.Orgs["o1"].Files)); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("one file is looked at with %v", got)
	}
	w.look(buckets(2, "-a -b"), "-a -b", false)

	// A look at something else does not make what is due be asked for in a loop.
	w.look(buckets(2, "-a"), "", true)
	w.now = w.now.Add(hold)
	w.Depart(&source.Found{}, false)
	if in, ok := w.Due(); !ok || in <= 0 {
		t.Errorf("due in %v: %v", in, ok)
	}

	// The folder that never rests, which is due again only after Hold.
	for i := 3; ; i++ {
		b := buckets(i, "-c")
		w.Depart(&source.Found{Orgs: []*source.OrgFinding{{Name: "o1", Buckets: b}}}, false)
		if in, ok := w.Due(); !ok {
			if left(b) != "-c" {
				t.Errorf("left in: %q", left(b))
			}
			break
		} else if in <= 0 {
			t.Fatalf("it is looked at again in %v", in)
		}
		if w.now = w.now.Add(hold); i > 3+int(Longest/hold) {
			t.Fatal("it waits for ever")
		}
	}
}

// What is no removal of a part does not wait.
func TestDepartures(t *testing.T) {
	w := newWorld(t)
	w.org("o1", "a b", "x y")
	w.org("o2", "", "")
	w.look(buckets(1, "-a"), "-a", false, &source.OrgFinding{Name: "o2", Buckets: buckets(1, "a")}) // it was moved
	swapped := buckets(1, "-a")
	swapped.Swapped = true
	w.look(swapped, "-a", false)
	w.look(&source.BucketsFinding{Absent: true}, "nothing", true) // the folder is gone, with a and b
	w.look(buckets(1, ""), "", false)                             // and is back
	missed := &source.BucketsFinding{Absent: true, Missed: map[string]struct{}{"a": {}, "b": {}}}
	w.look(missed, "", false)

	w.look(buckets(1, "-a"), "", true)
	w.Depart(&source.Found{Orgs: []*source.OrgFinding{{Name: "o1", Gone: true}}}, false)
	if _, ok := w.Due(); ok {
		t.Error("an organization that is gone has something that waits")
	}
	w.look(buckets(1, "-a"), "", true)
	b := buckets(1, "-a")
	w.Depart(&source.Found{Orgs: []*source.OrgFinding{{Name: "o1", Buckets: b}}}, true)
	if _, ok := w.Due(); ok || left(b) != "-a" {
		t.Error("something waits though nothing has to rest")
	}

	for names, waits := range map[string]bool{"x": true, "x z": true, "x y z": false, "": true, "x y": false} {
		x := &source.SetFinding{There: true, Good: &source.Content{}, Seen: seen(names)}
		of := &source.OrgFinding{Name: "o1"}
		of.Units[layout.Policies] = x
		w.Depart(&source.Found{Orgs: []*source.OrgFinding{of}}, false)
		if got := of.Units[layout.Policies] == nil; got != waits {
			t.Errorf("%q in place of x and y waits: %v, want %v", names, got, waits)
		}
		broken := &source.OrgFinding{Name: "o1"}
		broken.Units[layout.Policies] = &source.SetFinding{There: true, Seen: seen(names)}
		w.Depart(&source.Found{Orgs: []*source.OrgFinding{broken}}, false)
		if broken.Units[layout.Policies] == nil {
			t.Errorf("%q, broken, waits: its last good content is in force as it is", names)
		}
	}
}

// An organization that appears is taken when two surveys Hold apart are the same,
// and what others lose meanwhile is told then.
func TestArrival(t *testing.T) {
	w := newWorld(t)
	survey := func(n byte) source.Survey {
		return source.Survey{Sum: layout.Sum{n}, Files: map[string]struct{}{"a.json": {}, "b.json": {}}}
	}
	look := func(v source.Survey, taken bool) map[string]bool {
		t.Helper()
		if got := w.Rested("o1", v); got != taken {
			t.Fatalf("taken: %v, want %v", got, taken)
		}
		f := &source.Found{All: true}
		if !taken {
			f.Surveys = map[string]source.Survey{"o1": v}
		}
		return w.Arrive(f)
	}
	look(survey(1), false)
	w.now = w.now.Add(hold / 2)
	look(survey(2), false)
	w.Lost("a.json", true)
	w.Lost("a.json", false)
	w.Lost("b.json", false)
	w.Lost("c.json", true) // it has none such
	sc := &source.Scope{}
	if w.now = w.now.Add(hold / 2); !w.Patient("o1") {
		t.Error("it is waited for no longer, before its time")
	}
	if w.AddDue(sc); !sc.Empty() {
		t.Errorf("%v is due too early", sc.Orgs)
	}
	w.now = w.now.Add(hold / 2)
	if w.AddDue(sc); sc.Orgs["o1"] == nil || !sc.Orgs["o1"].Whole {
		t.Errorf("%v is due", sc.Orgs)
	}
	late := look(survey(2), true)
	if !maps.Equal(late, map[string]bool{"a.json": true, "b.json": false}) {
		t.Errorf("others lost %v meanwhile", late)
	}
	if _, ok := w.Due(); ok {
		t.Error("it is taken, and waits")
	}

	for n := byte(1); !w.Rested("o1", survey(n)); n++ { // it never rests
		if w.Arrive(&source.Found{Surveys: map[string]source.Survey{"o1": survey(n)}}); n > 100 {
			t.Fatal("it waits for ever")
		}
		w.now = w.now.Add(hold)
	}
	if w.Patient("o1") {
		t.Error("one that has waited for too long may change still")
	}
	w.org("o1", "", "") // a look in between took it
	w.Arrive(&source.Found{Surveys: map[string]source.Survey{"o1": survey(1)}})
	if _, ok := w.Due(); ok {
		t.Error("what is in force is arriving")
	}
}
