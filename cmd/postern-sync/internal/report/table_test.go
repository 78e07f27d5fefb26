package report

import (
	"strings"
	"testing"
	"time"

	"postern/cmd/postern-sync/internal/revision"
)

// TestTable: a fleet is on a revision if it has machines, and each of them and its
// sidecar have it; what is wrong with one is said in its row.
func TestTable(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	newest, digest, other := revision.ID{Epoch: 1, Revision: 7}, revision.Sum{1}, revision.Sum{2}
	good := func(change func(*Report)) *Report {
		r := &Report{Node: "n", Revision: newest, Digest: digest, Applied: now, At: now, Sidecar: &Sidecar{Ready: true, Digest: digest}}
		change(r)
		return r
	}
	fine := good(func(*Report) {})
	for _, c := range []struct {
		name    string
		reports []*Report
		all     bool
		says    string
	}{
		{"one", []*Report{fine}, true, "1 of 1 have revision 1.7, 01000000"},
		{"no sidecar asked", []*Report{good(func(r *Report) { r.Sidecar = nil })}, true, "1 of 1"},
		{"newer than what was read first", []*Report{good(func(r *Report) { r.Revision.Revision, r.Digest, r.Sidecar.Digest = 8, other, other })}, true, "1 of 1"},
		{"none", nil, false, "0 of 0"},
		{"behind", []*Report{fine, good(func(r *Report) { r.Revision.Revision = 6 })}, false, "behind\n1 of 2"},
		{"another digest", []*Report{good(func(r *Report) { r.Digest, r.Sidecar = other, nil })}, false, "another digest"},
		{"its sidecar's", []*Report{good(func(r *Report) { r.Sidecar.Digest = other })}, false, "its sidecar has another digest"},
		{"not ready", []*Report{good(func(r *Report) { r.Sidecar.Ready = false })}, false, "its sidecar is not ready"},
		{"no answer", []*Report{good(func(r *Report) { r.Sidecar.Err = "refused" })}, false, "does not answer: refused"},
		{"quarantined", []*Report{good(func(r *Report) { r.Sidecar.Quarantined = []string{"o1/iam", "o2/iam"} })}, false, "2 quarantined: o1/iam"},
		{"silent", []*Report{good(func(r *Report) { r.At = now.Add(-silentAfter - 1) })}, false, "silent"},
		{"an error of many lines", []*Report{good(func(r *Report) { r.Err = "a\nb\x1b[2J" })}, false, "a?b?[2J"},
	} {
		var out strings.Builder
		all, err := Table(&out, newest, digest, c.reports, now)
		if all != c.all || err != nil || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %v, %v, want %v and %q:\n%s", c.name, all, err, c.all, c.says, &out)
		}
	}
}
