package index

import "postern/index/lowered"

// AskedKey is a condition key that policies in force ask for.
type AskedKey struct {
	// Key is as policies write it, and Set what policy.KeySet calls it by.
	Key, Set string
	// Deny says that a Deny may be what asks.
	Deny bool
	// File is the file of a bucket's policy, or the folder of an organization's iam
	// documents.
	File string
}

// Keys calls visit with each condition key that policies in force ask for and that
// is not known whatever a request states, as often as they do. It looks at every
// statement, and is not for request time.
func (s *Snapshot) Keys(visit func(AskedKey)) {
	// of names the file of what is looked at, if there is anything to say of it.
	var of func() string
	file := ""
	each := func(key lowered.Key, deny bool) {
		if set := key.Set(); set != "" {
			if file == "" {
				file = of()
			}
			visit(AskedKey{Key: key.String(), Set: set, Deny: deny, File: file})
		}
	}
	for b := range s.store.Buckets() {
		if b.HasPolicy() {
			p := b.Policy()
			file, of = "", p.File
			p.Keys(each)
		}
	}
	for name := range s.store.All() {
		if m := s.store.Organization(name).IAM; m != nil {
			file, of = "", func() string { return name + "/iam" }
			m.Keys(each)
		}
	}
}
