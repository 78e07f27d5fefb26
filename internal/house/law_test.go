// Package house holds the tests that look at the repository itself: which
// package may import which, that every fuzz target is in the list that CI
// runs, that no file is huge. It has no code.
package house

import (
	"cmp"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// module is the path of the module, as go.mod says it.
const module = "postern"

// A room is one package: what it may import and why nothing else.
type room struct {
	job string
	// ours are the packages of this module that it may import, theirs the
	// modules of others.
	ours, theirs []string
	// never are packages of the standard library that it must not import.
	never []string
	why   string
}

// io is what a package that only computes must not import; net/netip, which
// only computes, is no part of net here.
var io = []string{"encoding/json", "os", "net", "log"}

// rooms is the law: a row a package. Imports of test files are free.
var rooms = map[string]room{
	"policy": {job: "the vocabulary as plain data", never: io,
		why: "everything imports it, so it imports nothing"},
	"internal/action": {job: "the table of known actions", ours: []string{"internal/spelling"}, never: io,
		why: "it is data that parser, compiler, reference and doors share"},
	"internal/arena": {job: "short texts, or lists of words, in blocks of memory that they share", never: io,
		why: "whoever reads or compiles many files keeps their texts alike"},
	"internal/spelling": {job: "how far two names are apart", never: io,
		why: "whoever gives advice measures alike"},
	"internal/jsonscan": {job: "strict JSON, byte by byte", never: io,
		why: "both the policy parser and the request decoder stand on it"},
	"internal/value": {job: "readers of condition values", never: io,
		why: "parser, compiler and request read values by the same rules"},
	"internal/conditionkey": {job: "the names of condition keys, taken apart", ours: []string{"internal/value"}, never: io,
		why: "parser, compiler and request must tell the server's keys from the caller's alike"},
	"internal/pattern": {job: "splitting wildcard patterns into their parts", never: io,
		why: "the reference must not share it, so it must stand alone"},
	"internal/policyjson": {job: "bytes of one policy file to a Document",
		ours: []string{"policy", "internal/action", "internal/arena", "internal/builtin", "internal/jsonscan", "internal/conditionkey", "internal/value", "internal/pattern", "internal/spelling"}, never: []string{"os", "net", "log"},
		why: "it reads text; it neither compiles nor touches the disk"},
	"internal/builtin": {job: "built-in roles and the catalogue of scopes, as data", never: io,
		why: "anyone can read it, and the parser reads it like any file"},
	"internal/diagnostic": {job: "print diagnostics for a person or a program", ours: []string{"policy"},
		why: "one printer serves the command line, the log and golden files"},
	"internal/request": {job: "check and build a policy.Request",
		ours: []string{"policy", "internal/action", "internal/jsonscan", "internal/conditionkey", "internal/value"}, never: []string{"os", "net", "log"},
		why: "the doors and the command line must be equally strict, so the checks stand in one place that knows no door"},
	"internal/policytest": {job: "files of expected decisions, held against a snapshot",
		ours: []string{"policy", "index", "internal/jsonscan", "internal/request", "internal/spelling"}, never: io,
		why: "a test asks what the sidecar would answer, and cannot know where the policies came from"},
	"internal/schema": {job: "documents described to editors, as JSON Schemas",
		ours: []string{"policy", "internal/action", "internal/awskeys", "internal/builtin", "internal/policyjson", "internal/policytest"}, never: []string{"os", "net", "log"},
		why: "it says what the parsers' tables say; no parser reads by it, so that a schema can be wrong without a hole"},
	"internal/replay": {job: "lines of decision logs, asked again of other policies",
		ours: []string{"policy", "index", "internal/action", "internal/conditionkey", "internal/jsonscan", "internal/request"}, never: io,
		why: "it reads what the log says by the door's own decoder, and shares nothing with who wrote it"},
	"internal/s3request": {job: "an HTTP request of S3 to the questions that it stands for", ours: []string{"policy", "internal/action"}, never: io,
		why: "proxies' and stores' doors must read a request alike, and it is tested without any server"},
	"internal/awskeys": {job: "the table of condition keys that AWS knows", ours: []string{"internal/action", "internal/spelling", "internal/value"}, never: io,
		why: "it is data, whose source and date stand beside it"},
	"internal/lint": {job: "warnings of what a good policy surely does not mean",
		ours: []string{"policy", "internal/action", "internal/awskeys", "internal/compare", "internal/conditionkey", "internal/jsonscan", "internal/pattern", "internal/policyjson", "internal/spelling", "internal/value"}, never: io,
		why: "it looks at documents that others read, and changes nothing of what is accepted"},
	"internal/explorer": {job: "a page that shows a person what is decided and why",
		ours: []string{"policy", "index", "internal/action", "internal/awskeys", "internal/lint", "internal/policyjson", "internal/request"}, never: []string{"os", "log"},
		why: "it reads what it is handed and changes nothing; what is compared, logged or counted is other rooms' affair"},
	"compile": {job: "Documents to frozen partitions",
		ours: []string{"policy", "index", "index/lowered", "internal/action", "internal/arena", "internal/conditionkey", "internal/value", "internal/pattern"}, never: []string{"os", "net", "log"},
		why: "it turns data into data; where documents come from is the loader's affair"},
	"index/lowered": {job: "what the compiler hands to the index, as data", ours: []string{"policy", "index/internal/glob", "internal/action", "internal/conditionkey"}, never: io,
		why: "it knows no layout, so that the layout may change without the compiler"},
	"index/internal/glob": {job: "patterns as programs, and matching them within a budget", never: io,
		why: "it is tested against the reference alone, and every floor of the index stands on it"},
	"index/internal/block": {job: "the layout of frozen statements, written and read",
		ours: []string{"policy", "index/lowered", "index/internal/glob", "internal/action", "internal/conditionkey"}, theirs: []string{"github.com/cespare/xxhash/v2"}, never: io,
		why: "no other package names an offset, so that the layout changes in one place; it knows no request"},
	"index/internal/prefetch": {job: "asking the processor for memory that will be read soon", never: io,
		why: "it has the index's only assembly, and knows nothing of what it asks for"},
	"index/internal/postings": {job: "sets of numbers by key, as Roaring bitmaps", theirs: []string{"github.com/RoaringBitmap/roaring/v2"}, never: io,
		why: "statements and grants narrow by the same sets"},
	"index/internal/match": {job: "whether one statement holds of one request",
		ours: []string{"policy", "index/lowered", "index/internal/block", "index/internal/glob", "index/internal/postings", "internal/action", "internal/value", "internal/conditionkey"}, theirs: []string{"github.com/cespare/xxhash/v2"}, never: io,
		why: "it knows no grants and no snapshot, so that it is told statement by statement what they are asked with"},
	"index/internal/open": {job: "statements held against a request of which a search leaves one side open",
		ours: []string{"policy", "index/internal/block", "index/internal/glob", "index/internal/match", "internal/action", "internal/value", "internal/conditionkey"}, never: io,
		why: "every layer tells a search what it admits in the same words, and none is asked by another"},
	"index/internal/statements": {job: "the statements of one unit, frozen: which of them a request satisfies",
		ours:   []string{"policy", "index/lowered", "index/internal/block", "index/internal/glob", "index/internal/match", "index/internal/open", "index/internal/postings", "internal/action", "internal/arena"},
		theirs: []string{"github.com/RoaringBitmap/roaring/v2"}, never: io,
		why: "it knows no organization and no owner, so that what a layer says does not depend on who asks it"},
	"index/internal/iam": {job: "the iam layer of one organization, frozen: what a request gets from it",
		ours:   []string{"policy", "index/lowered", "index/internal/block", "index/internal/glob", "index/internal/match", "index/internal/open", "index/internal/postings", "internal/action", "internal/value"},
		theirs: []string{"github.com/RoaringBitmap/roaring/v2"}, never: io,
		why: "it knows no organization's policies and no bucket, so that the two are weighed in one place, above it"},
	"index/internal/store": {job: "organizations and buckets by name, shared between snapshots",
		ours: []string{"index/internal/block", "index/internal/iam", "index/internal/match", "index/internal/open", "index/internal/prefetch", "index/internal/statements"}, never: io,
		why: "it finds what is in force and decides nothing"},
	"index/internal/search": {job: "who may, on what, or what: known names decided, and what no list can hold",
		ours:   []string{"policy", "index/internal/glob", "index/internal/iam", "index/internal/match", "index/internal/open", "index/internal/statements", "index/internal/store", "internal/action"},
		theirs: []string{"github.com/cespare/xxhash/v2"}, never: io,
		why: "it asks a snapshot through its Snapshot, so that a search cannot decide otherwise than a check"},
	"index": {job: "the snapshot: build, freeze, decide",
		ours: []string{"policy", "index/lowered", "index/internal/glob", "index/internal/iam", "index/internal/match", "index/internal/search", "index/internal/statements", "index/internal/store", "internal/action", "internal/value", "internal/spelling"}, never: io,
		why: "request time does no input, output or logging, and what cannot be imported cannot be called"},
	"internal/compare": {job: "sets of requests: what covers what, who else is let in, what changes between two policy directories",
		ours: []string{"policy", "compile", "index", "internal/action", "internal/pattern", "internal/conditionkey", "internal/value"}, never: io,
		why: "it computes with statements as they are written; where they come from is the loader's affair, and every witness is decided by the index"},
	"loader/internal/tree": {job: "links, stamps, names and reading: the file system", never: []string{"encoding/json", "net", "log"},
		why: "what a link may lead to is judged in one place, which knows nothing of policies and cannot be talked into an exception for one"},
	"loader/internal/layout": {job: "places, their names, and sums of content", ours: []string{"policy"}, never: io,
		why: "whatever brings policies, keeps them or puts them in force calls them by the same names"},
	"loader/source": {job: "what a source of policies and the generations say to one another",
		ours: []string{"policy", "index", "internal/policyjson", "loader/internal/layout"}, never: io,
		why: "generations are the same wherever policies come from, so what they are told names no path, link or stamp of a disk"},
	"loader/directory": {job: "a directory of files as a source of policies",
		ours: []string{"policy", "internal/policyjson", "internal/spelling", "loader/source", "loader/internal/layout", "loader/internal/tree"}, theirs: []string{"github.com/fsnotify/fsnotify", "golang.org/x/sync"}, never: []string{"encoding/json", "net"},
		why: "it finds what changed and cannot put it in force"},
	"loader/internal/burst": {job: "changes gathered until a look is due", never: io,
		why: "when a look begins depends on when something changed, not on what"},
	"loader/internal/content": {job: "the files of a unit parsed and compiled",
		ours: []string{"policy", "compile", "internal/policyjson", "loader/source", "loader/internal/layout"}, never: []string{"encoding/json", "net", "os"},
		why: "what a unit says depends on its bytes alone, not on where they lay or what else is in force"},
	"loader/internal/digest": {job: "the digest of the files in force, leaf by leaf",
		ours: []string{"policy", "loader/source", "loader/internal/layout"}, theirs: []string{"golang.org/x/sync"}, never: io,
		why: "the digest is that of names and sums, and must not depend on where files come from or what they say"},
	"loader/internal/mirror": {job: "the last good files on disk, and what of them is overtaken",
		ours: []string{"loader/internal/layout", "loader/internal/tree"}, theirs: []string{"golang.org/x/sync"}, never: []string{"encoding/json", "net"},
		why: "it asks for what is in force through its Model, and cannot decide it"},
	"loader/internal/hold": {job: "what .hold does: nothing new is published while it stands",
		ours: []string{"loader/source"}, never: []string{"encoding/json", "os", "net"},
		why: "it judges what a source found at the gate, and looks at none itself"},
	"loader/internal/missed": {job: "the bucket policies that are missed after a look",
		ours: []string{"policy", "loader/source", "loader/internal/layout"}, never: io,
		why: "the rule that a fault is no removal stands by itself, asks for what is in force, and changes none of it"},
	"loader/internal/rest": {job: "what goes and what comes, until its folder is at rest",
		ours: []string{"loader/source", "loader/internal/layout"}, never: io,
		why: "it takes out of findings what does not count yet; it knows neither a disk nor what is in force beyond what a source saw of it"},
	"loader": {job: "what a source finds to generations",
		ours: []string{"policy", "index", "compile", "internal/policyjson", "loader/source", "loader/directory", "loader/internal/burst", "loader/internal/content", "loader/internal/digest", "loader/internal/hold", "loader/internal/layout", "loader/internal/mirror", "loader/internal/missed", "loader/internal/rest"}, never: []string{"encoding/json", "io/fs", "net", "os", "path/filepath"},
		why: "it never meets the door: it stores into index.Current and the door loads from it; it knows no file system, so that generations are the same wherever policies come from"},
	"sidecar": {job: "the HTTP door",
		ours: []string{"policy", "index", "internal/action", "internal/decisionlog", "internal/jsonscan", "internal/request", "internal/s3request", "internal/procstat", "internal/value"}, theirs: []string{"github.com/valyala/fasthttp"}, never: []string{"encoding/json", "net/http", "os"},
		why: "it never meets the loader, the parser or the compiler, and its hot path owns its bytes"},
	"internal/decisionlog": {job: "decisions to lines: rings, the writer, the format", ours: []string{"policy"}, never: []string{"encoding/json", "net/http"},
		why: "it is told what was decided, and knows neither HTTP nor where policies come from"},
	"internal/procstat": {job: "figures of Go and of the process, as data",
		why: "the door prints them and must not read files itself"},
	"internal/reference": {job: "the specification in naive code", ours: []string{"policy", "internal/action"}, never: io,
		why: "it judges the index, so it must share no matcher with it"},
	"internal/conformance": {job: "the corpus and its runner", ours: []string{"policy", "internal/action", "internal/policyjson", "internal/request"}, theirs: []string{"golang.org/x/tools"},
		why: "evaluators are handed in, so that no case favours one"},
	"internal/policygen": {job: "a seeded generator of policies and requests", ours: []string{"policy", "internal/action"}, never: io,
		why: "what it makes must not lean on what it tests"},
	"internal/policywrite": {job: "documents as the text of policy files", ours: []string{"policy"}, never: io,
		why: "the parser is tested against it, so it shares nothing with the parser"},
	"internal/loadgen": {job: "a load on an HTTP server, every answer checked", never: []string{"encoding/json", "net/http", "os", "log"},
		why: "it has to cost little beside any server, and judges by what it is handed"},
	"internal/house": {job: "tests of the repository itself", why: "tests only"},
	"benchmarks":     {job: "benchmarks of the whole", why: "tests only"},
	"internal/house/picture": {job: "draw the packages and their imports", never: []string{"net", "log"},
		why: "it asks go list, so it needs nothing of ours"},
	"benchmarks/report": {job: "run the benchmarks and write RESULTS.md", never: []string{"net"},
		why: "it runs commands and reads what they print, so it needs nothing of ours and cannot favour it"},
	"fuzz": {job: "fuzz targets of the whole", why: "tests only"},
	"cmd/postern": {job: "flags, wiring, signals, exit codes",
		ours: []string{"policy", "index", "compile", "loader", "internal/compare", "internal/decisionlog", "internal/explorer", "sidecar", "internal/request", "internal/policyjson", "internal/policytest", "internal/replay", "internal/builtin", "internal/diagnostic", "internal/lint", "internal/schema", "internal/spelling"}, theirs: []string{"golang.org/x/sync"},
		why: "it wires; policy logic belongs in a package that others can test"},
}

// testers are the packages that only tests, fuzz targets and benchmarks import.
var testers = []string{"internal/reference", "internal/conformance", "internal/policygen", "internal/policywrite", "internal/loadgen", "internal/house", "benchmarks", "fuzz"}

// A pkg is what the tree holds of one package.
type pkg struct {
	code    bool            // it has a file that is neither a test nor doc.go
	imports map[string]bool // of files that are no tests
}

// packages finds every package of the module. Other modules below it and
// testdata are left out, as the Go tool does.
func packages(t *testing.T, dir string) map[string]*pkg {
	t.Helper()
	found := map[string]*pkg{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel == "." {
				return nil
			}
			base := d.Name()
			_, err := os.Stat(filepath.Join(name, "go.mod"))
			if err == nil || base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		p := found[path.Dir(rel)]
		if p == nil {
			p = &pkg{imports: map[string]bool{}}
			found[path.Dir(rel)] = p
		}
		if strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		p.code = p.code || path.Base(rel) != "doc.go"
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range file.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			p.imports[imported] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// judge compares packages with the law and returns what breaks it.
func judge(found map[string]*pkg, law map[string]room) []string {
	var broken []string
	for name := range law {
		if found[name] == nil {
			broken = append(broken, "the law has a row for "+name+", and the package is gone: remove the row")
		}
	}
	for name, p := range found {
		r, ok := law[name]
		if !ok {
			broken = append(broken, name+" has no row in the law: add one that says its one job and what it may import")
			continue
		}
		if p.code && slices.Contains([]string{"benchmarks", "fuzz", "internal/house"}, name) {
			broken = append(broken, name+" holds code that is no test: it is for tests only")
		}
		for imported := range p.imports {
			if fault := r.fault(imported); fault != "" {
				broken = append(broken, name+" imports "+imported+": "+fault+" ("+name+" is "+r.job+": "+r.why+")")
			}
		}
	}
	slices.Sort(broken)
	return broken
}

// fault says why a room must not import a package, "" if it may.
func (r room) fault(imported string) string {
	under := func(parent string) bool { return imported == parent || strings.HasPrefix(imported, parent+"/") }
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		switch {
		case slices.Contains(testers, ours) && !slices.Contains(r.ours, ours):
			return "only tests import it"
		case !slices.Contains(r.ours, ours):
			return "not in its row"
		}
		return ""
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		if !slices.ContainsFunc(r.theirs, under) {
			return "not one of the libraries in its row"
		}
		return ""
	}
	if slices.ContainsFunc(r.never, under) && imported != "net/netip" {
		return "the row says never"
	}
	return ""
}

func TestImportLaw(t *testing.T) {
	found := packages(t, root)
	if len(found) < 10 {
		t.Fatalf("found %d packages only: the walk went wrong", len(found))
	}
	for _, b := range judge(found, rooms) {
		t.Error(b)
	}
	for name, r := range rooms {
		if r.job == "" || r.why == "" {
			t.Errorf("the row of %s needs its job and its reason", name)
		}
		for _, o := range r.ours {
			if _, ok := rooms[o]; !ok {
				t.Errorf("the row of %s allows %s, which has no row", name, o)
			}
		}
	}
}

// TestImportLawBites breaks the law in each way that judge knows.
func TestImportLawBites(t *testing.T) {
	law := map[string]room{
		"a":    {ours: []string{"b"}, theirs: []string{"example.com/lib"}, never: []string{"net", "log"}},
		"b":    {},
		"gone": {},
	}
	found := map[string]*pkg{
		"a":   {code: true, imports: map[string]bool{"postern/b": true, "example.com/lib/sub": true, "net/netip": true, "fmt": true}},
		"b":   {code: true, imports: map[string]bool{}},
		"new": {code: true, imports: map[string]bool{}},
	}
	check := func(want ...string) {
		t.Helper()
		got := judge(found, law)
		if len(got) != len(want) {
			t.Fatalf("broken: %q, want %q", got, want)
		}
		slices.SortFunc(want, cmp.Compare)
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("broken %q, want %q...", got[i], want[i])
			}
		}
	}
	check("new has no row", "the law has a row for gone")
	delete(found, "new")
	delete(law, "gone")
	check()
	found["b"].imports = map[string]bool{"postern/a": true, "example.com/library": true, "postern/internal/reference": true}
	check("b imports example.com/library: not one of the libraries", "b imports postern/a: not in its row", "b imports postern/internal/reference: only tests")
	found["b"].imports = nil
	found["a"].imports = map[string]bool{"net/http": true, "log/slog": true}
	check("a imports log/slog: the row says never", "a imports net/http: the row says never")
}
