package block

// A record: four counts a word, least byte first. With flagPrograms the place
// of an entry of programs follows. If a count is above 255 it has flagLong, and
// countWords words of counts follow. Then come the principal, pattern and
// condition entries.
const (
	recordFirst = iota // flags, conditions, identifiers, beginnings
	recordMore         // organizations, exact, prefix and glob patterns
	recordWords

	countWords = 7 // the counts in the order above, without the flags
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

// An entry of programs, for unknown actions, and the texts.
const (
	programsNot   = iota // 1: what no program matches is covered
	programsCount        //
	programsWords
)

// Record is a statement's record; see the layout above. It is small enough to
// be handed on in registers; its block goes beside it.
type Record struct {
	first, more uint32
	entries     uint32 // place of the principal entries
}

// Record reads the record of a statement.
func (b Block) Record(id int) Record {
	w := b.words
	return recordAt(w, w[w[headerSieve]+sieveWords*uint32(id)+sieveBody])
}

// RecordOf reads the record of the statement of an entry of the sieve.
func (b Block) RecordOf(e *Entry) Record { return recordAt(b.words, e[sieveBody]) }

func recordAt(words []uint32, at uint32) Record {
	first := words[at+recordFirst]
	entries := at + recordWords + first/flagPrograms&1 + countWords*(first/flagLong&1)
	return Record{first, words[at+recordMore], entries}
}

// is reports whether the record has one of the flags.
func (r Record) is(flags uint32) bool { return r.first&flags != 0 }

// Deny reports that the statement is a Deny.
func (r Record) Deny() bool { return r.is(flagDeny) }

// Everyone reports that the principals contain `*`.
func (r Record) Everyone() bool { return r.is(flagEveryone) }

// NotPrincipal and NotResource report that the dimension is inverted.
func (r Record) NotPrincipal() bool { return r.is(flagNotPrincipal) }
func (r Record) NotResource() bool  { return r.is(flagNotResource) }

// Whole reports that the resources list the one-character string `*`.
func (r Record) Whole() bool { return r.is(flagWhole) }

// HasPrograms reports that the statement covers actions that no table knows.
func (r Record) HasPrograms() bool { return r.is(flagPrograms) }

// AsDeny is the record of the same statement, if it were a Deny.
func (r Record) AsDeny() Record {
	r.first |= flagDeny
	return r
}

// counts are those of a record with flagLong.
func (b Block) counts(r Record) []uint32 { return b.words[r.entries-countWords:] }

// ConditionCount is the number of conditions.
func (b Block) ConditionCount(r Record) uint32 {
	if r.is(flagLong) {
		return b.counts(r)[0]
	}
	return r.first >> 8 & 0xff
}

// Programs are those of a statement for actions that no table knows.
type Programs struct {
	at    uint32
	Count uint32
	// Not: what no program matches is covered.
	Not bool
}

// Programs returns the programs of a record that HasPrograms.
func (b Block) Programs(r Record) Programs {
	at := r.entries - 1
	if r.is(flagLong) {
		at -= countWords
	}
	at = b.words[at]
	return Programs{at + programsWords, b.words[at+programsCount], b.words[at+programsNot] != 0}
}

// Program returns one of the programs.
func (b Block) Program(p Programs, i uint32) string { return b.text(p.at, i) }
