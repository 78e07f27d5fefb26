package layout

import "slices"

// The names of the parts below an organization's folder (specification 4).
const (
	PoliciesName = "access-policies"
	IAMName      = "iam"
	ListName     = "buckets.json"
	BucketsName  = "buckets"
)

// Part is a part of the layout below an organization's folder.
type Part uint8

const (
	Policies Part = iota // access-policies/, one unit
	IAM                  // iam/, one unit
	List                 // buckets.json, one unit
	Buckets              // buckets/, or a bucket file in it: a unit each
	Folder               // the organization's folder itself
	Root                 // the policy directory
)

// PartNames are the names of the parts below an organization's folder.
var PartNames = [...]string{Policies: PoliciesName, IAM: IAMName, List: ListName, Buckets: BucketsName}

// Sets are the parts that are one unit each.
var Sets = [...]Part{Policies, IAM, List}

// IsPart reports whether a name below an organization's folder is a part's.
func IsPart(name string) bool { return slices.Contains(PartNames[:], name) }

// Place is what a look can be about by itself. Without a Name it is a whole part.
// With one it is, in Buckets, a bucket file; in Folder or Root, a name that has no
// place in the layout.
type Place struct {
	Org  string
	Name string
	Part Part
}

// Path returns the path of the place below the policy directory.
func (p Place) Path() string {
	switch {
	case p.Part == Root:
		return p.Name
	case p.Part == Folder && p.Name == "":
		return p.Org
	case p.Part == Folder:
		return p.Org + "/" + p.Name
	case p.Name == "":
		return p.Org + "/" + PartNames[p.Part]
	}
	return p.Org + "/" + PartNames[p.Part] + "/" + p.Name
}
