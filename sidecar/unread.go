package sidecar

import (
	"cmp"
	"slices"
	"strings"

	"postern/index"
	"postern/policy"
)

// Unread are the condition keys of the policies in force that a door cannot read,
// whatever it is asked (specification 7, Keys).
type Unread struct {
	Door string // as the metrics call its endpoint
	Keys []UnreadKey
}

// UnreadKey is a condition key that a door cannot read.
type UnreadKey struct {
	Key string // as policies write it
	// Deny: a Deny asks for it, which holds at the door. File is where: the first in
	// byte order, of the Denies if there are any.
	Deny bool
	File string
	// Policies is how many files ask for it; what an organization's iam documents
	// ask for counts as one.
	Policies int
}

// Unread returns the keys of the policies in force that each door cannot read, those
// of Denies first, and in byte order; a door that reads all of them is left out. It
// looks at every policy.
func (s *Server) Unread() (out []Unread) {
	type door struct {
		name  string
		seen  *policy.KeySet
		sight *sight
		// reads are further keys that it reads, in lower case, though it does not know
		// that one of them which does not come is absent.
		reads []string
	}
	var doors []door
	if f := s.forward; f != nil {
		doors = append(doors, door{"authorize", &f.sight.seen[0], f.sight, nil})
	}
	if s.ceph != nil {
		doors = append(doors, door{"ceph", &s.ceph.seen[0], s.ceph, nil})
	}
	if m := s.minio; m != nil {
		reads := []string{"aws:securetransport"}
		if m.TrustSourceIP {
			reads = append(reads, "aws:sourceip")
		}
		doors = append(doors, door{"minio", m.seenTags, m.sight, reads})
	}
	snapshot := s.config.Current.Load()
	if snapshot == nil || len(doors) == 0 {
		return nil
	}
	// found is what is known of a key; last the file that asked for it last.
	type found struct {
		UnreadKey
		set, last string
	}
	keys := map[string]*found{}
	snapshot.Keys(func(k index.AskedKey) {
		folded := strings.ToLower(k.Key)
		f := keys[folded]
		if f == nil {
			f = &found{UnreadKey: UnreadKey{Key: k.Key, File: k.File, Deny: k.Deny}, set: k.Set}
			keys[folded] = f
		}
		if f.last != k.File {
			f.last = k.File
			f.Policies++
		}
		if k.Deny && !f.Deny || k.Deny == f.Deny && k.File < f.File {
			f.Key, f.Deny, f.File = k.Key, k.Deny, k.File
		}
	})
	for _, d := range doors {
		u := Unread{Door: d.name}
		for folded, f := range keys {
			vouched := slices.ContainsFunc(d.sight.context, func(c vouched) bool { return c.folded == folded })
			if !vouched && !d.seen.Has(f.set) && !slices.Contains(d.reads, folded) {
				u.Keys = append(u.Keys, f.UnreadKey)
			}
		}
		if len(u.Keys) == 0 {
			continue
		}
		slices.SortFunc(u.Keys, func(a, b UnreadKey) int {
			if a.Deny != b.Deny {
				if a.Deny {
					return -1
				}
				return 1
			}
			return cmp.Compare(a.Key, b.Key)
		})
		out = append(out, u)
	}
	return out
}
