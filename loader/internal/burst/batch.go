package burst

import "maps"

// Batch says what one look is to be about.
type Batch struct {
	// Changes are names as the source reported them, at most MaxChanges. If there were
	// more it is empty and All is set.
	Changes map[string]struct{}
	Gone    map[string]struct{} // names on which the source may have lost a watch
	All     bool                // everything
	Confirm bool                // SIGHUP: what is missed was meant to go
}

// MaxChanges bounds the names in a batch. If there are more, everything is looked at.
const MaxChanges = 1 << 16

// Add adds everything in o to b. It does not keep the maps of o.
func (b *Batch) Add(o Batch) {
	b.All, b.Confirm = b.All || o.All, b.Confirm || o.Confirm
	if b.Changes == nil {
		b.Changes, b.Gone = map[string]struct{}{}, map[string]struct{}{}
	}
	maps.Copy(b.Changes, o.Changes)
	maps.Copy(b.Gone, o.Gone)
	b.bound()
}

// change adds one change.
func (b *Batch) change(name string, gone bool) {
	if b.Changes == nil {
		b.Changes, b.Gone = map[string]struct{}{}, map[string]struct{}{}
	}
	b.Changes[name] = struct{}{}
	if gone {
		b.Gone[name] = struct{}{}
	}
	b.bound()
}

func (b *Batch) bound() {
	if len(b.Changes) > MaxChanges {
		clear(b.Changes)
		b.All = true
	}
}
