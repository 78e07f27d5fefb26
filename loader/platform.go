package loader

import (
	"slices"

	"postern/loader/internal/layout"
	"postern/policy"
)

// isPlatform reports that -platform-org names an organization.
func (l *Loader) isPlatform(org string) bool { return slices.Contains(l.c.PlatformOrganizations, org) }

// keepPlatform makes a fault of the vanishing of a platform organization's folder
// (specification 1.3): without a folder its callers pass their own step, so that
// the removal of its policies would widen access. What SIGHUP confirms, and what
// POLICIES was re-pointed away from, is a removal. At a start the mirror tells
// whether it had one.
func (l *Loader) keepPlatform(f *findings, sc *scope) {
	if sc.confirm || l.loaded && f.repointed {
		return
	}
	for _, org := range l.c.PlatformOrganizations {
		i := slices.IndexFunc(f.orgs, func(of *orgFinding) bool { return of.name == org })
		switch {
		case i >= 0 && !f.orgs[i].gone, i < 0 && l.loaded:
			continue
		case i < 0 && !l.mirrorHas(org):
			continue
		case i < 0:
			i = len(f.orgs)
			f.orgs = append(f.orgs, &orgFinding{name: org})
		}
		of := f.orgs[i]
		of.gone, of.whole = false, true
		of.fault = []policy.Diagnostic{layout.Problem(org, "the folder of this platform organization has vanished, and its last good policies hold; put it back, or send SIGHUP if it is meant to have none")}
	}
}

// mirrorHas reports whether the mirror has an organization that did not vanish.
func (l *Loader) mirrorHas(org string) bool {
	return slices.Contains(l.state.Organizations(), org) && !l.state.Left(org)
}
