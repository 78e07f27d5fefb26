package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// done is a stage that ran, or that could not.
type done struct {
	stage
	took   time.Duration
	output *output // nil if it did not run
	// why says why it did not run, or not to its end.
	why string
	// stopped says that it took too long. What it printed until then counts.
	stopped bool
}

// runAll runs stages one after the other, with progress, and stops beginning
// new ones when the time is up. What each printed is kept in the folder keep,
// unless that is "".
func runAll(ctx context.Context, list []stage, root, keep string, progress io.Writer) ([]done, error) {
	var out []done
	began := time.Now()
	for i := range list {
		s := &list[i]
		d := done{stage: *s}
		if err := ctx.Err(); err != nil {
			d.why = "the time was up"
			out = append(out, d)
			continue
		}
		fmt.Fprintf(progress, "%6.0f s  %2d/%d  %-15s %s\n", time.Since(began).Seconds(), i+1, len(list), s.name, s.command())
		text, took, err := runStage(ctx, s, root, progress)
		record := recordOf(s, text, took, err)
		if keep != "" && !errors.Is(ctx.Err(), context.Canceled) {
			if err := os.WriteFile(filepath.Join(keep, s.name+".txt"), record, 0o644); err != nil {
				return nil, err
			}
		}
		d.read(record)
		if d.why != "" {
			fmt.Fprintf(progress, "          %s: %s\n", s.name, d.why)
		}
		out = append(out, d)
	}
	fmt.Fprintf(progress, "%6.0f s  done\n", time.Since(began).Seconds())
	return out, nil
}

// runStage runs a command and returns what it printed. Figures are shown as
// they come.
func runStage(ctx context.Context, s *stage, root string, progress io.Writer) (text []byte, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.args[0], s.args[1:]...)
	cmd.Dir = filepath.Join(root, s.dir)
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	var all bytes.Buffer
	cmd.Stdout = io.MultiWriter(&all, &dots{to: progress})
	cmd.Stderr = cmd.Stdout
	began := time.Now()
	err = cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("%safter %.0f s", stoppedEarly, time.Since(began).Seconds())
	}
	return all.Bytes(), time.Since(began), err
}

// dots writes a dot for every line with figures.
type dots struct {
	to      io.Writer
	partial []byte
}

func (d *dots) Write(p []byte) (int, error) {
	d.partial = append(d.partial, p...)
	for {
		line, rest, whole := bytes.Cut(d.partial, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		if bytes.HasPrefix(line, []byte("Benchmark")) {
			fmt.Fprint(d.to, ".")
		}
		if bytes.HasPrefix(line, []byte("ok ")) || bytes.HasPrefix(line, []byte("FAIL")) {
			fmt.Fprintln(d.to)
		}
		d.partial = rest
	}
}

// A record is what a stage leaves behind: its command, what it printed, and how
// it ended.
const (
	recordCommand = "$ "
	recordEnd     = "# took "
	stoppedEarly  = "stopped "
)

func recordOf(s *stage, text []byte, took time.Duration, err error) []byte {
	how := "ok"
	if err != nil {
		how = strings.ReplaceAll(err.Error(), "\n", " ")
	}
	return fmt.Appendf(nil, "%s%s\n%s\n%s%.1fs: %s\n", recordCommand, s.command(), bytes.TrimRight(text, "\n"), recordEnd, took.Seconds(), how)
}

// read takes a record over. What cannot be read is a stage without figures, and
// why says so: the others count.
func (d *done) read(record []byte) {
	text := strings.TrimRight(string(record), "\n")
	first, _, _ := strings.Cut(text, "\n")
	last := text[strings.LastIndexByte(text, '\n')+1:]
	if first != recordCommand+d.command() {
		d.why = "the stored output is of another command: " + strings.TrimPrefix(first, recordCommand)
		return
	}
	seconds, how, ok := strings.Cut(strings.TrimPrefix(last, recordEnd), ": ")
	took, err := time.ParseDuration(seconds)
	if !ok || err != nil {
		d.why = "the stored output has no end"
		return
	}
	d.took = took
	if d.output, err = parse(strings.NewReader(text)); err != nil {
		d.why = fmt.Sprintf("failed, and its figures do not count: %v", err)
		return
	}
	switch {
	case strings.HasPrefix(how, stoppedEarly):
		d.why, d.stopped = how, true
	case d.output.failed != "":
		d.why = "failed, and its figures do not count: " + d.output.failed
	case how != "ok":
		d.why = "failed, and its figures do not count: " + how
	case len(d.output.results) == 0 && len(d.output.passed) == 0:
		d.why = "there is no such benchmark"
	}
}

// choose returns the stages of a list that a comma-separated list names; all if
// it is empty.
func choose(list []stage, names string) ([]stage, error) {
	if names == "" {
		return list, nil
	}
	var out []stage
	wanted := strings.Split(names, ",")
	for _, name := range wanted {
		i := slices.IndexFunc(list, func(s stage) bool { return s.name == name })
		if i < 0 {
			var known []string
			for i := range list {
				known = append(known, list[i].name)
			}
			return nil, fmt.Errorf("there is no stage %q; write some of %s", name, strings.Join(known, ","))
		}
		out = append(out, list[i])
	}
	return out, nil
}

// readAll reads what a run has kept.
func readAll(list []stage, dir string) ([]done, error) {
	var out []done
	for i := range list {
		d := done{stage: list[i]}
		record, err := os.ReadFile(filepath.Join(dir, d.name+".txt"))
		switch {
		case errors.Is(err, os.ErrNotExist):
			d.why = "was not run"
		case err != nil:
			return nil, err
		default:
			d.read(record)
		}
		out = append(out, d)
	}
	return out, nil
}

// gather puts the figures of all stages together. A stage that failed gives
// none: where one answer is wrong, no figure is worth anything. What a stage
// printed until it was stopped counts.
func gather(list []done) (r results, passed []string) {
	r = results{}
	for i := range list {
		if d := &list[i]; d.output != nil && (d.why == "" || d.stopped) {
			r.merge(d.output.results)
			passed = append(passed, d.output.passed...)
		}
	}
	return r, passed
}
