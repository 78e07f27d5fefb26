package policy

import "time"

// Status is what the loader tells about the policy directory: one is made
// after every look that changed something, and never changed afterwards
// (specification 4; shown by /readyz, /v1/status and the log).
type Status struct {
	// Generation in force; 0 before the first.
	Generation uint64
	// Digest of the policy files in force in that generation.
	Digest Digest
	// Result of the look that made this status.
	Result ReloadResult
	// Failure says why a look failed, "" if it did not.
	Failure string
	// StateFailure says what is wrong with the state directory, "" if nothing or
	// if there is none: then a restart may put less in force, or older policies.
	StateFailure string
	// FinishedAt is when that look ended, Duration how long it took.
	FinishedAt time.Time
	Duration   time.Duration
	// LastSuccess is when a look last ended without any quarantined unit.
	LastSuccess time.Time

	// HeldSince is when POLICIES/.hold began to keep new policies from being
	// published, with a monotonic clock's reading; zero if it does not.
	// HeldTransaction reports that its time is not bounded.
	HeldSince       time.Time
	HeldTransaction bool

	// Organizations in byte order of their names.
	Organizations []OrganizationStatus
	// Quarantined units of all organizations, in byte order of Unit.
	Quarantined []QuarantinedUnit
	// Warnings of all files in force, sorted, capped; WarningCount is not.
	Warnings     []Diagnostic
	WarningCount int

	// Statements in force, by Layer.
	Statements [LayerCount]int
	Buckets    int
	Files      int
	// SnapshotBytes is the size of the snapshot in force, in bytes, as counted
	// by the index; an estimate of its live heap.
	SnapshotBytes int64
}

// Held reports that the policy directory held at least one file of its layout,
// in force or quarantined.
func (s *Status) Held() bool { return s.Files > 0 || len(s.Quarantined) > 0 }

// ReloadResult says how a look at the policy directory ended.
type ReloadResult uint8

// The results of a look.
const (
	// ReloadOK published a generation, and no unit is quarantined.
	ReloadOK ReloadResult = iota
	// ReloadQuarantined left at least one unit quarantined; whatever else
	// changed was published.
	ReloadQuarantined
	// ReloadFailed could not look at the policy directory at all; the
	// generation in force stays.
	ReloadFailed

	// ReloadResultCount is the length of an array that holds something of each
	// result.
	ReloadResultCount = iota
)

var reloadResultNames = [ReloadResultCount]string{
	ReloadOK:          "ok",
	ReloadQuarantined: "quarantined",
	ReloadFailed:      "failed",
}

// String returns the value of the label `result`.
func (r ReloadResult) String() string {
	if int(r) >= ReloadResultCount {
		r = ReloadFailed
	}
	return reloadResultNames[r]
}

// OrganizationStatus counts what is in force for one organization.
type OrganizationStatus struct {
	Name       string
	Statements int
	Buckets    int
	Files      int
}

// QuarantinedUnit is a unit of specification 4 that is broken: its last good
// content is in force, or, without one, what it could speak of is denied.
type QuarantinedUnit struct {
	// Unit is the path of the unit below the policy directory:
	// `o1/access-policies`, `o1/iam`, `o1/buckets.json`, `o1/buckets/b.json`.
	Unit string
	// Since is when it was first found broken.
	Since time.Time
	// LastGood reports that last good content is in force.
	LastGood bool
	// Diagnostics are its errors, sorted.
	Diagnostics []Diagnostic
}
