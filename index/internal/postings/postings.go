// Package postings holds sets of numbers, of statements or of rules, as Roaring
// bitmaps. They are shared and read-only once they are made: copy-on-write
// stays off.
package postings

import (
	"cmp"

	"github.com/RoaringBitmap/roaring/v2"
)

// Post adds a number to the posting of a key.
func Post[K comparable](m map[K]*roaring.Bitmap, key K, id uint32) {
	b := m[key]
	if b == nil {
		b = roaring.New()
		m[key] = b
	}
	b.Add(id)
}

// Size counts the bytes that a bitmap holds.
func Size(b *roaring.Bitmap) int64 { return int64(cmp.Or(b.GetSizeInBytes(), 0)) + 120 }

// Scratch is memory for whoever goes through postings during a request: of the
// statements that may list the caller, and of those that may be about the
// resource.
type Scratch struct{ Who, What []*roaring.Bitmap }
