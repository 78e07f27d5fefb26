package loader

import (
	"iter"
	"maps"

	"postern/loader/internal/layout"
	"postern/loader/internal/missed"
	"postern/loader/source"
)

// inForce is the missed.Model of the loader.
type inForce struct{ *Loader }

func (l inForce) Org(name string) *source.Last { return l.last(name) }

func (l inForce) Missed(org string) map[string]struct{} { return l.orgs[org].missed }

func (l inForce) Having(file string) iter.Seq[string] {
	return func(yield func(string) bool) {
		bucket := layout.BucketOf(file)
		for _, claimants := range [][]*organization{l.claims.of(bucket), l.claims.blank[bucket]} {
			for _, o := range claimants {
				if o.Buckets[file] != nil && !o.isMissed(file) && !yield(o.name) {
					return
				}
			}
		}
	}
}

// miss takes out of the findings the bucket files that are gone and missed, unless
// whatever is gone was meant to go.
func (l *Loader) miss(f *findings, confirm bool) {
	if f.meant = confirm || l.loaded && f.Repointed; !f.meant {
		f.missed.Take()
	}
}

// commitMissed notes which bucket files an organization misses. A missed file is read
// when it is back, even if its version is the same.
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

// noteHeld has the mirror list anew what buckets/ holds, where it lists it as
// policies are missed.
func (l *Loader) noteHeld(o *organization) {
	if len(o.missed) > 0 {
		l.state.Note(layout.Place{Org: o.name, Part: layout.Buckets}, nil)
	}
}

// isMissed reports whether a bucket file is in force although it is gone.
func (o *organization) isMissed(file string) bool {
	_, ok := o.missed[file]
	return ok
}

// settleMissed sets or clears the fault of buckets/ for policies that are missed,
// unless buckets/ has a fault of its own.
func (l *Loader) settleMissed(ch *changes, o *organization) {
	at := layout.Place{Org: o.name, Part: layout.Buckets}
	switch {
	case o.BucketsFault != nil:
	case len(o.missed) == 0:
		l.clearFault(ch, at)
	default:
		l.setFault(ch, at, l.faults[at], missed.Diagnostics(o.name, o.missed))
	}
}

// releaseMoved removes what an organization misses once each of those files is in
// another organization.
func (l *Loader) releaseMoved(ch *changes, f *findings) {
	for _, o := range l.orgs {
		if len(o.missed) == 0 {
			continue
		}
		moved := true
		for name := range o.missed {
			if moved = f.missed.Elsewhere(o.name, name); !moved {
				break
			}
		}
		if !moved {
			continue
		}
		released := o.missed
		l.commitMissed(o, nil)
		for name := range released {
			l.dropBucket(ch, o, name)
		}
		l.settleMissed(ch, o)
		l.knowBuckets(ch, o)
		ch.orgs[o.name] = struct{}{}
	}
}

// knowBuckets notes that buckets/ was listed and misses nothing, so that a bucket of
// buckets.json without a file is known to have none.
func (l *Loader) knowBuckets(ch *changes, o *organization) {
	if o.bucketsKnown || o.BucketsFault != nil || len(o.missed) > 0 {
		return
	}
	o.bucketsKnown = true
	for name := range o.listed {
		ch.buckets = append(ch.buckets, name)
	}
}
