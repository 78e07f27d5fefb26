package main

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"postern/internal/schema"
)

const completionExamples = `  source <(postern completion bash)
  postern completion zsh > ~/.zfunc/_postern
  postern completion fish > ~/.config/fish/completions/postern.fish

Prints what makes a shell complete postern's commands and flags.
`

// runCompletion prints the completion of a shell (specification 9.1).
func runCompletion(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("completion", "completion bash|zsh|fish", completionExamples)
	rest, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(rest) != 1 {
		err = usagef("takes the name of one shell; write bash, zsh or fish")
	}
	if err != nil {
		return complain(errs, "completion", err)
	}
	switch rest[0] {
	case "bash":
		bashCompletion(out)
		return exitOK
	case "zsh":
		zshCompletion(out)
		return exitOK
	case "fish":
		fishCompletion(out)
		return exitOK
	}
	return complain(errs, "completion", usagef("there is no completion for %q; write bash, zsh or fish", rest[0]))
}

// flagKeeper is what a command writes its help to where its flags are wanted
// and not their text. It drops what is written.
type flagKeeper struct{ kept *flags }

func (*flagKeeper) Write(p []byte) (int, error) { return len(p), nil }

// flagsOf returns the flags of a command, which the command itself makes.
func (c *command) flagsOf() *flags {
	var k flagKeeper
	none := func(string) (string, bool) { return "", false }
	c.run([]string{"-help"}, none, strings.NewReader(""), &k, io.Discard)
	return k.kept
}

// flagKind tells whether a flag takes no value, and which words it takes, nil for
// any.
func flagKind(f *flag.Flag) (alone bool, words []string) {
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return true, nil
	}
	if c, ok := f.Value.(*choice); ok {
		return false, c.allowed
	}
	return false, nil
}

// operands are the words that a command takes beside its flags, nil for files.
func operands(name string) []string {
	switch name {
	case "schema":
		return schema.Kinds()
	case "completion":
		return []string{"bash", "zsh", "fish"}
	case "search":
		return []string{"subjects", "resources", "actions"}
	case "help":
		return commandNames()
	}
	return nil
}

// commandNames are the names of all commands.
func commandNames() (out []string) {
	for _, c := range commands() {
		out = append(out, c.name)
	}
	return out
}

// bashCompletion writes the completion of bash. Where it finds nothing bash
// completes names of files.
func bashCompletion(w io.Writer) {
	fmt.Fprint(w, "# bash completion of postern: source <(postern completion bash)\n_postern() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=''\n  COMPREPLY=()\n")
	fmt.Fprintf(w, "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '%s help' -- \"$cur\"))\n    return\n  fi\n  case ${COMP_WORDS[1]}:$prev in\n", strings.Join(commandNames(), " "))
	for _, c := range commands() {
		c.flagsOf().VisitAll(func(f *flag.Flag) {
			switch alone, words := flagKind(f); {
			case alone:
			case words != nil:
				fmt.Fprintf(w, "  %s:-%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", c.name, f.Name, strings.Join(words, " "))
			default:
				fmt.Fprintf(w, "  %s:-%s) return ;;\n", c.name, f.Name)
			}
		})
	}
	fmt.Fprint(w, "  esac\n  case ${COMP_WORDS[1]}:$cur in\n")
	for _, c := range commands() {
		var names []string
		c.flagsOf().VisitAll(func(f *flag.Flag) { names = append(names, "-"+f.Name) })
		fmt.Fprintf(w, "  %s:-*) words='%s' ;;\n", c.name, strings.Join(append(names, "-help"), " "))
		if o := operands(c.name); o != nil {
			fmt.Fprintf(w, "  %s:*) words='%s' ;;\n", c.name, strings.Join(o, " "))
		}
	}
	fmt.Fprintf(w, "  help:*) words='%s' ;;\n", strings.Join(operands("help"), " "))
	fmt.Fprint(w, "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F _postern postern\n")
}

// zshCompletion writes the completion of zsh.
func zshCompletion(w io.Writer) {
	quoted := strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`, "\\", `\\`)
	fmt.Fprint(w, "#compdef postern\n_postern() {\n  local -a commands\n  commands=(\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "    '%s:%s'\n", c.name, quoted.Replace(c.does))
	}
	fmt.Fprint(w, "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %s)\n    _arguments", c.name)
		c.flagsOf().VisitAll(func(f *flag.Flag) {
			value, usage := flag.UnquoteUsage(f)
			fmt.Fprintf(w, " \\\n      '*-%s[%s]", f.Name, quoted.Replace(firstLine(usage)))
			switch alone, words := flagKind(f); {
			case alone:
			case words != nil:
				fmt.Fprintf(w, ":word:(%s)", strings.Join(words, " "))
			default:
				fmt.Fprintf(w, ":%s:_files", quoted.Replace(value))
			}
			fmt.Fprint(w, "'")
		})
		if o := operands(c.name); o != nil {
			fmt.Fprintf(w, " \\\n      '*:word:(%s)'\n    ;;\n", strings.Join(o, " "))
		} else {
			fmt.Fprint(w, " \\\n      '*:file:_files'\n    ;;\n")
		}
	}
	fmt.Fprint(w, "  esac\n}\nif [ \"$funcstack[1]\" = _postern ]; then\n  _postern \"$@\"\nelse\n  compdef _postern postern\nfi\n")
}

// fishCompletion writes the completion of fish.
func fishCompletion(w io.Writer) {
	quoted := strings.NewReplacer("\\", `\\`, "'", `\'`)
	fmt.Fprint(w, "# fish completion of postern\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "complete -c postern -f -n __fish_use_subcommand -a %s -d '%s'\n", c.name, quoted.Replace(c.does))
	}
	for _, c := range commands() {
		in := fmt.Sprintf("complete -c postern -n '__fish_seen_subcommand_from %s'", c.name)
		if o := operands(c.name); o != nil {
			fmt.Fprintf(w, "%s -f -a '%s'\n", in, strings.Join(o, " "))
		}
		c.flagsOf().VisitAll(func(f *flag.Flag) {
			_, usage := flag.UnquoteUsage(f)
			takes := " -r"
			switch alone, words := flagKind(f); {
			case alone:
				takes = ""
			case words != nil:
				takes = " -x -a '" + strings.Join(words, " ") + "'"
			}
			fmt.Fprintf(w, "%s -o %s%s -d '%s'\n", in, f.Name, takes, quoted.Replace(firstLine(usage)))
		})
	}
}

// firstLine returns a text up to its first newline.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
