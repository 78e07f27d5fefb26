package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"postern/index"
	"postern/internal/explorer"
	"postern/internal/policytest"
	"postern/policy"
)

// useSource says where the explorer finds what determined decisions: files of tests,
// and a decision log.
type useSource struct {
	policies string
	tests    []string // directories and files
	log      string   // "" if there is none
}

// count is explorer.Config.Uses.
func (u *useSource) count(ctx context.Context, snapshot *index.Snapshot, more func() error) (*explorer.Uses, error) {
	out := &explorer.Uses{By: map[explorer.UseKey]explorer.Use{}}
	if err := u.countTests(out, snapshot, more); err != nil {
		return nil, err
	}
	if err := u.countLog(out, more); err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// countTests asks the requests of the tests that name the policy directory. What
// cannot be read is no test; `postern test` says why.
func (u *useSource) countTests(out *explorer.Uses, snapshot *index.Snapshot, more func() error) error {
	var names []string
	for _, name := range append([]string{filepath.Join(u.policies, ".tests")}, u.tests...) {
		files, err := testFiles(name)
		if err == nil {
			names = append(names, files...)
		}
	}
	here, err := os.Stat(u.policies)
	if err != nil {
		return nil
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		f, _ := policytest.Parse(name, data)
		if f == nil {
			continue
		}
		if there, err := os.Stat(testedDirectory(f)); err != nil || !os.SameFile(here, there) {
			continue
		}
		out.Tested = true
		runner := policytest.Runner{Snapshot: snapshot, Explain: true}
		var stopped error
		err = runner.Run(f, time.Now(), func(r *policytest.Result) bool {
			out.Tests++
			for _, ref := range r.Explanation.Determining {
				use := out.By[explorer.KeyOf(ref)]
				use.Tests++
				out.By[explorer.KeyOf(ref)] = use
			}
			stopped = more()
			return stopped == nil
		})
		if err = errors.Join(stopped, err); stopped != nil {
			return err
		}
	}
	return nil
}

// usesBytes is how much of the end of a decision log is looked at for the statements
// that determined.
const usesBytes = 64 << 20

// countLog counts the statements that the lines at the end of the log name.
func (u *useSource) countLog(out *explorer.Uses, more func() error) error {
	if u.log == "" {
		return nil
	}
	f, err := os.Open(u.log)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	out.Logged, out.Cut = true, info.Size() > usesBytes
	log := bufio.NewScanner(io.NewSectionReader(f, max(info.Size()-usesBytes, 0), usesBytes))
	log.Buffer(nil, 4<<20)
	if out.Cut { // the first line may be cut
		log.Scan()
	}
	for log.Scan() {
		if err := more(); err != nil {
			return err
		}
		var d struct {
			Decision    *bool
			Determining []struct {
				File, Statement string
				Index, Line     int
			}
		}
		if json.Unmarshal(log.Bytes(), &d) != nil || d.Decision == nil {
			continue
		}
		out.Lines++
		for _, ref := range d.Determining {
			key := explorer.KeyOf(policy.StatementRef{File: ref.File, Statement: ref.Statement, Index: ref.Index, Line: ref.Line})
			use := out.By[key]
			use.Lines++
			out.By[key] = use
		}
	}
	return nil
}
