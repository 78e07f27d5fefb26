package loader

import (
	"postern/loader/internal/layout"
	"postern/policy"
)

// found is what one look found. Nothing in it is shared with the model but good
// content that is still good. Each trace is the source's own.
type found struct {
	trace any
	all   bool
	moved bool // the source lies elsewhere than at the last look, or is another
	// repointed: it lies elsewhere, so that whatever is gone was meant to go.
	repointed bool
	orgs      []*orgFinding
	odd       map[string]*policy.Diagnostic // names in the root without a place; nil: gone
	surveys   map[string]survey             // of organizations that are arriving, and not taken
	// touched is what looks in between have looked at, set once it was taken out.
	touched *scope
}

// orgFinding is what a look found of one organization.
type orgFinding struct {
	name    string
	trace   any
	gone    bool
	whole   bool                // every part was looked at
	swapped bool                // it is another folder than before, exchanged whole
	version version             // of the folder
	fault   []policy.Diagnostic // the folder itself is at fault, nothing else was looked at
	units   [len(layout.Sets)]*setFinding
	odd     map[string]*policy.Diagnostic // by path; nil: gone. With whole these are all.
	// harmless are those of odd that nobody takes for a policy.
	harmless map[string]struct{}

	buckets *bucketsFinding
}

// setFinding is what a look found of a unit of several files.
type setFinding struct {
	trace       any
	there       bool    // the unit has a folder
	swapped     bool    // another than before, exchanged whole
	version     version // of that folder, zero if there is none
	same        bool    // as it was, but for what seen and stray say
	seen        []file
	sure        bool
	good        *content            // nil: broken
	diagnostics []policy.Diagnostic // if broken
	stray       []policy.Diagnostic
	raw         []layout.File // for the mirror; nil if not kept
}

func brokenSet(diagnostics ...policy.Diagnostic) *setFinding {
	return &setFinding{diagnostics: diagnostics}
}

// bucketsFinding is what a look found of buckets/.
type bucketsFinding struct {
	trace   any
	absent  bool
	swapped bool                // another folder than before, exchanged whole
	version version             // of the folder
	listed  bool                // every name was looked at
	fault   []policy.Diagnostic // buckets/ itself is at fault, nothing else was looked at
	found   []bucketFinding     // only what is not as it was
	missed  map[string]struct{} // bucket files that are missed now: see miss
	odd     map[string]*policy.Diagnostic
}

// bucketFinding is what a look found of one bucket file that is not as it was.
type bucketFinding struct {
	name        string // of the file
	gone        bool
	added       bool // it was not there at the last look
	same        bool // only seen is new
	seen        file
	sure        bool
	good        *content            // nil: gone or broken
	diagnostics []policy.Diagnostic // if broken
	trace       any
	raw         []layout.File
}
