package policyjson

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"postern/internal/diagnostic"
	"postern/internal/jsonscan"
	"postern/policy"
)

var update = flag.Bool("update", false, "write what is found into the golden files")

// A golden file of testdata/errors holds one input and the diagnostics that it
// gives, as internal/diagnostic prints them. The input's name tells the reader:
// organization.json, bucket.json, buckets.json, access.json, or any.json for Parse; with
// `.quoted` at the end it is a Go string literal. Words `bucket=b`, `depth=N`
// `statements=N` and `steps=N` of the comment set the other arguments.
type golden struct {
	path    string
	archive *txtar.Archive
	name    string // the input's
	input   []byte
	bucket  string
	limits  Limits
}

var setting = regexp.MustCompile(`\b(bucket|depth|statements|steps)=(\S+)`)

func goldens(t *testing.T) (out []golden) {
	paths, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(paths) < 80 {
		t.Fatalf("found %d golden files, want 80 or more (%v)", len(paths), err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Files) == 1 {
			a.Files = append(a.Files, txtar.File{Name: "want"})
		}
		if len(a.Files) != 2 || a.Files[1].Name != "want" || len(bytes.TrimSpace(a.Comment)) == 0 {
			t.Fatalf("%s: want a comment, an input and `want`", path)
		}
		g := golden{path: path, archive: a, name: a.Files[0].Name, input: a.Files[0].Data, bucket: "b"}
		if name, ok := strings.CutSuffix(g.name, ".quoted"); ok {
			text, err := strconv.Unquote(strings.TrimSpace(string(g.input)))
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			g.name, g.input = name, []byte(text)
		}
		for _, m := range setting.FindAllStringSubmatch(string(a.Comment), -1) {
			n, _ := strconv.Atoi(m[2])
			switch m[1] {
			case "bucket":
				g.bucket = m[2]
			case "depth":
				g.limits.Depth = n
			case "statements":
				g.limits.Statements = n
			case "steps":
				g.limits.Steps = n
			}
		}
		out = append(out, g)
	}
	return out
}

func (g *golden) parse() (result any, ds []policy.Diagnostic) {
	switch g.name {
	case "organization.json":
		return ParseOrganization(g.name, g.input, g.limits)
	case "bucket.json":
		return ParseBucket(g.name, g.bucket, g.input, g.limits)
	case "buckets.json":
		return ParseBucketList(g.name, g.input, g.limits)
	case "any.json":
		f, ds := Parse(g.name, g.input, g.limits)
		switch f.Kind {
		case policy.KindBucketList:
			return f.Buckets, ds
		case policy.KindAccess:
			return f.Access, ds
		}
		return f.Document, ds
	case "access.json":
		return ParseAccess(g.name, g.input, g.limits)
	}
	panic("no reader for " + g.name)
}

func TestErrors(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.path), ".txtar"), func(t *testing.T) {
			result, ds := g.parse()
			if len(ds) == 0 {
				t.Fatal("no diagnostics at all")
			}
			if none := fmt.Sprint(result) == "<nil>" || fmt.Sprint(result) == "[]"; none != policy.HasErrors(ds) {
				t.Errorf("the result is %v", result)
			}
			var got bytes.Buffer
			if err := diagnostic.Print(&got, ds, func(string) []byte { return g.input }, diagnostic.Options{}); err != nil {
				t.Fatal(err)
			}
			want := &g.archive.Files[1]
			if *update {
				want.Data = got.Bytes()
				if err := os.WriteFile(g.path, txtar.Format(g.archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got.String() != string(want.Data) {
				t.Errorf("%s: got\n%s\nwant\n%s", g.path, got.Bytes(), want.Data)
			}
		})
	}
}

// codes returns the messages that a file gives, by their place in the table.
func (g *golden) codes() (out []code) {
	d := begin(g.name, g.input, g.limits)
	switch g.name {
	case "organization.json":
		d.organization()
	case "bucket.json":
		d.bucketPolicy(g.bucket)
	case "buckets.json":
		d.bucketList()
	case "access.json":
		d.access()
	case "any.json":
		// This one is Parse's own, and has no variable part.
		if _, ds := g.parse(); slices.ContainsFunc(ds, func(d policy.Diagnostic) bool { return d.Message == messages[msgUnknownKind].text }) {
			out = append(out, msgUnknownKind)
		}
		return out
	}
	finish(d, 0)
	for _, p := range d.problems {
		out = append(out, p.code)
	}
	return out
}

// scannerMessages are the constants of messages.go of internal/jsonscan.
func scannerMessages(t *testing.T) (out []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "jsonscan", "messages.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\tmsg\w+ += (".+")$`).FindAllSubmatch(text, -1) {
		message, err := strconv.Unquote(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, message)
	}
	if len(out) != strings.Count(string(text), "\n\tmsg") {
		t.Fatalf("%d messages are read", len(out))
	}
	return out
}

// TestEveryMessageHasACase holds the golden files to the table of messages.
func TestEveryMessageHasACase(t *testing.T) {
	var seen [messageCount]bool
	syntax := map[string]bool{}
	for _, g := range goldens(t) {
		for _, c := range g.codes() {
			seen[c] = true
		}
		_, ds := g.parse()
		for _, d := range ds {
			syntax[d.Message] = true
		}
	}
	for c, m := range messages {
		switch {
		case m.text == "":
			t.Errorf("message %d has no text", c)
		case code(c) == msgMoreErrors || code(c) == msgMoreWarnings:
			// TestManyProblems: their files are too long to read.
		case !seen[c]:
			t.Errorf("no golden file has the message %q", m.text)
		}
	}
	for _, m := range scannerMessages(t) {
		if strings.HasSuffix(m, " ") {
			m += strconv.Itoa(jsonscan.MaxDepth) // the bound follows
		}
		reason, never := neverSeen[m]
		switch {
		case never && syntax[m]:
			t.Errorf("a golden file has %q, of which it is said: %s", m, reason)
		case !never && !syntax[m]:
			t.Errorf("no golden file has the scanner's message %q", m)
		}
	}
}

// neverSeen are the scanner's messages that this package cannot give.
var neverSeen = map[string]string{
	"want an object here":                            "the kind of every value is looked at first",
	"want a list here":                               "the kind of every value is looked at first",
	"want a string here":                             "the kind of every value is looked at first",
	"want a number here":                             "the kind of every value is looked at first",
	"want true, false or null here":                  "the kind of every value is looked at first",
	"this key stands twice in one object":            "duplicates are reported here, with the other place",
	"too many members in one object; the most is 64": "there is no such bound on policy files",
	"a JSON text must be shorter than 2 GiB":         "a test with 2 GiB is too dear",
}
