package loader

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// loggedErrors is how many errors of a unit the log shows; status shows all.
const loggedErrors = 5

// setFault quarantines a unit, with these errors, and returns its fault. old is the
// fault that it had; nil if it had none.
func (l *Loader) setFault(ch *changes, p layout.Place, old *source.Fault, diagnostics []policy.Diagnostic) *source.Fault {
	policy.SortDiagnostics(diagnostics)
	diagnostics = slices.Clip(diagnostics)
	if old.Same(diagnostics) {
		return old
	}
	f := &source.Fault{Since: l.c.Now(), Diagnostics: diagnostics}
	if old == nil {
		old = l.faults[p]
	}
	if old != nil {
		f.Since = old.Since
	} else {
		l.log.Warn("quarantined", "unit", layout.Shown(p.Path()), "last_good", l.lastGood(p), "errors", firstErrors(diagnostics))
	}
	l.faults[p] = f
	ch.quarantine = true
	return f
}

// clearFault notes that a unit is not quarantined any more, if it was.
func (l *Loader) clearFault(ch *changes, p layout.Place) {
	if l.faults[p] == nil {
		return
	}
	delete(l.faults, p)
	ch.quarantine = true
	l.log.Info("no longer quarantined", "unit", layout.Shown(p.Path()))
}

func firstErrors(ds []policy.Diagnostic) []string {
	var out []string
	for _, d := range ds {
		if d.Severity == policy.Error {
			if len(out) == loggedErrors {
				return append(out, "and more: see /v1/status")
			}
			out = append(out, d.String())
		}
	}
	return out
}

// lastGood reports whether the last good content of a place is in force.
func (l *Loader) lastGood(p layout.Place) bool {
	o := l.orgs[p.Org]
	switch {
	case o == nil || p.Part >= layout.Folder:
		return false
	case p.Part < layout.Buckets:
		return o.Unit(p.Part).Known
	case p.Name == "":
		return o.bucketsKnown
	}
	b := o.Buckets[p.Name]
	return b != nil && b.Known
}

// newStatus returns the status after a commit. It shares with the last status what has
// not changed.
func (l *Loader) newStatus(ch *changes, started time.Time) *policy.Status {
	last := l.status.Load()
	st := &policy.Status{
		FinishedAt: l.c.Now(), LastSuccess: last.LastSuccess,
		Quarantined: last.Quarantined, Warnings: last.Warnings, WarningCount: last.WarningCount,
		Statements: l.statements, Buckets: len(l.claims.one), Files: l.files,
	}
	if l.snapshot != nil {
		st.Generation, st.Digest, st.SnapshotBytes = l.snapshot.Generation(), l.snapshot.Digest(), l.snapshot.Bytes()
	}
	st.HeldSince, st.HeldTransaction = l.hold.Since()
	st.Duration = st.FinishedAt.Sub(started)
	st.Organizations = make([]policy.OrganizationStatus, 0, len(l.orgs))
	for _, o := range l.orgs {
		st.Organizations = append(st.Organizations, o.status())
	}
	slices.SortFunc(st.Organizations, func(a, b policy.OrganizationStatus) int { return cmp.Compare(a.Name, b.Name) })
	if ch.quarantine {
		st.Quarantined = l.quarantined()
	}
	if ch.warnings || ch.conflicts {
		st.Warnings, st.WarningCount = l.warnings()
	}
	st.StateFailure = l.state.Problem()
	l.conclude(st)
	return st
}

// touch puts into the status that a look at everything found nothing new.
func (l *Loader) touch(started time.Time, all bool) {
	if !all {
		return
	}
	st := *l.status.Load()
	st.FinishedAt = l.c.Now()
	st.Duration = st.FinishedAt.Sub(started)
	l.conclude(&st)
	l.status.Store(&st)
}

func (l *Loader) conclude(st *policy.Status) {
	st.Result, st.Failure = policy.ReloadQuarantined, ""
	if len(l.faults) == 0 {
		st.Result, st.LastSuccess = policy.ReloadOK, st.FinishedAt
	}
}

func (o *organization) status() policy.OrganizationStatus {
	return policy.OrganizationStatus{
		Name: o.name, Files: o.files(), Buckets: o.claimed,
		Statements: o.statements(),
	}
}

func (l *Loader) quarantined() []policy.QuarantinedUnit {
	out := make([]policy.QuarantinedUnit, 0, len(l.faults))
	for p, f := range l.faults {
		out = append(out, policy.QuarantinedUnit{Unit: layout.Shown(p.Path()), Since: f.Since, LastGood: l.lastGood(p), Diagnostics: f.Diagnostics})
	}
	slices.SortFunc(out, func(a, b policy.QuarantinedUnit) int { return cmp.Compare(a.Unit, b.Unit) })
	return out
}

// warnings returns the warnings about what is in force, up to a bound, and their
// number. Those about buckets that several organizations claim are within the bound
// before all others.
func (l *Loader) warnings() ([]policy.Diagnostic, int) {
	var conflicts, out []policy.Diagnostic
	for name, owners := range l.claims.more {
		conflicts = append(conflicts, conflict(name, owners)...)
	}
	for _, d := range l.misplaced {
		out = append(out, d)
	}
	for _, o := range l.orgs {
		bare := o.bare()
		for path, d := range o.Misplaced {
			if _, harmless := o.harmless[path]; !bare || !harmless {
				out = append(out, d)
			}
		}
		for i := range o.Units {
			out = append(append(out, o.Units[i].Stray...), o.Units[i].Good.Warnings...)
		}
		for file := range o.bucketWarnings {
			if b := o.Buckets[file]; b != nil && b.Good != nil {
				out = append(out, b.Good.Warnings...)
			}
		}
	}
	out = slices.DeleteFunc(out, func(d policy.Diagnostic) bool { return d.Severity == policy.Error }) // misplaced names at fault
	policy.SortDiagnostics(conflicts)
	policy.SortDiagnostics(out)
	n := len(conflicts) + len(out)
	out = slices.Concat(conflicts, out)
	out = slices.Clip(out[:min(n, l.c.MaxWarnings)])
	policy.SortDiagnostics(out)
	return out, n
}

// conflict returns a warning for each claimant of a bucket, on the file by which it
// claims it, that names the others.
func conflict(bucket string, owners []*organization) []policy.Diagnostic {
	var out []policy.Diagnostic
	for _, o := range owners {
		others := slices.DeleteFunc(names(owners), func(name string) bool { return name == o.name })
		file := o.name + "/" + layout.ListName
		if o.Buckets[bucket+layout.Suffix].Claims() {
			file = o.name + "/" + layout.BucketsName + "/" + bucket + layout.Suffix
		}
		out = append(out, layout.Warning(policy.CodeClaimedTwice, file, fmt.Sprintf("bucket %q is claimed by %s too: every request for it is denied until one organization remains",
			layout.Shown(bucket), strings.Join(others, ", "))))
	}
	return out
}
