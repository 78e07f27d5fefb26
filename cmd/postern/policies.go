package main

import (
	"fmt"
	"log/slog"

	"postern/index"
	"postern/loader"
	"postern/policy"
)

// policyFlags are the flags that say how policies are read, the same for
// every command that reads a policy directory.
type policyFlags struct {
	policies, defaultOrg string
	platformOrgs         organizations
	maxFile              size
}

func (p *policyFlags) define(fs *flags) {
	p.maxFile = 16 << 20
	fs.StringVar(&p.policies, "policies", "", "the policy directory `DIR`; required")
	fs.organization(&p.defaultOrg, "default-org", "`ORG`: the organization of callers and buckets that state none, while no other has a folder")
	fs.Var(&p.platformOrgs, "platform-org", "`ORG` of the platform's own services: without a folder, its callers need only what a bucket's policy allows them; may be repeated")
	fs.Var(&p.maxFile, "max-file", "largest policy file, in `BYTES`")
}

func (p *policyFlags) check() error {
	if p.policies == "" {
		return usagef("-policies is missing; write -policies DIR, or set POSTERN_POLICIES")
	}
	return nil
}

// unread returns the error of a policy directory that could not be read.
func (p *policyFlags) unread(err error) error { return fmt.Errorf("-policies %s: %w", p.policies, err) }

// idleDefault returns the warning that -default-org has no effect, or none yet, and what
// that means for requests that state no organization; "" if it has, or is not given.
func (p *policyFlags) idleDefault(s *policy.Status) string {
	var there bool
	for _, o := range s.Organizations {
		there = there || o.Name == p.defaultOrg
	}
	switch n := len(s.Organizations); {
	case p.defaultOrg == "" || there && n == 1:
		return ""
	case n == 0:
		return fmt.Sprintf("-default-org %s: no organization has a folder, so requests that state no organization are denied for want of a policy", p.defaultOrg)
	case there:
		return fmt.Sprintf("-default-org %s is not in force while other organizations have folders: requests that state no organization are denied as anonymous", p.defaultOrg)
	}
	return fmt.Sprintf("-default-org %s: no organization of that name has a folder, and others have: requests that state no organization are denied as anonymous", p.defaultOrg)
}

func (p *policyFlags) config(current *index.Current, logger *slog.Logger) loader.Config {
	return loader.Config{
		Root:                  p.policies,
		DefaultOrganization:   p.defaultOrg,
		PlatformOrganizations: p.platformOrgs.list,
		MaxFile:               int64(p.maxFile),
		Current:               current,
		Logger:                logger,
	}
}
