package loader

import (
	"slices"

	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// isPlatform reports whether -platform-org names the organization.
func (l *Loader) isPlatform(org string) bool { return slices.Contains(l.c.PlatformOrganizations, org) }

// keepPlatform turns the removal of a platform organization into a fault of it
// (specification 1.3), because without a folder its callers would pass the
// organization step and the removal would widen access. It is a removal if SIGHUP
// confirms it or POLICIES was re-pointed. At a start the mirror tells whether the
// organization had a folder.
func (l *Loader) keepPlatform(f *findings, sc *source.Scope) {
	if sc.Confirm || l.loaded && f.Repointed {
		return
	}
	for _, org := range l.c.PlatformOrganizations {
		i := slices.IndexFunc(f.Orgs, func(of *source.OrgFinding) bool { return of.Name == org })
		switch {
		case i >= 0 && !f.Orgs[i].Gone, i < 0 && l.loaded:
			continue
		case i < 0 && !l.mirrorHas(org):
			continue
		case i < 0:
			i = len(f.Orgs)
			f.Orgs = append(f.Orgs, &source.OrgFinding{Name: org})
		}
		of := f.Orgs[i]
		of.Gone, of.Whole = false, true
		of.Fault = []policy.Diagnostic{layout.Problem(org, "the folder of this platform organization has vanished, and its last good policies hold; put it back, or send SIGHUP if it is meant to have none")}
	}
}

// mirrorHas reports whether the mirror has an organization that did not vanish.
func (l *Loader) mirrorHas(org string) bool {
	return slices.Contains(l.state.Organizations(), org) && !l.state.Left(org)
}
