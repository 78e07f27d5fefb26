package policytest

import (
	"time"

	"postern/policy"
)

// File is one file of tests.
type File struct {
	// Name is the file's, as it was given to Parse.
	Name string
	// Policies is the directory of the policies, relative to the file.
	Policies string
	// DefaultOrg and PlatformOrgs are what `-default-org` and `-platform-org`
	// say.
	DefaultOrg   string
	PlatformOrgs []string
	// Now is the time of every request that states none, the zero time if the
	// file leaves it to the clock.
	Now   time.Time
	Tests []Test
}

// Test is one request, or the product of several, with what is wanted of it.
type Test struct {
	Name string
	// Position is that of the test's `{`.
	Position policy.Position
	Wanted   Wanted
	// The members of the request, as written: parts[i] are those that stand for
	// the member partNames[i], one where `foreach` does not list it, none where
	// the request has none.
	parts [partCount][][]byte
	// listed says which members `foreach` lists.
	listed [partCount]bool
}

// Wanted is what a test expects. What it leaves out may be anything.
type Wanted struct {
	Allow        bool
	Reason       policy.Reason // ReasonNone: any
	Obligations  bool          // whether MaxOpenSeconds counts
	MaxOpen      uint64        // seconds, 0 for no obligation
	Determined   bool          // whether DeterminedBy counts
	DeterminedBy []string      // as Name spells them, in any order
}

// The members of an evaluation. The first three may be listed by `foreach`.
const (
	partSubject = iota
	partAction
	partResource
	partContext
	partCount

	listedCount = partContext
)

var partNames = [partCount]string{"subject", "action", "resource", "context"}

// MaxCases is how many requests one test may stand for.
const MaxCases = 100_000

// Len returns the number of requests that the test stands for, at most MaxCases.
func (t *Test) Len() int {
	n := 1
	for i := range listedCount {
		if t.listed[i] {
			n *= len(t.parts[i])
		}
	}
	return n
}

// body makes the evaluation of the i-th request in dst, and says which element
// of each list of `foreach` it took, in the order subject, action, resource: the
// last one changes fastest.
func (t *Test) body(dst []byte, i int) (body []byte, took [listedCount]int) {
	for part := listedCount - 1; part >= 0; part-- {
		if t.listed[part] {
			took[part] = i % len(t.parts[part])
			i /= len(t.parts[part])
		}
	}
	dst = append(dst, '{')
	for part, name := range partNames {
		if len(t.parts[part]) == 0 {
			continue
		}
		at := 0
		if part < listedCount {
			at = took[part]
		}
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), '"', ':')
		dst = append(dst, t.parts[part][at]...)
	}
	return append(dst, '}'), took
}
