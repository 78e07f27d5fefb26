package policygen

import (
	"maps"
	"slices"

	"postern/policy"
)

// Edit returns a copy of d in which change has been applied to every document, in
// the order of their organizations' names, then of their buckets'.
func Edit(d *policy.Directory, change func(*policy.Document)) *policy.Directory {
	out := &policy.Directory{
		DefaultOrganization:   d.DefaultOrganization,
		PlatformOrganizations: d.PlatformOrganizations,
		BuiltIn:               d.BuiltIn,
		Organizations:         map[string]*policy.DirectoryOrganization{},
		Buckets:               map[string]*policy.DirectoryBucket{},
	}
	document := func(doc *policy.Document) *policy.Document {
		c := *doc
		c.Statements = slices.Clone(doc.Statements)
		for i := range c.Statements {
			s := &c.Statements[i]
			s.Actions = slices.Clone(s.Actions)
			s.Resources = slices.Clone(s.Resources)
			s.Principals = slices.Clone(s.Principals)
			s.Conditions = slices.Clone(s.Conditions)
		}
		change(&c)
		return &c
	}
	for _, name := range slices.Sorted(maps.Keys(d.Organizations)) {
		c := *d.Organizations[name]
		c.Policies = nil
		for _, doc := range d.Organizations[name].Policies {
			c.Policies = append(c.Policies, document(doc))
		}
		out.Organizations[name] = &c
	}
	for _, name := range slices.Sorted(maps.Keys(d.Buckets)) {
		c := *d.Buckets[name]
		if c.Policy != nil {
			c.Policy = document(c.Policy)
		}
		out.Buckets[name] = &c
	}
	return out
}
