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

	"postern/loader/internal/layout"
	"postern/policy"
)

// memory is a source of policies that are text in memory, by path. It has no
// folders, no links and no stamps: all there is to a file is its content.
type memory struct {
	text    map[string]string
	hold    string // content of a hold; "" if none stands
	changes events
}

// version is that of one text.
func (m *memory) version(text string) (v version) {
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

func (m *memory) here() (*found, error) { return &found{}, nil }

func (m *memory) scan(ctx context.Context, q *query) (*found, error) {
	f := &found{all: q.scope.all, odd: map[string]*policy.Diagnostic{}, surveys: map[string]survey{}}
	here := m.organizations()
	names := slices.Collect(maps.Keys(q.scope.orgs))
	if q.scope.all {
		names = slices.Collect(maps.Keys(here))
		for org := range q.names {
			if !here[org] {
				names = append(names, org)
			}
		}
	}
	slices.Sort(names)
	for _, org := range names {
		known := q.org(org)
		of := &orgFinding{name: org, whole: q.scope.all || known == nil, gone: !here[org]}
		if known == nil && of.gone {
			continue
		}
		f.orgs = append(f.orgs, of)
		if of.gone {
			continue
		}
		if known == nil {
			known = &last{}
		}
		sc := q.scope.orgs[org]
		for _, p := range layout.Sets {
			if of.whole || sc.whole || sc.units[p] {
				of.units[p] = m.set(q, org, p, known)
			}
		}
		if of.whole || sc.whole || sc.buckets || len(sc.files) > 0 {
			of.buckets = m.buckets(q, org, known)
		}
		if q.between != nil {
			if err := q.between(); err != nil {
				return nil, err
			}
		}
	}
	return f, ctx.Err()
}

func (m *memory) set(q *query, org string, p layout.Part, known *last) *setFinding {
	dir, names := org+"/", []string{layout.ListName}
	if p != layout.List {
		dir += layout.PartNames[p] + "/"
		names = m.under(dir)
	} else if _, ok := m.text[dir+layout.ListName]; !ok {
		names = nil
	}
	x := &setFinding{there: len(names) > 0, sure: true, seen: []file{}}
	var files []parsed
	for _, name := range names {
		text := m.text[dir+name]
		sum := layout.SumOf([]byte(text))
		x.seen = append(x.seen, file{name: name, version: m.version(text), sum: &sum})
		x.raw = append(x.raw, layout.File{Name: name, Data: []byte(text)})
		files = append(files, q.maker.parse(nil, p, dir+name, []byte(text)))
	}
	was := known.unit(p)
	if x.same = was.sure && slices.EqualFunc(was.seen, x.seen, func(a, b file) bool { return a.name == b.name && a.version == b.version }); x.same {
		return x
	}
	c, ds := q.maker.compile(p, org, files)
	if ds != nil {
		x.diagnostics = ds
		return x
	}
	c.sum, c.more.files = sumOfSet(x.seen), x.seen
	x.good = &c
	return x
}

func (m *memory) buckets(q *query, org string, known *last) *bucketsFinding {
	dir := org + "/" + layout.BucketsName + "/"
	names := m.under(dir)
	b := &bucketsFinding{listed: true, absent: len(names) == 0, odd: map[string]*policy.Diagnostic{}}
	for _, name := range names {
		text, was := m.text[dir+name], known.buckets[name]
		sum := layout.SumOf([]byte(text))
		x := bucketFinding{name: name, added: was == nil, sure: true, seen: file{name: name, version: m.version(text), sum: &sum}}
		if was != nil && was.sure && was.seen.version == x.seen.version {
			continue
		}
		x.raw = []layout.File{{Name: name, Data: []byte(text)}}
		c, ds := q.maker.compile(layout.Buckets, org, []parsed{q.maker.parse(nil, layout.Buckets, dir+name, []byte(text))})
		if x.diagnostics = ds; ds == nil {
			c.sum = sum
			x.good = &c
		}
		b.found = append(b.found, x)
	}
	for name := range known.buckets {
		if _, ok := m.text[dir+name]; !ok {
			b.found = append(b.found, bucketFinding{name: name, gone: true})
		}
	}
	return b
}

func (m *memory) took(*found)         {}
func (m *memory) forget(layout.Place) {}

func (m *memory) gate() gate {
	return gate{standing: m.hold != "", hold: m.version(m.hold), transaction: strings.HasPrefix(m.hold, "transaction ")}
}

func (m *memory) files(p layout.Place, names []string) (out []layout.File) {
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

func (m *memory) differ(files []seenFile, seen func(seenFile) *file) (out []seenFile, err error) {
	for _, f := range files {
		now := m.files(layout.Place{Org: f.unit.Org, Part: f.unit.Part}, []string{f.name})
		if was := seen(f); was != nil && (now == nil || layout.SumOf(now[0].Data) != *was.sum) {
			out = append(out, f)
		}
	}
	return out, nil
}

func (m *memory) watch(_ context.Context, p events) (func(), error) {
	m.changes = p
	return func() { m.changes = nil }, nil
}

func (m *memory) lost(string) {}

// about puts the organization of a path into scope.
func (m *memory) about(sc *scope, change string) {
	org, _, _ := strings.Cut(change, "/")
	sc.add(layout.Place{Org: org, Part: layout.Folder})
}

func (m *memory) done() (looks, reads, reading int64) { return 0, 0, 0 }

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
		test(tr, inMemory{m}, func() {
			tr.open()
			tr.l.src = m
			tr.load()
		})
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
	tr.open()
	tr.l.src = m
	tr.load()
	tr.background(func(ctx context.Context) error { return tr.l.Run(ctx) })
	tr.settled()
	tr.l.mu.Lock()
	m.text["o1/buckets/b.json"] = allowBucket("b")
	m.changes.change("o1/buckets/b.json", false, false)
	tr.l.mu.Unlock()
	for end := time.Now().Add(10 * time.Second); tr.decide("o1", "b") != allowed; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the change is not published")
		}
	}
}

var _ = []source{&directory{}, &memory{}}
