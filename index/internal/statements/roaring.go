package statements

import (
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/RoaringBitmap/roaring/v2"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/index/internal/postings"
	"postern/index/lowered"
	"postern/internal/action"
	"postern/policy"
)

// roaringIndex narrows a part of more than wordParts statements, and one of a
// name of more than nameParts: for each dimension, postings are Roaring bitmaps
// of statement ids, shared and read-only (copy-on-write stays off). Wildcards
// are kept apart from the keys that they cover, and looked up beside them.
type roaringIndex struct {
	// actions holds, by action.ID, the statements that cover a known action;
	// nil if none does. Actions that the same statements cover share one.
	actions []*roaring.Bitmap
	// everyone are the statements whose principals list `*`. loose are those,
	// those whose principals list an organization, and those with NotPrincipal:
	// none of these can be narrowed by a caller's identifiers.
	everyone, loose *roaring.Bitmap
	names           map[string]*roaring.Bitmap
	// named has the places of the parts of names, by hash. The part of a name
	// has all statements that list the name, unless they are in rest. It is nil
	// if the form has no parts of names.
	named     *placeTable
	rest      *roaring.Bitmap
	onlyNames bool // every statement is in parts of names
	prefixes  match.Prefixes[*roaring.Bitmap]
	// whole are the statements whose resources list the one-character string
	// `*`.
	whole     *roaring.Bitmap
	resources match.Prefixes[*roaring.Bitmap]
}

// maxNames is the largest number of names that a statement may list and still
// be copied into the part of each.
const maxNames = 16

// byName makes the parts of names, with the statements of each in order, so
// that the few names of a caller lead to the statements that list it. The
// statements stay in the part that they come from as well, for searches and
// explanations.
func (x *roaringIndex) byName(f *freezer, list []block.Statement) {
	x.rest = x.loose.Clone()
	of := map[uint32][]block.Statement{}
	for i := range list {
		names := list[i].Exact
		if loose(list[i].From) {
			continue
		}
		if len(names) > maxNames {
			x.rest.Add(uint32(i))
			continue
		}
		for k, n := range names {
			hash := n.Hash // names are sorted by it
			if k == 0 || hash != names[k-1].Hash {
				of[hash] = append(of[hash], list[i])
			}
		}
	}
	places := make(map[uint32]uint32, len(of))
	for _, hash := range slices.Sorted(maps.Keys(of)) {
		places[hash] = f.named(of[hash])
	}
	x.named = newPlaceTable(places)
	x.onlyNames = x.rest.IsEmpty() && x.prefixes.Len() == 0
}

// loose reports whether a statement can hold for callers of whom it lists
// neither an identifier nor a prefix.
func loose(s *lowered.Statement) bool {
	return s.Principals.Everyone || s.Principals.Not || len(s.Principals.Organizations) > 0
}

func newRoaringIndex(list []block.Statement) *roaringIndex {
	x := &roaringIndex{everyone: roaring.New(), loose: roaring.New(), whole: roaring.New(), names: map[string]*roaring.Bitmap{}}
	sets, prefixes, resources := map[lowered.ActionBits]*roaring.Bitmap{}, map[string]*roaring.Bitmap{}, map[string]*roaring.Bitmap{}
	for i := range list {
		s, id := &list[i], uint32(i)
		postings.Post(sets, s.From.Actions.Known, id)
		who := &s.From.Principals
		if who.Everyone {
			x.everyone.Add(id)
		}
		if loose(s.From) {
			x.loose.Add(id)
		} else {
			for _, n := range s.Exact {
				if x.names[n.Text] == nil {
					x.names[strings.Clone(n.Text)] = roaring.New()
				}
				postings.Post(x.names, n.Text, id)
			}
			for _, n := range s.Prefixes {
				postings.Post(prefixes, n.Text, id)
			}
		}
		if s.From.WholeOrganization {
			x.whole.Add(id)
		}
		if s.From.NotResource {
			postings.Post(resources, "", id)
			continue
		}
		for _, program := range s.Patterns {
			_, literal := glob.Classify(program)
			postings.Post(resources, literal, id)
		}
	}
	x.actions = actionPostings(sets)
	x.prefixes = match.NewPrefixes(prefixes)
	x.resources = match.NewPrefixes(resources)
	return x
}

// actionPostings unites, for each known action, the postings of the action
// sets that hold it.
func actionPostings(sets map[lowered.ActionBits]*roaring.Bitmap) []*roaring.Bitmap {
	out := make([]*roaring.Bitmap, action.Count())
	known := make([]lowered.ActionBits, 0, len(sets))
	for bits := range sets {
		known = append(known, bits)
	}
	shared := map[string]*roaring.Bitmap{}
	for id := range out {
		var parts []*roaring.Bitmap
		var which strings.Builder
		for i, bits := range known {
			if bits.Has(action.ID(id)) {
				parts = append(parts, sets[bits])
				which.Write([]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)})
			}
		}
		if parts == nil {
			continue
		}
		b := shared[which.String()]
		if b == nil {
			b = roaring.FastOr(parts...)
			shared[which.String()] = b
		}
		out[id] = b
	}
	return out
}

// scanRoaring is satisfied for large parts: it looks at the parts of the
// caller's names, and narrows the other statements by postings. Deny statements
// come first.
func (p *Policies) scanRoaring(b block.Block, before policy.Effect, ix *roaringIndex, v *match.View) policy.Effect {
	effect, byName := before, ix.named != nil && !v.DenyOnly && !v.Grounding
	if byName {
		for _, hash := range v.Identifiers.Hashes {
			if at := ix.named.find(hash); at != 0 {
				if effect = p.satisfiedNamed(p.block(at), effect, v); effect == policy.EffectDeny {
					return effect
				}
			}
		}
	}
	if byName && ix.onlyNames {
		return effect
	}
	var covering *roaring.Bitmap
	if v.Known {
		if covering = ix.actions[v.Action]; covering == nil {
			return effect
		}
	}
	who := v.Postings.Who[:0]
	switch {
	case v.DenyOnly:
		who = append(who, ix.everyone)
	case !byName:
		who = append(who, ix.loose)
	case !ix.rest.IsEmpty():
		who = append(who, ix.rest)
	}
	if !v.DenyOnly {
		for _, id := range v.Request.Principal.IDs {
			if !byName {
				if posting := ix.names[id]; posting != nil {
					who = append(who, posting)
				}
			}
			who = ix.prefixes.Find(who, id, v)
		}
	}
	v.Postings.Who = who
	if len(who) == 0 {
		return effect
	}
	what := v.Postings.What[:0]
	if v.Whole {
		what = append(what, ix.whole)
	} else {
		what = ix.resources.Find(what, v.Text, v)
	}
	v.Postings.What = what

	if p.leapfrog(b, v, covering, 0, b.Denies()) {
		return policy.EffectDeny
	}
	if effect != policy.EffectAllow && !v.DenyOnly && p.leapfrog(b, v, covering, b.Denies(), b.Count()) {
		return policy.EffectAllow
	}
	return effect
}

// leapfrog reports whether a statement with an id from low to below high is
// satisfied. It looks at the ids that stand in one of v.Postings.Who, in one of
// v.Postings.What, and in covering (in any, if that is nil).
func (p *Policies) leapfrog(b block.Block, v *match.View, covering *roaring.Bitmap, low, high int) bool {
	if low == high {
		return false
	}
	for _, what := range v.Postings.What {
		for _, who := range v.Postings.Who {
			at := int64(low)
			for {
				if !v.Spend(glob.PostingWork) {
					return true // as match.Variables.Holds
				}
				id := who.NextValue(uint32(at))
				if id < 0 || id >= int64(high) {
					break
				}
				if at = what.NextValue(uint32(id)); at > id {
					continue
				} else if at < 0 {
					break
				}
				if covering != nil {
					if at = covering.NextValue(uint32(id)); at > id {
						continue
					} else if at < 0 {
						break
					}
				}
				if (covering != nil || v.Covers(b, int(id))) && p.variables.Holds(b, b.Record(int(id)), v) {
					v.Ground(b, int(id))
					return true
				}
				if at = id + 1; at >= int64(high) {
					break
				}
			}
		}
	}
	return false
}

func (x *roaringIndex) size() int64 {
	n := int64(unsafe.Sizeof(*x)) + block.SizeOf(x.actions) + postings.Size(x.everyone) + postings.Size(x.loose) + postings.Size(x.whole)
	seen := map[*roaring.Bitmap]bool{}
	for _, b := range x.actions {
		if b != nil && !seen[b] {
			seen[b] = true
			n += postings.Size(b)
		}
	}
	for name, b := range x.names {
		n += int64(len(name)) + 48 + postings.Size(b)
	}
	if x.named != nil {
		n += postings.Size(x.rest) + block.SizeOf(x.named.slots) + int64(len(x.named.far))*block.EntrySize
	}
	return n + postingsSize(&x.prefixes) + postingsSize(&x.resources)
}

func postingsSize(t *match.Prefixes[*roaring.Bitmap]) int64 {
	n := t.Size()
	for _, b := range t.All() {
		n += postings.Size(b)
	}
	return n
}
