package index

import (
	"postern/index/internal/statements"
	"postern/index/lowered"
)

// Policies are the frozen statements of one unit: all organization policies of
// an organization, or one bucket policy. They are immutable and shared between
// snapshots.
type Policies = statements.Policies

// Freezer makes Policies as New does, with memory that it uses again. The zero
// value is ready; it must not be used by two goroutines at a time.
type Freezer = statements.Freezer

// Form forces how parts narrow, for tests; every form gives the same answers.
type Form = lowered.Form

// The forms.
const (
	FormAuto    = lowered.FormAuto
	FormRoaring = lowered.FormRoaring
	FormNames   = lowered.FormNames
	FormScan    = lowered.FormScan
)
