package loader

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"postern/loader/internal/layout"
)

// goneOrganization is an organization that a commit removed, with the buckets
// that it claimed, by file or list.
type goneOrganization struct {
	name    string
	buckets []string
}

// claimedNames returns the buckets that the organization claims, each once.
func (o *organization) claimedNames() []string {
	out := make([]string, 0, o.claimed)
	for file, b := range o.Buckets {
		if b.Claims() {
			out = append(out, layout.BucketOf(file))
		}
	}
	for name := range o.listed {
		if !o.Buckets[name+layout.Suffix].Claims() {
			out = append(out, name)
		}
	}
	return out
}

// logRemovals logs each organization and each bucket policy that a look removed,
// with what decides now, because such a removal may widen access (specification 4,
// Removals and faults). It passes over a bucket whose policy another organization
// has now, and over one that is denied for another reason.
func (l *Loader) logRemovals(ch *changes) {
	var lines []string
	for _, gone := range ch.gone {
		if l.orgs[gone.name] == nil {
			lines = append(lines, l.organizationRemoved(gone))
		}
	}
	slices.Sort(lines)
	l.logLines(lines, "organizations were removed")

	lost := slices.Clone(ch.lost)
	slices.SortFunc(lost, func(a, b lostFile) int { return cmp.Compare(a.bucket, b.bucket) })
	lost = slices.CompactFunc(lost, func(a, b lostFile) bool { return a.bucket == b.bucket })
	lines = nil
	for _, x := range lost {
		if line := l.bucketPolicyRemoved(x); line != "" {
			lines = append(lines, line)
		}
	}
	l.logLines(lines, "bucket policies were removed")
}

func (l *Loader) logLines(lines []string, what string) {
	for _, line := range lines[:min(len(lines), linesLogged)] {
		l.log.Warn(line)
	}
	if more := len(lines) - linesLogged; more > 0 {
		l.log.Warn(fmt.Sprintf("and %d more %s", more, what))
	}
}

func (l *Loader) organizationRemoved(gone goneOrganization) string {
	line := "organization " + gone.name + " has no folder any more: its callers are denied"
	if l.isPlatform(gone.name) {
		line = "platform organization " + gone.name + " has no folder any more: its callers need only what the policies of other organizations' buckets allow them"
	}
	unowned := 0
	for _, name := range gone.buckets {
		if len(l.claims.of(name)) == 0 {
			unowned++
		}
	}
	switch {
	case unowned == 1:
		line += ", and its bucket has no owner"
	case unowned > 1:
		line += fmt.Sprintf(", and %d buckets have no owner", unowned)
	}
	if l.c.DefaultOrganization != "" && l.defaultOrganization() != "" && l.fallback != l.defaultOrganization() {
		line += "; callers and buckets that state no organization are of " + l.c.DefaultOrganization + " now"
	}
	return line
}

// bucketPolicyRemoved returns what to log about a bucket policy that was removed, ""
// for one that logRemovals passes over.
func (l *Loader) bucketPolicyRemoved(x lostFile) string {
	if l.orgs[x.org] == nil {
		return "" // told with its organization
	}
	line := "bucket " + layout.Shown(x.bucket) + " has no policy any more: "
	owners := l.claims.of(x.bucket)
	for _, o := range owners {
		if o.Buckets[x.bucket+layout.Suffix].Claims() {
			return ""
		}
	}
	k, _ := l.bucketNow(x.bucket)
	switch {
	case k.PolicyUnavailable:
		return ""
	case len(owners) == 0:
		return line + "no organization claims it, so that requests which state its organization are decided by that organization's policies alone, and others are denied"
	case len(owners) > 1:
		return line + "every request for it is denied, as " + strings.Join(names(owners), " and ") + " claim it"
	}
	return line + "its organization's policies alone decide (" + owners[0].name + ")"
}

func names(orgs []*organization) (out []string) {
	for _, o := range orgs {
		out = append(out, o.name)
	}
	return out
}
