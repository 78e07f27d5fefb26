package block

import "math/bits"

// Meta is what explanations tell of a statement. Its name is a text of its
// block.
type Meta struct {
	Document, Index, Line uint32
	nameAt, nameLen       uint32
}

// metaFields is the number of a Meta's fields.
const metaFields = 5

// The Metas of a block begin with a word that has the number of bytes of each
// field, four bits each, least bits first. The fields of one statement after the
// other follow, least byte first: a Meta seldom takes more than six bytes.

func (m *Meta) fields() [metaFields]*uint32 {
	return [metaFields]*uint32{&m.Document, &m.Index, &m.Line, &m.nameAt, &m.nameLen}
}

// Meta returns the Meta of a statement. Only a block that was written with Metas
// has it.
func (b Block) Meta(id int) (m Meta) {
	at := b.words[headerMeta]
	widths, stride := b.words[at], uint32(0)
	for i := range metaFields {
		stride += widths >> (4 * i) & 0xf
	}
	text := b.str(4*(at+1)+stride*uint32(id), stride)
	for i, field := range m.fields() {
		n := widths >> (4 * i) & 0xf
		for k := range n {
			*field |= uint32(text[k]) << (8 * k)
		}
		text = text[n:]
	}
	return m
}

// StatementName returns the name of the statement that m is of.
func (b Block) StatementName(m *Meta) string { return b.str(m.nameAt, m.nameLen) }

// meta writes the Metas of statements, and returns their place.
func (w *Writer) meta(list []Statement) uint32 {
	var most Meta
	for i := range list {
		s := list[i].From
		m := Meta{Document: uint32(s.Document), Index: uint32(s.Index), Line: uint32(s.Line)}
		m.nameAt, m.nameLen = w.put(s.Name)
		for i, field := range m.fields() {
			*most.fields()[i] |= *field
		}
		w.metas = append(w.metas, m)
	}
	at := w.flush() // the names
	widths := uint32(0)
	for i, field := range most.fields() {
		widths |= uint32(bits.Len32(*field)+7) / 8 << (4 * i)
	}
	for i := range w.metas {
		for k, field := range w.metas[i].fields() {
			for n := range widths >> (4 * k) & 0xf {
				w.fresh = append(w.fresh, byte(*field>>(8*n)))
			}
		}
	}
	w.words = append(w.words, widths)
	w.words = appendText(w.words, w.fresh)
	w.fresh = w.fresh[:0]
	Forget(&w.metas)
	return at
}
