package lowered

// Form forces how parts narrow requests to candidates, for tests. Every form
// gives the same answers.
type Form uint8

// The forms.
const (
	FormAuto    Form = iota // words for parts of up to 256 statements, parts of names and Roaring for larger ones
	FormRoaring             // Roaring postings in every part, and no parts of names
	FormNames               // parts of names and Roaring postings, however few the statements
	FormScan                // no narrowing: every statement is a candidate
)
