package loader

import (
	"postern/index"
	"postern/loader/internal/digest"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// organization is the state of one organization in the model.
type organization struct {
	name string
	source.Last
	bucketsThere bool // the last look saw a buckets/
	bucketsKnown bool // buckets/ was listed once, or was once seen not to be there
	// missed are the files of Buckets that are in force although they are gone
	// (loader/internal/missed). While there are any, buckets/ is quarantined. They
	// are remembered when the organization vanishes: see vanish.
	missed map[string]struct{}
	// mirrored says of an organization that vanished that the mirror has its bucket
	// policies, and Buckets only their names.
	mirrored bool
	listed   map[string]struct{} // the buckets of buckets.json

	harmless map[string]struct{} // the names of Misplaced that nobody takes for a policy

	claimed          int                 // how many buckets it claims, by file or list
	bucketStatements int                 // how many statements its bucket files have
	bucketWarnings   map[string]struct{} // the bucket files whose content has warnings

	folders [layout.Buckets + 1]*digest.Folder // for the digest; made when they are needed

	inForce   index.Organization // its part of the last snapshot, if it is published
	published bool
}

// folder returns what the files of one part share in the digest.
func (o *organization) folder(p layout.Part) *digest.Folder {
	if o.folders[p] == nil {
		o.folders[p] = digest.NewFolder(o.name, p)
	}
	return o.folders[p]
}

// layers has the layer of the statements of each set. A list has no statements.
var layers = [len(layout.Sets)]policy.Layer{layout.Policies: policy.LayerOrganization, layout.IAM: policy.LayerIAM}

// statements returns the number of the organization's statements in force.
func (o *organization) statements() int {
	n := o.bucketStatements
	for i := range o.Units {
		n += o.Units[i].Good.Statements()
	}
	return n
}

// files returns the number of the organization's files that the last look saw.
func (o *organization) files() int {
	n := len(o.Buckets)
	for i := range o.Units {
		n += len(o.Units[i].Seen)
	}
	return n
}

// now returns the organization's part of the snapshot as the model has it.
func (o *organization) now() index.Organization {
	return index.Organization{
		Policies:            o.Unit(layout.Policies).Good.Policies,
		PoliciesUnavailable: !o.Unit(layout.Policies).Known,
		IAM:                 o.Unit(layout.IAM).Good.Set().IAM,
		IAMUnavailable:      !o.Unit(layout.IAM).Known,
		BucketsUnavailable:  !o.Unit(layout.List).Known || !o.bucketsKnown,
	}
}

// iamInForce returns the content in force of an organization's iam/, or nil.
func (l *Loader) iamInForce(org string) *source.SetContent {
	if o := l.orgs[org]; o != nil {
		return o.Unit(layout.IAM).Good.Set()
	}
	return nil
}

// bare reports whether nothing in the organization's folder has a place in the
// layout. Such a folder belongs to the checkout, as docs/ may, and to no
// organization.
func (o *organization) bare() bool {
	for _, p := range layout.Sets {
		if u := o.Unit(p); u.There || len(u.Seen) > 0 || u.Fault != nil {
			return false
		}
	}
	return !o.bucketsThere && o.BucketsFault == nil && len(o.Buckets) == 0
}
