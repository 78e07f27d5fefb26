package loader

import (
	"postern/index"
	"postern/loader/internal/digest"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// organization is one folder of the policy directory.
type organization struct {
	name string
	source.Last
	bucketsThere bool // there is a buckets/, as last seen
	bucketsKnown bool // buckets/ was listed, or not there, once
	// missed names those of Buckets that are in force without being there
	// (loader/internal/missed). The unit at fault for it is buckets/. They outlive
	// the organization: see vanish.
	missed   map[string]struct{}
	mirrored bool // of one that vanished: the mirror has what its buckets held
	listed   map[string]struct{}

	harmless map[string]struct{} // those of Misplaced that nobody takes for a policy

	claimed          int // buckets, by file or list
	bucketStatements int
	bucketWarnings   map[string]struct{} // file names of buckets whose content has warnings

	folders [layout.Buckets + 1]*digest.Folder

	inForce   index.Organization // what the snapshot says of it
	published bool
}

// folder is what the digest's files of one part share.
func (o *organization) folder(p layout.Part) *digest.Folder {
	if o.folders[p] == nil {
		o.folders[p] = digest.NewFolder(o.name, p)
	}
	return o.folders[p]
}

// layers tell of which layer the statements of a set are; a list has none.
var layers = [len(layout.Sets)]policy.Layer{layout.Policies: policy.LayerOrganization, layout.IAM: policy.LayerIAM}

// statements counts the organization's statements in force.
func (o *organization) statements() int {
	n := o.bucketStatements
	for i := range o.Units {
		n += o.Units[i].Good.Statements()
	}
	return n
}

// files counts the organization's files as last seen.
func (o *organization) files() int {
	n := len(o.Buckets)
	for i := range o.Units {
		n += len(o.Units[i].Seen)
	}
	return n
}

// now is what the organization's part of the snapshot has to say.
func (o *organization) now() index.Organization {
	return index.Organization{
		Policies:            o.Unit(layout.Policies).Good.Policies,
		PoliciesUnavailable: !o.Unit(layout.Policies).Known,
		IAM:                 o.Unit(layout.IAM).Good.Set().IAM,
		IAMUnavailable:      !o.Unit(layout.IAM).Known,
		BucketsUnavailable:  !o.Unit(layout.List).Known || !o.bucketsKnown,
	}
}

// iamInForce is the content in force of an organization's iam/; nil: none is.
func (l *Loader) iamInForce(org string) *source.SetContent {
	if o := l.orgs[org]; o != nil {
		return o.Unit(layout.IAM).Good.Set()
	}
	return nil
}

// bare reports whether nothing in a folder beside the organizations' has a
// place in the layout, so that it is a checkout's (docs/, say) and no
// organization's.
func (o *organization) bare() bool {
	for _, p := range layout.Sets {
		if u := o.Unit(p); u.There || len(u.Seen) > 0 || u.Fault != nil {
			return false
		}
	}
	return !o.bucketsThere && o.BucketsFault == nil && len(o.Buckets) == 0
}
