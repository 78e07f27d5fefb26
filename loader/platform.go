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
// POLICIES was re-pointed away from, is a removal.
func (s *scan) keepPlatform(f *orgFinding) {
	if !s.l.isPlatform(f.name) || !s.l.loaded || s.scope.confirm || s.found.root.Real != s.l.root.Real {
		return
	}
	f.gone, f.whole = false, true
	f.fault = []policy.Diagnostic{layout.Problem(f.name, "the folder of this platform organization has vanished, and its last good policies hold; put it back, or send SIGHUP if it is meant to have none")}
}
