package match

import (
	"postern/index/internal/block"
	"postern/index/lowered"
)

// Keys calls visit with each condition key that the statements of a block ask for,
// as often as they do, and whether a Deny asks; of a variable, whether the block has
// a Deny. It is not for request time.
func (x Variables) Keys(b block.Block, visit func(key lowered.Key, deny bool)) {
	for id := range b.Count() {
		r := b.Record(id)
		n := b.ConditionCount(r)
		if n == 0 {
			continue
		}
		c := b.Conditions(r)
		for range n {
			c.Next()
			name, _ := c.Key()
			visit(lowered.Key{Kind: c.Kind(), Name: name}, r.Deny())
		}
	}
	for i := range x {
		visit(x[i].Key, b.Denies() > 0)
	}
}
