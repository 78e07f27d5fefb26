package statements

import "postern/index/lowered"

// Keys calls visit with each condition key that the statements of a bucket's policy
// ask for, as often as they do, and whether a Deny asks. Organization policies ask for
// none.
func (p *Policies) Keys(visit func(key lowered.Key, deny bool)) { p.variables.Keys(p.Block(), visit) }

// File is the file of a bucket's policy.
func (p *Policies) File() string { return p.document(0).File }
