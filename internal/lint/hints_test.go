package lint

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"postern/compile"
	"postern/index"
	"postern/internal/policyjson"
	"postern/internal/request"
	"postern/policy"
)

// A hinted is a golden case, of the parser or of the rules, some of whose messages
// say what to write as it is.
type hinted struct {
	path, name string
	data       []byte
	limits     policyjson.Limits
	dir        *Directory
	meant      []byte // what the author surely meant; nil: what is written
}

// read reads a document by the name that golden cases give it.
func (h *hinted) read(data []byte) (f policyjson.File, ds []policy.Diagnostic) {
	bucket := ""
	switch filepath.Base(h.name) {
	case "bucket.json":
		bucket = "b"
		f.Document, ds = policyjson.ParseBucket(h.name, bucket, data, h.limits)
	case "organization.json":
		f.Document, ds = policyjson.ParseOrganization(h.name, data, h.limits)
	case "buckets.json":
		f.Buckets, ds = policyjson.ParseBucketList(h.name, data, h.limits)
	case "access.json":
		f.Access, ds = policyjson.ParseAccess(h.name, data, h.limits)
	default:
		f, ds = policyjson.Parse(h.name, data, h.limits)
	}
	if !policy.HasErrors(ds) {
		ds = append(ds, h.dir.Warnings(h.name, bucket, data, f)...)
	}
	return f, ds
}

// hintedCases are the golden cases of the parser, and those of the rules.
func hintedCases(t *testing.T) (out []hinted) {
	t.Helper()
	written, err := txtar.ParseFile("testdata/meant")
	if err != nil {
		t.Fatal(err)
	}
	unused := map[string]bool{}
	for _, f := range written.Files {
		unused[f.Name] = true
	}
	defer func() {
		for name := range unused {
			t.Errorf("testdata/meant: there is no case %s", name)
		}
	}()
	meant := func(name string) []byte {
		delete(unused, name)
		for _, f := range written.Files {
			if f.Name == name {
				return f.Data
			}
		}
		return nil
	}
	paths, err := filepath.Glob("../policyjson/testdata/errors/*.txtar")
	if err != nil || len(paths) < 100 {
		t.Fatalf("%d golden cases of the parser (%v)", len(paths), err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		h := hinted{path: path, name: a.Files[0].Name, data: a.Files[0].Data, dir: new(Directory)}
		if name, ok := strings.CutSuffix(h.name, ".quoted"); ok {
			text, err := strconv.Unquote(strings.TrimSpace(string(h.data)))
			if err != nil {
				t.Fatal(err)
			}
			h.name, h.data = name, []byte(text)
		}
		h.meant = meant(filepath.Base(path))
		out = append(out, h)
	}
	for _, g := range goldens(t) {
		for _, f := range g.archive.Files {
			if strings.HasPrefix(f.Name, "fires/") {
				h := hinted{path: g.path + " " + f.Name, name: f.Name, data: f.Data, dir: new(Directory)}
				if g.orgs != nil {
					h.dir = NewDirectory(g.orgs, nil)
				}
				h.meant = meant(filepath.Base(g.path) + " " + filepath.Base(f.Name))
				out = append(out, h)
			}
		}
	}
	return out
}

// apply writes the fixes of diagnostics into a file.
func apply(t *testing.T, data []byte, ds []policy.Diagnostic) []byte {
	t.Helper()
	text := strings.TrimPrefix(string(data), "\ufeff")
	type edit struct {
		from, to int
		text     string
	}
	var edits []edit
	for _, d := range ds {
		if d.Fix == (policy.Fix{}) {
			continue
		}
		from := 0
		for range d.Fix.Line - 1 {
			from += strings.IndexByte(text[from:], '\n') + 1
		}
		from += d.Fix.Column - 1
		edits = append(edits, edit{from, from + tokenLen(text[from:]), d.Fix.Text})
	}
	slices.SortFunc(edits, func(a, b edit) int { return b.from - a.from })
	for i, e := range slices.Compact(edits) {
		if i > 0 && edits[i-1].from == e.from && edits[i-1] != e {
			t.Fatalf("two fixes of one place: %v, %v", edits[i-1], e)
		}
		text = text[:e.from] + e.text + text[e.to:]
	}
	return []byte(text)
}

// tokenLen is the length of the JSON string, number or literal that text begins with.
func tokenLen(text string) int {
	if text[0] != '"' {
		return strings.IndexAny(text, ",]} \n\r\t")
	}
	for i := 1; ; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// TestHintsLoad: whatever a message says to write ends what it complains of, and
// leads to no other complaint about what was written.
func TestHintsLoad(t *testing.T) {
	hints := 0
	for _, h := range hintedCases(t) {
		_, before := h.read(h.data)
		for _, d := range before {
			if d.Fix == (policy.Fix{}) {
				continue
			}
			hints++
			fixed := apply(t, h.data, []policy.Diagnostic{d})
			_, after := h.read(fixed)
			for _, x := range after {
				what, _, twice := strings.Cut(x.Message, " stands twice")
				if twice && !slices.ContainsFunc(before, func(y policy.Diagnostic) bool { return strings.HasPrefix(y.Message, what+" stands twice") }) ||
					x.Position == d.Position && x.Code != policy.CodeActionDoesNotFitResource { // which is of the whole statement
					t.Errorf("%s: after %s\nthe fix %s leads to %s", h.path, d, d.Fix.Text, x)
				}
			}
			if policy.HasErrors(after) && !policy.HasErrors(before) {
				t.Errorf("%s: after %s\nthe fix %s leads to errors", h.path, d, d.Fix.Text)
			}
		}
	}
	if hints < 100 {
		t.Errorf("only %d hints of golden cases say what to write as it is", hints)
	}
	t.Logf("%d hints of golden cases were applied", hints)
}

// TestHintsNeverWiden: a file into which every hint of its messages was written
// allows nothing that it did not mean to allow: by what was written, or where that
// could not be read, or says less than its author surely meant, by the file of
// testdata/meant.
func TestHintsNeverWiden(t *testing.T) {
	files, allowed, asked := 0, 0, 0
	for _, h := range hintedCases(t) {
		_, before := h.read(h.data)
		fixed := apply(t, h.data, before)
		if bytes.Equal(fixed, bytes.TrimPrefix(h.data, []byte("\ufeff"))) {
			continue
		}
		after, ds := h.read(fixed)
		if policy.HasErrors(ds) {
			continue
		}
		files++
		bound := h.meant
		if bound == nil {
			if bound = h.data; policy.HasErrors(before) {
				t.Errorf("%s: testdata/meant has no file that says what was meant; with the hints it is\n%s", h.path, fixed)
				continue
			}
		}
		most, ds := h.read(bound)
		if policy.HasErrors(ds) {
			t.Errorf("%s: %v", h.path, ds)
			continue
		}
		q, n, let := widens(t, &h, fixed, bound, after, most)
		asked, allowed = asked+n, allowed+let
		if q != nil {
			t.Errorf("%s: with its hints it allows %s on %s %v by %v in %v, and did not mean to:\n%s", h.path, q.Action, q.Resource.ID, q.Resource.Properties, q.Principal.IDs, q.Context, fixed)
		}
	}
	t.Logf("%d files, %d requests, %d of them allowed", files, asked, allowed)
	if files < 20 || allowed < 100*files {
		t.Errorf("%d files and %d allowed requests prove little", files, allowed)
	}
}

// widens returns a request that the file after what hints say to write allows and
// the one that bounds it does not; nil if 10,000 random requests of the words of
// both hold none. It says how many were asked, and how many of them were allowed.
func widens(t *testing.T, h *hinted, fixed, bound []byte, after, most policyjson.File) (found *policy.Request, asked, allowed int) {
	t.Helper()
	is, may := snapshot(t, after), snapshot(t, most)
	words := wordsOf(string(h.data) + string(fixed) + string(bound))
	r := rand.New(rand.NewPCG(8, 1))
	var scratch index.Scratch
	for range 10_000 {
		q := words.request(r, filepath.Base(h.name) == "access.json")
		if request.Check(q) != nil {
			continue
		}
		asked++
		if is.Decide(q, &scratch).Outcome != policy.Allow {
			continue
		}
		allowed++
		if may.Decide(q, &scratch).Outcome != policy.Allow {
			return q, asked, allowed
		}
	}
	return nil, asked, allowed
}

// snapshot puts a document in force in the organizations acme, which has the bucket
// b, and o1; both let everyone through to it.
func snapshot(t *testing.T, f policyjson.File) *index.Snapshot {
	t.Helper()
	all, ds := policyjson.ParseOrganization("all.json", []byte(`{"version": "v1alpha1", "name": "all", "statements": [{"name": "a", "effect": "Allow", "actions": ["*"], "resources": ["*"], "principals": ["*"]}]}`), policyjson.Limits{})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	acme := &policy.DirectoryOrganization{Policies: []*policy.Document{all}}
	b := &policy.DirectoryBucket{Owner: "acme"}
	switch {
	case f.Access != nil:
		acme.Access = []*policy.AccessDocument{f.Access}
	case f.Document.Kind == policy.KindBucket:
		b.Policy = f.Document
	default:
		acme.Policies = []*policy.Document{f.Document}
	}
	o1 := *acme
	d := &policy.Directory{BuiltIn: policyjson.BuiltIn(), Organizations: map[string]*policy.DirectoryOrganization{"acme": acme, "o1": &o1}, Buckets: map[string]*policy.DirectoryBucket{"b": b}}
	s, ds := compile.Compiler{}.Directory(d, 1)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	return s
}

// words are what requests about a few documents are made of.
type words struct{ actions, keys, ids, resources, inBucket, values, types []string }

var jsonString = regexp.MustCompile(`"((?:[^"\\\\]|\\\\.)*)"`)

// wordsOf takes the strings of documents, with something in the place of wildcards
// and variables.
func wordsOf(text string) *words {
	w := &words{actions: []string{"s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:HeadObject", "s3:ListObjectsV2"},
		keys: []string{"aws:username", "aws:SourceIp"}, ids: []string{"role/Admin", "user/kim"},
		resources: []string{"b", "b/k", "b/kim/k"}, values: []string{"kim", "203.0.113.7", "1000", "true", "false", ""}, types: []string{"stack"}}
	for _, m := range jsonString.FindAllStringSubmatch(text, -1) {
		for _, fill := range []string{"", "x", "Object", "kim"} {
			s := regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllString(m[1], "kim")
			s = strings.ReplaceAll(strings.ReplaceAll(s, "*", fill), "?", "q")
			w.values = append(w.values, s)
			short := strings.TrimPrefix(s, "arn:aws:s3:::")
			service, name, colon := strings.Cut(s, ":")
			switch {
			case strings.HasPrefix(s, "arn:aws:iam::"):
				w.ids = append(w.ids, s[strings.LastIndexByte(s, ':')+1:])
			case colon && short == s && !strings.Contains(s, "/"):
				w.actions, w.keys = append(w.actions, s), append(w.keys, s)
				w.types, w.resources = append(w.types, service), append(w.resources, name)
			case strings.HasPrefix(s, "role/") || strings.HasPrefix(s, "pulumi/"):
				w.ids = append(w.ids, s)
			default:
				w.resources, w.actions = append(w.resources, short), append(w.actions, "s3:"+s)
			}
		}
	}
	for _, id := range w.resources {
		if id == "b" || strings.HasPrefix(id, "b/") {
			w.inBucket = append(w.inBucket, id)
		}
	}
	return w
}

// request makes one request of the words.
func (w *words) request(r *rand.Rand, iam bool) *policy.Request {
	one := func(list []string) string { return list[r.IntN(len(list))] }
	q := &policy.Request{
		Principal: policy.Principal{Org: one([]string{"acme", "o1"}), IDs: []string{one(w.ids)}},
		Action:    one(w.actions), Resource: policy.Resource{ID: one(w.resources)}, Now: 1_900_000_000,
	}
	if !iam && r.IntN(4) > 0 {
		q.Resource.ID = one(w.inBucket)
	}
	q.Resource.Type = "bucket"
	switch {
	case iam:
		q.Resource.Type = one(w.types)
	case strings.Contains(q.Resource.ID, "/"):
		q.Resource.Type = "object"
	}
	for range r.IntN(3) {
		q.Context = append(q.Context, policy.Attribute{Key: one(w.keys), Values: []policy.Value{{Kind: policy.ValueString, Text: one(w.values)}}})
	}
	return q
}
