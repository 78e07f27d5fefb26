package main

import (
	"fmt"
	"strings"
)

// picture is a chart and the file that it goes to, below plots/.
type picture struct {
	file  string
	chart chart
}

// pictures draws what was measured. A line without figures is left out, and so
// is a chart without lines.
func pictures(r results) []picture {
	out := []picture{fieldPicture(r), decidePicture(r, "hot"), decidePicture(r, "cold"), peersPicture(r), serversPicture(r)}
	for _, network := range []string{"tcp", "unix"} {
		out = append(out, latencyPicture(r, network))
	}
	return out
}

// durationTick writes a time in ns as an axis does.
func durationTick(v float64) string {
	number, unit, _ := strings.Cut(nanoseconds(v), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number + " " + strings.Replace(unit, "us", "µs", 1)
}

func numberTick(v float64) string { return count(int(v + 0.5)) }

func pointOf(x float64, runs []float64) (point, bool) {
	s := summarize(runs)
	return point{x, s.median, s.low, s.high}, s.runs > 0 && s.low > 0
}

// decidePicture is the cost of Decide against the number of statements, of every
// workload, above the band that the floors are in.
func decidePicture(r results, temperature string) picture {
	c := chart{
		title: "One decision, by the number of statements", bandName: "floor",
		subtitle: map[string]string{
			"hot":  "Hot: 4,096 distinct requests. Grey: hashing the request and one Go map look-up, over all workloads. One core, log axes.",
			"cold": "Cold: 1,000,000 distinct requests, in no cache. Grey: hashing the request and one Go map look-up. One core, log axes.",
		}[temperature],
		x: axis{title: "statements", write: numberTick}, y: axis{title: "time of a decision", write: durationTick},
	}
	floors := map[float64]*point{}
	for i, w := range workloads {
		s := series{name: w, colour: i}
		if w == "iam" {
			s.name = "iam (bindings)"
		}
		names := r.names("Decide/" + w)
		byNumber(names, 2)
		for _, name := range names {
			if segment(name, 3) != temperature || segment(name, 4) != "ratio" {
				continue
			}
			n := summarize(r.runs(name, "statements"))
			if w == "iam" {
				n.median = float64(number(name, 2)) // bindings
			}
			if n.median == 0 {
				continue
			}
			if p, ok := pointOf(n.median, r.runs(name, "decide-ns")); ok {
				s.points = append(s.points, p)
			}
			if f := summarize(r.runs(name, "floor-ns")); f.runs > 0 && !perBucket(w) {
				at := floors[n.median]
				if at == nil {
					at = &point{n.median, f.median, f.median, f.median}
					floors[n.median] = at
				}
				at.low, at.high = min(at.low, f.median), max(at.high, f.median)
			}
		}
		if len(s.points) > 0 {
			c.series = append(c.series, s)
		}
	}
	for _, n := range statements {
		if at := floors[float64(n)]; at != nil {
			c.band = append(c.band, *at)
		}
	}
	return picture{map[string]string{"hot": "decide.svg", "cold": "decide-cold.svg"}[temperature], c}
}

// fieldPicture is the cost of Decide on what a user of object storage has,
// beside that of the floor on the same requests.
func fieldPicture(r results) picture {
	c := chart{
		title:    "One decision on policies as people write them, by the number of buckets",
		subtitle: "Hot: 4,096 distinct requests of 6 to 12 keys. Dotted: hashing the request and one Go map look-up. One core, log axes.",
		x:        axis{title: "buckets, each with a policy", write: numberTick}, y: axis{title: "time of a decision", write: durationTick},
	}
	for i, w := range []string{"field", "field-tenants"} {
		for _, unit := range []string{"decide-ns", "floor-ns"} {
			s := series{name: w, colour: i, dashed: unit == "floor-ns"}
			if s.dashed {
				s.name = "floor"
			}
			for _, n := range buckets {
				if p, ok := pointOf(float64(n), r.runs(fmt.Sprintf("Decide/%s/%d/hot/ratio", w, n), unit)); ok {
					s.points = append(s.points, p)
				}
			}
			if len(s.points) > 0 {
				c.series = append(c.series, s)
			}
		}
	}
	return picture{"field.svg", c}
}

// peersPicture is postern beside the fastest way of each peer.
func peersPicture(r results) picture {
	c := chart{
		title:    "One decision beside other engines, users workload",
		subtitle: "The same statements and requests, each engine as its documentation says is fastest. One core, log axes.",
		x:        axis{title: "statements", write: numberTick}, y: axis{title: "time of a decision", write: durationTick},
	}
	line := func(name string, colour int, at func(n int) []float64) {
		s := series{name: name, colour: colour}
		for _, n := range statements {
			if p, ok := pointOf(float64(n), at(n)); ok {
				s.points = append(s.points, p)
			}
		}
		if len(s.points) > 0 {
			c.series = append(c.series, s)
		}
	}
	line("postern", 0, func(n int) []float64 { return r.runs(peerName("users", n, "postern"), "ns/op") })
	for i, p := range peers {
		line(p.title, i+1, func(n int) []float64 { return r.runs(fastest(r, "users", n, waysOf(p.name)), "ns/op") })
	}
	return picture{"peers.svg", c}
}

// latencyPicture is the percentiles of one evaluation over HTTP.
func latencyPicture(r results, network string) picture {
	title := map[string]string{"tcp": "TCP", "unix": "a Unix socket"}[network]
	c := chart{
		title:    "One evaluation over " + title + ", by the number of connections",
		subtitle: "Against a fasthttp handler that answers a constant, loaded by turns. Dotted: p99. Client and server share two cores.",
		x:        axis{title: "connections", write: numberTick}, y: axis{title: "latency", write: durationTick},
	}
	for n := 1.0; n <= 256; n *= 2 {
		c.x.ticks = append(c.x.ticks, n)
	}
	for i, server := range []string{"postern", "constant"} {
		for _, unit := range []string{"p50-ns", "p99-ns"} {
			s := series{name: server + " " + strings.TrimSuffix(unit, "-ns"), colour: []int{0, 7}[i], dashed: unit == "p99-ns"}
			for _, n := range c.x.ticks {
				if p, ok := pointOf(n, r.runs(fmt.Sprintf("HTTPLatency/%s/%.0f/%s", network, n, server), unit)); ok {
					s.points = append(s.points, p)
				}
			}
			if len(s.points) > 0 {
				c.series = append(c.series, s)
			}
		}
	}
	return picture{"http-" + network + ".svg", c}
}
