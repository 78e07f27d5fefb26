package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

const manExamples = `  postern man > /usr/local/share/man/man1/postern.1

Prints the manual page, for man.
`

// runMan prints the manual page, made of the flags of all commands
// (specification 9.1).
func runMan(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("man", "man", manExamples)
	rest, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(rest) > 0 {
		err = usagef("takes no arguments, but got %q", rest[0])
	}
	if err != nil {
		return complain(errs, "man", err)
	}
	manual(out)
	return exitOK
}

// roff returns a text as man reads it: no line of it begins a request.
func roff(text string) string {
	text = strings.NewReplacer("\\", `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

func manual(w io.Writer) {
	fmt.Fprint(w, ".TH POSTERN 1\n.SH NAME\npostern \\- decide by policy files who may do what on which resource\n.SH SYNOPSIS\n.B postern\nCOMMAND [flags]\n.SH COMMANDS\n")
	for _, c := range commands() {
		fs := c.flagsOf()
		fmt.Fprintf(w, ".SS %s\n%s.\n.PP\n.B postern\n%s\n", c.name, roff(strings.ToUpper(c.does[:1])+c.does[1:]), roff(fs.synopsis))
		fs.VisitAll(func(f *flag.Flag) {
			value, usage := flag.UnquoteUsage(f)
			fmt.Fprintf(w, ".TP\n.B %s\n%s", roff(strings.TrimSpace("-"+f.Name+" "+value)), roff(usage))
			if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
				fmt.Fprintf(w, " (default %s)", roff(f.DefValue))
			}
			fmt.Fprint(w, "\n")
		})
		fmt.Fprintf(w, ".PP\n.nf\n%s.fi\n", roff(fs.examples))
	}
	fmt.Fprint(w, ".SH ENVIRONMENT\nEach flag has a variable: \\-some\\-flag is POSTERN_SOME_FLAG. A flag that may be\nrepeated takes one value a line there.\n")
}
