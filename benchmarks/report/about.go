package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// about is where and when figures were taken.
type about struct {
	Date     string
	Commit   string // with "and changes" if the tree was not clean
	Go       string
	System   string
	CPU      string
	Cores    int
	MemoryGB int
	Quick    bool
	// Others are stages that were repeated later, each with its commit, if that
	// is another one.
	Others map[string]string `json:",omitempty"`
}

// aboutFile is its name in a folder of stored outputs.
const aboutFile = "about.json"

// look finds out about this machine and tree. Files that the tool writes do not
// count as changes.
func look(root string, quick bool) (about, error) {
	a := about{
		Date: time.Now().UTC().Format("2006-01-02"), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPU: "unknown processor",
		Cores: runtime.NumCPU(), MemoryGB: memoryGB(), Quick: quick,
	}
	commit, err := git(root, "rev-parse", "--short=10", "HEAD")
	if err != nil {
		return a, err
	}
	a.Commit = commit
	changed, err := git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/RESULTS.md", ":!benchmarks/plots", ":!benchmarks/report/RESULTS.tmpl", ":!*.md")
	if err != nil {
		return a, err
	}
	if changed != "" {
		a.Commit += " and changes that are not committed"
	}
	return a, nil
}

func git(root string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// memoryGB is the machine's memory, 0 if it does not say.
func memoryGB() int {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	var kB int
	if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kB); err != nil {
		return 0
	}
	return (kB + 1<<19) >> 20
}

// take takes over where and when the figures in a folder were taken, before the
// stages of a comma-separated list are run anew.
func (a *about) take(dir, stages string) {
	old, err := restore(dir)
	if err != nil || old.Quick != a.Quick {
		return
	}
	commit := a.Commit
	*a = old
	for _, s := range strings.Split(stages, ",") {
		if a.Others == nil {
			a.Others = map[string]string{}
		}
		if a.Others[s] = commit; commit == a.Commit {
			delete(a.Others, s)
		}
	}
}

func (a *about) save(dir string) error {
	text, err := json.MarshalIndent(a, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, aboutFile), append(text, '\n'), 0o644)
}

func restore(dir string) (a about, err error) {
	text, err := os.ReadFile(filepath.Join(dir, aboutFile))
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("%s: %w", aboutFile, err)
	}
	if a.Commit == "" || a.Date == "" {
		return a, errors.New(aboutFile + " says neither commit nor date")
	}
	return a, nil
}
