package fuzz

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"postern/compile"
	"postern/internal/policyjson"
	"postern/policy"
)

// model is specification 4 without any cleverness.
type model struct {
	loaded   bool
	meant    bool // SIGHUP came while it was held
	orgs     map[string]*modelOrg
	mirror   modelMirror // nil: there is none
	mirrored bool        // it has caught up
	platform []string
	real     string // where the policy directory was at the last look
	hold     *modelHold
	// vanished are organizations whose folders went, if they had several bucket
	// policies: by what they had.
	vanished map[string]*modelOrg
	odd      []string // names at fault that are no unit
	denied   int      // first, broken policies of buckets that do not leave them as they were
	kept     int      // looks at which a platform organization had no folder any more
}

// modelHold is .hold while it stands.
type modelHold struct {
	id          string
	since       time.Time
	transaction bool
	over        bool // it is plain, and has stood for 60 s
}

type modelOrg struct {
	units         map[string]*modelUnit // access-policies, iam, buckets.json
	buckets       map[string]*modelUnit // by file name
	missed        map[string]bool       // of buckets, those whose files are gone and that stay all the same
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
	sum    string // names and bytes
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
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nothing, ""
	} else if err != nil {
		return aFault, ""
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

// behind reports that a folder between the root and what lies at a path cannot
// be listed: so nothing behind it can be listed or read (docs/readings.md).
func behind(root, path string) bool {
	for strings.HasPrefix(path, root+"/") {
		if path = filepath.Dir(path); path == root {
			break
		}
		f, err := os.Open(path)
		if err != nil {
			return true
		}
		f.Close()
	}
	return false
}

// read reads a file; what cannot be read has no content, and is no document.
func read(root, file string) []byte {
	data, err := os.ReadFile(file)
	if err != nil || behind(root, file) {
		return nil
	}
	return data
}

// list lists the names in a folder; false: it cannot be listed, or nothing in
// it looked at.
func list(root, dir string) (out []string, ok bool) {
	es, err := os.ReadDir(dir)
	if err != nil || behind(root, dir) {
		return nil, false
	}
	if _, err := os.Stat(dir + "/."); err != nil {
		return nil, false
	}
	for _, e := range es {
		n := e.Name()
		if !strings.HasPrefix(n, ".") && !strings.HasSuffix(n, "~") && !strings.HasSuffix(n, ".swp") && !strings.HasSuffix(n, ".tmp") {
			out = append(out, n)
		}
	}
	return out, true
}

// look looks at the gate: .hold counts by its name. A first look waits for none
// but a transaction.
func (m *model) lookAtHold(root string, now time.Time) {
	path := filepath.Join(root, ".hold")
	fi, err := os.Lstat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			m.hold = nil
		}
		return
	}
	sys := fi.Sys().(*syscall.Stat_t)
	id := fmt.Sprint(sys.Ino, sys.Mtim, sys.Ctim, sys.Size)
	if m.hold == nil || m.hold.id != id {
		m.hold = &modelHold{id: id, since: now, transaction: strings.HasPrefix(string(readAll(path)), "transaction ")}
	}
	h := m.hold
	h.over = h.over || !h.transaction && now.Sub(h.since) >= time.Minute
}

// held reports whether nothing may be published.
func (m *model) held() bool {
	return m.hold != nil && !m.hold.over && (m.hold.transaction || m.loaded)
}

func newOrg(loaded bool) *modelOrg {
	o := &modelOrg{units: map[string]*modelUnit{}, buckets: map[string]*modelUnit{}, bucketsKnown: loaded}
	for _, u := range []string{"access-policies", "iam", "buckets.json"} {
		o.units[u] = &modelUnit{known: loaded}
	}
	return o
}

// miss notes that a bucket file is gone and stays all the same.
func (o *modelOrg) miss(file string) {
	if o.missed == nil {
		o.missed = map[string]bool{}
	}
	o.missed[file] = true
}

// breakAll is a fault of all of an organization.
func (o *modelOrg) breakAll() {
	for _, u := range o.units {
		u.broken = true
	}
	o.bucketsBroken = true
}

// files are the bucket files that an organization had.
func (o *modelOrg) files() map[string]bool {
	out := map[string]bool{}
	for name := range o.buckets {
		out[name] = !o.missed[name]
	}
	return out
}

func (m *model) look(root string, confirm bool) {
	root, _ = filepath.EvalSymlinks(root)
	confirm = confirm || m.meant
	if m.held() {
		m.meant = confirm
		return
	}
	m.meant = false
	names, ok := list(root, root)
	if !ok {
		return
	}
	m.odd = nil
	before := m.bucketFiles()
	confirm = confirm || m.loaded && root != m.real
	m.real = root
	if confirm {
		m.vanished = nil
		for _, o := range m.orgs {
			o.missed = nil
		}
	}
	listed := m.listBuckets(root, names)
	there := map[string]bool{}
	for _, name := range names {
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
			o = newOrg(m.loaded)
			m.orgs[name] = o
			if v := m.vanished[name]; v != nil {
				delete(m.vanished, name)
				o.buckets, o.missed, o.bucketsKnown = v.buckets, v.missed, v.bucketsKnown
			}
		}
		names, ok := list(root, real)
		if kind == aFault || !ok {
			o.breakAll()
			continue
		}
		o.look(root, real, name, names, confirm, listed)
	}
	for name, o := range m.orgs {
		switch {
		case there[name]:
		case !confirm && m.isPlatform(name):
			m.kept++
			o.breakAll()
		case confirm:
			delete(m.orgs, name)
		default:
			m.vanish(name)
		}
	}
	m.settle(listed, before)
}

// isPlatform reports whether the vanishing of an organization's folder is a
// fault (specification 1.3).
func (m *model) isPlatform(org string) bool {
	return slices.Contains(m.platform, org) && (m.loaded || !m.mirror[org].left)
}

// vanish takes an organization out, and remembers its buckets/.
func (m *model) vanish(name string) {
	o := m.orgs[name]
	delete(m.orgs, name)
	if len(o.buckets) == 0 {
		return
	}
	if m.vanished == nil {
		m.vanished = map[string]*modelOrg{}
	}
	m.vanished[name] = &modelOrg{buckets: o.buckets, missed: o.missed, bucketsKnown: o.bucketsKnown, bucketsBroken: true}
	for _, b := range o.buckets {
		b.broken = false
	}
}

// settle ends a look.
func (m *model) settle(listed map[string]map[string]bool, before map[string]map[*modelUnit]modelUnit) {
	for org, o := range m.orgs { // each that is missed is elsewhere: it moved
		moved := len(o.missed) > 0
		for file := range o.missed {
			moved = moved && elsewhere(listed, org, file)
		}
		if moved {
			for file := range o.missed {
				delete(o.buckets, file)
			}
			o.missed, o.bucketsKnown = nil, o.bucketsKnown || !o.bucketsBroken
		}
	}
	m.firstBroken(before)
	m.loaded, m.mirrored = true, false
}

// listBuckets lists the bucket files that each organization has now; where its
// buckets/ cannot be listed, those that it had.
func (m *model) listBuckets(root string, orgs []string) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, org := range orgs {
		kind, at := find(root, filepath.Join(root, org))
		if strings.Contains(org, ".") || kind == nothing || kind == aFile {
			continue
		}
		out[org] = map[string]bool{}
		if _, ok := list(root, at); kind == aFolder && ok {
			buckets, real := find(root, filepath.Join(at, "buckets"))
			if buckets == nothing {
				continue
			}
			if names, ok := list(root, real); buckets == aFolder && ok {
				for _, name := range names {
					if strings.HasSuffix(name, ".json") {
						out[org][name] = true
					}
				}
				continue
			}
		}
		if o := m.orgs[org]; o != nil {
			out[org] = o.files()
		}
	}
	for org, o := range m.orgs {
		if out[org] == nil && m.isPlatform(org) {
			out[org] = o.files()
		}
	}
	return out
}

// elsewhere reports whether another organization than org has the bucket file.
func elsewhere(listed map[string]map[string]bool, org, file string) bool {
	for other, files := range listed {
		if other != org && files[file] {
			return true
		}
	}
	return false
}

// bucketFiles lists the units of each bucket file, as they are now.
func (m *model) bucketFiles() map[string]map[*modelUnit]modelUnit {
	out := map[string]map[*modelUnit]modelUnit{}
	for _, o := range m.orgs {
		for name, b := range o.buckets {
			if out[name] == nil {
				out[name] = map[*modelUnit]modelUnit{}
			}
			out[name][b] = *b
		}
	}
	return out
}

// firstBroken: that a file was not there is no good content of a bucket that
// had a policy before this look and has none now, or of which some other file
// was never good, unless that became good (docs/readings.md).
func (m *model) firstBroken(before map[string]map[*modelUnit]modelUnit) {
	for name, now := range m.bucketFiles() {
		had, has, unknown := false, false, false
		for u, was := range before[name] {
			_, there := now[u]
			had = had || !was.empty()
			unknown = unknown || !was.known && !there
		}
		for _, b := range now {
			has = has || b.known && !b.empty()
			unknown = unknown || !b.known
		}
		for b, is := range now {
			if is.known && is.empty() && (unknown || had && !has) {
				b.known = false
				m.denied++
			}
		}
	}
}

func (o *modelOrg) look(root, at, org string, names []string, confirm bool, listed map[string]map[string]bool) {
	o.odd = nil
	for _, name := range names {
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
	o.lookBuckets(root, filepath.Join(at, "buckets"), org, confirm, listed)
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
	listed, good := list(root, real)
	names := map[string]bool{}
	for _, name := range listed {
		kind, file := find(root, filepath.Join(real, name))
		if kind != aFile {
			good = false
			continue
		}
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		data := read(root, file)
		c.sum += fmt.Sprintf("%q %q ", name, data)
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
		data := read(root, real)
		names, ds := policyjson.ParseBucketList("", data, policyjson.Limits{})
		if names == nil {
			names = []string{}
		}
		return content{sum: string(data), list: names}, !policy.HasErrors(ds)
	}
	return content{}, false
}

func (o *modelOrg) lookBuckets(root, at, org string, confirm bool, listed map[string]map[string]bool) {
	kind, real := find(root, at)
	names, ok := list(root, real)
	switch {
	case kind == aFile, kind == aFault, kind == aFolder && !ok:
		o.bucketsBroken = true
		return
	}
	o.bucketsBroken = false
	o.oddBuckets = nil
	there := map[string]bool{}
	held, stay, moved := 0, 0, 0
	for name := range o.buckets {
		if o.missed[name] {
			continue
		}
		held++
		if listed[org][name] {
			stay++
		} else if elsewhere(listed, org, name) {
			moved++
		}
	}
	if held > 1 && stay == 0 && moved < held && !confirm {
		for name := range o.buckets {
			o.miss(name)
		}
	}
	for _, name := range names {
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
		data := read(root, file)
		doc, _ := policyjson.ParseBucket(org+"/buckets/"+name, strings.TrimSuffix(name, ".json"), data, policyjson.Limits{})
		b.see(content{sum: string(data), docs: []*policy.Document{doc}}, doc != nil)
	}
	for name := range o.buckets {
		if there[name] {
			delete(o.missed, name)
		} else if !o.missed[name] {
			delete(o.buckets, name)
		}
	}
	o.bucketsKnown = o.bucketsKnown || len(o.missed) == 0
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
		if o.bucketsBroken || len(o.missed) > 0 {
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
	d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{}, Buckets: map[string]*policy.DirectoryBucket{},
		BuiltIn: builtIn, PlatformOrganizations: m.platform}
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
