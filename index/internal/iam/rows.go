package iam

import (
	"math/bits"
	"slices"
	"unsafe"

	"github.com/RoaringBitmap/roaring/v2"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/postings"
	"postern/index/lowered"
)

// actionRows is the action dimension of the iam layer, most of whose actions
// are in no table. It has a row for each name that a rule spells out: the set
// of the rules that cover the action, with wildcards resolved. Equal rows are
// one.
type actionRows struct {
	names map[string]uint32 // folded
	rows  []row             // by the number of a name
	// other are the rules that have patterns. The patterns of each are matched
	// with an action that has no row.
	other row
	// marks has for each rule the marks of all actions that it may cover, see
	// mark. There are fewer bits than actions: a clear bit proves that the rule
	// does not cover the action, and a set bit proves nothing.
	marks []uint64
}

// row is a set of rules: words with a bit a rule, or a Roaring bitmap where the
// words of all rows would be too many.
type row struct {
	words []uint64
	wide  *roaring.Bitmap
	// all says that it is every rule (lowered.FormScan, which has no rows).
	all bool
	// empty says that it is no rule.
	empty bool
}

// maxRowWords is the number of words of all rows together, at most.
const maxRowWords = 1 << 20

func newActionRows(rules []lowered.Rule, form lowered.Form) actionRows {
	a := actionRows{names: map[string]uint32{}}
	var sets []*roaring.Bitmap
	other := roaring.New()
	for i := range rules {
		for _, name := range rules[i].Actions {
			n, ok := a.names[name]
			if !ok {
				n = uint32(len(sets))
				a.names[name] = n
				sets = append(sets, roaring.New())
			}
			sets[n].Add(uint32(i))
		}
		if len(rules[i].Programs) > 0 {
			other.Add(uint32(i))
		}
	}
	a.marks = make([]uint64, len(rules))
	if form == lowered.FormScan {
		a.other.all = true
		for i := range a.marks {
			a.marks[i] = ^uint64(0)
		}
		return a
	}
	// Many rules share their patterns; each pattern is matched once.
	patterns := map[string]*roaring.Bitmap{}
	for it := other.Iterator(); it.HasNext(); {
		id := it.Next()
		for _, p := range rules[id].Programs {
			postings.Post(patterns, p, id)
		}
	}
	for p, posting := range patterns {
		for name, n := range a.names {
			if glob.Match(p, name) {
				sets[n].Or(posting)
			}
		}
	}
	for it := other.Iterator(); it.HasNext(); {
		a.marks[it.Next()] |= markOther
	}
	for i, s := range sets {
		for it := s.Iterator(); it.HasNext(); {
			a.marks[it.Next()] |= actionMark(uint32(i))
		}
	}
	shared := map[string]*roaring.Bitmap{}
	for i, s := range sets {
		s.RunOptimize()
		key, err := s.ToBytes()
		if err != nil {
			continue // it has a row
		}
		if same := shared[string(key)]; same != nil {
			sets[i] = same
		} else {
			shared[string(key)] = s
		}
	}
	words := (len(rules) + 63) / 64
	wide := form == lowered.FormRoaring || words*(len(shared)+1) > maxRowWords
	dense := map[*roaring.Bitmap]row{}
	freeze := func(s *roaring.Bitmap) row {
		if wide {
			return row{wide: s, empty: s.IsEmpty()}
		}
		r, ok := dense[s]
		if !ok {
			r.empty = s.IsEmpty()
			r.words = make([]uint64, words)
			for it := s.Iterator(); it.HasNext(); {
				id := it.Next()
				r.words[id/64] |= 1 << (id % 64)
			}
			dense[s] = r
		}
		return r
	}
	for _, s := range sets {
		a.rows = append(a.rows, freeze(s))
	}
	a.other = freeze(other)
	return a
}

// of returns the row of the requested action. If known is false, the rules in
// it have to be asked whether they cover it.
func (a *actionRows) of(v *Inquiry) (r *row, known bool) {
	if !v.rowLooked {
		v.rowLooked = true
		v.row, v.rowKnown = a.names[v.ActionFolded()]
	}
	if v.rowKnown && !a.other.all {
		return &a.rows[v.row], true
	}
	return &a.other, false
}

// markOther is the mark of all actions without a row.
const markOther = 1 << 63

func actionMark(name uint32) uint64 { return 1 << (name % 63) }

// mark returns the mark of the requested action.
func (a *actionRows) mark(v *Inquiry) uint64 {
	if _, known := a.of(v); known {
		return actionMark(v.row)
	}
	return markOther
}

// next returns the first rule of the row from at to below end, or end if there
// is none.
func (r *row) next(at, end uint32) uint32 {
	if at >= end {
		return end
	}
	switch {
	case r.all:
		return at
	case r.wide != nil:
		if id := r.wide.NextValue(at); id >= 0 && id < int64(end) {
			return uint32(id)
		}
		return end
	}
	i := at / 64
	for w := r.words[i] >> (at % 64) << (at % 64); ; w = r.words[i] {
		if w != 0 {
			return min(i*64+uint32(bits.TrailingZeros64(w)), end)
		}
		if i++; i*64 >= end {
			return end
		}
	}
}

func (a *actionRows) size() int64 {
	n := int64(0)
	for name := range a.names {
		n += int64(len(name)) + block.EntrySize
	}
	seen := map[unsafe.Pointer]bool{}
	for _, r := range append(slices.Clone(a.rows), a.other) {
		at := unsafe.Pointer(r.wide)
		if r.words != nil {
			at = unsafe.Pointer(unsafe.SliceData(r.words))
		}
		if at == nil || seen[at] {
			continue
		}
		seen[at] = true
		if r.wide != nil {
			n += postings.Size(r.wide)
		}
		n += block.SizeOf(r.words)
	}
	return n + block.SizeOf(a.rows) + block.SizeOf(a.marks)
}
