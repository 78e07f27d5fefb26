package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"postern/compile"
	"postern/index"
	"postern/internal/diagnostic"
	"postern/internal/policyjson"
	"postern/loader"
	"postern/policy"
)

const validateExamples = `  postern validate /etc/postern
  postern validate -strict acme/access-policies/admins.json acme/buckets/my-bucket.json
  postern validate -json /etc/postern | jq '.[] | select(.severity == "error")'

A directory is read as serve reads -policies; the kind of a single file is told by its content.
Files are checked each alone: whether what an iam file refers to is in another one, only DIR tells.

Exit status: 0 no errors, 1 errors in policies (with -strict warnings too), 2 something could not be read.
`

func runValidate(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("validate", "validate DIR|FILE... [flags]", validateExamples)
	limit := size(16 << 20)
	asJSON := fs.Bool("json", false, "print JSON: a list of {severity, file, line, column, message}")
	strict := fs.Bool("strict", false, "exit 1 on warnings too")
	fs.Var(&limit, "max-file", "largest policy file, in `BYTES`")
	names, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(names) == 0 {
		err = usagef("nothing to validate; write postern validate DIR, or the names of files")
	}
	if err != nil {
		return complain(errs, "validate", err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	v := validation{limit: int64(limit), sources: map[string]string{}}
	for _, name := range names {
		if err := v.add(ctx, name); err != nil {
			fmt.Fprintf(errs, "postern validate: %s\n", diagnostic.Visible(err.Error()))
			v.unread++
		}
	}
	if *asJSON {
		if err = diagnostic.JSON(out, v.found); v.unchecked > 0 {
			fmt.Fprintln(errs, v.unfinished())
		}
	} else if err = diagnostic.Print(out, v.found, v.source, diagnostic.Options{Color: isTerminal(out) && colors(env)}); err == nil {
		if v.unchecked > 0 {
			fmt.Fprintln(out, v.unfinished())
		}
		if len(v.found) > 0 || v.unread < len(names) {
			_, err = fmt.Fprintln(out, v.summary())
		}
	}
	errors, warnings := v.count()
	switch {
	case err != nil:
		return complain(errs, "validate", err)
	case v.unread > 0:
		return exitFailed
	case errors > 0, *strict && warnings > 0:
		return exitDenied
	}
	return exitOK
}

// colors follows the NO_COLOR convention.
func colors(env lookup) bool {
	v, _ := env("NO_COLOR")
	return v == ""
}

// validation gathers what is wrong with several files and directories.
type validation struct {
	limit   int64
	found   []policy.Diagnostic
	seen    map[policy.Diagnostic]bool // of directories
	more    int                        // warnings that were counted and not kept
	sources map[string]string          // name in a diagnostic -> file on disk
	unread  int                        // names that could not be read
	// unchecked counts references of single iam files to what other files of
	// their organizations may define.
	unchecked int
}

// add reads a file or a directory. The error says that it could not.
func (v *validation) add(ctx context.Context, name string) error {
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
	if info.Size() > v.limit {
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
	if f.Access != nil {
		more, unchecked := compile.Compiler{BuiltIn: policyjson.BuiltIn()}.AccessAlone(f.Access)
		v.found = append(v.found, more...)
		v.unchecked += unchecked
	}
	return nil
}

// addDirectory reads a policy directory as serve does, once, and gathers what
// it would quarantine and warn of.
func (v *validation) addDirectory(ctx context.Context, dir string) error {
	l, err := loader.New(loader.Config{Root: dir, MaxFile: v.limit, Current: new(index.Current), PassHold: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := l.Load(ctx); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	s := l.Status()
	v.more += s.WarningCount - len(s.Warnings)
	for _, q := range s.Quarantined {
		v.put(dir, q.Diagnostics)
	}
	v.put(dir, s.Warnings)
	if s.Files == 0 && len(s.Quarantined) == 0 && len(s.Warnings) > 0 {
		return fmt.Errorf("%s holds no policy file where a policy directory has them (ORG/access-policies/*.json, ORG/buckets/BUCKET.json); give the policy directory itself, or the files", dir)
	}
	return nil
}

// put keeps diagnostics of a directory under names that a reader can open.
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

// source is the content of a file that a diagnostic names, nil if it cannot
// be had.
func (v *validation) source(file string) []byte {
	name, ok := v.sources[file]
	if !ok {
		return nil
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > v.limit {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}

func (v *validation) count() (errors, warnings int) {
	warnings = v.more
	for _, d := range v.found {
		if d.Severity == policy.Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}

func (v *validation) summary() string {
	errors, warnings := v.count()
	s := plural(errors, "error") + ", " + plural(warnings, "warning")
	if v.more > 0 {
		s += fmt.Sprintf(" (%d of them not shown)", v.more)
	}
	if v.unread > 0 {
		s += " in what could be read"
	}
	return s
}

// unfinished says what was not checked of single files.
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
