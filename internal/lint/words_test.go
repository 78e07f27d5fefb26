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

// wildcardsKept are the messages whose advice has a wildcard though none was written,
// each with the reason for which it does not widen.
var wildcardsKept = map[string]string{
	"are asked on the whole organization; write":   "the only resource on which the statement's actions are asked",
	"so that this Deny would guard against nobody": "in a Deny, whoever is named beside is denied too",
}

// TestAdviceWritesNoWildcard: what a message of an error says to write has a wildcard
// only where what was written has one that covers it.
func TestAdviceWritesNoWildcard(t *testing.T) {
	errors, kept := 0, map[string]bool{}
	for _, h := range hintedCases(t) {
		_, ds := h.read(h.data)
		for _, d := range ds {
			at := strings.Index(d.Message, "; ")
			if d.Severity != policy.Error || at < 0 {
				continue
			}
			errors++
			advice, written := d.Message[at:], writtenAt(&h, d)
			for _, m := range regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`").FindAllString(advice, -1) {
				text := m[1 : len(m)-1]
				if !strings.ContainsAny(text, "*?") || covers(written, text) || m[0] == '`' && len(text) == 1 {
					continue // no wildcard, none that is new, or a word about the character
				}
				reason := ""
				for part := range wildcardsKept {
					if strings.Contains(d.Message, part) {
						reason, kept[part] = part, true
					}
				}
				if reason == "" {
					t.Errorf("%s: %s\nadvises %s where %q was written", h.path, d, m, written)
				}
			}
		}
	}
	if errors < 200 {
		t.Errorf("only %d errors say what to write", errors)
	}
	for part := range wildcardsKept {
		if !kept[part] {
			t.Errorf("no message has %q", part)
		}
	}
}

// writtenAt returns the text or name that stands where a diagnostic points; "" if none does.
func writtenAt(h *hinted, d policy.Diagnostic) string {
	lines := strings.SplitAfter(strings.TrimPrefix(string(h.data), "\ufeff"), "\n")
	if d.Position.Line == 0 || d.Position.Line > len(lines) || d.Position.Column > len(lines[d.Position.Line-1]) {
		return ""
	}
	rest := lines[d.Position.Line-1][d.Position.Column-1:]
	if rest == "" || rest[0] != '"' {
		return ""
	}
	end := strings.IndexByte(rest[1:], '"')
	return rest[1:][:max(end, 0)]
}

// covers reports whether a text that was written, as a pattern, matches all that the
// advised one does; what makes an ARN of either does not count.
func covers(written, advised string) bool {
	for _, prefix := range []string{"arn:aws:s3:::", "arn:aws:iam::"} {
		written, advised = strings.TrimPrefix(written, prefix), strings.TrimPrefix(advised, prefix)
	}
	at := strings.IndexAny(advised, "*?")
	if slash := strings.LastIndexByte(advised[:at], '/'); slash >= 0 && strings.HasSuffix(written, advised[slash:]) {
		return true // the same keys or names, of something else
	}
	if colon := strings.LastIndexByte(advised[:at], ':'); colon >= 0 && written == advised[colon+1:] {
		return true // the same names, with their service
	}
	var match func(p, s string) bool
	match = func(p, s string) bool {
		switch {
		case p == "":
			return s == ""
		case p[0] == '*':
			return match(p[1:], s) || s != "" && match(p, s[1:])
		case s == "" || s[0] == '*':
			return false
		}
		return (p[0] == '?' || p[0] == s[0]) && match(p[1:], s[1:])
	}
	return match(written, advised)
}

// notFollowed are the warnings in words whose advice is not put in the place of what
// they point at, each with the reason. A new hint in words has to be followed, or to
// stand here.
var notFollowed = map[string]string{
	"takes a wildcard literally":              "it names the operator above the value",
	"is always a list":                        "it names the operator above the key",
	"no resource beside it is one":            "it names a resource, at the scope",
	"is asked on the bucket, and no resource": "it names a resource, at the action",
	"write it into a statement of its own":    "it names the resource of another statement, the only one on which the action is asked",
	"matches the name of an operation":        "it may name two actions in the place of one",
	"if this one is":                          "it names the resource of another bucket: only its reader knows which is meant",
	"is absent, and this is an Allow; add":    "it names a condition to be added, which narrows",
	"allows anyone, and a bucket's policy":    "it names an effect: only its reader knows whom to allow",
	"this entry matches nobody; ":             "it names a kind of principal with its value, of which the reader fills in both",
	"write an action that begins with `s3:`":  "it names the beginning of an action, in the place of one that never matches",
}

// TestWarningsNeverWiden: what a warning says to write, in words, allows nothing in
// the place of what it warns of that was not allowed, or was not meant (testdata/meant).
func TestWarningsNeverWiden(t *testing.T) {
	tried, allowed, passed := 0, 0, map[string]bool{}
	followed, unloaded := map[policy.Code]bool{}, map[policy.Code]string{}
	for _, h := range hintedCases(t) {
		before, ds := h.read(h.data)
		loads := !policy.HasErrors(ds)
		for _, d := range ds {
			_, advice, says := strings.Cut(d.Message, "; ")
			if d.Severity == policy.Error || d.Fix != (policy.Fix{}) || !says || !strings.ContainsAny(advice, "\"`") {
				continue
			}
			listed := false
			for part := range notFollowed {
				if strings.Contains(d.Message, part) {
					listed, passed[part] = true, true
				}
			}
			texts := advised(d.Message)
			switch {
			case listed:
				continue
			case len(texts) == 0 || writtenAt(&h, d) == "":
				t.Errorf("%s: %s\nsays what to write, and this test cannot follow it", h.path, d)
				continue
			case !loads:
				unloaded[d.Code] = h.path
				continue // what a file with errors allows is not known; another of the same code is
			}
			followed[d.Code] = true
			for _, text := range texts {
				advice := d
				advice.Fix = policy.Fix{Line: d.Position.Line, Column: d.Position.Column, Text: filled.Replace(text)}
				fixed := apply(t, h.data, []policy.Diagnostic{advice})
				after, ds := h.read(fixed)
				if policy.HasErrors(ds) {
					t.Errorf("%s: after %s\n%s leads to %v", h.path, d, advice.Fix.Text, ds)
					continue
				}
				most, bound := before, h.data
				if h.meant != nil {
					bound = h.meant
					most, _ = h.read(bound)
				}
				tried++
				q, _, n := widens(t, &h, fixed, bound, after, most)
				allowed += n
				if q != nil {
					t.Errorf("%s: after %s\n%s allows %s on %s by %v, which was not allowed:\n%s", h.path, d, advice.Fix.Text, q.Action, q.Resource.ID, q.Principal.IDs, fixed)
				}
			}
		}
	}
	for part := range notFollowed {
		if !passed[part] {
			t.Errorf("no warning has %q", part)
		}
	}
	for code, path := range unloaded {
		if !followed[code] {
			t.Errorf("%s: a hint of %s stands in a file with errors only", path, code)
		}
	}
	if tried < 10 || allowed < 1000 {
		t.Errorf("%d warnings and %d allowed requests prove little", tried, allowed)
	}
	t.Logf("%d warnings in words were followed, %d requests were allowed after them", tried, allowed)
}
