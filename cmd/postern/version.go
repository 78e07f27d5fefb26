package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"postern/internal/builtin"
)

// build says from what the binary was built.
type build struct{ version, commit string }

// buildOf reads the build information that the Go tool puts into the binary.
func buildOf(info *debug.BuildInfo, ok bool) build {
	b := build{"(devel)", "unknown"}
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.version = info.Main.Version
	}
	modified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified && b.commit != "unknown" {
		b.commit += "+modified"
	}
	return b
}

func runVersion(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("version", "version", "  postern version\n")
	rest, err := fs.parse(args, env, out)
	switch {
	case isHelp(err):
		return exitOK
	case err != nil:
		return complain(errs, "version", err)
	case len(rest) > 0:
		return complain(errs, "version", usagef("takes no arguments, but got %q", rest[0]))
	}
	b := buildOf(debug.ReadBuildInfo())
	fmt.Fprintf(out, "postern %s, commit %s, %s %s/%s, built-in roles %x\n", b.version, b.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, sha256.Sum256(builtin.JSON()))
	return exitOK
}
