package fuzz

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// modelMirror is what `-state` holds (specification 4, Restart): by
// organization. One that it has nothing of any more stays, as long as the
// organization does.
type modelMirror map[string]*mirrored

type mirrored struct {
	units   map[string]*content // the last good ones; empty: there was no file
	buckets map[string]*content // likewise, by file name; nil: nothing to trust
	held    held                // while buckets/ is at fault
	doubt   bool                // held is not what it was last, as a process was killed
	left    bool                // the organization vanished, and its buckets/ is remembered
}

// held is what a buckets/ at fault held, as far as that is known, and missed.
type held struct {
	known         bool
	files, missed []string // files are told only where all are known
}

// sum tells one from another, as the mirror writes it.
func (h held) sum() string { return fmt.Sprint(h) }

// held tells what is to be kept of buckets/; false: it is not at fault.
func (o *modelOrg) held() (held, bool) {
	if !o.bucketsBroken && len(o.missed) == 0 {
		return held{}, false
	}
	h := held{known: o.bucketsKnown, missed: slices.Sorted(maps.Keys(o.missed))}
	if h.known {
		h.files = slices.Sorted(maps.Keys(o.buckets))
	}
	return h, true
}

// write brings the mirror up to date.
func (mm modelMirror) write(m *model) {
	for name, o := range m.orgs {
		x := mm[name]
		if x == nil {
			x = &mirrored{units: map[string]*content{}, buckets: map[string]*content{}}
		}
		for unit, u := range o.units {
			keep(x.units, unit, u, u.broken)
		}
		x.keepBuckets(o)
		x.held, _ = o.held()
		if x.doubt, x.left = false, false; len(x.units)+len(x.buckets) > 0 || x.held.sum() != (held{}).sum() {
			mm[name] = x
		}
	}
	for name, v := range m.vanished {
		x := mm[name]
		if x == nil {
			x = &mirrored{buckets: map[string]*content{}}
			mm[name] = x
		}
		for file, c := range x.buckets {
			if b := v.buckets[file]; c != nil && b != nil && !b.known {
				x.buckets[file] = nil // it may have said anything, though the mirror has none
			}
		}
		x.keepBuckets(v)
		x.held, _ = v.held()
		x.units, x.doubt, x.left = map[string]*content{}, false, true
	}
	for name := range mm {
		if m.orgs[name] == nil && m.vanished[name] == nil {
			delete(mm, name)
		}
	}
}

func (x *mirrored) keepBuckets(o *modelOrg) {
	for file := range x.buckets {
		if o.buckets[file] == nil {
			delete(x.buckets, file)
		}
	}
	for file, b := range o.buckets {
		keep(x.buckets, file, b, b.broken || o.bucketsBroken || o.missed[file])
	}
}

// keep keeps the last good content of a unit. That there was no file is worth a
// word only while the unit is at fault.
func keep(of map[string]*content, name string, u *modelUnit, faulty bool) {
	switch old, there := of[name]; {
	case !u.known && there && (old == nil || !old.empty()):
		of[name] = nil
	case !u.known, u.empty() && !faulty:
		delete(of, name)
	default:
		c := u.content
		of[name] = &c
	}
}

// start is the model of a process that starts with the mirror. last is what was
// in force when the process before it was killed, before it wrote the mirror;
// nil: the mirror has caught up. Content that was overtaken counts for nothing.
func (mm modelMirror) start(last *model) *model {
	m := &model{orgs: map[string]*modelOrg{}, mirror: mm}
	for name, x := range mm {
		var was *modelOrg
		if last != nil {
			if was = last.orgs[name]; was == nil {
				was = last.vanished[name]
			}
			if was == nil {
				was = &modelOrg{}
			}
		}
		o := newOrg(false)
		for unit, c := range x.units {
			if was == nil || was.units[unit].has(c) {
				o.units[unit].take(c)
			}
		}
		for file, c := range x.buckets {
			if was == nil {
				o.buckets[file] = new(modelUnit).take(c)
			} else if b := was.buckets[file]; b != nil {
				o.buckets[file] = &modelUnit{}
				if b.has(c) {
					o.buckets[file].take(c)
				}
			}
		}
		if was != nil {
			h, fault := was.held()
			x.doubt = h.sum() != x.held.sum() || !fault && x.doubt
		}
		if x.doubt { // all of it may have been missed
			for file := range o.buckets {
				o.miss(file)
			}
		} else {
			o.bucketsKnown = x.held.known
			for _, file := range slices.Concat(x.held.files, x.held.missed) {
				if o.buckets[file] == nil {
					o.buckets[file] = &modelUnit{}
				}
			}
			for _, file := range x.held.missed {
				o.miss(file)
			}
		}
		m.orgs[name] = o
	}
	return m
}

// has reports whether content is the unit's.
func (u *modelUnit) has(c *content) bool {
	return u != nil && u.known && c != nil && u.sum == c.sum && u.empty() == c.empty()
}

// take makes content the unit's last good one; nil: there is none.
func (u *modelUnit) take(c *content) *modelUnit {
	if c != nil {
		u.known, u.content = true, *c
	}
	return u
}

// startHeld is a start under a transaction: what the mirror has is in force, and
// everything is at fault. False: it has nothing.
func (m *model) startHeld(root string) bool {
	before := m.bucketFiles()
	listed := map[string]map[string]bool{}
	for name, o := range m.orgs {
		if m.mirror[name].left {
			m.vanish(name)
			continue
		}
		o.breakAll()
		listed[name] = o.files()
	}
	if len(m.orgs) == 0 {
		return false
	}
	m.real, _ = filepath.EvalSymlinks(root)
	m.settle(listed, before)
	return true
}
