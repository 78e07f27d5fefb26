package compile

import (
	"postern/index"
	"postern/policy"
)

// STUB FILE: being replaced; the API below is final.

// Compiler turns documents into frozen index.Policies. The zero value is ready.
type Compiler struct {
	// Form forces a posting form, for tests; the zero value chooses.
	Form int
}

// Organization compiles all organization policies of one organization. Errors
// between files (a name used twice) come as diagnostics, and then the Policies are nil.
// No documents: nil, nil.
func (c Compiler) Organization(org string, docs []*policy.Document) (*index.Policies, []policy.Diagnostic) {
	return nil, nil
}

// Bucket compiles one bucket policy.
func (c Compiler) Bucket(doc *policy.Document) *index.Policies { return nil }

// Directory compiles everything that d says into a snapshot: for tests, the
// command line and benchmarks. The diagnostics are those of Organization.
func (c Compiler) Directory(d *policy.Directory, generation uint64) (*index.Snapshot, []policy.Diagnostic) {
	return index.NewBuilder(nil).Freeze(generation), nil
}
