package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(stderr)
	quick := flags.Bool("quick", false, "small sizes, few runs: some 6 minutes instead of 45")
	from := flags.String("from", "", "run nothing, and read what a run kept in this `folder`")
	keep := flags.String("keep", "", "keep what the benchmarks print in this `folder`; a new one for temporary files if empty")
	only := flags.String("only", "", "run only these `stages`, as in decide,tail; the figures of the others are those in the folder of -keep")
	out := flags.String("out", "benchmarks", "write RESULTS.md and plots/ into this `folder`")
	readme := flags.String("readme", "", "also write the table of figures into this `page`, as in README.md")
	limit := flags.Duration("limit", 90*time.Minute, "begin no benchmark after this `time`")
	flags.Usage = func() {
		fmt.Fprint(stderr, "report runs the benchmarks and writes benchmarks/RESULTS.md and its plots.\nRun it from the repository's root: go run ./benchmarks/report\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if _, err := os.Stat("benchmarks/report/RESULTS.tmpl"); err != nil && *from == "" {
		return errors.New("run it from the repository's root: go run ./benchmarks/report")
	}

	var d document
	var err error
	if *from != "" {
		if d.About, err = restore(*from); err != nil {
			return err
		}
		if d.stages, err = readAll(stages(d.About.Quick), *from); err != nil {
			return err
		}
	} else {
		if d.About, err = look(".", *quick); err != nil {
			return err
		}
		list, err := choose(stages(*quick), *only)
		if err != nil {
			return err
		}
		if *keep == "" {
			*keep, err = os.MkdirTemp("", "postern-report-")
		} else {
			err = os.MkdirAll(*keep, 0o755)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "what the benchmarks print is kept in %s; -from %[1]s reads it again, -keep %[1]s -only STAGE repeats a stage\n", *keep)
		if *only != "" {
			d.About.take(*keep, *only)
		}
		if err := d.About.save(*keep); err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		timed, cancel := context.WithTimeout(ctx, *limit)
		defer cancel()
		if _, err := runAll(timed, list, ".", *keep, stderr); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return errors.New("interrupted; RESULTS.md is as it was, and what ran to its end is kept")
		}
		if d.stages, err = readAll(stages(*quick), *keep); err != nil {
			return err
		}
	}
	for i := range d.stages {
		if o := d.stages[i].output; o != nil && o.cpu != "" {
			d.About.CPU = o.cpu
		}
	}
	if err := d.publish(*out, stderr); err != nil || *readme == "" {
		return err
	}
	page, err := os.ReadFile(*readme)
	if err != nil {
		return err
	}
	if page, err = replaceFigures(page, d.Figures()); err != nil {
		return err
	}
	return os.WriteFile(*readme, page, 0o644)
}

// publish judges the figures and writes RESULTS.md and the plots. A plot
// without figures is removed: an old one would pass for this run's.
func (d *document) publish(out string, stderr io.Writer) error {
	var passed []string
	d.results, passed = gather(d.stages)
	d.marks = marks(d.results, passed)
	d.pictures = map[string]bool{}
	if err := os.MkdirAll(filepath.Join(out, "plots"), 0o755); err != nil {
		return err
	}
	for _, p := range pictures(d.results) {
		name := filepath.Join(out, "plots", p.file)
		svg := p.chart.svg()
		if svg == nil {
			if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			continue
		}
		d.pictures[p.file] = true
		if err := os.WriteFile(name, svg, 0o644); err != nil {
			return err
		}
	}
	text, err := d.write()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "RESULTS.md"), text, 0o644); err != nil {
		return err
	}
	for i := range d.marks {
		_, result := d.marks[i].judge()
		fmt.Fprintf(stderr, "%-4s %s\n", d.marks[i].id, result)
	}
	return nil
}
