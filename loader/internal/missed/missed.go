package missed

import (
	"iter"
	"maps"
	"slices"

	"postern/loader/source"
)

// Model is what the rule needs to know about what is in force.
type Model interface {
	// Org returns what the last looks left of an organization, or nil if it is not in
	// force.
	Org(name string) *source.Last
	// Missed returns the bucket files that an organization in force misses.
	Missed(org string) map[string]struct{}
	// Having returns the organizations that have a bucket file and do not miss it.
	Having(file string) iter.Seq[string]
}

// Look is the rule over what one look found.
type Look struct {
	m     Model
	f     *source.Found
	files *files // nil until it is asked where a file is
}

// New returns the rule over the findings f.
func New(m Model, f *source.Found) *Look { return &Look{m: m, f: f} }

// Take sets BucketsFinding.Missed in the findings, and takes out of them the files that
// are gone and missed.
func (x *Look) Take() {
	for _, of := range x.f.Orgs {
		o, b := x.m.Org(of.Name), of.Buckets
		if o == nil || b == nil || of.Gone || of.Fault != nil || b.Fault != nil || len(o.Buckets) == 0 {
			continue
		}
		before := x.m.Missed(of.Name)
		gone, back := map[string]struct{}{}, map[string]struct{}{}
		for i := range b.Found {
			if f := &b.Found[i]; f.Gone {
				gone[f.Name] = struct{}{}
			} else if has(before, f.Name) {
				back[f.Name] = struct{}{}
			}
		}
		if b.Absent {
			for name := range o.Buckets {
				gone[name] = struct{}{}
			}
		}
		b.Missed = x.Now(of.Name, o.Buckets, before, gone)
		for name := range back {
			delete(b.Missed, name)
		}
		if len(b.Missed) > 0 {
			b.Found = slices.DeleteFunc(b.Found, func(f source.BucketFinding) bool { return f.Gone && has(b.Missed, f.Name) })
		}
	}
}

// Now returns the bucket files of an organization that are missed after a look. held
// are those in force before the look, of which before were missed already; gone are
// those that the look found to be gone. What was missed stays missed. All of held is
// missed if it had several files that were not missed, all of these are gone, and not
// all of these are in another organization.
func (x *Look) Now(org string, held map[string]*source.Bucket, before, gone map[string]struct{}) map[string]struct{} {
	missed := maps.Clone(before)
	several, moved := 0, 0
	for name := range held {
		if has(before, name) {
			continue
		}
		if !has(gone, name) {
			return missed
		}
		several++
		if x.Elsewhere(org, name) {
			moved++
		}
	}
	if several < 2 || several == moved {
		return missed
	}
	for name := range held {
		missed = source.With(missed, name)
	}
	return missed
}

// Elsewhere reports whether an organization other than org has the bucket file, by what
// the look found and, where it did not look, by the model.
func (x *Look) Elsewhere(org, file string) bool {
	if x.files == nil {
		x.files = filesOf(x.f)
	}
	for _, other := range x.files.here[file] {
		if other != org {
			return true
		}
	}
	for other := range x.m.Having(file) {
		if other != org && !x.files.lacks(other, file) {
			return true
		}
	}
	return false
}

func has(set map[string]struct{}, name string) bool {
	_, ok := set[name]
	return ok
}

// files has the bucket files that one look found, by organization.
type files struct {
	here  map[string][]string    // organizations that have the file, of those that are not as they were
	gone  map[[2]string]struct{} // organization and file
	empty map[string]struct{}    // organizations that are gone, or whose buckets/ is
}

func filesOf(f *source.Found) *files {
	x := &files{here: map[string][]string{}, gone: map[[2]string]struct{}{}, empty: map[string]struct{}{}}
	for _, of := range f.Orgs {
		b := of.Buckets
		if of.Gone || b != nil && b.Fault == nil && b.Absent {
			x.empty[of.Name] = struct{}{}
		}
		if b == nil {
			continue
		}
		for i := range b.Found {
			if name := b.Found[i].Name; b.Found[i].Gone {
				x.gone[[2]string{of.Name, name}] = struct{}{}
			} else {
				x.here[name] = append(x.here[name], of.Name)
			}
		}
	}
	return x
}

// lacks reports whether the look found that an organization has no such file.
func (x *files) lacks(org, file string) bool {
	_, gone := x.gone[[2]string{org, file}]
	return gone || has(x.empty, org)
}
