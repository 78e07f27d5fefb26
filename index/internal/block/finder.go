package block

import (
	"hash/maphash"
	"math/bits"

	"postern/index/lowered"
)

// Finder maps names to numbers. It is a hash table whose memory serves maps of very
// different sizes one after the other: Reset takes time by the number of names
// that were added, not by the size of the table. The hash is seeded, so that
// nobody can choose names that make it slow.
type Finder struct {
	slots   []uint32 // a power of two of them: the number of an entry plus 1
	entries []finderEntry
}

type finderEntry struct {
	name  lowered.Name
	hash  uint32
	value uint32
}

const minSlots = 64

var finderSeed = maphash.MakeSeed()

// Reset forgets all names and keeps the memory.
func (f *Finder) Reset() {
	clear(f.slots)
	f.slots = f.slots[:0]
	Forget(&f.entries)
}

// Find returns the value of a name. A name that is new is added with the value
// given.
func (f *Finder) Find(n lowered.Name, value uint32) (found uint32, known bool) {
	if 2*len(f.entries) >= len(f.slots) {
		f.grow()
	}
	h := maphash.String(finderSeed, n.Text)
	if n.Org != "" {
		h ^= bits.RotateLeft64(maphash.String(finderSeed, n.Org), 32)
	}
	hash := uint32(h)
	mask := uint32(len(f.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := f.slots[i]
		if slot == 0 {
			f.entries = append(f.entries, finderEntry{n, hash, value})
			f.slots[i] = uint32(len(f.entries))
			return value, false
		}
		if e := &f.entries[slot-1]; e.hash == hash && e.name == n {
			return e.value, true
		}
	}
}

func (f *Finder) grow() {
	n := max(2*len(f.slots), minSlots)
	if n <= cap(f.slots) {
		f.slots = f.slots[:n]
	} else {
		f.slots = make([]uint32, n)
	}
	clear(f.slots)
	mask := uint32(n - 1)
	for number := range f.entries {
		i := f.entries[number].hash & mask
		for f.slots[i] != 0 {
			i = (i + 1) & mask
		}
		f.slots[i] = uint32(number + 1)
	}
}

// Len is the number of names, and Name the text of the i-th that was added,
// from 0.
func (f *Finder) Len() int          { return len(f.entries) }
func (f *Finder) Name(n int) string { return f.entries[n].name.Text }
