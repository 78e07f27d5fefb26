package main

import (
	"fmt"
	"slices"
	"strings"
)

// peers are the engines that postern is compared with. The documentation of one
// may show several ways to use it: these are measured as PEER and PEER-WAY.
var peers = []struct{ name, title string }{{"minio", "MinIO"}, {"cedar", "cedar-go"}, {"opa", "OPA"}, {"casbin", "Casbin"}}

// peerSizes are the numbers of statements that peers are measured at, and
// fieldSizes the numbers of buckets of `field`.
var (
	peerSizes  = []int{10, 100, 1_000, 10_000, 100_000}
	fieldSizes = []int{1_000, 10_000, 100_000}
)

// The two kinds of ways: behind a map that finds the policies of the request's
// bucket or caller first, and with all statements in one piece. What remembers
// answers, and so decides nothing, is neither.
var (
	behindMap = []string{"minio", "minio-users", "cedar", "casbin"}
	whole     = []string{"minio-whole", "cedar-whole", "opa", "opa-rules", "casbin-whole"}
)

// peerName is the benchmark of an engine on a workload of a size.
func peerName(workload string, n int, engine string) string {
	return fmt.Sprintf("Peers/%s/%d/%s", workload, n, engine)
}

// fastest is the fastest of some ways on a workload of a size: its name, "" if
// none ran.
func fastest(r results, workload string, n int, ways []string) (name string) {
	best := 0.0
	for _, way := range ways {
		at := peerName(workload, n, way)
		if s := summarize(r.runs(at, "ns/op")); s.runs > 0 && (name == "" || s.median < best) {
			name, best = at, s.median
		}
	}
	return name
}

// waysOf are the ways of one peer.
func waysOf(peer string) []string {
	return slices.DeleteFunc(slices.Concat(behindMap, whole), func(way string) bool { return way != peer && !strings.HasPrefix(way, peer+"-") })
}

func p5(r results) mark {
	m := mark{
		id: "P5", title: "Against four other engines", situation: "workload, size, and the fastest of them", base: "fastest peer", ours: "postern", baseIn: nanoseconds, oursIn: nanoseconds,
		ratio: "times faster", claim: "MinIO's engine on `field` >= 10x; the fastest of the four behind a map by bucket or caller >= 12x on `users`, >= 30x on `groups`; with all statements in one piece >= 45x from 1,000 up",
	}
	for _, n := range fieldSizes {
		name := fmt.Sprintf("Field/%d/turns", n)
		m.rows = append(m.rows, row{what: "field, " + count(n) + " buckets, minio", base: r.runs(name, "minio-ns"), ours: r.runs(name, "postern-ns"), ratio: r.runs(name, "times"), limit: atLeast(10)})
	}
	if s := summarize(r.runs("Field/100000/turns", "refused")); s.runs > 0 {
		m.note = fmt.Sprintf("Of `field`'s bucket policies MinIO's engine refuses %.0f %%, which say what it does not know; those buckets are asked of neither.", 100*s.median)
	}
	for _, kind := range []struct {
		title string
		ways  []string
		limit func(workload string, n int) limit
	}{
		{"behind a map", behindMap, func(workload string, n int) limit {
			return atLeast(map[string]float64{"users": 12, "groups": 30}[workload])
		}},
		{"whole", whole, func(_ string, n int) limit {
			if n >= 1_000 {
				return atLeast(45)
			}
			return limit{}
		}},
	} {
		for _, w := range []string{"users", "groups"} {
			for _, n := range peerSizes {
				x := row{what: fmt.Sprintf("%s, %s, %s", w, count(n), kind.title), ours: r.runs(peerName(w, n, "postern"), "ns/op"), limit: kind.limit(w, n)}
				if best := fastest(r, w, n, kind.ways); best != "" {
					x.what += ", " + segment(best, 3)
					x.base = r.runs(best, "ns/op")
					x.ratio = quotients(x.base, x.ours)
					var missing []string
					for _, way := range kind.ways {
						if r.runs(peerName(w, n, way), "ns/op") == nil {
							missing = append(missing, way)
						}
					}
					if len(missing) > 0 {
						x.why = strings.Join(missing, ", ") + " did not run"
					}
				}
				m.rows = append(m.rows, x)
			}
		}
	}
	return m
}
