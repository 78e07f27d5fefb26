package loader

import (
	"context"
	"crypto/sha256"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/loader/directory"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// memory is a source of policies that are text in memory, by path. It has no
// folders, no links and no stamps: all there is to a file is its content.
type memory struct {
	text    map[string]string
	hold    string // content of a hold; "" if none stands
	changes source.Events
}

// version is that of one text.
func (m *memory) version(text string) (v source.Version) {
	sum := sha256.Sum256([]byte(text))
	for i := range v[:4] {
		for _, b := range sum[8*i : 8*i+8] {
			v[i] = v[i]<<8 | uint64(b)
		}
	}
	return v
}

// under are the names below a path, in byte order.
func (m *memory) under(dir string) (names []string) {
	for p := range m.text {
		if d, name := path.Split(p); d == dir {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *memory) organizations() map[string]bool {
	out := map[string]bool{}
	for p := range m.text {
		org, _, _ := strings.Cut(p, "/")
		out[org] = true
	}
	return out
}

func (m *memory) Here() (*source.Found, error) { return &source.Found{}, nil }

func (m *memory) Scan(ctx context.Context, q *source.Query) (*source.Found, error) {
	f := &source.Found{All: q.Scope.All, Misplaced: map[string]*policy.Diagnostic{}, Surveys: map[string]source.Survey{}}
	here := m.organizations()
	names := slices.Collect(maps.Keys(q.Scope.Orgs))
	if q.Scope.All {
		names = slices.Collect(maps.Keys(here))
		for org := range q.Names {
			if !here[org] {
				names = append(names, org)
			}
		}
	}
	slices.Sort(names)
	for _, org := range names {
		known := q.Org(org)
		of := &source.OrgFinding{Name: org, Whole: q.Scope.All || known == nil, Gone: !here[org]}
		if known == nil && of.Gone {
			continue
		}
		f.Orgs = append(f.Orgs, of)
		if of.Gone {
			continue
		}
		if known == nil {
			known = &source.Last{}
		}
		sc := q.Scope.Orgs[org]
		for _, p := range layout.Sets {
			if of.Whole || sc.Whole || sc.Units[p] {
				of.Units[p] = m.set(q, org, p, known)
			}
		}
		if of.Whole || sc.Whole || sc.Buckets || len(sc.Files) > 0 {
			of.Buckets = m.buckets(q, org, known)
		}
		if q.Between != nil {
			if err := q.Between(); err != nil {
				return nil, err
			}
		}
	}
	return f, ctx.Err()
}

func (m *memory) set(q *source.Query, org string, p layout.Part, known *source.Last) *source.SetFinding {
	dir, names := org+"/", []string{layout.ListName}
	if p != layout.List {
		dir += layout.PartNames[p] + "/"
		names = m.under(dir)
	} else if _, ok := m.text[dir+layout.ListName]; !ok {
		names = nil
	}
	x := &source.SetFinding{There: len(names) > 0, Complete: true, Seen: []source.Seen{}}
	var files []source.Parsed
	for _, name := range names {
		text := m.text[dir+name]
		sum := layout.SumOf([]byte(text))
		x.Seen = append(x.Seen, source.Seen{Name: name, Version: m.version(text), Sum: &sum})
		x.Raw = append(x.Raw, layout.File{Name: name, Data: []byte(text)})
		files = append(files, q.Maker.Parse(nil, p, dir+name, []byte(text)))
	}
	was := known.Unit(p)
	if x.Same = was.Complete && slices.EqualFunc(was.Seen, x.Seen, func(a, b source.Seen) bool { return a.Name == b.Name && a.Version == b.Version }); x.Same {
		return x
	}
	c, ds := q.Maker.Compile(p, org, files)
	if ds != nil {
		x.Diagnostics = ds
		return x
	}
	c.Sum, c.More.Files = source.SumOfSet(x.Seen), x.Seen
	x.Good = &c
	return x
}

func (m *memory) buckets(q *source.Query, org string, known *source.Last) *source.BucketsFinding {
	dir := org + "/" + layout.BucketsName + "/"
	names := m.under(dir)
	b := &source.BucketsFinding{Listed: true, Absent: len(names) == 0, Misplaced: map[string]*policy.Diagnostic{}}
	for _, name := range names {
		text, was := m.text[dir+name], known.Buckets[name]
		sum := layout.SumOf([]byte(text))
		x := source.BucketFinding{Name: name, Added: was == nil, Complete: true, Seen: source.Seen{Name: name, Version: m.version(text), Sum: &sum}}
		if was != nil && was.Complete && was.Seen.Version == x.Seen.Version {
			continue
		}
		x.Raw = []layout.File{{Name: name, Data: []byte(text)}}
		c, ds := q.Maker.Compile(layout.Buckets, org, []source.Parsed{q.Maker.Parse(nil, layout.Buckets, dir+name, []byte(text))})
		if x.Diagnostics = ds; ds == nil {
			c.Sum = sum
			x.Good = &c
		}
		b.Found = append(b.Found, x)
	}
	for name := range known.Buckets {
		if _, ok := m.text[dir+name]; !ok {
			b.Found = append(b.Found, source.BucketFinding{Name: name, Gone: true})
		}
	}
	return b
}

func (m *memory) Took(*source.Found)  {}
func (m *memory) Forget(layout.Place) {}

func (m *memory) Gate() source.Gate {
	return source.Gate{Standing: m.hold != "", Hold: m.version(m.hold), Transaction: strings.HasPrefix(m.hold, "transaction ")}
}

func (m *memory) Files(p layout.Place, names []string) (out []layout.File) {
	for _, name := range names {
		at := layout.Place{Org: p.Org, Part: p.Part}.Path()
		if p.Part != layout.List {
			at += "/" + name
		}
		text, ok := m.text[at]
		if !ok {
			return nil
		}
		out = append(out, layout.File{Name: name, Data: []byte(text)})
	}
	return out
}

func (m *memory) Differ(files []source.SeenFile, seen func(source.SeenFile) *source.Seen) (out []source.SeenFile, err error) {
	for _, f := range files {
		now := m.Files(layout.Place{Org: f.Unit.Org, Part: f.Unit.Part}, []string{f.Name})
		if was := seen(f); was != nil && (now == nil || layout.SumOf(now[0].Data) != *was.Sum) {
			out = append(out, f)
		}
	}
	return out, nil
}

func (m *memory) Watch(_ context.Context, p source.Events) (func(), error) {
	m.changes = p
	return func() { m.changes = nil }, nil
}

func (m *memory) Lost(string) {}

// About puts the organization of a path into scope.
func (m *memory) About(sc *source.Scope, change string) {
	org, _, _ := strings.Cut(change, "/")
	sc.Add(layout.Place{Org: org, Part: layout.Folder})
}

func (m *memory) Done() (looks, reads, reading int64) { return 0, 0, 0 }

// store is where the policies of a generation test are put.
type store interface {
	write(path, text string)
	remove(path string)
	hold(text string) // "": none stands
}

type inMemory struct{ *memory }

func (s inMemory) write(path, text string) { s.text[path] = text }
func (s inMemory) hold(text string)        { s.memory.hold = text }
func (s inMemory) remove(path string) {
	maps.DeleteFunc(s.text, func(p, _ string) bool { return p == path || strings.HasPrefix(p, path+"/") })
}

type onDisk struct{ *testTree }

func (s onDisk) hold(text string) {
	if text == "" {
		s.testTree.remove(".hold")
	} else {
		s.testTree.write(".hold", text)
	}
}

// generations runs a test of generations with policies on disk and in memory.
// start starts a process anew on the same policies and the same mirror.
func generations(t *testing.T, test func(tr *testTree, s store, start func())) {
	t.Run("directory", func(t *testing.T) {
		tr := emptyTree(t)
		tr.config.StateDir = filepath.Join(t.TempDir(), "state")
		test(tr, onDisk{tr}, tr.start)
	})
	t.Run("memory", func(t *testing.T) {
		tr := emptyTree(t)
		tr.config.StateDir = filepath.Join(t.TempDir(), "state")
		m := &memory{text: map[string]string{}}
		tr.config.Root, tr.config.Source = "", m
		test(tr, inMemory{m}, tr.start)
	})
}

// TestGenerations publishes what changed and nothing else, whatever the source.
func TestGenerations(t *testing.T) {
	generations(t, func(tr *testTree, s store, start func()) {
		s.write("o1/access-policies/all.json", allowAll("all"))
		s.write("o1/buckets/b.json", allowBucket("b"))
		start()
		tr.wantGeneration(1)
		tr.want("o1", "b", allowed)
		tr.load()
		tr.wantGeneration(1)
		s.write("o1/buckets/b.json", denyAll("b"))
		tr.load()
		tr.wantGeneration(2)
		tr.want("o1", "b", bucketDeny)
		s.write("o2/buckets.json", `{"buckets":["b"]}`)
		tr.load()
		tr.want("o1", "b", unavailable)
		tr.wantWarning("claimed by o2 too")
		s.remove("o2")
		tr.load()
		tr.want("o1", "b", bucketDeny)
		s.remove("o1/access-policies")
		s.remove("o1/buckets/b.json")
		tr.load()
		tr.want("o1", "b", policy.OwnerUnknown)
	})
}

// TestGenerationsQuarantine keeps the last good content of what breaks, over a
// restart too.
func TestGenerationsQuarantine(t *testing.T) {
	generations(t, func(tr *testTree, s store, start func()) {
		s.write("o1/access-policies/all.json", allowAll("all"))
		s.write("o1/buckets/b.json", denyAll("b"))
		s.write("o1/buckets.json", `{"buckets":["c"]}`)
		start()
		for _, broken := range []string{"o1/access-policies/all.json", "o1/buckets/b.json", "o1/buckets.json"} {
			s.write(broken, brokenFile)
		}
		tr.load()
		for range 2 {
			tr.wantUnits("+o1/access-policies", "+o1/buckets.json", "+o1/buckets/b.json")
			tr.want("o1", "b", bucketDeny)
			tr.want("o1", "c", allowed)
			start()
		}
		s.write("o1/buckets/b.json", allowBucket("b"))
		s.write("o1/access-policies/all.json", allowAll("all"))
		s.remove("o1/buckets.json")
		tr.load()
		tr.wantUnits()
		tr.want("o1", "b", allowed)
	})
}

// TestGenerationsMissed takes the vanishing of several bucket policies at once
// for a fault until SIGHUP, whatever the source.
func TestGenerationsMissed(t *testing.T) {
	generations(t, func(tr *testTree, s store, start func()) {
		s.write("o1/access-policies/all.json", allowAll("all"))
		s.write("o1/buckets/b.json", denyAll("b"))
		s.write("o1/buckets/c.json", denyAll("c"))
		start()
		s.remove("o1/buckets")
		tr.load()
		tr.wantUnits("+o1/buckets")
		tr.want("o1", "b", bucketDeny)
		s.write("o1/buckets/c.json", allowBucket("c"))
		tr.load()
		tr.want("o1", "c", allowed)
		tr.want("o1", "b", bucketDeny)
		tr.sighup()
		tr.wantUnits()
		tr.want("o1", "c", allowed)
	})
}

// TestGenerationsHeld publishes nothing while a hold stands, and all at its end.
func TestGenerationsHeld(t *testing.T) {
	generations(t, func(tr *testTree, s store, start func()) {
		s.write("o1/access-policies/all.json", allowAll("all"))
		s.write("o1/buckets/b.json", denyAll("b"))
		start()
		s.hold("transaction 1")
		s.write("o1/buckets/b.json", allowBucket("b"))
		s.write("o1/buckets/c.json", denyAll("c"))
		tr.load()
		tr.wantGeneration(1)
		tr.want("o1", "b", bucketDeny)
		s.hold("")
		tr.load()
		tr.wantGeneration(2)
		tr.want("o1", "b", allowed)
		tr.want("o1", "c", bucketDeny)
	})
}

// TestMemoryWatched publishes what a source without a file system says of
// changes.
func TestMemoryWatched(t *testing.T) {
	tr := emptyTree(t)
	tr.config.Observe = nil
	m := &memory{text: map[string]string{"o1/access-policies/all.json": allowAll("all"), "o1/buckets/b.json": denyAll("b")}}
	tr.config.Root, tr.config.Source = "", m
	tr.start()
	tr.background(func(ctx context.Context) error { return tr.l.Run(ctx) })
	tr.settled()
	tr.l.mu.Lock()
	m.text["o1/buckets/b.json"] = allowBucket("b")
	m.changes.Change("o1/buckets/b.json", false, false)
	tr.l.mu.Unlock()
	for end := time.Now().Add(10 * time.Second); tr.decide("o1", "b") != allowed; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the change is not published")
		}
	}
}

var _ = []source.Source{&directory.Source{}, &memory{}}
