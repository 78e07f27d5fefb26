package lowered

// Form forces how parts narrow, for tests; every form gives the same answers.
type Form uint8

// The forms.
const (
	FormAuto    Form = iota // words for parts of up to 256 statements, above parts of names and Roaring
	FormRoaring             // Roaring postings always, also for names
	FormNames               // Roaring always, with parts of names
	FormScan                // the index switched off: every statement is a candidate
)
