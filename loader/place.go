package loader

// part is a part of the layout below an organization's folder.
type part uint8

const (
	partPolicies part = iota // access-policies/, one unit
	partIAM                  // iam/, one unit
	partList                 // buckets.json, one unit
	partBuckets              // buckets/, or a bucket file in it: a unit each
	partFolder               // the organization's folder itself
	partRoot                 // the policy directory
)

var partNames = [...]string{partPolicies: policiesName, partIAM: iamName, partList: listName, partBuckets: bucketsName}

// setParts are the parts that are one unit each.
var setParts = [...]part{partPolicies, partIAM, partList}

// place is what an event can ask to be looked at again. In partBuckets a name
// is one bucket file's; in partFolder it is a name that has no place in the
// layout. The zero name is the whole part.
type place struct {
	org  string
	name string
	part part
}

// path is the place's path below the policy directory.
func (p place) path() string {
	switch {
	case p.part == partRoot:
		return p.name
	case p.part == partFolder && p.name == "":
		return p.org
	case p.part == partFolder:
		return p.org + "/" + p.name
	case p.name == "":
		return p.org + "/" + partNames[p.part]
	}
	return p.org + "/" + partNames[p.part] + "/" + p.name
}
