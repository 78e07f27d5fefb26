package lint

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/policy"
)

// advised are the JSON texts that a message says to write, in words: `write "x" or
// "y"`, `write it as in "x"`, `such as {"k": "v"}`.
func advised(message string) (out []string) {
	at := strings.Index(message, "did you mean ")
	if at < 0 {
		at = strings.Index(message, "write ")
	}
	if at < 0 {
		return nil
	}
	message, _, _ = strings.Cut(message[at:], "; ")
	for _, m := range regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).FindAllStringIndex(message, -1) {
		before := message[:m[0]]
		if strings.ContainsAny(before, "{[") || strings.Contains(before, `": `) || strings.HasPrefix(message[m[1]:], ":") ||
			!regexp.MustCompile(`(write|mean|as in|such as|or|,) $`).MatchString(before) {
			continue // part of a list or an object, or a word that the sentence speaks of
		}
		out = append(out, message[m[0]:m[1]])
	}
	return out
}

// filled puts something in the place of the words that a hint leaves to fill in.
var filled = strings.NewReplacer("ORG", "acme", "BUCKET", "b", "KEY", "k", "NAME", "x", "PREFIX", "p", "UID", "u", "ROLE", "r", "ID", "i", "PROVIDER", "saml")

// jsonValue is a text that is a value and no name of a member.
var jsonValue = regexp.MustCompile(`^"(?:[^"\\\n]|\\.)*"\s*[^:\s]`)

// TestHintsInWordsLoad: what a message gives as an example of what to write, put in
// the place of what it complains of, ends the complaint.
func TestHintsInWordsLoad(t *testing.T) {
	hints, ended := 0, 0
	for _, h := range hintedCases(t) {
		_, before := h.read(h.data)
		for _, d := range before {
			text := strings.TrimPrefix(string(h.data), "\ufeff")
			if d.Fix != (policy.Fix{}) || d.Position.Line == 0 {
				continue
			}
			lines := strings.SplitAfter(text, "\n")
			if d.Position.Line > len(lines) || d.Position.Column > len(lines[d.Position.Line-1]) {
				continue
			}
			if !jsonValue.MatchString(lines[d.Position.Line-1][d.Position.Column-1:]) {
				continue // a place where no text stands as a value
			}
			for _, text := range advised(d.Message) {
				hints++
				advice := d
				advice.Fix = policy.Fix{Line: d.Position.Line, Column: d.Position.Column, Text: filled.Replace(text)}
				_, after := h.read(apply(t, h.data, []policy.Diagnostic{advice}))
				if slices.ContainsFunc(after, func(x policy.Diagnostic) bool {
					return x.Position.Line == d.Position.Line && x.Position.Column == d.Position.Column && x.Severity <= d.Severity && x.Code == d.Code
				}) {
					t.Errorf("%s: after %s\n%s leads to %v", h.path, d, advice.Fix.Text, after)
					continue
				}
				ended++
			}
		}
	}
	if hints < 100 {
		t.Errorf("only %d hints in words were tried", hints)
	}
	t.Logf("%d of %d hints in words end what they are about", ended, hints)
}
