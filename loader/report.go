package loader

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"postern/loader/internal/layout"
	"postern/policy"
)

// workDone is what all looks did since New: counts, and times in nanoseconds. The
// times of workers that ran in parallel add up.
type workDone struct{ looks, reads, parses, reading, parsing, compiling int64 }

func (l *Loader) workDone() (d workDone) {
	d.looks, d.reads, d.reading = l.src.Done()
	d.parses, d.parsing, d.compiling = l.maker.Done()
	return d
}

func (d workDone) since(o workDone) workDone {
	return workDone{d.looks - o.looks, d.reads - o.reads, d.parses - o.parses, d.reading - o.reading, d.parsing - o.parsing, d.compiling - o.compiling}
}

// phases says when each phase of a look was over.
type phases struct{ begin, scanned, committed, published time.Time }

// namesLogged is how many changed names the line of a generation shows.
const namesLogged = 10

// logGeneration logs a generation in one line: what changed, the number of files, and
// how long each phase took. read, parse and compile are parts of scan; they add up the
// times of workers that ran in parallel.
func (l *Loader) logGeneration(ctx context.Context, st *policy.Status, ch *changes, full bool, took phases, w workDone) {
	removed := slices.DeleteFunc(ch.removed, func(name string) bool { return l.orgs[name] != nil }) // gone, and there again
	l.log.LogAttrs(ctx, slog.LevelInfo, "generation published",
		slog.Uint64("generation", st.Generation), slog.String("digest", st.Digest.String()), slog.String("result", st.Result.String()), slog.Bool("full", full),
		slog.Int("organizations_changed", len(ch.orgs)), slog.Int("organizations_removed", len(removed)), slog.Int("buckets_changed", len(ch.buckets)),
		slog.Any("changed", ch.names(removed)),
		slog.Int64("files_looked_at", w.looks), slog.Int64("files_read", w.reads), slog.Int64("files_parsed", w.parses),
		slog.Int("files", st.Files), slog.Int("buckets", st.Buckets), slog.Int("quarantined", len(st.Quarantined)),
		slog.Duration("scan", took.scanned.Sub(took.begin)), slog.Duration("read", time.Duration(w.reading)),
		slog.Duration("parse", time.Duration(w.parsing)), slog.Duration("compile", time.Duration(w.compiling)),
		slog.Duration("commit", took.committed.Sub(took.scanned)), slog.Duration("publish", took.published.Sub(took.committed)))
}

// names returns what a generation changed, at most namesLogged names: organizations
// first, in byte order.
func (ch *changes) names(removed []string) []string {
	out := least(maps.Keys(ch.orgs), "organization ", namesLogged)
	out = append(out, least(slices.Values(removed), "removed organization ", namesLogged-len(out))...)
	out = append(out, least(slices.Values(ch.buckets), "bucket ", namesLogged-len(out))...)
	if more := len(ch.orgs) + len(removed) + len(ch.buckets) - len(out); more > 0 {
		out = append(out, "and "+strconv.Itoa(more)+" more")
	}
	return out
}

// least returns the first n names in byte order, with a prefix each. names may yield
// millions.
func least(names func(func(string) bool), prefix string, n int) []string {
	var out []string
	for name := range names {
		i, found := slices.BinarySearchFunc(out, prefix+layout.Shown(name), cmp.Compare[string])
		if found || i == n {
			continue
		}
		out = slices.Insert(out, i, prefix+layout.Shown(name))
		out = out[:min(n, len(out))]
	}
	return out
}

// linesLogged is how many warnings, or removals, of one look are logged in a line
// each. One further line says how many more there are.
const linesLogged = 20

// logWarnings logs the warnings of a status that the last one did not have.
func (l *Loader) logWarnings(last, st *policy.Status) {
	old := make(map[policy.Diagnostic]struct{}, len(last.Warnings))
	for _, d := range last.Warnings {
		old[d] = struct{}{}
	}
	fresh := slices.DeleteFunc(slices.Clone(st.Warnings), func(d policy.Diagnostic) bool {
		_, had := old[d]
		return had
	})
	for _, d := range fresh[:min(len(fresh), linesLogged)] {
		l.log.Warn(d.String())
	}
	more := len(fresh) + st.WarningCount - len(st.Warnings) - linesLogged
	if more > 0 && len(fresh) > 0 {
		l.log.Warn("and " + strconv.Itoa(more) + " more warnings: see /v1/status")
	}
}
