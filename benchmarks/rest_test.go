package benchmarks

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/index"
	"postern/loader"
)

// restFaster is how much faster time passes in BenchmarkRest than at the default
// intervals: a look at everything in 3 s, each file read again in 3 min.
const restFaster = 20

// restLooks is how many looks at everything an operation of BenchmarkRest has.
const restLooks = 4

// BenchmarkRest measures mark P15: the processor time of a loader at whose files
// nothing changes, 100,000 of `field`, for each -rescan, beside that of a bare loop
// that lists the same folders and asks for the state of each file. Both take turns.
func BenchmarkRest(b *testing.B) {
	root, files, questions := written(b, "field", 64)
	var current index.Current
	l, err := loader.New(loader.Config{Root: root, Current: &current, Rescan: time.Minute / restFaster, Reread: time.Hour / restFaster})
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Load(context.Background()); err != nil {
		b.Fatal(err)
	}
	checkAnswers(b, current.Load(), questions)
	time.Sleep(3 * time.Second) // until no file is so new that it is read again
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = l.Run(ctx) })
	defer func() { stop(); wait.Wait() }()
	look := func() {
		for was := l.Status().FinishedAt; l.Status().FinishedAt.Equal(was); time.Sleep(time.Millisecond) {
		}
	}
	look() // the first of Run
	look()
	var ours, bare time.Duration
	for b.Loop() {
		begin := processorTime()
		for range restLooks {
			look()
		}
		ours += (processorTime() - begin) / restLooks
		begin = processorTime()
		if n := bareLook(b, root); n != files {
			b.Fatalf("the bare loop sees %d files of %d", n, files)
		}
		bare += processorTime() - begin
	}
	n := float64(b.N)
	b.ReportMetric(milliseconds(ours)/n, "postern-ms")
	b.ReportMetric(milliseconds(bare)/n, "bare-ms")
	b.ReportMetric(float64(ours)/float64(bare), "of-bare")
}

// processorTime is what this process has used of the processor.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bareLook lists all folders below root and asks for the state of every file, and
// returns how many there were.
func bareLook(tb testing.TB, root string) (files int) {
	tb.Helper()
	list, err := os.ReadDir(root)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range list {
		path := filepath.Join(root, e.Name())
		if e.IsDir() {
			files += bareLook(tb, path)
			continue
		}
		if _, err := os.Lstat(path); err != nil {
			tb.Fatal(err)
		}
		files++
	}
	return files
}
