package main

import (
	"fmt"
	"slices"
	"strings"
)

// The workloads of specification 5, `field` first, with the sizes at which marks
// ask for them.
var (
	workloads  = []string{"field", "field-tenants", "users", "groups", "orgwide", "wildcards", "buckets", "conditions", "tenants", "iam"}
	statements = []int{10, 100, 1_000, 10_000, 100_000, 1_000_000}
	buckets    = []int{10, 100, 1_000, 10_000, 100_000}
)

// statementsPerBucket has the workloads whose size is a number of buckets, with
// the statements that there are to a bucket on average.
var statementsPerBucket = map[string]float64{"buckets": 12.5, "conditions": 12.5, "field": 2.4, "field-tenants": 5.4}

func perBucket(workload string) bool { return statementsPerBucket[workload] > 0 }

// size names a size of a workload.
func size(workload string, n int) string {
	switch {
	case perBucket(workload):
		return fmt.Sprintf("%s, %s buckets (%s statements)", workload, count(n), count(int(float64(n)*statementsPerBucket[workload])))
	case workload == "iam":
		return fmt.Sprintf("iam, %s bindings", count(n))
	}
	return fmt.Sprintf("%s, %s", workload, count(n))
}

// decideRow is Decide beside the floor.
func decideRow(r results, workload string, n int, temperature string, l limit) row {
	name := fmt.Sprintf("Decide/%s/%d/%s/ratio", workload, n, temperature)
	return row{
		what: size(workload, n) + ", " + temperature, limit: l,
		base: r.runs(name, "floor-ns"), ours: r.runs(name, "decide-ns"), ratio: r.runs(name, "ratio"),
	}
}

func p1(r results) mark {
	m := mark{
		id: "P1", title: "Deciding against the floor", situation: "workload, statements, requests", base: "floor", ours: "Decide", baseIn: nanoseconds, oursIn: nanoseconds,
		claim: "hot <= 2x the floor up to 10,000 statements, <= 3x at 1,000,000; cold <= 1x and <= 2x",
		note: "The floor is one xxhash of each text that the request states and one look-up in a Go map of the distinct requests. Hot: 4,096 distinct requests; cold: 1,000,000, " +
			"whose texts are in no cache either. Both take turns of a few milliseconds; the ratio is the median over the turns. Beyond 10,000 statements the mark of 1,000,000 holds.",
	}
	for _, t := range []struct {
		name         string
		small, large float64
	}{{"hot", 2, 3}, {"cold", 1, 2}} {
		for _, w := range []string{"users", "groups", "buckets"} {
			sizes, per := statements, 1.0
			if perBucket(w) {
				sizes, per = buckets, statementsPerBucket[w]
			}
			for _, n := range sizes {
				l := atMost(t.small)
				if float64(n)*per > 10_000 {
					l = atMost(t.large)
				}
				m.rows = append(m.rows, decideRow(r, w, n, t.name, l))
			}
		}
	}
	return m
}

func p2(r results) mark {
	m := mark{
		id: "P2", title: "Growth of deciding, hot, from 100 to 1,000,000 statements", situation: "workload", base: "at 100", ours: "at 1,000,000", baseIn: nanoseconds, oursIn: nanoseconds,
		ratio: "growth", claim: "<= 2.5x",
		note: "`buckets` and `conditions` from 10 buckets (125 statements) to 100,000 (1,250,000).",
	}
	for _, w := range []string{"users", "groups", "orgwide", "wildcards", "buckets", "conditions"} {
		from, to := 100, 1_000_000
		if perBucket(w) {
			from, to = 10, 100_000
		}
		base := r.runs(fmt.Sprintf("Decide/%s/%d/hot/ratio", w, from), "decide-ns")
		ours := r.runs(fmt.Sprintf("Decide/%s/%d/hot/ratio", w, to), "decide-ns")
		m.rows = append(m.rows, row{what: w, base: base, ours: ours, ratio: quotients(ours, base), limit: atMost(2.5)})
	}
	return m
}

func p3(r results) mark {
	m := mark{
		id: "P3", title: "Deciding where nothing narrows well", situation: "workload, statements, requests", base: "floor", ours: "Decide", baseIn: nanoseconds, oursIn: nanoseconds,
		claim: "<= 4x the floor, each at 10,000",
		note:  "The other sizes and the other workloads are here without a mark.",
	}
	unmarked := []string{"field", "field-tenants", "tenants", "iam"}
	for _, w := range append(slices.Clone(unmarked), "wildcards", "conditions", "orgwide") {
		names := r.names("Decide/" + w)
		names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, "/hot/ratio") })
		byNumber(names, 2)
		if marked := fmt.Sprintf("Decide/%s/10000/hot/ratio", w); !slices.Contains(names, marked) && !slices.Contains(unmarked, w) {
			names = append(names, marked)
		}
		for _, name := range names {
			var l limit
			if n := number(name, 2); n == 10_000 && !slices.Contains(unmarked, w) {
				l = atMost(4)
			}
			m.rows = append(m.rows, decideRow(r, w, number(name, 2), "hot", l))
		}
	}
	return m
}

func p14(r results) mark {
	m := mark{
		id: "P14", title: "Deciding among many buckets, as people write their policies", situation: "workload, buckets, requests", base: "floor", ours: "Decide", baseIn: nanoseconds, oursIn: nanoseconds,
		claim: "hot, at 1,000 / 10,000 / 100,000 buckets: `field` and `field-tenants` <= 2x / 2.5x / 3x the floor, `buckets` and `tenants` <= 2.5x / 3x / 4x",
	}
	for _, w := range []string{"field", "field-tenants", "buckets", "tenants"} {
		limits := []float64{2.5, 3, 4}
		if strings.HasPrefix(w, "field") {
			limits = []float64{2, 2.5, 3}
		}
		for i, n := range []int{1_000, 10_000, 100_000} {
			if w == "tenants" {
				n *= 10 // its size is a number of statements, ten to a bucket
			}
			m.rows = append(m.rows, decideRow(r, w, n, "hot", atMost(limits[i])))
		}
		if w == "field" {
			for _, n := range []int{1_000, 100_000} {
				m.rows = append(m.rows, decideRow(r, w, n, "cold", limit{}))
			}
		}
	}
	return m
}

// allocationsTest is the test that P4 is judged by.
const allocationsTest = "TestEveryWorkloadAllocatesNothing"

// allocationsRow is its row.
const allocationsRow = "decode, decide and encode through the real handler, all workloads (`" + allocationsTest + "`)"

func p4(r results, passed []string) mark {
	m := mark{
		id: "P4", title: "Allocations", situation: "path", ratio: "allocations",
		claim: "0: decode + decide + encode, plain path, every workload",
	}
	through := row{what: allocationsRow, limit: atMost(0)}
	if slices.Contains(passed, allocationsTest) {
		through.ratio = []float64{0} // the test fails on any other number
	}
	m.rows = append(m.rows, through)
	for _, w := range workloads {
		var worst []float64
		for _, name := range r.names("Decide/" + w) {
			worst = append(worst, r.runs(name, "decide-allocs")...)
		}
		if worst != nil {
			worst = []float64{slices.Max(worst)}
		}
		m.rows = append(m.rows, row{what: "Decide, `" + w + "`, the most at any size", ratio: worst, limit: atMost(0)})
	}
	return m
}

func p8(r results) mark {
	m := mark{
		id: "P8", title: "Deciding on two cores", situation: "workload, statements", base: "a decision on one core", ours: "on each of two", baseIn: nanoseconds, oursIn: nanoseconds,
		ratio: "speedup", claim: ">= 1.75x one core; no lock, no shared counter line",
		note: "Each core has 4,096 requests of its own. One core and two take turns. The first row is a loop that touches no memory: what the machine's second core is worth. " +
			"More than twice as much is possible: what one core has brought into the shared cache, the other need not. That the plain path takes no lock is a test (`internal/house`).",
	}
	add := func(workload string, n int, what string, l limit) {
		name := fmt.Sprintf("Parallel/%s/%d/cores", workload, n)
		m.rows = append(m.rows, row{what: what, base: r.runs(name, "one-ns"), ours: r.runs(name, "two-ns"), ratio: r.runs(name, "speedup"), limit: l})
	}
	add("none", 0, "a loop that touches no memory", limit{})
	for _, w := range workloads {
		add(w, 10_000, size(w, 10_000), atLeast(1.75))
	}
	add("users", 1_000_000, size("users", 1_000_000), atLeast(1.75))
	return m
}

func p13(r results) mark {
	m := mark{
		id: "P13", title: "The tail", situation: "workload, 10,000 statements", base: "p50", ours: "p99", baseIn: nanoseconds, oursIn: nanoseconds,
		ratio: "p99 / p50", claim: "p99 <= 3x p50, over a million requests timed one by one",
	}
	for _, t := range []string{"hot", "cold"} {
		for _, w := range workloads {
			if t == "cold" && w != "users" && w != "groups" && w != "buckets" {
				continue
			}
			name := fmt.Sprintf("Tail/%s/10000/%s/decide", w, t)
			p50, p99 := r.runs(name, "p50-ns"), r.runs(name, "p99-ns")
			m.rows = append(m.rows, row{what: w + ", " + t, base: p50, ours: p99, ratio: quotients(p99, p50), limit: atMost(3)})
			if clock := summarize(r.runs(name, "clock-p50-ns")); clock.runs > 0 {
				m.note = fmt.Sprintf("Nothing is subtracted: the clock's own reading, %s (p50) and %s (p99), is in every time. Hot: 4,096 distinct requests, round and round; cold: a million distinct ones.",
					nanoseconds(clock.median), nanoseconds(summarize(r.runs(name, "clock-p99-ns")).median))
			}
		}
	}
	return m
}
