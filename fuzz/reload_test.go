package fuzz

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policyjson"
	"postern/internal/reference"
	"postern/loader"
	"postern/policy"
)

// FuzzReload writes, breaks, links, moves and removes in a real policy
// directory, as the bytes say, looks at it with the loader every now and then,
// and holds what the loader says to a model of specification 4 that is as
// simple as possible: it reads the whole tree anew at each look.
func FuzzReload(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte("\x00\x00\x00\x01\x00\x02\x03\x0d\x00\x02\x08\x0d\x0e\x0f"))
	for seed := range 24 {
		var b []byte
		x := uint32(seed*2654435761 + 1)
		for range 160 {
			x = x*1664525 + 1013904223
			b = append(b, byte(x>>24))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 400 {
			script = script[:400]
		}
		newReload(t, script, t.TempDir()).run()
	})
}

func (r *reload) run() {
	for len(r.script) > 0 {
		r.step()
	}
	r.look(false)
}

// TestReload runs random scripts, and makes sure that they come upon what the
// target is about.
func TestReload(t *testing.T) {
	runs := 60
	if testing.Short() {
		runs = 15
	}
	reached := map[string]int{}
	for seed := range runs {
		rnd := rand.New(rand.NewPCG(uint64(seed), 4))
		script := make([]byte, 250)
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		r := newReload(t, script, t.TempDir())
		r.run()
		for what, n := range r.reached {
			reached[what] += n
		}
	}
	for _, what := range []string{"ok", "quarantined", "last good true", "last good false", "allowed", "bucket_deny", "bucket_policy_unavailable",
		"organization_unavailable", "organization_deny", "no_organization_policy", "owner_mismatch", "owner_unknown", "not_bucket_owner", "cross_organization_no_allow",
		"iam allowed", "iam iam_no_match", "iam iam_unavailable"} {
		if reached[what] == 0 {
			t.Errorf("no look came upon %q: %v", what, reached)
		}
	}
}

var builtIn = policyjson.BuiltIn()

// reload is one run: the directory, the loader, the model.
type reload struct {
	t       *testing.T
	script  []byte
	base    string
	root    string
	state   string
	l       *loader.Loader
	current *index.Current
	model   *model
	done    []string // what was done, for the message
	n       int
	reached map[string]int // what the looks came upon
}

func newReload(t *testing.T, script []byte, base string) *reload {
	r := &reload{t: t, script: script, reached: map[string]int{}, base: base, root: filepath.Join(base, "policies"), model: &model{orgs: map[string]*modelOrg{}}}
	if r.next(2) == 1 {
		r.state = filepath.Join(base, "state")
	}
	for _, dir := range []string{"outside", "policies/o1/access-policies", "policies/o1/buckets", "policies/..s/d"} {
		r.must(os.MkdirAll(filepath.Join(base, dir), 0o755))
	}
	r.must(os.WriteFile(filepath.Join(base, "outside/b1.json"), []byte(contents[3]), 0o644))
	r.open()
	return r
}

func (r *reload) open() {
	r.current = &index.Current{}
	l, err := loader.New(loader.Config{Root: r.root, StateDir: r.state, Current: r.current, Workers: 2,
		Compiler: compile.Compiler{BuiltIn: builtIn}})
	r.must(err)
	r.l = l
}

func (r *reload) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// next takes a number below n from the script.
func (r *reload) next(n int) int {
	if len(r.script) == 0 {
		return 0
	}
	b := r.script[0]
	r.script = r.script[1:]
	return int(b) % n
}

var contents = []string{
	``,
	`{"version":"v1alpha1","name":"allow","statements":[{"name":"s","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`,
	`{"policy":{"version":"v1alpha1","name":"deny","statements":[{"name":"s","effect":"Deny","actions":["s3:*"],"resources":["b1/*"],"principals":["*"]}]}}`,
	`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}`,
	`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}`,
	`{"buckets":["b1"]}`,
	`{"buckets":["b1","b2"]}`,
	`{"buckets":[]}`,
	`{"nothing":1}`,
	`{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"groups"},"groups":{"g":{"members":["coreweave/u"]}}}`,
	`{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"bindings"},"bindings":[{"id":"b","roles":["iam-viewer"],"members":["group/g"]}]}`,
	`{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"direct"},"bindings":[{"id":"c","roles":["iam-viewer"],"members":["coreweave/u"]}]}`,
}

// Most paths are where a file belongs; twice where it matters most.
var paths = []string{
	"o1/access-policies/x.json", "o1/access-policies/x.json", "o1/access-policies/y.json", "o1/buckets/b1.json", "o1/buckets/b1.json", "o1/buckets/b2.json",
	"o1/buckets.json", "o1/iam/i.json", "o1/iam/i.json", "o1/iam/j.json", "o2/access-policies/x.json", "o2/buckets/b1.json", "o2/buckets/b3.json", "o2/buckets.json",
	"o1/buckets/note", "o1/access-policies/note", "o1/buckets/bad!.json", "o1/buckets/.b1.json", "o1/odd", "..s/d/x.json", "..s/b1.json", "README", "o.3",
	"o3/buckets/b1.json",
}

var folders = []string{
	"o1", "o1/access-policies", "o1/buckets", "o1/iam", "o2", "o2/access-policies", "o2/buckets", "..s", "..s/d", "o3", "o1/buckets/sub", "o1/access-policies/sub",
}

var targets = []string{
	"..s/b1.json", "..s/d", "..s/d/x.json", "o1/buckets/b1.json", "o1/access-policies", "o1/buckets", "o1", "o2", "nowhere", "../outside/b1.json", "../outside", "", "../policies/..s/d",
}

func (r *reload) note(format string, args ...any) {
	r.done = append(r.done, fmt.Sprintf(format, args...))
}

// step does one operation. Operations that the tree does not allow just now
// (a file where a folder would have to be) do nothing.
func (r *reload) step() {
	op := r.next(19)
	path := func() string { return paths[r.next(len(paths))] }
	at := func(p string) string { return filepath.Join(r.root, p) }
	content := func(p string) string {
		switch k := r.next(4); {
		case k == 0:
			return contents[r.next(len(contents))]
		case strings.Contains(p, "access-policies"), strings.HasPrefix(p, "..s/d"):
			return contents[1+k%2]
		case strings.Contains(p, "iam"):
			return contents[9+k%3]
		case strings.HasSuffix(p, "buckets.json"):
			return contents[5+k%3]
		default:
			return contents[3+k%2]
		}
	}
	parent := func(p string) { os.MkdirAll(filepath.Dir(at(p)), 0o755) }
	switch op {
	case 0, 1, 2: // whole
		p := path()
		c := content(p)
		parent(p)
		err := overwrite(at(p), c)
		r.note("write %s %q: %v", p, c, err)
	case 3: // in pieces, with a look in between
		p := path()
		c := content(p)
		parent(p)
		err := overwrite(at(p), c[:len(c)/2])
		r.note("write half of %s %q: %v", p, c, err)
		r.look(false)
		if err == nil {
			r.note("and the rest: %v", overwrite(at(p), c))
		}
	case 4:
		p := path()
		n := int64(r.next(40))
		if regular(at(p)) {
			r.note("truncate %s to %d: %v", p, n, os.Truncate(at(p), n))
		}
	case 5: // rename over
		p := path()
		c := content(p)
		parent(p)
		tmp := at(p) + ".tmp"
		if overwrite(tmp, c) == nil {
			r.note("rename over %s %q: %v", p, c, os.Rename(tmp, at(p)))
			os.Remove(tmp)
		}
	case 6:
		p := path()
		r.note("remove %s: %v", p, os.Remove(at(p)))
	case 7:
		p := folders[r.next(len(folders))]
		r.note("mkdir %s: %v", p, os.MkdirAll(at(p), 0o755))
	case 8:
		p := folders[r.next(len(folders))]
		r.note("rm -r %s: %v", p, removeAll(at(p)))
	case 9, 10: // a link to something, in one step
		p := path()
		if op == 10 {
			p = folders[r.next(len(folders))]
		}
		target := filepath.Join(r.root, targets[r.next(len(targets))])
		if r.next(2) == 0 {
			if rel, err := filepath.Rel(filepath.Dir(at(p)), target); err == nil {
				target = rel
			}
		}
		parent(p)
		if regular(at(p)) || r.next(2) == 0 {
			removeAll(at(p))
		}
		tmp := at(p) + ".tmp"
		if os.Symlink(target, tmp) == nil {
			r.note("link %s to %s: %v", p, target, os.Rename(tmp, at(p)))
			os.Remove(tmp)
		}
	case 11:
		p := path()
		if fi, err := os.Lstat(at(p)); err == nil && !fi.IsDir() {
			os.Remove(at(p))
			r.note("FIFO %s: %v", p, syscall.Mkfifo(at(p), 0o644))
		}
	case 12:
		p := path()
		if os.Remove(at(p)) == nil {
			r.note("folder in place of %s: %v", p, os.Mkdir(at(p), 0o755))
		}
	case 13: // another place: a bucket to another organization, a folder aside and back
		moves := [][2]string{{"o1/buckets/b1.json", "o2/buckets/b1.json"}, {"o2/buckets/b1.json", "o1/buckets/b1.json"}, {"o1/buckets", "..hold"}, {"..hold", "o1/buckets"},
			{"o1", "o2"}, {"o2", "o1"}, {"o2/buckets/b3.json", "o1/buckets/b3.json"}, {"..s", "..t"}, {"..t", "..s"}}
		m := moves[r.next(len(moves))]
		parent(m[1])
		r.note("move %s to %s: %v", m[0], m[1], os.Rename(at(m[0]), at(m[1])))
	case 14: // touch
		p := path()
		if regular(at(p)) {
			if data, err := os.ReadFile(at(p)); err == nil {
				r.note("touch %s: %v", p, overwrite(at(p), string(data)))
			}
		}
	case 15, 16:
		r.look(false)
	case 17:
		r.look(true)
	case 18:
		if r.current.Load() != nil { // a restart
			r.note("restart")
			r.open()
			r.model.restart(r.state != "")
			r.look(false)
		}
	}
}

// overwrite writes to a regular file or makes one; it follows no link out of
// the test and opens no FIFO.
func overwrite(path, data string) error {
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() {
		return fmt.Errorf("not a regular file")
	}
	if real, err := filepath.EvalSymlinks(path); err == nil && strings.Contains(real, "/outside/") {
		return fmt.Errorf("outside")
	}
	return os.WriteFile(path, []byte(data), 0o644)
}

// removeAll is os.RemoveAll, which opens the folder that path lies in, and
// would wait for a writer if that is a FIFO.
func removeAll(path string) error {
	if fi, err := os.Stat(filepath.Dir(path)); err != nil || !fi.IsDir() {
		return fmt.Errorf("not in a folder")
	}
	return os.RemoveAll(path)
}

func regular(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.Mode().IsRegular()
}

// look lets loader and model look, and compares them.
func (r *reload) look(confirm bool) {
	r.t.Helper()
	r.note("look (SIGHUP: %v)", confirm)
	if r.n++; r.n > 40 {
		return
	}
	if confirm {
		r.l.Rescan()
	}
	r.must(r.l.Load(context.Background()))
	r.model.look(r.root, confirm)
	st := r.l.Status()
	var got []string
	for _, q := range st.Quarantined {
		got = append(got, fmt.Sprintf("%s (last good: %v)", q.Unit, q.LastGood))
	}
	if want := r.model.quarantined(); !slices.Equal(got, want) {
		r.t.Fatalf("quarantined\n%s\nwant\n%s\nafter\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), strings.Join(r.done, "\n"))
	}
	if wantOK := len(got) == 0; (st.Result == policy.ReloadOK) != wantOK || st.Result == policy.ReloadFailed {
		r.t.Fatalf("result %v with %d quarantined units", st.Result, len(got))
	}
	snapshot := r.current.Load()
	if snapshot.Generation() != st.Generation {
		r.t.Fatalf("status says generation %d, in force is %d", st.Generation, snapshot.Generation())
	}
	d := r.model.directory()
	ref := reference.New(d)
	var sc index.Scratch
	for _, org := range []string{"o1", "o2", "o3"} {
		for _, bucket := range []string{"b1", "b2", "b3", "bad!", "unheard"} {
			for _, owner := range []string{"", "o1", "o2", "o3"} {
				for _, action := range []string{"s3:GetObject", "s3:CreateBucket"} {
					q := &policy.Request{
						Principal: policy.Principal{Org: org, IDs: []string{"coreweave/u"}}, Action: action,
						Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: bucket + "/k", Org: owner},
					}
					if action == "s3:CreateBucket" {
						q.Resource.Kind, q.Resource.Type, q.Resource.ID = policy.ResourceBucket, "bucket", bucket
					}
					want := ref.Evaluate(q).Decision
					want.Generation = snapshot.Generation()
					r.reached[want.Reason.String()]++
					if got := snapshot.Decide(q, &sc); got != want {
						r.t.Fatalf("%s by %s on %s (owner %q): %+v, want %+v\nafter\n%s\nquarantined %v", action, org, bucket, owner, got, want, strings.Join(r.done, "\n"), st.Quarantined)
					}
				}
			}
		}
	}
	r.reached[st.Result.String()]++
	for _, q := range st.Quarantined {
		r.reached[fmt.Sprintf("last good %v", q.LastGood)]++
	}
	if r.n%4 != 0 {
		return
	}
	for _, org := range []string{"o1", "o2", "o3"} {
		q := &policy.Request{Principal: policy.Principal{Org: org, IDs: []string{"coreweave/u"}}, Action: "iam:ListUsers",
			Resource: policy.Resource{Kind: policy.ResourceOrganization, Type: "organization", ID: "*"}}
		want := ref.Evaluate(q).Decision
		want.Generation = snapshot.Generation()
		r.reached[want.Layer.String()+" "+want.Reason.String()]++
		if got := snapshot.Decide(q, &sc); got != want {
			r.t.Fatalf("%s by %s: %+v, want %+v\nafter\n%s\nquarantined %v", q.Action, org, got, want, strings.Join(r.done, "\n"), st.Quarantined)
		}
	}
	// A look at what did not change publishes nothing.
	r.must(r.l.Load(context.Background()))
	if g := r.current.Load().Generation(); g != snapshot.Generation() {
		r.t.Fatalf("generation %d after a look at nothing new, was %d\nafter\n%s", g, snapshot.Generation(), strings.Join(r.done, "\n"))
	}
}

// model is specification 4 without any cleverness.
type model struct {
	loaded bool
	orgs   map[string]*modelOrg
	odd    []string // names at fault that are no unit
}

type modelOrg struct {
	units         map[string]*modelUnit // access-policies, iam, buckets.json
	buckets       map[string]*modelUnit // by file name
	bucketsKnown  bool
	bucketsBroken bool
	odd           []string // in the folder
	oddBuckets    []string // in buckets/
}

// modelUnit holds the last good content: known and no documents is that there
// was no file.
type modelUnit struct {
	known, broken bool
	content
}

type content struct {
	docs   []*policy.Document
	access []*policy.AccessDocument
	list   []string
}

func (c *content) empty() bool { return len(c.docs)+len(c.access) == 0 && c.list == nil }

type found int

const (
	nothing found = iota
	aFile
	aFolder
	aFault
)

// find tells what a path leads to, and where that is.
func find(root, path string) (found, string) {
	if _, err := os.Lstat(path); err != nil {
		return nothing, ""
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return aFault, ""
	}
	fi, err := os.Stat(real)
	if err != nil || !strings.HasPrefix(real, root+"/") {
		return aFault, ""
	}
	switch {
	case fi.IsDir():
		return aFolder, real
	case fi.Mode().IsRegular():
		return aFile, real
	}
	return aFault, ""
}

func list(dir string) []string {
	es, _ := os.ReadDir(dir)
	var out []string
	for _, e := range es {
		n := e.Name()
		if !strings.HasPrefix(n, ".") && !strings.HasSuffix(n, "~") && !strings.HasSuffix(n, ".swp") && !strings.HasSuffix(n, ".tmp") {
			out = append(out, n)
		}
	}
	return out
}

func (m *model) look(root string, confirm bool) {
	root, _ = filepath.EvalSymlinks(root)
	m.odd = nil
	there := map[string]bool{}
	for _, name := range list(root) {
		kind, real := find(root, filepath.Join(root, name))
		if strings.Contains(name, ".") { // the only invalid names of this test
			if kind == aFault {
				m.odd = append(m.odd, name)
			}
			continue
		}
		if kind == aFile {
			continue
		}
		there[name] = true
		o := m.orgs[name]
		if o == nil {
			o = &modelOrg{units: map[string]*modelUnit{}, buckets: map[string]*modelUnit{}, bucketsKnown: m.loaded}
			for _, u := range []string{"access-policies", "iam", "buckets.json"} {
				o.units[u] = &modelUnit{known: m.loaded}
			}
			m.orgs[name] = o
		}
		if kind == aFault {
			for _, u := range o.units {
				u.broken = true
			}
			o.bucketsBroken = true
			continue
		}
		o.look(root, real, name, confirm)
	}
	for name := range m.orgs {
		if !there[name] {
			delete(m.orgs, name)
		}
	}
	m.loaded = true
}

func (o *modelOrg) look(root, at, org string, confirm bool) {
	o.odd = nil
	for _, name := range list(at) {
		switch name {
		case "access-policies", "iam", "buckets.json", "buckets":
		default:
			if kind, _ := find(root, filepath.Join(at, name)); kind == aFault {
				o.odd = append(o.odd, org+"/"+name)
			}
		}
	}
	for _, u := range []string{"access-policies", "iam"} {
		o.units[u].see(readFolder(root, filepath.Join(at, u), org, u))
	}
	o.units["buckets.json"].see(readList(root, filepath.Join(at, "buckets.json")))
	o.lookBuckets(root, filepath.Join(at, "buckets"), org, confirm)
}

// see takes what was read, or that it was no good.
func (u *modelUnit) see(c content, good bool) {
	u.broken = !good
	if good {
		u.known, u.content = true, c
	}
}

func readFolder(root, at, org, part string) (c content, good bool) {
	kind, real := find(root, at)
	if kind == nothing {
		return c, true
	}
	if kind != aFolder {
		return c, false
	}
	good = true
	names := map[string]bool{}
	for _, name := range list(real) {
		kind, file := find(root, filepath.Join(real, name))
		if kind != aFile {
			good = false
			continue
		}
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		data, _ := os.ReadFile(file)
		if part == "iam" {
			doc, ds := policyjson.ParseAccess(org+"/"+part+"/"+name, data, policyjson.Limits{})
			good = good && !policy.HasErrors(ds)
			c.access = append(c.access, doc)
			continue
		}
		doc, _ := policyjson.ParseOrganization(org+"/"+part+"/"+name, data, policyjson.Limits{})
		if doc == nil || names[doc.Name] {
			good = false
			continue
		}
		names[doc.Name] = true
		c.docs = append(c.docs, doc)
	}
	if good && part == "iam" { // what the documents say of one another
		_, ds := compile.Compiler{BuiltIn: builtIn}.Access(org, c.access)
		good = !policy.HasErrors(ds)
	}
	return c, good
}

func readList(root, at string) (content, bool) {
	kind, real := find(root, at)
	switch kind {
	case nothing:
		return content{}, true
	case aFile:
		data, _ := os.ReadFile(real)
		names, ds := policyjson.ParseBucketList("", data, policyjson.Limits{})
		if names == nil {
			names = []string{}
		}
		return content{list: names}, !policy.HasErrors(ds)
	}
	return content{}, false
}

func (o *modelOrg) lookBuckets(root, at, org string, confirm bool) {
	kind, real := find(root, at)
	switch {
	case kind == nothing && len(o.buckets) > 1 && !confirm, kind == aFile, kind == aFault:
		o.bucketsBroken = true
		return
	}
	o.bucketsBroken = false
	o.oddBuckets = nil
	there := map[string]bool{}
	for _, name := range list(real) {
		if kind == nothing {
			break
		}
		kind, file := find(root, filepath.Join(real, name))
		if !strings.HasSuffix(name, ".json") {
			if kind != aFile {
				o.oddBuckets = append(o.oddBuckets, org+"/buckets/"+name)
			}
			continue
		}
		there[name] = true
		b := o.buckets[name]
		if b == nil {
			b = &modelUnit{known: o.bucketsKnown}
			o.buckets[name] = b
		}
		if kind != aFile || strings.Contains(name, "!") {
			b.broken = true
			continue
		}
		data, _ := os.ReadFile(file)
		doc, _ := policyjson.ParseBucket(org+"/buckets/"+name, strings.TrimSuffix(name, ".json"), data, policyjson.Limits{})
		b.see(content{docs: []*policy.Document{doc}}, doc != nil)
	}
	for name := range o.buckets {
		if !there[name] {
			delete(o.buckets, name)
		}
	}
	o.bucketsKnown = true
}

// restart forgets what a process forgets: all, or, with a mirror, all but the
// last good files and that quarantined units had none.
func (m *model) restart(mirror bool) {
	m.loaded = false
	if !mirror {
		m.orgs = map[string]*modelOrg{}
		return
	}
	for _, o := range m.orgs {
		for _, u := range o.units {
			u.known = u.known && (u.broken || !u.empty())
			u.broken = false
		}
		o.bucketsKnown = o.bucketsKnown && o.bucketsBroken
		for name, b := range o.buckets {
			if !b.known && !o.bucketsKnown {
				delete(o.buckets, name)
			}
			b.broken = false
		}
		o.bucketsBroken = false
		o.odd, o.oddBuckets = nil, nil
	}
}

func (m *model) quarantined() []string {
	var out []string
	add := func(unit string, lastGood bool) {
		out = append(out, fmt.Sprintf("%s (last good: %v)", unit, lastGood))
	}
	for _, name := range m.odd {
		add(name, false)
	}
	for org, o := range m.orgs {
		for name, u := range o.units {
			if u.broken {
				add(org+"/"+name, u.known)
			}
		}
		if o.bucketsBroken {
			add(org+"/buckets", o.bucketsKnown)
		}
		for name, b := range o.buckets {
			if b.broken {
				add(org+"/buckets/"+name, b.known)
			}
		}
		for _, name := range slices.Concat(o.odd, o.oddBuckets) {
			add(name, false)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		x, _, _ := strings.Cut(a, " (")
		y, _, _ := strings.Cut(b, " (")
		return strings.Compare(x, y)
	})
	return out
}

// directory is what the reference evaluator judges by.
func (m *model) directory() *policy.Directory {
	d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{}, Buckets: map[string]*policy.DirectoryBucket{}, BuiltIn: builtIn}
	claims := map[string][]string{}
	for org, o := range m.orgs {
		d.Organizations[org] = &policy.DirectoryOrganization{
			Policies:            o.units["access-policies"].docs,
			PoliciesUnavailable: !o.units["access-policies"].known,
			Access:              o.units["iam"].access,
			IAMUnavailable:      !o.units["iam"].known,
			BucketsUnavailable:  !o.units["buckets.json"].known || !o.bucketsKnown,
		}
		mine := map[string]bool{}
		for _, name := range o.units["buckets.json"].list {
			mine[name] = true
		}
		for file, b := range o.buckets {
			if !b.known || !b.empty() {
				mine[strings.TrimSuffix(file, ".json")] = true
			}
		}
		for name := range mine {
			claims[name] = append(claims[name], org)
		}
	}
	for name, orgs := range claims {
		slices.Sort(orgs)
		k := &policy.DirectoryBucket{Owner: orgs[0], Claimants: orgs[1:]}
		o := m.orgs[orgs[0]]
		b := o.buckets[name+".json"]
		switch {
		case b == nil:
			k.PolicyUnavailable = !o.bucketsKnown
		case !b.known:
			k.PolicyUnavailable = true
		case !b.empty():
			k.Policy = b.docs[0]
		}
		d.Buckets[name] = k
	}
	return d
}
