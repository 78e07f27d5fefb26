package loader

import (
	"fmt"
	"maps"
	"slices"

	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// A bucket policy is missed while its file is gone and it is in force all the
// same (specification 4, Removals and faults): buckets/ held several policies,
// and at the next look none of them, whether the folder vanished, was emptied,
// was covered by a mount or came back with other files. That is what a failed
// mount or an unfinished copy looks like, and not what somebody who removes a
// policy does. organization.missed names them; they stay in
// organization.buckets, and the unit at fault is the folder, `o1/buckets`.
//
// A policy is missed no longer once its own file is back, or once SIGHUP
// confirms or POLICIES is re-pointed, or once each of those that its
// organization still misses has a file in another organization.
//
// An organization that vanishes is remembered, with what its buckets/ held and
// missed, so that it is held to the same when it appears again: see vanished.

// miss takes out of the findings the bucket files that are gone and are missed
// by what this look found, or were before.
func (l *Loader) miss(f *findings, confirm bool) {
	f.meant = confirm || l.loaded && f.Repointed
	if f.meant {
		return
	}
	for _, of := range f.Orgs {
		o, x := l.orgs[of.Name], of.Buckets
		if o == nil || x == nil || of.Gone || of.Fault != nil || x.Fault != nil || len(o.Buckets) == 0 {
			continue
		}
		gone, back := map[string]struct{}{}, map[string]struct{}{}
		for i := range x.Found {
			if b := &x.Found[i]; b.Gone {
				gone[b.Name] = struct{}{}
			} else if _, missed := o.missed[b.Name]; missed {
				back[b.Name] = struct{}{}
			}
		}
		if x.Absent {
			for name := range o.Buckets {
				gone[name] = struct{}{}
			}
		}
		x.Missed = l.missedNow(f, o, gone)
		for name := range back {
			delete(x.Missed, name)
		}
		if len(x.Missed) > 0 {
			x.Found = slices.DeleteFunc(x.Found, func(b source.BucketFinding) bool {
				_, missed := x.Missed[b.Name]
				return b.Gone && missed
			})
		}
	}
}

// missedNow are the bucket files of o that are missed after a look that found
// the files gone to be gone: those that were missed before, and all that the
// folder held, if it held several, each of them is gone and not each of them
// has a file in another organization.
func (l *Loader) missedNow(f *findings, o *organization, gone map[string]struct{}) map[string]struct{} {
	missed := maps.Clone(o.missed)
	held, moved := 0, 0
	for name := range o.Buckets {
		if _, ok := o.missed[name]; ok {
			continue
		}
		if _, ok := gone[name]; !ok {
			return missed
		}
		held++
		if l.elsewhere(f, o, name) {
			moved++
		}
	}
	if held < 2 || held == moved {
		return missed
	}
	for name := range o.Buckets {
		missed = source.With(missed, name)
	}
	return missed
}

// elsewhere reports whether another organization than o has the bucket file,
// by what the look found and, where it did not look, by the model.
func (l *Loader) elsewhere(f *findings, o *organization, file string) bool {
	for _, org := range f.having(file) {
		if org != o.name {
			return true
		}
	}
	bucket := layout.BucketOf(file)
	for _, claimants := range [][]*organization{l.claims.of(bucket), l.claims.blank[bucket]} {
		for _, other := range claimants {
			if _, missed := other.missed[file]; other.name != o.name && other.Buckets[file] != nil && !missed && !f.lacks(other.name, file) {
				return true
			}
		}
	}
	return false
}

// filesFound are the bucket files that one look found, by organization.
type filesFound struct {
	here  map[string][]string    // organizations that have the file, of those that are not as they were
	gone  map[[2]string]struct{} // organization and file
	empty map[string]struct{}    // organizations that are gone, or whose buckets/ is
}

// having are the organizations in which the look found a bucket file that is
// new, or not as it was.
func (f *findings) having(file string) []string { return f.bucketFiles().here[file] }

// lacks reports whether the look found that an organization has no such file.
func (f *findings) lacks(org, file string) bool {
	x := f.bucketFiles()
	_, empty := x.empty[org]
	_, gone := x.gone[[2]string{org, file}]
	return empty || gone
}

func (f *findings) bucketFiles() *filesFound {
	if f.files != nil {
		return f.files
	}
	x := &filesFound{here: map[string][]string{}, gone: map[[2]string]struct{}{}, empty: map[string]struct{}{}}
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
	f.files = x
	return x
}

// commitMissed notes what an organization misses. A file that is missed is read
// again when it is back, even if it is the very same.
func (l *Loader) commitMissed(o *organization, missed map[string]struct{}) {
	if maps.Equal(o.missed, missed) {
		return
	}
	o.missed = missed
	for name := range missed {
		o.Buckets[name].Complete = false
	}
	l.state.Note(layout.Place{Org: o.name, Part: layout.Buckets}, nil)
}

// isMissed reports whether a bucket file is in force without being there.
func (o *organization) isMissed(file string) bool {
	_, ok := o.missed[file]
	return ok
}

// settleMissed brings the fault of a buckets/ folder that misses policies up to
// date, unless the folder has a fault of its own.
func (l *Loader) settleMissed(ch *changes, o *organization) {
	at := layout.Place{Org: o.name, Part: layout.Buckets}
	switch {
	case o.BucketsFault != nil:
	case len(o.missed) == 0:
		l.clearFault(ch, at)
	default:
		l.setFault(ch, at, l.faults[at], missedDiagnostics(o))
	}
}

// releaseMoved lets go of what an organization misses once each of it has a
// file in another organization.
func (l *Loader) releaseMoved(ch *changes, f *findings) {
	for _, o := range l.orgs {
		if len(o.missed) == 0 {
			continue
		}
		moved := true
		for name := range o.missed {
			if moved = l.elsewhere(f, o, name); !moved {
				break
			}
		}
		if !moved {
			continue
		}
		missed := o.missed
		l.commitMissed(o, nil)
		for name := range missed {
			l.dropBucket(ch, o, name)
		}
		l.settleMissed(ch, o)
		l.knowBuckets(ch, o)
		ch.orgs[o.name] = struct{}{}
	}
}

// knowBuckets notes that what is listed and has no file is known to have none,
// once buckets/ was listed and nothing of it is missed.
func (l *Loader) knowBuckets(ch *changes, o *organization) {
	if o.bucketsKnown || o.BucketsFault != nil || len(o.missed) > 0 {
		return
	}
	o.bucketsKnown = true
	for name := range o.listed {
		ch.buckets = append(ch.buckets, name)
	}
}

// mostMissed bounds the missed files that a fault names.
const mostMissed = 1000

// missedDiagnostics say which policies a buckets/ folder misses, in byte order.
func missedDiagnostics(o *organization) (out []policy.Diagnostic) {
	base := o.name + "/" + layout.BucketsName
	names := slices.Sorted(maps.Keys(o.missed))
	message := fmt.Sprintf("this folder held several bucket policies and then none of them: %d stay in force, each until its file is back; "+
		"if they were removed on purpose, send SIGHUP", len(names))
	if more := len(names) - mostMissed; more > 0 {
		names = names[:mostMissed]
		message += fmt.Sprintf(" (%d of them are not named here)", more)
	}
	out = append(out, layout.Problem(base, message))
	for _, name := range names {
		out = append(out, layout.Problem(base+"/"+name, "this bucket policy is missed, and its last content is in force; put the file back, or send SIGHUP if it was removed on purpose"))
	}
	return out
}
