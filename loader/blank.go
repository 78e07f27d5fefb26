package loader

import (
	"slices"

	"postern/loader/internal/layout"
)

// lostFile is a bucket file that was removed and was not blank.
type lostFile struct {
	org     string
	bucket  string
	unknown bool // it had no known content, so it could have said anything
}

// settleBlank decides which blank files stay blank, once a commit is done.
//
// A blank file leaves its bucket as it was (specification 4, Units). The threat is a
// bucket policy that moves to another organization and arrives there broken, or that
// lies there broken when the other file goes. To take the removal for all that
// happened would turn a Deny into "no policy", which has to be known and must not be
// assumed (specification 1.3). So when the last file that said something about the
// bucket is gone, its blank files count as never good: each claims the bucket and
// denies until it is good or removed. A blank file beside one that was never good
// counts as never good at once. The bucket is denied already, and it then does not
// matter which of the two is removed first, or while the process is down.
func (l *Loader) settleBlank(ch *changes) {
	if len(l.claims.blank) == 0 {
		return
	}
	if !l.loaded {
		l.lostWhileDown(ch)
	}
	lost := map[string]bool{} // whether it could have said anything
	for _, x := range ch.lost {
		lost[x.bucket] = lost[x.bucket] || x.unknown
	}
	for file, unknown := range ch.found.late {
		lost[layout.BucketOf(file)] = lost[layout.BucketOf(file)] || unknown
	}
	for _, name := range slices.Concat(ch.buckets, ch.blank) {
		blank := l.claims.blank[name]
		if blank == nil {
			continue
		}
		unknown, gone := lost[name]
		said := false
		for _, o := range l.claims.of(name) {
			if b := o.Buckets[name+layout.Suffix]; b.Claims() {
				said, unknown = true, unknown || !b.Known
			}
		}
		if unknown || gone && !said {
			for _, o := range blank {
				l.neverGood(ch, o, name)
			}
		}
	}
}

// neverGood has a blank file count as never good.
func (l *Loader) neverGood(ch *changes, o *organization, name string) {
	at := layout.Place{Org: o.name, Part: layout.Buckets, Name: name + layout.Suffix}
	o.Buckets[at.Name].Known = false
	l.reclaim(ch, o, name)
	ch.quarantine = true
	l.log.Warn("a broken bucket policy denies: the bucket had a policy, and no other is left", "unit", layout.Shown(at.Path()))
	// At once: whoever ends the process must not find the other file gone from
	// the mirror, and this one blank in it.
	l.state.Now(mirrored{l}, at)
}

// lostWhileDown adds to the lost files those that the mirror has and the source has
// no more.
func (l *Loader) lostWhileDown(ch *changes) {
	if l.state == nil {
		return
	}
	for _, org := range l.state.Organizations() {
		for _, f := range l.state.Remembered(org).Files {
			if o := l.orgs[org]; l.claims.blank[layout.BucketOf(f.Name)] == nil || o != nil && o.Buckets[f.Name] != nil {
				continue
			}
			l.loseMirrored(ch, org, f.Name)
		}
	}
}

// loseMirrored adds to what was lost a bucket file that the mirror has, unless
// that says that there was none.
func (l *Loader) loseMirrored(ch *changes, org, file string) {
	files, err := l.state.LastGood(layout.Place{Org: org, Part: layout.Buckets, Name: file})
	if err != nil || len(files) > 0 {
		ch.lost = append(ch.lost, lostFile{org, layout.BucketOf(file), err != nil})
	}
}
