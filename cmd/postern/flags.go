package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"postern/loader"
)

// lookup is a function such as os.LookupEnv.
type lookup func(name string) (string, bool)

// flags is a flag set of one command whose every flag can also be given by an
// environment variable: `-max-file` by POSTERN_MAX_FILE. A flag on the command
// line wins over the variable; an empty variable counts as not set, and a
// variable that is no flag's is ignored (Kubernetes sets POSTERN_SERVICE_HOST
// and the like for a Service of that name).
type flags struct {
	*flag.FlagSet
	synopsis, examples string
}

func newFlags(name, synopsis, examples string) *flags {
	fs := &flags{flag.NewFlagSet(name, flag.ContinueOnError), synopsis, examples}
	fs.SetOutput(io.Discard) // errors are printed once, by complain
	fs.Usage = func() {}
	return fs
}

// parse reads the command line and the environment, and returns the arguments that are
// no flags. Flags may follow arguments, as in `postern validate DIR -json`. After
// printing help to out it returns flag.ErrHelp.
func (fs *flags) parse(args []string, env lookup, out io.Writer) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if isHelp(err) {
				fs.help(out)
				return nil, err
			}
			return nil, usagef("%v", err)
		}
		if fs.NArg() == 0 {
			break
		}
		// flag stops at the first argument, and after "--", which ends flags.
		if n := len(args) - fs.NArg(); n > 0 && args[n-1] == "--" {
			rest = append(rest, fs.Args()...)
			break
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var failed error
	fs.VisitAll(func(f *flag.Flag) {
		value, ok := env(variable(f.Name))
		if !ok || value == "" || given[f.Name] || failed != nil {
			return
		}
		values := []string{value}
		if _, repeated := f.Value.(interface{ repeated() }); repeated {
			values = strings.Split(strings.TrimRight(value, "\n"), "\n")
		}
		for _, v := range values {
			if err := f.Value.Set(v); err != nil {
				failed = usagef("environment variable %s: invalid value %q: %v", variable(f.Name), v, err)
				return
			}
		}
	})
	return rest, failed
}

// variable returns the name of the environment variable of a flag.
func variable(name string) string {
	return "POSTERN_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// help prints how a command is written, or hands its flags to a flagKeeper.
func (fs *flags) help(w io.Writer) {
	if k, ok := w.(*flagKeeper); ok {
		k.kept = fs
		return
	}
	fmt.Fprintf(w, "Usage: postern %s\n", fs.synopsis)
	n := 0
	fs.VisitAll(func(*flag.Flag) { n++ })
	if n > 0 {
		fmt.Fprint(w, "\nFlags (each has an environment variable: -some-flag is POSTERN_SOME_FLAG;\na flag that may be repeated takes one value a line there):\n\n")
		fs.SetOutput(w)
		fs.PrintDefaults()
		fs.SetOutput(io.Discard)
	}
	fmt.Fprintf(w, "\nExamples:\n%s", fs.examples)
}

// organization defines a flag that names an organization.
func (fs *flags) organization(p *string, name, usage string) {
	fs.Func(name, usage, func(v string) error {
		if err := validOrganization(v); err != nil {
			return err
		}
		*p = v
		return nil
	})
}

func validOrganization(v string) error {
	if !loader.ValidOrganization(v) {
		return errors.New("no organization can have that name; write 1 to 64 of A-Z a-z 0-9 - _, or leave the flag out")
	}
	return nil
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string {
	if l == nil {
		return ""
	}
	return strings.Join(*l, ",")
}

// repeated marks a flag whose environment variable has one value in each line.
func (l *list) repeated() {}

func (l *list) Set(v string) error {
	if v == "" {
		return fmt.Errorf("it is empty; leave the flag out instead")
	}
	*l = append(*l, v)
	return nil
}

// organizations is a flag that names an organization and may be repeated.
type organizations struct{ list }

func (o *organizations) Set(v string) error {
	if err := validOrganization(v); err != nil {
		return err
	}
	return o.list.Set(v)
}

// size is a number of bytes: 1048576, 1MiB, 512KiB.
type size int64

var sizeUnits = []struct {
	name  string
	shift uint
}{{"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"", 0}}

func (s *size) String() string {
	if s == nil {
		return "0"
	}
	for _, u := range sizeUnits {
		if *s > 0 && *s%(1<<u.shift) == 0 {
			return strconv.FormatInt(int64(*s)>>u.shift, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

func (s *size) Set(v string) error {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(v, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || n == 0 || n > 1<<62>>u.shift {
			break
		}
		*s = size(n << u.shift)
		return nil
	}
	return fmt.Errorf("write a number of bytes above 0, or one with KiB, MiB or GiB, like 16MiB")
}

// choice is a flag with a few allowed words.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) String() string {
	if c == nil {
		return ""
	}
	return c.value
}

func (c *choice) Set(v string) error {
	for _, a := range c.allowed {
		if a == v {
			c.value = v
			return nil
		}
	}
	return fmt.Errorf("write %s", strings.Join(c.allowed, " or "))
}
