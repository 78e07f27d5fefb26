// Command postern decides whether a principal may do an action on a resource by
// the organization, bucket and iam policies of a directory. It serves
// decisions on localhost, answers one on the command line, and checks policy
// files (specification 4, Command line).
//
// This package wires flags, signals and exit codes; no policy logic is here.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"postern/internal/diagnostic"
)

// The exit codes (specification 4, Command line). exitDenied is `check`'s
// deny and `validate`'s broken policy; exitFailed says that the command could
// not do its work, or was not understood.
const (
	exitOK     = 0
	exitDenied = 1
	exitFailed = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr))
}

// command is one verb of the command line. run gets the arguments after the
// verb.
type command struct {
	name, does string
	run        func(args []string, env lookup, in io.Reader, out, errs io.Writer) int
}

func commands() []command {
	return []command{
		{"serve", "answer decisions over HTTP on localhost", runServe},
		{"check", "make one decision without a server", runCheck},
		{"search", "list who may do it, on which resources, or which actions", runSearch},
		{"test", "hold policies against files of expected decisions", runTest},
		{"validate", "show every error and warning in policy files", runValidate},
		{"diff", "tell which decisions change between two policy directories", runDiff},
		{"replay", "ask recorded decisions again, of other policies", runReplay},
		{"ready", "ask a running server whether it is ready", runReady},
		{"explore", "show in a browser what is decided and why", runExplore},
		{"schema", "print the JSON Schema of a kind of document, for editors", runSchema},
		{"completion", "print what makes a shell complete commands and flags", runCompletion},
		{"man", "print the manual page", runMan},
		{"version", "print version, commit and Go version", runVersion},
	}
}

// run runs a command line and returns the exit code.
func run(args []string, env lookup, in io.Reader, out, errs io.Writer) int {
	if len(args) == 0 {
		usage(errs)
		return exitFailed
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 && args[0] == "help" {
			return run([]string{args[1], "-help"}, env, in, out, errs)
		}
		usage(out)
		return exitOK
	case "-version", "--version":
		return runVersion(args[1:], env, in, out, errs)
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(args[1:], env, in, out, errs)
		}
	}
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	fmt.Fprintf(errs, "postern: unknown command %q; write one of %s (postern -help tells what they do)\n", args[0], strings.Join(names, ", "))
	return exitFailed
}

func usage(w io.Writer) {
	fmt.Fprint(w, "postern decides by policy files who may do what on which resource.\n\nUsage: postern COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.does)
	}
	fmt.Fprint(w, `
Examples:
  postern serve -policies /etc/postern
  postern check -policies /etc/postern -org acme -principal role/Admin -action s3:GetObject -resource my-bucket/key
  postern search -policies /etc/postern subjects -org acme -type role -action s3:DeleteObject -resource my-bucket/key
  postern test examples
  postern validate /etc/postern

postern COMMAND -help shows the flags of one command.
`)
}

// complain prints a usage error and returns its exit code.
func complain(errs io.Writer, verb string, err error) int {
	fmt.Fprintf(errs, "postern %s: %s\n", verb, diagnostic.Visible(err.Error()))
	if errors.Is(err, errUsage) {
		fmt.Fprintf(errs, "postern %s -help shows its flags and examples\n", verb)
	}
	return exitFailed
}

// errUsage marks errors in how a command was written.
var errUsage = errors.New("usage")

type usageError struct{ message string }

func (e *usageError) Error() string        { return e.message }
func (e *usageError) Is(target error) bool { return target == errUsage }

// usagef returns an error that wraps errUsage.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// isHelp reports whether err says that help was asked for, which has been printed.
func isHelp(err error) bool { return errors.Is(err, flag.ErrHelp) }
