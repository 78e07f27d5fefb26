package block

// A record begins with two words of four counts each, least byte first. With
// flagPrograms the place of an entry of programs follows. If a count is above
// 255, the record has flagLong, and countWords words of counts follow. Then
// come the principal, pattern and condition entries.
const (
	recordFirst = iota // flags; counts of conditions, identifiers, prefixes of identifiers
	recordMore         // counts of organizations; of exact, prefix and other patterns
	recordWords

	countWords = 7 // the counts in this order, without the flags
)

const (
	flagDeny = 1 << iota
	flagEveryone
	flagNotPrincipal
	flagNotResource
	flagWhole
	flagLong
	flagPrograms
)

// An entry of programs, which match actions that are not known. The texts
// follow.
const (
	programsNot   = iota // 1 if the statement covers what no program matches
	programsCount        //
	programsWords
)

// Record is a statement's record. It is small enough for registers; the block
// that it belongs to is passed beside it.
type Record struct {
	first, more uint32
	entries     uint32 // the place of the principal entries
}

// Record returns the record of statement id.
func (b Block) Record(id int) Record {
	w := b.words
	return recordAt(w, w[w[headerSieve]+sieveWords*uint32(id)+sieveBody])
}

// RecordOf returns the record of the statement that the sieve's entry e is of.
func (b Block) RecordOf(e *Entry) Record { return recordAt(b.words, e[sieveBody]) }

func recordAt(words []uint32, at uint32) Record {
	first := words[at+recordFirst]
	entries := at + recordWords + first/flagPrograms&1 + countWords*(first/flagLong&1)
	return Record{first, words[at+recordMore], entries}
}

// is reports whether the record has one of the flags.
func (r Record) is(flags uint32) bool { return r.first&flags != 0 }

// Deny reports whether the statement is a Deny.
func (r Record) Deny() bool { return r.is(flagDeny) }

// Everyone reports whether the principals list `*`.
func (r Record) Everyone() bool { return r.is(flagEveryone) }

// NotPrincipal and NotResource report whether the statement has the element of
// that name.
func (r Record) NotPrincipal() bool { return r.is(flagNotPrincipal) }
func (r Record) NotResource() bool  { return r.is(flagNotResource) }

// Whole reports whether the resources list the one-character string `*`.
func (r Record) Whole() bool { return r.is(flagWhole) }

// HasPrograms reports whether the statement covers actions that are not known.
func (r Record) HasPrograms() bool { return r.is(flagPrograms) }

// AsDeny returns the record as it would be if the statement were a Deny.
func (r Record) AsDeny() Record {
	r.first |= flagDeny
	return r
}

// counts returns the counts of a record with flagLong.
func (b Block) counts(r Record) []uint32 { return b.words[r.entries-countWords:] }

// ConditionCount is the number of conditions.
func (b Block) ConditionCount(r Record) uint32 {
	if r.is(flagLong) {
		return b.counts(r)[0]
	}
	return r.first >> 8 & 0xff
}

// Programs are the programs of a statement for actions that are not known.
type Programs struct {
	at    uint32
	Count uint32
	// Not says that the statement covers what no program matches.
	Not bool
}

// Programs returns the programs of a record. Only for one that HasPrograms.
func (b Block) Programs(r Record) Programs {
	at := r.entries - 1
	if r.is(flagLong) {
		at -= countWords
	}
	at = b.words[at]
	return Programs{at + programsWords, b.words[at+programsCount], b.words[at+programsNot] != 0}
}

// Program returns program i.
func (b Block) Program(p Programs, i uint32) string { return b.text(p.at, i) }
