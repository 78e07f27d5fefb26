package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"postern/internal/diagnostic"
	"postern/policy"
)

// statement is a policy.StatementRef as the HTTP API writes it
// (specification 3.2).
type statement struct {
	Document  string `json:"document"`
	Statement string `json:"statement"`
	Index     int    `json:"index"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Effect    string `json:"effect"`
	Layer     string `json:"layer"`
}

func newStatement(r policy.StatementRef) statement {
	return statement{r.Document, r.Statement, r.Index, r.File, r.Line, r.Effect.String(), r.Layer.String()}
}

type step struct {
	Layer        string `json:"layer"`
	Organization string `json:"organization,omitempty"`
	Outcome      string `json:"outcome"`
	Note         string `json:"note,omitempty"`
}

// newStep returns a step as -json prints it.
func newStep(s policy.Step) step {
	out := step{Layer: s.Layer.String(), Organization: s.Org, Outcome: s.Outcome.String()}
	if s.Platform {
		out.Note = policy.PlatformNote
	}
	return out
}

// granted is the "context" of an allow that has obligations (specification 2,
// constraints).
type granted struct {
	Obligations []obligation `json:"obligations"`
}

type obligation struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Properties struct {
		Seconds uint64 `json:"seconds"`
	} `json:"properties"`
}

// maxOpen returns the obligation of a decision, nil if it has none.
func maxOpen(d policy.Decision) *granted {
	if d.Outcome != policy.Allow || d.MaxOpenSeconds == 0 {
		return nil
	}
	o := obligation{ID: "max-open", Type: "max_open_seconds"}
	o.Properties.Seconds = d.MaxOpenSeconds
	return &granted{[]obligation{o}}
}

// answer is what -json prints.
type answer struct {
	Decision    bool         `json:"decision"`
	Outcome     string       `json:"outcome"`
	Reason      string       `json:"reason"`
	Layer       string       `json:"layer"`
	Generation  uint64       `json:"generation"`
	Digest      string       `json:"digest,omitempty"`
	Context     *granted     `json:"context,omitempty"`
	Determining *[]statement `json:"determining,omitempty"`
	Steps       *[]step      `json:"steps,omitempty"`
	Nearest     *nearest     `json:"nearest,omitempty"`
	Hint        []string     `json:"hint,omitempty"`
	Truncated   bool         `json:"truncated,omitempty"`
}

func printJSON(w io.Writer, e *policy.Explanation, explain bool) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(newAnswer(e, explain))
}

// newAnswer returns a decision as -json prints it, with its explanation if explain is
// true.
func newAnswer(e *policy.Explanation, explain bool) answer {
	d := e.Decision
	a := answer{
		Decision: d.Outcome == policy.Allow, Outcome: d.Outcome.String(), Reason: d.Reason.String(),
		Layer: d.Layer.String(), Generation: d.Generation, Context: maxOpen(d),
	}
	if explain {
		determining, steps := []statement{}, []step{}
		for _, r := range e.Determining {
			determining = append(determining, newStatement(r))
		}
		for _, s := range e.Steps {
			steps = append(steps, newStep(s))
		}
		a.Digest = e.Digest.String()
		a.Determining, a.Steps, a.Truncated = &determining, &steps, e.Truncated
		if n := e.Nearest; n != nil {
			a.Nearest = newNearest(n)
		}
	}
	a.Hint = e.Hints
	return a
}

func printText(w io.Writer, e *policy.Explanation, explain bool) error {
	d := e.Decision
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", d.Outcome, d.Reason)
	if d.Layer != policy.LayerNone {
		fmt.Fprintf(&b, " (layer %s)", d.Layer)
	}
	b.WriteByte('\n')
	if explain && d.Outcome != policy.Allow && len(e.Determining) == 0 && e.Nearest == nil {
		fmt.Fprintf(&b, "that is: %s\n", d.Reason.Sentence())
	}
	if maxOpen(d) != nil {
		fmt.Fprintf(&b, "obligation max-open: what is opened may stay open for %d seconds\n", d.MaxOpenSeconds)
	}
	if explain {
		for _, s := range e.Steps {
			fmt.Fprintf(&b, "asked %s", s.Layer)
			if s.Org != "" {
				fmt.Fprintf(&b, " of %s", s.Org)
			}
			fmt.Fprintf(&b, ": %s", s.Outcome)
			if s.Platform {
				fmt.Fprintf(&b, " (%s)", policy.PlatformNote)
			}
			b.WriteByte('\n')
		}
		for _, r := range e.Determining {
			fmt.Fprintf(&b, "decided by %s\n", describe(r))
		}
		if n := e.Nearest; n != nil {
			printNearest(&b, n)
		}
		if e.Truncated {
			b.WriteString("the search for the nearest statement stopped at its bound\n")
		}
		fmt.Fprintf(&b, "digest of the policies: %s\n", e.Digest)
	}
	for _, hint := range e.Hints {
		fmt.Fprintf(&b, "hint: %s\n", hint)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// describe returns the effect, the position and the name of a statement.
func describe(r policy.StatementRef) string {
	name := r.Statement
	if name == "" {
		name = fmt.Sprintf("statement %d", r.Index)
	}
	return fmt.Sprintf("%s %q at %s:%d", r.Effect, name, diagnostic.Visible(r.File), r.Line)
}
