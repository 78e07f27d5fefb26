package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"postern/internal/compare"
	"postern/internal/diagnostic"
	"postern/policy"
)

const diffExamples = `  postern diff /etc/postern policies
  postern diff -fail-on gained main/policies branch/policies
  postern diff -json OLD NEW | jq -r '.gained[].witness.subject | .type + "/" + .id'

Tells which decisions change, not which lines: each class of requests that is decided otherwise comes
with a witness, a request that OLD decides one way and NEW the other. -json prints
{"gained", "lost", "changed", "unknown"}; unknown are classes that a limit left open, with the limit.

Exit status: 0 no decision changes, 1 some do or may, 2 a directory could not be read or has a broken file.
`

type diffOptions struct {
	policyFlags
	json   bool
	failOn choice
	now    string
}

func runDiff(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("diff", "diff OLD NEW [flags]", diffExamples)
	o := diffOptions{failOn: choice{"any", []string{"any", "gained", "lost"}}}
	o.define(fs)
	names, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(names) != 2 {
		err = usagef("compares two policy directories; write postern diff OLD NEW")
	}
	now := time.Now()
	if err == nil && o.now != "" {
		if now, err = time.Parse(time.RFC3339, o.now); err != nil {
			err = usagef("-now %s: want RFC 3339, as 2026-01-01T00:00:00Z", o.now)
		}
	}
	if err != nil {
		return complain(errs, "diff", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	var sides [2]compare.Side
	broken := false
	texts := &policyTexts{}
	for i, name := range names {
		d := o.policyFlags
		d.policies = name
		var status *policy.Status
		if sides[i], status, err = readSide(ctx, &d, texts, errs); err != nil {
			return complain(errs, "diff", fmt.Errorf("%s: %w", name, err))
		}
		broken = broken || len(status.Quarantined) > 0
	}
	if broken {
		fmt.Fprintln(errs, "postern diff: what is broken is not compared; postern validate shows more")
		return exitFailed
	}
	d := compare.Compare(sides[0], sides[1], now.Unix())
	if o.json {
		err = printDiffJSON(out, d)
	} else {
		err = printDiff(out, d)
	}
	if err != nil {
		return complain(errs, "diff", err)
	}
	if o.fails(d) {
		return exitDenied
	}
	return exitOK
}

func (o *diffOptions) define(fs *flags) {
	o.maxFile = 16 << 20
	fs.organization(&o.defaultOrg, "default-org", "`ORG`: the organization of callers and buckets that state none, while no other has a folder")
	fs.Var(&o.platformOrgs, "platform-org", "`ORG` of the platform's own services; may be repeated")
	fs.Var(&o.maxFile, "max-file", "largest policy file, in `BYTES`")
	fs.BoolVar(&o.json, "json", false, "print JSON: {gained, lost, changed, unknown}")
	fs.Var(&o.failOn, "fail-on", "exit 1 on `WHAT` changes only: any, gained or lost; what may change counts too")
	fs.StringVar(&o.now, "now", "", "`TIME` at which both sides decide, in RFC 3339; the clock's")
}

// fails reports that a difference is one that -fail-on asks for. An obligation
// that is longer or none lets more, and counts as gained.
func (o *diffOptions) fails(d *compare.Diff) bool {
	if o.failOn.value == "any" {
		return !d.Empty()
	}
	wanted := compare.Gained
	if o.failOn.value == "lost" {
		wanted = compare.Lost
	}
	for _, u := range d.Unknown {
		if u.Direction == wanted || u.Direction == compare.Changed {
			return true
		}
	}
	for _, c := range d.Changed {
		before, after := c.Old.Decision.MaxOpenSeconds, c.New.Decision.MaxOpenSeconds
		if (after == 0 || before != 0 && after > before) == (wanted == compare.Gained) {
			return true
		}
	}
	if wanted == compare.Gained {
		return len(d.Gained) > 0
	}
	return len(d.Lost) > 0
}

// printDiff prints a difference for people.
func printDiff(w io.Writer, d *compare.Diff) error {
	var b strings.Builder
	for _, list := range [][]compare.Change{d.Gained, d.Lost, d.Changed} {
		for _, c := range list {
			fmt.Fprintf(&b, "%s: %s\n", c.Direction, whatOf(c.Class))
			fmt.Fprintf(&b, "  because %s\n", because(c.Cause))
			if c.Buckets > 0 {
				fmt.Fprintf(&b, "  it can speak of %s: %s\n", plural(c.Buckets, "bucket"), diagnostic.Visible(firstOf(c.First, c.Buckets)))
			}
			witness, err := json.Marshal(newEvaluation(c.Witness))
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "  as in   %s\n", diagnostic.Visible(string(witness)))
			fmt.Fprintf(&b, "  old     %s\n  new     %s\n", decided(&c.Old), decided(&c.New))
		}
	}
	for _, u := range d.Unknown {
		fmt.Fprintf(&b, "unknown whether %s: %s\n  because %s\n", u.Direction, whatOf(u.Class), because(u.Cause))
		for _, why := range u.Why {
			fmt.Fprintf(&b, "  left open by %s\n", why)
		}
	}
	if d.Empty() {
		b.WriteString("no decision changes\n")
	} else {
		fmt.Fprintf(&b, "%d gained, %d lost, %d changed, %d unknown\n", len(d.Gained), len(d.Lost), len(d.Changed), len(d.Unknown))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// firstOf lists the first of several names.
func firstOf(first []string, count int) string {
	s := strings.Join(first, ", ")
	if count > len(first) {
		s += ", ..."
	}
	return s
}

// whatOf says which requests a class is about.
func whatOf(c compare.Class) string {
	what := "callers"
	if c.Organization != "" {
		what += " of " + c.Organization
	}
	switch {
	case c.Bucket != "":
		what += ", bucket " + c.Bucket
	case c.Type == "organization":
		what += ", the whole organization"
	case c.Type != "":
		what += ", resources of type " + c.Type
	}
	if c.Owner != "" && c.Owner != c.Organization && c.Bucket != "" {
		what += " of " + c.Owner
	} else if c.Owner != "" && c.Owner != c.Organization {
		what += ", buckets of " + c.Owner
	}
	return diagnostic.Visible(what)
}

// because says what a cause is.
func because(c compare.Cause) string {
	switch {
	case c.Fact != "":
		return diagnostic.Visible(c.Fact)
	case c.New:
		return "only NEW has " + describe(c.Statement)
	}
	return "only OLD has " + describe(c.Statement)
}

func decided(e *policy.Explanation) string {
	s := e.Decision.Outcome.String() + ": " + e.Decision.Reason.String()
	if len(e.Determining) > 0 {
		s += ", by " + describe(e.Determining[0])
	}
	if maxOpen(e.Decision) != nil {
		s += fmt.Sprintf(", open for %d seconds", e.Decision.MaxOpenSeconds)
	}
	return s
}

// diffJSON has the members of what -json prints; docs/diff.schema.json describes them.
type diffJSON struct {
	Gained  []changeJSON  `json:"gained"`
	Lost    []changeJSON  `json:"lost"`
	Changed []changeJSON  `json:"changed"`
	Unknown []unknownJSON `json:"unknown"`
}

type classJSON struct {
	Organization string    `json:"organization,omitempty"`
	Owner        string    `json:"owner,omitempty"`
	Bucket       string    `json:"bucket,omitempty"`
	Type         string    `json:"type,omitempty"`
	Cause        causeJSON `json:"cause"`
}

type causeJSON struct {
	Side string `json:"side,omitempty"`
	*statement
	Fact string `json:"fact,omitempty"`
}

type changeJSON struct {
	classJSON
	Witness evaluationBody `json:"witness"`
	Now     string         `json:"now"`
	Old     answer         `json:"old"`
	New     answer         `json:"new"`
	Buckets *bucketsJSON   `json:"buckets,omitempty"`
}

type bucketsJSON struct {
	Count int      `json:"count"`
	First []string `json:"first"`
}

type unknownJSON struct {
	Direction string `json:"direction"`
	classJSON
	Why []string `json:"why"`
}

func printDiffJSON(w io.Writer, d *compare.Diff) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(newDiffJSON(d))
}

// newDiffJSON returns a difference as -json prints it.
func newDiffJSON(d *compare.Diff) diffJSON {
	out := diffJSON{Unknown: []unknownJSON{}}
	for _, part := range []struct {
		from []compare.Change
		to   *[]changeJSON
	}{{d.Gained, &out.Gained}, {d.Lost, &out.Lost}, {d.Changed, &out.Changed}} {
		*part.to = []changeJSON{}
		for i := range part.from {
			c := &part.from[i]
			change := changeJSON{
				classJSON: newClass(c.Class), Witness: newEvaluation(c.Witness), Now: time.Unix(c.Witness.Now, 0).UTC().Format(time.RFC3339),
				Old: newAnswer(&c.Old, true), New: newAnswer(&c.New, true),
			}
			if c.Buckets > 0 {
				change.Buckets = &bucketsJSON{c.Buckets, c.First}
			}
			*part.to = append(*part.to, change)
		}
	}
	for _, u := range d.Unknown {
		out.Unknown = append(out.Unknown, unknownJSON{u.Direction.String(), newClass(u.Class), u.Why})
	}
	return out
}

func newClass(c compare.Class) classJSON {
	out := classJSON{c.Organization, c.Owner, c.Bucket, c.Type, causeJSON{Fact: c.Cause.Fact}}
	if c.Cause.Fact == "" {
		s := newStatement(c.Cause.Statement)
		out.Cause.statement = &s
		out.Cause.Side = "old"
		if c.Cause.New {
			out.Cause.Side = "new"
		}
	}
	return out
}
