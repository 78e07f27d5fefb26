package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"postern/index"
	"postern/internal/diagnostic"
	"postern/internal/policyjson"
	"postern/internal/policytest"
	"postern/loader"
	"postern/policy"
)

const testExamples = `  postern test examples
  postern test -v -run 'audit' policies/.tests/acme.test.json
  postern test -coverage examples
  postern test -json examples | jq '.files[].tests[] | select(.passed | not)'

Of a DIR every *.test.json in it and below is read, hidden folders included. A file:

  {"policies": "../policies", "now": "2026-01-01T00:00:00Z", "tests": [
    {"name": "viewers do not delete", "decision": false, "reason": "organization_no_match",
     "request": {"subject": {"type": "role", "id": "Viewer", "properties": {"org": "acme"}},
                 "action": {"name": "s3:DeleteObject"}},
     "foreach": {"resource": [{"type": "object", "id": "my-bucket/a"}, {"type": "object", "id": "my-bucket/b"}]}}]}

Exit status: 0 all tests hold, 1 one does not, 2 a file or its policies could not be read.
`

type testOptions struct {
	verbose, json, coverage bool
	run                     string
}

func runTest(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("test", "test DIR|FILE... [flags]", testExamples)
	var o testOptions
	fs.BoolVar(&o.verbose, "v", false, "tell the tests that hold too")
	fs.StringVar(&o.run, "run", "", "ask only what has a name that matches `REGEXP`")
	fs.BoolVar(&o.coverage, "coverage", false, "tell which statements and bindings determined no decision; slower")
	fs.BoolVar(&o.json, "json", false, "print JSON: {passed, failed, files: [{file, policies, passed, failed, tests}], coverage}")
	names, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(names) == 0 {
		err = usagef("nothing to test; write postern test DIR, or the names of *.test.json files")
	}
	t := testRun{options: o, out: out, errs: errs, read: map[string]*tested{}, now: time.Now()}
	if err == nil && o.run != "" {
		only, bad := regexp.Compile(o.run)
		if err = bad; bad != nil {
			err = usagef("-run: %v", bad)
		} else {
			t.only = only.MatchString
		}
	}
	if err != nil {
		return complain(errs, "test", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	for _, name := range names {
		files, err := testFiles(name)
		if err != nil {
			return complain(errs, "test", err)
		}
		for _, file := range files {
			if err := t.file(ctx, file); err != nil {
				if !errors.Is(err, errTold) {
					complain(errs, "test", err)
				}
				t.unread++
			}
		}
	}
	return t.end()
}

// testFiles are the files that an argument names.
func testFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var files []string
	err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".test.json") {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no *.test.json, in it or below; postern test -help shows one", name)
	}
	return files, err
}

// testRun runs files of tests.
type testRun struct {
	options   testOptions
	out, errs io.Writer
	only      func(name string) bool
	now       time.Time
	// read are the policies that were read, by all that decides what they are;
	// inOrder has the same.
	read    map[string]*tested
	inOrder []*tested

	passed, failed, unread int
	files                  []testedFile
}

// tested are policies that tests name.
type tested struct {
	dir      string
	snapshot *index.Snapshot
	coverage policytest.Coverage
}

// testCoverage is what -json prints of a directory's coverage.
type testCoverage struct {
	Policies   string      `json:"policies"`
	Statements int         `json:"statements"`
	Determined int         `json:"determined"`
	Untested   []statement `json:"untested"`
}

// testedFile and testedCase are what -json prints of tests.
type testedFile struct {
	File     string       `json:"file"`
	Policies string       `json:"policies"`
	Digest   string       `json:"digest"`
	Passed   int          `json:"passed"`
	Failed   int          `json:"failed"`
	Tests    []testedCase `json:"tests"`
}

type testedCase struct {
	Name     string   `json:"name"`
	Line     int      `json:"line"`
	Passed   bool     `json:"passed"`
	Failures []string `json:"failures,omitempty"`
	Answer   *answer  `json:"answer"`
}

// errTold marks an error that was told in full already.
var errTold = errors.New("told")

func (t *testRun) file(ctx context.Context, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, ds := policytest.Parse(name, data)
	if f == nil {
		if err := diagnostic.Print(t.errs, ds, func(string) []byte { return data }, diagnostic.Options{Max: 20}); err != nil {
			return err
		}
		return errTold
	}
	policies, err := t.policies(ctx, f)
	if err != nil {
		return err
	}
	done := testedFile{File: name, Policies: policies.dir, Digest: policies.snapshot.Digest().String(), Tests: []testedCase{}}
	runner := policytest.Runner{Snapshot: policies.snapshot, Only: t.only, Explain: t.options.coverage}
	var failed error
	err = runner.Run(f, t.now, func(r *policytest.Result) bool {
		if t.options.coverage {
			policies.coverage.Explained(r.Explanation)
		}
		if len(r.Failures) > 0 {
			done.Failed++
		} else {
			done.Passed++
		}
		failed = t.result(&done, r)
		return failed == nil && ctx.Err() == nil
	})
	if err = errors.Join(err, failed, ctx.Err()); err != nil {
		return err
	}
	t.passed, t.failed, t.files = t.passed+done.Passed, t.failed+done.Failed, append(t.files, done)
	if t.options.json {
		return nil
	}
	if done.Failed > 0 {
		_, err = fmt.Fprintf(t.out, "FAIL  %s: %d of %s failed\n", diagnostic.Visible(name), done.Failed, plural(done.Failed+done.Passed, "request"))
	} else {
		_, err = fmt.Fprintf(t.out, "ok    %s: %s\n", diagnostic.Visible(name), plural(done.Passed, "request"))
	}
	return err
}

// result tells one request, or keeps it for -json.
func (t *testRun) result(done *testedFile, r *policytest.Result) error {
	if t.options.json {
		e, explained := policy.Explanation{Decision: r.Decision}, r.Explanation != nil
		if explained {
			e = *r.Explanation
		}
		a := newAnswer(&e, explained)
		done.Tests = append(done.Tests, testedCase{r.Name, r.Position.Line, len(r.Failures) == 0, r.Failures, &a})
		return nil
	}
	if len(r.Failures) == 0 {
		if !t.options.verbose {
			return nil
		}
		_, err := fmt.Fprintf(t.out, "--- ok: %s (%s)\n", diagnostic.Visible(r.Name), r.Decision.Reason)
		return err
	}
	var b strings.Builder
	if err := printText(&b, r.Explanation, true); err != nil {
		return err
	}
	told := strings.Join(r.Failures, "\n") + "\n" + b.String()
	_, err := fmt.Fprintf(t.out, "--- FAIL: %s (%s:%d)\n    %s\n", diagnostic.Visible(r.Name), diagnostic.Visible(r.Position.File), r.Position.Line,
		strings.ReplaceAll(strings.TrimRight(told, "\n"), "\n", "\n    "))
	return err
}

// testedDirectory is the policies' of a file.
func testedDirectory(f *policytest.File) string {
	if filepath.IsAbs(f.Policies) {
		return filepath.Clean(f.Policies)
	}
	return filepath.Join(filepath.Dir(f.Name), filepath.FromSlash(f.Policies))
}

// policies reads the directory that a file names, once for all that name it
// alike. Policies of which a part is broken test nothing: a denial may be
// theirs.
func (t *testRun) policies(ctx context.Context, f *policytest.File) (*tested, error) {
	for _, org := range append([]string{f.DefaultOrg}, f.PlatformOrgs...) {
		if err := validOrganization(org); err != nil && org != "" {
			return nil, fmt.Errorf("%s: %q: %v", f.Name, org, err)
		}
	}
	p := &tested{dir: testedDirectory(f)}
	key := fmt.Sprintf("%q", append([]string{p.dir, f.DefaultOrg}, f.PlatformOrgs...))
	if p := t.read[key]; p != nil {
		return p, nil
	}
	current := new(index.Current)
	config := loader.Config{Root: p.dir, DefaultOrganization: f.DefaultOrg, PlatformOrganizations: f.PlatformOrgs,
		Current: current, PassHold: true, Logger: slog.New(slog.DiscardHandler)}
	if t.options.coverage {
		config.Inspect = p.inspect
	}
	l, err := loader.New(config)
	if err != nil {
		return nil, err
	}
	if err := l.Load(ctx); err != nil {
		return nil, fmt.Errorf("%s: the policies: %w", f.Name, err)
	}
	if broken := l.Status().Quarantined; len(broken) > 0 {
		for _, q := range broken {
			if err := diagnostic.Print(t.errs, q.Diagnostics, nil, diagnostic.Options{}); err != nil {
				return nil, err
			}
		}
		return nil, fmt.Errorf("%s: %d broken in %s, so that its tests were not run; postern validate %s shows more", f.Name, len(broken), p.dir, p.dir)
	}
	p.snapshot = current.Load()
	t.read[key], t.inOrder = p, append(t.inOrder, p)
	return p, nil
}

// inspect has a file's statements counted.
func (p *tested) inspect(_, _ string, _ []byte, f policyjson.File) []policy.Diagnostic {
	if f.Document != nil {
		p.coverage.Document(f.Document)
	}
	if f.Access != nil {
		p.coverage.Access(f.Access)
	}
	return nil
}

// covered prints the coverage of one directory.
func (t *testRun) covered(p *tested) error {
	untested := p.coverage.Untested()
	var b strings.Builder
	fmt.Fprintf(&b, "coverage of %s: %d of %s determined a decision\n", diagnostic.Visible(p.dir), p.coverage.Statements()-len(untested), plural(p.coverage.Statements(), "statement"))
	for _, ref := range untested {
		fmt.Fprintf(&b, "  not %s\n", describe(ref))
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}

// jsonCoverage is the coverage of all directories for -json, nil without -coverage.
func (t *testRun) jsonCoverage() (out []testCoverage) {
	if !t.options.coverage {
		return nil
	}
	for _, p := range t.inOrder {
		untested := p.coverage.Untested()
		c := testCoverage{Policies: p.dir, Statements: p.coverage.Statements(), Determined: p.coverage.Statements() - len(untested), Untested: []statement{}}
		for _, ref := range untested {
			c.Untested = append(c.Untested, newStatement(ref))
		}
		out = append(out, c)
	}
	return out
}

// end prints the sums and returns the exit code.
func (t *testRun) end() int {
	if t.options.json {
		files := t.files
		if files == nil {
			files = []testedFile{}
		}
		enc := json.NewEncoder(t.out)
		enc.SetEscapeHTML(false)
		err := enc.Encode(struct {
			Passed   int            `json:"passed"`
			Failed   int            `json:"failed"`
			Files    []testedFile   `json:"files"`
			Coverage []testCoverage `json:"coverage,omitempty"`
		}{t.passed, t.failed, files, t.jsonCoverage()})
		if err != nil {
			return complain(t.errs, "test", err)
		}
	} else if t.options.coverage {
		for _, p := range t.inOrder {
			if err := t.covered(p); err != nil {
				return complain(t.errs, "test", err)
			}
		}
	}
	switch {
	case t.unread > 0:
		return exitFailed
	case t.failed > 0:
		return exitDenied
	case t.passed == 0:
		return complain(t.errs, "test", fmt.Errorf("no request has a name that matches -run %q", t.options.run))
	}
	return exitOK
}
