package match

import (
	"postern/index/internal/block"
	"postern/internal/value"
	"postern/policy"
)

// contextKeys finds the keys of a request's context. It is made when the first
// condition asks, and the zero value means that none has.
type contextKeys struct {
	made bool
	tags []uint32 // keyTag of each key
	// early keeps the reads of make from being optimized away.
	early byte
}

// make notes the keys. All conditions will read values that lie wherever the
// request was decoded to, so the first byte of each is read here: the cache
// lines are then loaded side by side.
func (c *contextKeys) make(list []policy.Attribute) {
	c.made = true
	if cap(c.tags) < len(list) {
		c.tags = make([]uint32, 2*len(list))
	}
	c.tags = c.tags[:len(list)]
	for i := range c.tags {
		a := &list[i]
		c.tags[i] = block.KeyTag(a.Key)
		if len(a.Values) > 0 && a.Values[0].Text != "" {
			c.early += a.Values[0].Text[0]
		}
	}
}

// context finds a key of the context, without regard to ASCII case; tag is the
// KeyTag of its name. stated is false for a key that is not there, and true for
// an empty list.
func (v *View) context(name string, tag uint32) (values []policy.Value, unreadable, stated bool) {
	list := v.Request.Context
	if !v.contextKeys.made {
		v.contextKeys.make(list)
	}
	for i, t := range v.contextKeys.tags {
		if t == tag && i < len(list) && (list[i].Key == name || value.EqualFoldASCII(list[i].Key, name)) {
			return list[i].Values, list[i].Unreadable, true
		}
	}
	return nil, false, false
}

// hidden reports that a key which the request does not state is there all the
// same, and whoever asks cannot see it; set is what policy.Request.Seen calls it
// by.
func (v *View) hidden(set string) bool {
	seen := v.Request.Seen
	return seen != nil && !seen.Has(set)
}
