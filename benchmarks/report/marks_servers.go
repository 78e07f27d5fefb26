package main

import "fmt"

// servers are those that postern's is compared with, with the marks of P17.
var servers = []struct {
	name, title string
	perSecond   float64 // at least so many times the requests a second
}{{"opa", "OPA", 4.5}, {"cerbos", "Cerbos", 20}}

// serverSizes are the numbers of statements that servers are measured at.
var serverSizes = []int{1_000, 10_000, 100_000}

// serverRuns are the figures of one server at a size.
func serverRuns(r results, server string, n int, unit string) []float64 {
	return r.runs(fmt.Sprintf("Servers/users/%d/turns", n), server+"-"+unit)
}

func p17(r results) mark {
	m := mark{
		id: "P17", title: "The server against other engines' servers", situation: "statements, figure, and beside whom", base: "theirs", ours: "postern",
		claim: "`users`, wrk at 32 connections, at 1,000, 10,000 and 100,000 statements: >= 4.5x OPA's, >= 20x Cerbos' requests/s; p50 <= 1/4; resident memory at 100,000 <= 1/5",
		note: "Each server is a process of its own with the same statements, all three up at once and loaded by turns of 3 s by wrk, which has a share of the two cores. " +
			"Before that, every answer of each to the 4,096 questions that wrk asks has been compared with the one by construction. `benchmarks/peers` says how each holds the statements.",
	}
	for _, n := range serverSizes {
		for _, s := range servers {
			add := func(figure, unit string, in quantity, l limit) {
				base, ours := serverRuns(r, s.name, n, unit), serverRuns(r, "postern", n, unit)
				x := row{what: fmt.Sprintf("%s, %s, %s", count(n), figure, s.title), base: base, ours: ours, ratio: quotients(ours, base), in: in, limit: l}
				if slow := serverRuns(r, s.name, n, "not-ready-s"); slow != nil {
					x.why = fmt.Sprintf("%s was not ready %.0f s after its start", s.title, slow[0])
				}
				m.rows = append(m.rows, x)
			}
			add("requests/s", "requests/s", perSecond, atLeast(s.perSecond))
			add("p50", "p50-ns", nanoseconds, atMost(0.25))
			var memory limit
			if n == 100_000 {
				memory = atMost(0.2)
			}
			add("resident memory", "resident-bytes", byteSize, memory)
		}
	}
	return m
}

// Servers is a table of all that was measured of each server.
func (d *document) Servers() string {
	var lines [][]string
	for _, n := range serverSizes {
		for _, s := range []string{"postern", "opa", "cerbos"} {
			line := []string{count(n) + ", " + s}
			for _, x := range []struct {
				unit string
				in   quantity
			}{{"requests/s", perSecond}, {"p50-ns", nanoseconds}, {"p99-ns", nanoseconds}, {"resident-bytes", byteSize}, {"peak-bytes", byteSize}, {"start-ms", milliseconds}} {
				line = append(line, d.cell(fmt.Sprintf("Servers/users/%d/turns", n), s+"-"+x.unit, x.in))
			}
			lines = append(lines, line)
		}
	}
	return table([]string{"statements, server", "requests/s", "p50", "p99", "resident", "at its peak", "from its start until ready"}, lines)
}

// serversPicture is requests a second of each server.
func serversPicture(r results) picture {
	c := chart{
		title:    "Requests a second of whole servers, users workload",
		subtitle: "wrk at 32 connections over TCP, one decision a request, by turns. Client and servers share two cores. Log axes.",
		x:        axis{title: "statements", write: numberTick}, y: axis{title: "requests a second", write: numberTick},
	}
	for i, x := range []struct{ name, title string }{{"postern", "postern"}, {"opa", "OPA"}, {"cerbos", "Cerbos"}} {
		s := series{name: x.title, colour: []int{0, 3, 5}[i]}
		for _, n := range serverSizes {
			if p, ok := pointOf(float64(n), serverRuns(r, x.name, n, "requests/s")); ok {
				s.points = append(s.points, p)
			}
		}
		if len(s.points) > 0 {
			c.series = append(c.series, s)
		}
	}
	return picture{"servers.svg", c}
}

func p18(r results) mark {
	m := mark{
		id: "P18", title: "The doors for proxies and stores", situation: "network, door", base: "constant", ours: "postern", baseIn: perSecond, oursIn: perSecond,
		claim: ">= 0.90 of the requests/s of a fasthttp handler that copies the headers or the body which the door names into a buffer, parses nothing and answers a constant, at 32 connections",
		note:  "`users` of 10,000 statements, one operation of S3 a request, as the proxies' configurations of `deploy/proxies` and the stores send it. By turns from the same process, which checks every answer.",
	}
	for _, network := range []string{"tcp", "unix"} {
		for _, door := range []struct{ name, title string }{{"nginx", "forward-auth, nginx and HAProxy"}, {"caddy", "forward-auth, Caddy"}, {"envoy", "forward-auth, Envoy"}, {"ceph", "Ceph"}, {"minio", "MinIO"}} {
			name := "Doors/" + network + "/" + door.name + "/postern"
			m.rows = append(m.rows, row{
				what: map[string]string{"tcp": "TCP", "unix": "Unix socket"}[network] + ", " + door.title, limit: atLeast(0.90),
				base: r.runs(name, "constant-requests/s"), ours: r.runs(name, "requests/s"), ratio: r.runs(name, "of-constant"),
			})
		}
	}
	return m
}
