package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Figures is the table of README.md: what a reader wants to know first, led by
// `field`. A figure that this run does not have is shown as not measured.
func (d *document) Figures() string {
	const fields = "%s of 1,000 / 10,000 / 100,000 buckets"
	times := func(id string, whats ...string) string {
		var out []string
		for _, what := range whats {
			out = append(out, d.ratio(id, what))
		}
		return strings.Join(out, " / ")
	}
	sizes := func(format string) (out []string) {
		for _, n := range fieldSizes {
			out = append(out, fmt.Sprintf(format, count(n)))
		}
		return out
	}
	decide := func(w string) (out []string) {
		for _, n := range fieldSizes {
			out = append(out, size(w, n)+", hot")
		}
		return out
	}
	lines := [][]string{
		{"`Decide`, " + fmt.Sprintf(fields, "`field`"), "hashing the request and one Go map look-up", times("P14", decide("field")...)},
		{"`Decide`, " + fmt.Sprintf(fields, "`field-tenants`"), "the same", times("P14", decide("field-tenants")...)},
		{"MinIO's engine on `field`, a policy a bucket found by a map, the same sizes", "`Decide`", times("P5", sizes("field, %s buckets, minio")...)},
		{"requests a second over TCP / over a Unix socket, `field`, 32 connections", "a fasthttp server that answers a constant", times("P6", "TCP, 32, requests/s, field", "Unix socket, 32, requests/s, field")},
		{"the same, `users` of 10,000 statements", "the same", times("P6", "TCP, 32, requests/s", "Unix socket, 32, requests/s")},
		{"latency of one evaluation, p50 / p99, one connection, TCP, `users`", "the same", times("P6", "TCP, 1, p50", "TCP, 1, p99")},
		{"the doors of nginx / Ceph / MinIO over TCP, requests a second", "a fasthttp server that copies what the door reads, and answers a constant", times("P18", "TCP, forward-auth, nginx and HAProxy", "TCP, Ceph", "TCP, MinIO")},
		{"requests a second of the whole server, `users` of 1,000 / 10,000 / 100,000 statements", "OPA's server", times("P17", sizes("%s, requests/s, OPA")...)},
		{"the same", "Cerbos' server", times("P17", sizes("%s, requests/s, Cerbos")...)},
		{"resident memory of the whole server, 100,000 statements", "OPA's / Cerbos'", times("P17", "100,000, resident memory, OPA", "100,000, resident memory, Cerbos")},
		{"cold start of 100,000 buckets, `field` / `field-tenants` / `tenants`, to the first decision", "reading the files and running `json.Valid` on them", times("P9", "field", "field-tenants", "tenants")},
		{"p99 of checks while ten policies a second change, among 100,000 files", "the same server at rest", times("P11", "tenants")},
		{"live heap of 1,000,000 statements", "the bytes of their files", times("P12", "files as the writer indents them")},
		{"`Decide`, `users` of 100 / 10,000 / 1,000,000 statements", "hashing the request and one Go map look-up", times("P1", "users, 100, hot", "users, 10,000, hot", "users, 1,000,000, hot")},
		{"MinIO's / Cedar's / OPA's / Casbin's engine, each as it is fastest, `users` of 1,000", "`Decide`", d.fastestRatios("users", 1_000)},
		{"decoding and checking a request", "`encoding/json.Valid` on its bytes", "0.55"},
		{"allocations on the plain path", notApplicable, times("P4", allocationsRow)},
	}
	return table([]string{"what", "beside what", "ratio"}, lines)
}

// ratio is the median of a row of a mark.
func (d *document) ratio(id, what string) string {
	for i := range d.marks {
		for k := range d.marks[i].rows {
			if r := &d.marks[i].rows[k]; d.marks[i].id == id && r.what == what && r.verdict() != notMeasured {
				return significant(summarize(r.ratio).median)
			}
		}
	}
	return "not measured"
}

// fastestRatios are the times of all peers by postern's.
func (d *document) fastestRatios(workload string, n int) string {
	var out []string
	ours := d.results.runs(peerName(workload, n, "postern"), "ns/op")
	for _, p := range peers {
		q := quotients(d.results.runs(fastest(d.results, workload, n, waysOf(p.name)), "ns/op"), ours)
		if len(q) == 0 {
			out = append(out, "not measured")
			continue
		}
		out = append(out, significant(summarize(q).median))
	}
	return strings.Join(out, " / ")
}

// fieldPlot is how README shows the plot that leads.
const fieldPlot = "![Time of one decision on policies as people write them, against the number of buckets, beside hashing the request and one Go map look-up](benchmarks/plots/field.svg)"

// replaceFigures puts a table, and the plot that leads, in place of those below
// the heading Figures of a page.
func replaceFigures(page []byte, table string) ([]byte, error) {
	const heading, head = "\n## Figures\n", "\n| what | beside what | ratio |\n"
	section := bytes.Index(page, []byte(heading))
	if section < 0 {
		return nil, errors.New("README.md has no section Figures")
	}
	from := bytes.Index(page[section:], []byte(head))
	if from < 0 {
		return nil, errors.New("README.md has no table of figures")
	}
	from += section + 1
	to := from
	for bytes.HasPrefix(page[to:], []byte("|")) {
		end := bytes.IndexByte(page[to:], '\n')
		if end < 0 {
			to = len(page)
			break
		}
		to += end + 1
	}
	lines := bytes.Split(page[section:from], []byte("\n"))
	for i := range lines {
		if bytes.HasPrefix(lines[i], []byte("![")) {
			lines[i] = []byte(fieldPlot)
		}
	}
	return bytes.Join([][]byte{page[:section], bytes.Join(lines, []byte("\n")), []byte(table), page[to:]}, nil), nil
}
