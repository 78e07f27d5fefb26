package policytest

// Members are the members of the objects of a file of tests, as the parser
// knows them, and which of them must stand there.
type Members struct {
	File, FileNeeds []string
	Test, TestNeeds []string
	Request         []string // what a request may have
	Foreach         []string // what foreach may list
}

// Shape returns the members of a file's objects, for who describes the files to
// a machine (specification 9.1, editors).
func Shape() Members {
	p := parser{file: &File{}}
	m := Members{FileNeeds: fileNeeds, TestNeeds: testNeeds, Request: partNames[:], Foreach: partNames[:listedCount]}
	for _, r := range p.fileRows() {
		m.File = append(m.File, r.key)
	}
	for _, r := range p.testRows(&Test{}, new([listedCount][][]byte)) {
		m.Test = append(m.Test, r.key)
	}
	return m
}
