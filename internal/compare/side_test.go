package compare

import (
	"slices"
	"strings"

	"postern/compile"
	"postern/policy"
)

// sideOf returns the side of a directory of which nothing is unavailable.
func sideOf(d *policy.Directory) (Side, []policy.Diagnostic) {
	s := Side{
		DefaultOrganization:   d.DefaultOrganization,
		PlatformOrganizations: d.PlatformOrganizations,
		Organizations:         d.Organizations,
		Buckets:               map[string]BucketFile{},
	}
	for name, b := range d.Buckets {
		f := BucketFile{Owner: b.Owner, Claimants: b.Claimants, HasPolicy: b.Policy != nil}
		if b.Policy != nil {
			f.Content = "\x00" + normalDocument(b.Policy)
			f.Read = func() *policy.Document { return b.Policy }
		}
		s.Buckets[name] = f
	}
	var ds []policy.Diagnostic
	s.Snapshot, ds = compile.Compiler{BuiltIn: d.BuiltIn}.Directory(d, 1)
	return s, ds
}

// normalDocument returns a text that is equal for two documents that say the same.
func normalDocument(d *policy.Document) string {
	var out []string
	for i := range d.Statements {
		out = append(out, normal(&d.Statements[i], d.Variables))
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n\n")
}
