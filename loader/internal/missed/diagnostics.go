package missed

import (
	"fmt"
	"maps"
	"slices"

	"postern/loader/internal/layout"
	"postern/policy"
)

// mostNamed bounds the missed files that a fault names.
const mostNamed = 1000

// Diagnostics returns the errors of a buckets/ that misses files: one about the folder,
// which says what ends the fault, and one about each file, in byte order. At most
// mostNamed files have one.
func Diagnostics(org string, missed map[string]struct{}) (out []policy.Diagnostic) {
	folder := layout.Place{Org: org, Part: layout.Buckets}
	names := slices.Sorted(maps.Keys(missed))
	message := fmt.Sprintf("this folder held several bucket policies and then none of them: %d stay in force, each until its file is back; "+
		"if they were removed on purpose, send SIGHUP", len(names))
	if more := len(names) - mostNamed; more > 0 {
		names = names[:mostNamed]
		message += fmt.Sprintf(" (%d of them are not named here)", more)
	}
	out = append(out, layout.Problem(folder.Path(), message))
	for _, name := range names {
		file := folder
		file.Name = name
		out = append(out, layout.Problem(file.Path(), "this bucket policy is missed, and its last content is in force; put the file back, or send SIGHUP if it was removed on purpose"))
	}
	return out
}
