package conformance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"postern/internal/policyjson"
	"postern/policy"
)

// World is a policy directory, with the flags that it is served with.
type World struct {
	// Files are the files by their path below the policy directory.
	Files map[string][]byte
	// Directory is what Files say after a cold start, in which a unit with a
	// broken file has no last good content (specification 4).
	Directory *policy.Directory
	// DefaultOrganization is the flag -default-org, "" if it is not given.
	// Directory has it only where it applies (specification 1.5, Owner).
	DefaultOrganization string
	// PlatformOrganizations are the flags -platform-org.
	PlatformOrganizations []string
	// Refused are the documents of each iam/ whose files are good one by one,
	// and which have to be refused together: a name that nobody defines or two
	// define, a cycle. In Directory its organization is IAMUnavailable.
	Refused map[string][]*policy.AccessDocument
}

// newWorld reads files as specification 4 lays them out. The names in broken,
// and no others, have to be refused; refused names the organizations whose
// iam/ is to be refused as a whole.
func newWorld(files map[string][]byte, defaultOrg string, platformOrgs, broken, refused []string) (*World, error) {
	w := &World{Files: files, DefaultOrganization: defaultOrg, PlatformOrganizations: platformOrgs, Directory: &policy.Directory{
		PlatformOrganizations: platformOrgs,
		Organizations:         map[string]*policy.DirectoryOrganization{},
		Buckets:               map[string]*policy.DirectoryBucket{},
		BuiltIn:               policyjson.BuiltIn(),
	}, Refused: map[string][]*policy.AccessDocument{}}
	var wrong []string
	names := map[string]string{} // organization and policy name -> path
	for _, file := range slices.Sorted(maps.Keys(files)) {
		orgName, rest, _ := strings.Cut(file, "/")
		org := w.Directory.Organizations[orgName]
		if org == nil {
			org = &policy.DirectoryOrganization{}
			w.Directory.Organizations[orgName] = org
		}
		folder, name, inFolder := strings.Cut(rest, "/")
		stem, isJSON := strings.CutSuffix(name, ".json")
		var bad error
		switch {
		case folder == "access-policies" && inFolder && isJSON:
			doc, err := parseDocument(policy.KindOrganization, file, files[file])
			if err == nil {
				key := orgName + "/" + doc.Name
				if other, taken := names[key]; taken {
					err = fmt.Errorf("the name %q is that of %s too", doc.Name, other)
				} else {
					names[key] = file
				}
			}
			if bad = err; bad != nil {
				org.PoliciesUnavailable = true
			} else {
				org.Policies = append(org.Policies, doc)
			}
		case folder == "buckets" && inFolder && isJSON:
			doc, err := parseDocument(policy.KindBucket, file, files[file])
			b := w.claim(stem, orgName)
			if bad = err; bad != nil {
				b.PolicyUnavailable = true
			} else {
				b.Policy = doc
			}
		case rest == "buckets.json":
			list, err := parseBucketList(file, files[file])
			if bad = err; bad != nil {
				org.BucketsUnavailable = true
			}
			for _, bucket := range list {
				w.claim(bucket, orgName)
			}
		case folder == "iam" && inFolder && isJSON:
			doc, err := parseAccess(file, files[file])
			if bad = err; bad != nil {
				org.IAMUnavailable = true
			} else {
				org.Access = append(org.Access, doc)
			}
		default:
			return nil, fmt.Errorf("%s has no place in a policy directory", file)
		}
		if bad != nil {
			if !slices.Contains(broken, file) {
				return nil, fmt.Errorf("%s should be good: %w", file, bad)
			}
			wrong = append(wrong, file)
		}
	}
	for _, file := range broken {
		if !slices.Contains(wrong, file) {
			return nil, fmt.Errorf("%s should be refused: %s", file, files[file])
		}
	}
	for _, org := range w.Directory.Organizations {
		if org.PoliciesUnavailable {
			org.Policies = nil
		}
		if org.IAMUnavailable {
			org.Access = nil
		}
	}
	for _, name := range refused {
		org := w.Directory.Organizations[name]
		if org == nil || len(org.Access) == 0 {
			return nil, fmt.Errorf("%s has no good iam/ that could be refused", name)
		}
		w.Refused[name] = org.Access
		org.Access, org.IAMUnavailable = nil, true
	}
	w.Directory.DefaultOrganization = defaultOrg
	for name := range w.Directory.Organizations {
		if name != defaultOrg {
			w.Directory.DefaultOrganization = ""
		}
	}
	return w, nil
}

// claim makes org the owner of a bucket, or a further claimant if it has an
// owner.
func (w *World) claim(bucket, org string) *policy.DirectoryBucket {
	b := w.Directory.Buckets[bucket]
	switch {
	case b == nil:
		b = &policy.DirectoryBucket{Owner: org}
		w.Directory.Buckets[bucket] = b
	case b.Owner != org && !slices.Contains(b.Claimants, org):
		b.Claimants = append(b.Claimants, org)
	}
	return b
}

// statement finds the statement that `NAME#INDEX` names, or in the iam layer
// `NAME!STATEMENT`.
func (w *World) statement(ref string) (policy.StatementRef, error) {
	if name, statement, ok := strings.Cut(ref, "!"); ok {
		return w.accessStatement(name, statement)
	}
	name, number, ok := strings.Cut(ref, "#")
	index, err := strconv.Atoi(number)
	if !ok || err != nil {
		return policy.StatementRef{}, fmt.Errorf("%q is no NAME#INDEX", ref)
	}
	var found []*policy.Document
	add := func(doc *policy.Document) {
		if doc == nil {
			return
		}
		if path := strings.TrimSuffix(doc.File, ".json"); path == name || strings.HasSuffix(path, "/"+name) {
			found = append(found, doc)
		}
	}
	for _, org := range w.Directory.Organizations {
		for _, doc := range org.Policies {
			add(doc)
		}
	}
	for _, b := range w.Directory.Buckets {
		add(b.Policy)
	}
	if len(found) != 1 || index < 0 || index >= len(found[0].Statements) {
		return policy.StatementRef{}, fmt.Errorf("%q names %d documents, or no statement of one", ref, len(found))
	}
	layer := policy.LayerOrganization
	if found[0].Kind == policy.KindBucket {
		layer = policy.LayerBucket
	}
	return policy.StatementRef{File: found[0].File, Index: index, Layer: layer}, nil
}

func sortRefs(refs []policy.StatementRef) {
	slices.SortFunc(refs, func(a, b policy.StatementRef) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.File, b.File), cmp.Compare(a.Index, b.Index),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Statement, b.Statement))
	})
}
