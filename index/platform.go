package index

import (
	"slices"

	"postern/policy"
)

// The platform's own services call from organizations that have no policies
// (specification 1.3, Callers from another organization).

// isPlatform reports that the caller's organization is one of
// SetPlatformOrganizations that has no folder, and that the action reaches the
// bucket step.
func (s *Snapshot) isPlatform(v *view) bool {
	if len(s.platform) == 0 || v.Class.OrganizationOnly() || !v.Class.S3() || !slices.Contains(s.platform, v.Org) {
		return false
	}
	o := s.organizations[v.Org]
	return o == nil || !o.set
}

// passesAsPlatform reports that the caller's organization step counts as an
// Allow: it isPlatform, and another organization owns the bucket.
func (s *Snapshot) passesAsPlatform(v *view) bool { return v.Owner != v.Org && s.isPlatform(v) }

// notePlatform notes the step that counted as an Allow.
func (v *view) notePlatform() {
	if v.explaining {
		v.steps = append(v.steps, step{layer: policy.LayerOrganization, org: v.Org, outcome: policy.Allow, platform: true})
	}
}
