package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"postern/cmd/postern-sync/internal/revision"
)

// silentAfter is how old a report is when its puller counts as silent.
const silentAfter = 45 * time.Second

// Table prints a row for each puller, what is wrong with it, and a sum. It reports
// whether there are any, and all of them, and the sidecars that they ask, have the
// newest revision.
func Table(w io.Writer, newest revision.ID, digest revision.Sum, reports []*Report, now time.Time) (all bool, err error) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tREVISION\tDIGEST\tAPPLIED\tHEARD\tSIDECAR\tWRONG")
	good := 0
	for _, r := range reports {
		wrong := r.wrong(newest, digest, now)
		if wrong == "" {
			good++
		}
		sidecar := "-"
		if s := r.Sidecar; s != nil {
			if sidecar = "not asked"; s.Err == "" {
				sidecar = s.Digest.String()[:8]
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", visible(r.Node), r.Revision, r.Digest.String()[:8], ago(now, r.Applied), ago(now, r.At), sidecar, visible(wrong))
	}
	if err := t.Flush(); err != nil {
		return false, err
	}
	_, err = fmt.Fprintf(w, "%d of %d have revision %s, %s\n", good, len(reports), newest, digest.String()[:8])
	return good == len(reports) && good > 0, err
}

// wrong says why a puller or its sidecar does not count as having the newest revision.
func (r *Report) wrong(newest revision.ID, digest revision.Sum, now time.Time) string {
	var out []string
	if now.Sub(r.At) > silentAfter {
		out = append(out, "silent")
	}
	if newest.Above(r.Revision) {
		out = append(out, "behind")
	} else if r.Revision == newest && r.Digest != digest {
		out = append(out, "another digest")
	}
	if r.Err != "" {
		out = append(out, r.Err)
	}
	if s := r.Sidecar; s != nil {
		switch {
		case s.Err != "":
			out = append(out, "its sidecar does not answer: "+s.Err)
		case !s.Ready:
			out = append(out, "its sidecar is not ready")
		case s.Digest != r.Digest:
			out = append(out, "its sidecar has another digest")
		}
		if len(s.Quarantined) > 0 {
			out = append(out, fmt.Sprintf("%d quarantined: %s", len(s.Quarantined), s.Quarantined[0]))
		}
	}
	return strings.Join(out, "; ")
}

func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return max(now.Sub(t), 0).Round(time.Second).String()
}

// visible returns text that cannot move a terminal's cursor or break a row.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
