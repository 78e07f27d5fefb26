package main

import (
	"strings"
	"time"
)

// stage is one command and what it is for.
type stage struct {
	name string // a file's name, too
	// dir is the folder that the command runs in, from the repository's root.
	dir  string
	args []string
	// limit is when it is stopped; alone on a machine it should take a third of
	// that.
	limit time.Duration
}

// command is the stage as a shell's user types it.
func (s *stage) command() string {
	words := make([]string, len(s.args))
	for i, a := range s.args {
		words[i] = a
		if strings.ContainsAny(a, "^$()|*[] ") {
			words[i] = "'" + a + "'"
		}
	}
	line := strings.Join(words, " ")
	if s.dir != "." {
		line = "(cd " + s.dir + " && " + line + ")"
	}
	return line
}

// bench makes the command of a benchmark stage.
func bench(folder, pattern, benchtime string, count string) []string {
	return []string{"go", "test", folder, "-run", "^$", "-bench", pattern, "-benchtime", benchtime, "-count", count, "-timeout", "30m"}
}

// stages returns the stages of a run: a whole one takes some 45 minutes, a quick
// one some 6. A stage that builds large workloads builds each once.
func stages(quick bool) []stage {
	allocations := stage{"allocations", ".", []string{"go", "test", "./sidecar", "-run", "^" + allocationsTest + "$", "-count", "1", "-v"}, 3 * time.Minute}
	if quick {
		return []stage{
			allocations,
			{"decide", ".", bench("./benchmarks", "^BenchmarkDecide$/^(users|groups|buckets)$/^(100|10000)$/^hot$/^ratio$|^BenchmarkDecide$/^users$/^10000$/^cold$/^ratio$", "0.2s", "2"), 6 * time.Minute},
			{"decide-other", ".", bench("./benchmarks", "^BenchmarkDecide$/^(orgwide|wildcards|conditions|tenants|field|field-tenants|iam)$/^(100|10000)$/^hot$/^ratio$", "0.2s", "2"), 6 * time.Minute},
			{"parallel", ".", bench("./benchmarks", "^BenchmarkParallel$/./^(0|10000)$", "0.2s", "2"), 3 * time.Minute},
			{"tail", ".", bench("./benchmarks", "^BenchmarkTail$/./^10000$/^hot$", "1x", "2"), 3 * time.Minute},
			{"peers-field", "benchmarks/peers", bench(".", "^BenchmarkField$/^1000$", "0.5s", "1"), 6 * time.Minute},
			{"peers", "benchmarks/peers", bench(".", "^BenchmarkPeers$/^users$/^(10|1000)$", "0.1s", "1"), 8 * time.Minute},
			{"http", ".", bench("./benchmarks", "^BenchmarkHTTP$/./^32$", "20000x", "2"), 3 * time.Minute},
			{"http-field", ".", bench("./benchmarks", "^BenchmarkHTTPField$/^tcp$/^32$", "20000x", "1"), 3 * time.Minute},
			{"doors", ".", bench("./benchmarks", "^BenchmarkDoors$/^tcp$", "20000x", "1"), 3 * time.Minute},
			{"servers", "benchmarks/peers", bench(".", "^BenchmarkServers$/users/^1000$", "1x", "1"), 8 * time.Minute},
		}
	}
	return []stage{
		allocations,
		{"decide", ".", bench("./benchmarks", "^BenchmarkDecide$/^(users|groups|buckets)$/./^(hot|cold)$/^ratio$", "0.2s", "3"), 20 * time.Minute},
		{"decide-other", ".", bench("./benchmarks", "^BenchmarkDecide$/^(orgwide|wildcards|conditions|tenants|field|field-tenants|iam)$/./^hot$/^ratio$", "0.2s", "3"), 12 * time.Minute},
		{"field-cold", ".", bench("./benchmarks", "^BenchmarkDecide$/^field$/^(1000|100000)$/^cold$/^ratio$", "0.2s", "3"), 10 * time.Minute},
		{"parallel", ".", bench("./benchmarks", "^BenchmarkParallel$/./^(0|10000)$", "0.3s", "3"), 6 * time.Minute},
		{"parallel-large", ".", bench("./benchmarks", "^BenchmarkParallel$/^users$/^1000000$", "0.3s", "3"), 6 * time.Minute},
		{"tail", ".", bench("./benchmarks", "^BenchmarkTail$/./^10000$/^hot$", "1x", "3"), 6 * time.Minute},
		{"tail-cold", ".", bench("./benchmarks", "^BenchmarkTail$/^(users|groups|buckets)$/^10000$/^cold$", "1x", "3"), 6 * time.Minute},
		{"memory", ".", bench("./benchmarks", "^Benchmark(Memory|GC)$/^(none|tenants)$", "2s", "1"), 6 * time.Minute},
		{"peers-field", "benchmarks/peers", bench(".", "^BenchmarkField$", "1s", "3"), 12 * time.Minute},
		{"peers", "benchmarks/peers", bench(".", "^BenchmarkPeers$", "0.2s", "3"), 12 * time.Minute},
		{"http", ".", bench("./benchmarks", "^BenchmarkHTTP$", "60000x", "3"), 6 * time.Minute},
		{"http-field", ".", bench("./benchmarks", "^BenchmarkHTTPField$/./^32$", "60000x", "3"), 12 * time.Minute},
		{"http-latency", ".", bench("./benchmarks", "^BenchmarkHTTPLatency$", "20000x", "3"), 6 * time.Minute},
		{"batch", ".", bench("./benchmarks", "^BenchmarkBatch(Field)?$", "2000x", "3"), 6 * time.Minute},
		{"doors", ".", bench("./benchmarks", "^BenchmarkDoors$", "60000x", "3"), 8 * time.Minute},
		{"servers", "benchmarks/peers", bench(".", "^BenchmarkServers$", "1x", "3"), 15 * time.Minute},
		{"spread", ".", bench("./benchmarks", "^BenchmarkSpread$", "200x", "3"), 6 * time.Minute},
		{"reload-latency", ".", bench("./benchmarks", "^BenchmarkReloadLatency$", "5x", "1"), 6 * time.Minute},
		{"cold-start", ".", bench("./benchmarks", "^BenchmarkColdStart$", "1x", "3"), 16 * time.Minute},
		{"change", ".", bench("./benchmarks", "^BenchmarkChange$", "1x", "1"), 6 * time.Minute},
		{"moments", ".", bench("./benchmarks", "^BenchmarkMoments$", "1x", "1"), 10 * time.Minute},
		{"rest", ".", bench("./benchmarks", "^BenchmarkRest$", "2x", "3"), 10 * time.Minute},
		{"resident", ".", bench("./benchmarks", "^BenchmarkResident$", "1x", "1"), 20 * time.Minute},
		{"search", ".", bench("./benchmarks", "^BenchmarkSearch(Field)?$", "10x", "1"), 6 * time.Minute},
	}
}
