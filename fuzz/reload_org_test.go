package fuzz

import (
	"path/filepath"
	"strings"

	"postern/internal/policyjson"
	"postern/policy"
)

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

// addTo adds the units of the bucket files, as they are now, by file name.
func (o *modelOrg) addTo(files map[string]map[*modelUnit]modelUnit) {
	for name, b := range o.buckets {
		if files[name] == nil {
			files[name] = map[*modelUnit]modelUnit{}
		}
		files[name][b] = *b
	}
}
