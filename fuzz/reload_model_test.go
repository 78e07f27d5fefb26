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

	"postern/policy"
)

// model is specification 4 without any cleverness.
type model struct {
	loaded   bool
	meant    bool // SIGHUP came while it was held
	keeping  bool // a transaction confirms, and not SIGHUP
	orgs     map[string]*modelOrg
	mirror   modelMirror // nil: there is none
	mirrored bool        // it has caught up
	platform []string
	real     string // where the policy directory was at the last look
	hold     *modelHold
	held0    string // what the last .held was that a look saw
	doubtful bool   // it cannot be told whether one stands: the policy directory cannot be looked at
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

// lookAtHold takes notice of .hold, which counts by its name. While the policy
// directory is away nobody can tell whether one stands: it is neither gone nor new.
func (m *model) lookAtHold(root string, now time.Time) {
	if _, err := filepath.EvalSymlinks(root); err != nil {
		m.doubtful = true
		return
	}
	path := filepath.Join(root, ".hold")
	fi, err := os.Lstat(path)
	if m.doubtful = err != nil && !errors.Is(err, fs.ErrNotExist); m.doubtful {
		return
	}
	if err != nil {
		m.hold = nil
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

// transactionEnded reports that .held is another than the last one that a look saw, and
// was a transaction.
func (m *model) transactionEnded(root string) bool {
	path := filepath.Join(root, ".held")
	fi, err := os.Lstat(path)
	if err != nil {
		return false
	}
	sys := fi.Sys().(*syscall.Stat_t)
	data := readAll(path)
	id := fmt.Sprint(sys.Ino, sys.Mtim, sys.Ctim, sys.Size, string(data))
	another := id != m.held0
	m.held0 = id
	return m.loaded && another && strings.HasPrefix(string(data), "transaction ")
}

// held reports whether nothing may be published. A first look waits for no hold
// but a transaction.
func (m *model) held() bool {
	return m.hold != nil && !m.doubtful && !m.hold.over && (m.hold.transaction || m.loaded)
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
	if ended := m.transactionEnded(root); ended && !confirm {
		// What a transaction removed was meant to go; an organization of the platform
		// that vanished is a fault all the same.
		confirm, m.keeping = true, true
		defer func() { m.keeping = false }()
	}
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
				v.addTo(before)
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
		case (!confirm || m.keeping) && m.isPlatform(name):
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
		o.addTo(out)
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
