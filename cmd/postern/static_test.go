package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

// TestStaticBinary: what the container holds needs nothing beside itself, and
// says from what it was built (specification 9.1).
func TestStaticBinary(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has ELF files and containers from scratch")
	}
	path := filepath.Join(t.TempDir(), "postern")
	build := exec.Command("go", "build", "-trimpath", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary has a segment %s", p.Type)
		}
	}
	if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the binary needs %q", libraries)
	}
	out, err := exec.Command(path, "version").Output()
	if err != nil || !regexp.MustCompile(`^postern \S+, commit \S+, go\S+ linux/\S+, built-in roles [0-9a-f]{64}\n$`).Match(out) {
		t.Errorf("postern version says %q (%v)", out, err)
	}
}
