package main

import (
	"fmt"
	"strings"

	"postern/policy"
)

// nearest is a policy.Nearest as the HTTP API writes it.
type nearest struct {
	statement
	Action     string            `json:"action,omitempty"`
	Failed     []string          `json:"failed"`
	Conditions []failedCondition `json:"conditions,omitempty"`
	Variables  []string          `json:"variables,omitempty"`
}

// failedCondition is a policy.FailedCondition as the HTTP API writes it: Had is
// a list, or the word absent or unreadable.
type failedCondition struct {
	Operator   string   `json:"operator"`
	Key        string   `json:"key"`
	Values     []string `json:"values"`
	Had        any      `json:"had"`
	Unreadable bool     `json:"unreadable,omitempty"`
}

func newNearest(n *policy.Nearest) *nearest {
	out := &nearest{statement: newStatement(n.Statement), Action: n.Action, Failed: n.Failed, Variables: n.Variables}
	for _, c := range n.Conditions {
		f := failedCondition{Operator: c.Operator, Key: c.Key, Values: c.Values}
		switch {
		case len(c.Had) > 0:
			f.Had, f.Unreadable = c.Had, c.Unreadable
		case c.Unreadable:
			f.Had = "unreadable"
		default:
			f.Had = "absent"
		}
		out.Conditions = append(out.Conditions, f)
	}
	return out
}

// printNearest writes the nearest Allow, and why it is not satisfied, in sentences.
func printNearest(b *strings.Builder, n *policy.Nearest) {
	if n.Action != "" {
		fmt.Fprintf(b, "the action asked needs %s too, which no Allow gives here\n", n.Action)
	}
	fmt.Fprintf(b, "nearest is %s; it fails on %s\n", describe(n.Statement), strings.Join(n.Failed, ", "))
	for _, c := range n.Conditions {
		fmt.Fprintf(b, "  %s %s wants %s, and ", c.Operator, printable(c.Key), quoted(c.Values, " or "))
		switch {
		case len(c.Had) > 0 && c.Unreadable:
			fmt.Fprintf(b, "the request has %s, which it cannot read\n", quoted(c.Had, ", "))
		case len(c.Had) > 0:
			fmt.Fprintf(b, "the request has %s\n", quoted(c.Had, ", "))
		case c.Unreadable:
			b.WriteString("the request has what it cannot read\n")
		default:
			b.WriteString("the request has none\n")
		}
	}
	for _, v := range n.Variables {
		fmt.Fprintf(b, "  %s has no value in the request\n", printable(v))
	}
}

func quoted(list []string, between string) string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = fmt.Sprintf("%q", text)
	}
	return strings.Join(out, between)
}
