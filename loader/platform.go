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
func (s *scan) keepPlatform(f *orgFinding) {
	switch l := s.l; {
	case !l.isPlatform(f.name) || s.scope.confirm:
		return
	case l.loaded && (l.orgs[f.name] == nil || s.found.root.Real != l.root.Real):
		return
	case !l.loaded && !l.mirrorHas(f.name):
		return
	}
	f.gone, f.whole = false, true
	f.fault = []policy.Diagnostic{layout.Problem(f.name, "the folder of this platform organization has vanished, and its last good policies hold; put it back, or send SIGHUP if it is meant to have none")}
}

// mirroredPlatform are the platform organizations that the mirror has at a start.
func (l *Loader) mirroredPlatform() (out []string) {
	if l.loaded {
		return nil
	}
	for _, org := range l.c.PlatformOrganizations {
		if l.mirrorHas(org) {
			out = append(out, org)
		}
	}
	return out
}

// mirrorHas reports whether the mirror has an organization that did not vanish.
func (l *Loader) mirrorHas(org string) bool {
	return l.state != nil && slices.Contains(l.state.Organizations(), org) && !l.state.Left(org)
}
