package block

import (
	"unsafe"

	"postern/index/lowered"
)

// put returns the place and length of a text, which is added if it is new.
func (w *Writer) put(s string) (at, n uint32) {
	at, known := w.texts.Find(lowered.Name{Text: s}, uint32(4*len(w.words)+len(w.fresh)))
	if !known {
		w.fresh = append(w.fresh, s...)
	}
	return at, uint32(len(s))
}

func (w *Writer) textEntry(s string) {
	at, n := w.put(s)
	w.entries = append(w.entries, at, n)
}

func (w *Writer) prefixEntry(n lowered.Name) {
	w.textEntry(n.Text)
	w.textEntry(n.Org)
}

// name returns the place of an identifier, which is added if it is new.
func (w *Writer) name(n lowered.Name) uint32 {
	// A new identifier lies behind its organization's name, if that is new too.
	orgAt, orgLen := w.put(n.Org)
	at, known := w.names.Find(n, uint32(len(w.words)+(len(w.fresh)+3)/4))
	if !known {
		w.entries = append(w.entries, uint32(len(n.Text)), orgLen, orgAt)
		w.flush()
		w.words = appendText(w.words, n.Text)
	}
	return at
}

// flush writes the new texts and then the entries at hand, and returns the
// place of the entries.
func (w *Writer) flush() (at uint32) {
	w.words = appendText(w.words, w.fresh)
	at = uint32(len(w.words))
	w.words = append(w.words, w.entries...)
	w.fresh, w.entries = w.fresh[:0], w.entries[:0]
	return at
}

// appendText appends text as words, in the machine's byte order.
func appendText[T string | []byte](words []uint32, text T) []uint32 {
	from := len(words)
	words = append(words, make([]uint32, (len(text)+3)/4)...)
	copy(bytesOf(words[from:]), text)
	return words
}

func (w *Writer) u64(n uint64) { w.words = append(w.words, uint32(n), uint32(n>>32)) }

// bytesOf returns the words of a block as bytes, in the machine's order.
func bytesOf(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
}
