package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"postern/compile"
	"postern/index"
	"postern/internal/diagnostic"
	"postern/internal/lint"
	"postern/internal/policyjson"
	"postern/internal/spelling"
	"postern/loader"
	"postern/policy"
)

const validateExamples = `  postern validate /etc/postern
  postern validate -strict acme/access-policies/admins.json acme/buckets/my-bucket.json
  postern validate -ignore unknown-bucket -ignore operation-name /etc/postern
  postern validate -json /etc/postern | jq '.[] | select(.severity == "error")'
  postern validate -summary /etc/postern

A directory is read as serve reads -policies; the kind of a single file is told by its content.
Files are checked each alone: whether what an iam file refers to is in another one, and which
organizations and buckets there are, only DIR tells.

A warning ends in its code in brackets, by which -ignore silences it.

Exit status: 0 no errors, 1 errors in policies (with -strict warnings too), 2 something could not be read.
`

func runValidate(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("validate", "validate DIR|FILE... [flags]", validateExamples)
	v := validation{limit: 16 << 20, sources: map[string]string{}}
	format := choice{"text", []string{"text", "json", "github", "sarif"}}
	asJSON := fs.Bool("json", false, "the same as -format json")
	fs.Var(&format, "format", "`FORMAT` of the output: text; json, a list of {severity, file, line, column, code, message}; github, annotations of a workflow; sarif")
	summary := fs.Bool("summary", false, "count warnings by their codes, and list nothing")
	strict := fs.Bool("strict", false, "exit 1 on warnings too")
	fs.Var(&v.ignored, "ignore", "`CODE` of warnings that are not wanted; may be repeated")
	fs.Var(&v.public, "allow-public", "`BUCKET` that may let everyone in; may be repeated")
	fs.Var(&v.platformOrgs, "platform-org", "`ORG` of the platform's own services, which needs no folder; may be repeated")
	fs.Var(&v.limit, "max-file", "largest policy file, in `BYTES`")
	names, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if *asJSON && err == nil {
		if format.value != "text" && format.value != "json" {
			err = usagef("-json is one format, and -format %s another; write one of them", format.value)
		}
		format.value = "json"
	}
	if err == nil && len(names) == 0 {
		err = usagef("nothing to validate; write postern validate DIR, or the names of files")
	}
	if err != nil {
		return complain(errs, "validate", err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	for _, name := range names {
		if err := v.add(ctx, name); err != nil {
			fmt.Fprintf(errs, "postern validate: %s\n", diagnostic.Visible(err.Error()))
			v.unread++
		}
	}
	v.found = slices.DeleteFunc(v.found, func(d policy.Diagnostic) bool {
		return v.ignored.has(d.Code) || d.Code == policy.CodePublic && slices.Contains(v.public, strings.TrimSuffix(filepath.Base(d.Position.File), ".json"))
	})
	counts := diagnostic.Summarize(v.found)
	switch {
	case format.value == "text":
		err = v.text(out, counts, *summary, isTerminal(out) && colors(env))
	case v.unchecked > 0:
		fmt.Fprintln(errs, v.unfinished())
		fallthrough
	default:
		err = v.machine(out, counts, *summary, format.value)
	}
	switch {
	case err != nil:
		return complain(errs, "validate", err)
	case v.unread > 0:
		return exitFailed
	case counts.Errors > 0, *strict && counts.Warnings > 0:
		return exitDenied
	}
	return exitOK
}

// mostShown bounds how many errors and warnings are listed as text; the others are
// counted. Formats for programs have all.
const mostShown = 1000

// text prints for people; the last line counts all.
func (v *validation) text(out io.Writer, counts diagnostic.Summary, summary, color bool) (err error) {
	listed := v.found
	if summary {
		listed = slices.DeleteFunc(slices.Clone(listed), func(d policy.Diagnostic) bool { return d.Severity == policy.Warning })
	}
	err = diagnostic.Print(out, listed, v.source, diagnostic.Options{Max: mostShown, Color: color})
	if err == nil && (summary || len(v.found) > mostShown) {
		err = counts.Print(out)
	}
	if err != nil {
		return err
	}
	if v.unchecked > 0 {
		fmt.Fprintln(out, v.unfinished())
	}
	if len(v.found) > 0 || v.unread < v.asked {
		_, err = fmt.Fprintln(out, v.total(counts))
	}
	return err
}

// machine prints for a program.
func (v *validation) machine(out io.Writer, counts diagnostic.Summary, summary bool, format string) error {
	switch {
	case summary:
		return counts.JSON(out)
	case format == "github":
		return diagnostic.GitHub(out, v.found)
	case format == "sarif":
		return diagnostic.SARIF(out, v.found)
	}
	return diagnostic.JSON(out, v.found)
}

// colors reports whether output may have colors, by the NO_COLOR convention.
func colors(env lookup) bool {
	v, _ := env("NO_COLOR")
	return v == ""
}

// validation gathers what is wrong with several files and directories.
type validation struct {
	limit        size
	ignored      codes
	public       list // buckets that may let everyone in
	platformOrgs organizations

	found   []policy.Diagnostic
	seen    map[policy.Diagnostic]bool // of directories
	sources map[string]string          // name in a diagnostic -> file on disk
	asked   int                        // names given
	unread  int                        // those that could not be read
	// unchecked counts references of single iam files to what other files of
	// their organizations may define.
	unchecked int
}

// add validates a file or a directory. The error says that it could not be read.
func (v *validation) add(ctx context.Context, name string) error {
	v.asked++
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return v.addDirectory(ctx, name)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is neither a regular file nor a directory", name)
	}
	if info.Size() > int64(v.limit) {
		v.found = append(v.found, policy.Diagnostic{Position: policy.Position{File: name},
			Message: fmt.Sprintf("the file has %d bytes, and -max-file allows %d; raise it, or move part of it into another file (of a bucket there is only one)", info.Size(), v.limit)})
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, ds := policyjson.Parse(name, data, policyjson.Limits{})
	v.sources[name] = name
	v.found = append(v.found, ds...)
	if !policy.HasErrors(ds) {
		v.found = append(v.found, new(lint.Directory).Warnings(name, "", data, f)...)
	}
	if f.Access != nil {
		more, unchecked := compile.Compiler{BuiltIn: policyjson.BuiltIn()}.AccessAlone(f.Access)
		v.found = append(v.found, more...)
		v.unchecked += unchecked
	}
	return nil
}

// addDirectory reads a policy directory once, as serve does, and gathers what serve would
// quarantine and warn about.
func (v *validation) addDirectory(ctx context.Context, dir string) error {
	organizations, lists, err := folders(dir)
	if err != nil {
		return err
	}
	known := lint.NewDirectory(append(organizations, v.platformOrgs.list...), lists)
	if v.ignored.has(policy.CodeDeadStatement) {
		known.SkipDead()
	}
	var current index.Current
	l, err := loader.New(loader.Config{Root: dir, MaxFile: int64(v.limit), Current: &current, PassHold: true, Compiler: compile.Compiler{Check: true},
		Inspect: known.Warnings, MaxWarnings: math.MaxInt, Logger: slog.New(slog.DiscardHandler),
		Progress: func(done, total int) {
			if done == total { // what is left to load takes one processor
				known.AllRead()
			}
		}})
	if err != nil {
		return err
	}
	if err := l.Load(ctx); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	s := l.Status()
	for _, q := range s.Quarantined {
		v.put(dir, q.Diagnostics)
	}
	v.put(dir, s.Warnings)
	if len(s.Quarantined) == 0 { // else what all files together say is not known
		v.put(dir, known.Whole(func(path string) []byte {
			data, _ := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
			return data
		}, func(bucket string) bool {
			_, ok := current.Load().Bucket(bucket)
			return ok
		}))
	}
	if s.Files == 0 && len(s.Quarantined) == 0 && len(s.Warnings) > 0 {
		return fmt.Errorf("%s holds no policy file where a policy directory has them (ORG/access-policies/*.json, ORG/buckets/BUCKET.json); give the policy directory itself, or the files", dir)
	}
	return nil
}

// put adds diagnostics of a directory, with paths that a reader can open.
func (v *validation) put(dir string, ds []policy.Diagnostic) {
	for _, d := range ds {
		d.Position.File = filepath.Join(dir, filepath.FromSlash(d.Position.File))
		v.sources[d.Position.File] = d.Position.File
		if v.seen[d] {
			continue // one bad link is at fault in several units
		}
		if v.seen == nil {
			v.seen = map[policy.Diagnostic]bool{}
		}
		v.seen[d] = true
		v.found = append(v.found, d)
	}
}

// source returns the content of a file that a diagnostic names, nil if it cannot be
// read.
func (v *validation) source(file string) []byte {
	name, ok := v.sources[file]
	if !ok {
		return nil
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > int64(v.limit) {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}

// total returns the number of errors and warnings in one line.
func (v *validation) total(counts diagnostic.Summary) string {
	s := plural(counts.Errors, "error") + ", " + plural(counts.Warnings, "warning")
	if v.unread > 0 {
		s += " in what could be read"
	}
	return s
}

// folders are the names of the organizations' folders in a policy directory, and
// those that have a list of buckets.
func folders(dir string) (all, lists []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if !loader.ValidOrganization(e.Name()) {
			continue
		}
		folder := filepath.Join(dir, e.Name())
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			continue
		}
		all = append(all, e.Name())
		if _, err := os.Stat(filepath.Join(folder, "buckets.json")); err == nil {
			lists = append(lists, e.Name())
		}
	}
	return all, lists, err
}

// codes is a flag that names codes of warnings and may be repeated.
type codes struct{ list }

func (c *codes) Set(v string) error {
	all := policy.Codes()
	if slices.ContainsFunc(all, func(k policy.Code) bool { return k.String() == v }) {
		return c.list.Set(v)
	}
	if i := spelling.Nearest(v, len(all), func(i int) string { return all[i].String() }); i >= 0 {
		return fmt.Errorf("there is no such code; did you mean %q?", all[i])
	}
	return errors.New("there is no such code; a warning ends in its own, in brackets")
}

func (c *codes) has(code policy.Code) bool { return slices.Contains(c.list, code.String()) }

// unfinished returns a note about what could not be checked in single files.
func (v *validation) unfinished() string {
	return plural(v.unchecked, "reference") + " to what is not in the same file not checked; postern validate DIR, of the whole policy directory, does"
}

func plural(n int, word string) string {
	switch n {
	case 0:
		return "no " + word + "s"
	case 1:
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
