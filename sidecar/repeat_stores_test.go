package sidecar

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// storeRequests are questions of both stores, with the answers that they get.
var storeRequests = map[string]bool{
	cephPost(cephBody("GET", "/c/a", "", "a", "c")):                                    true,
	cephPost(cephBody("GET", "/c/a", "versionId=v", "dir/longer/than/the/other", "c")): true,
	cephPost(cephBody("DELETE", "/c/a", "", "a", "c")):                                 false,
	cephPost("{"): false,
	minioPost(minioBody("s3:GetObject", "c", "k")):                                       true,
	minioPost(minioBody("s3:DeleteObject", "c", "k")):                                    false,
	minioPost(minioBody("s3:GetObject", "c", "k", `"claims":{}`, `"claims":{"a":1,}`)):   false,
	post("/ceph/v1/authorize", cephBody("GET", "/c/a", "", "a", "c"), "X-Auth-Token: x"): false,
	post("/minio/v1/authorize", minioBody("s3:GetObject", "c", "k")):                     false,
}

// TestRepeatOfStores: a store's question that comes with the head of the one before
// is answered as the handler answers it, byte for byte.
func TestRepeatOfStores(t *testing.T) {
	s := storeServer(t, MinIO{})
	yes, no := cephPost(cephBody("GET", "/c/a", "", "a", "c")), cephPost(cephBody("DELETE", "/c/a", "", "a", "c"))
	minio, other := minioPost(minioBody("s3:GetObject", "c", "k")), minioPost(minioBody("s3:DeleteObject", "c", "a longer key"))
	wrong := strings.Replace(yes, doorSecret, strings.ToUpper(doorSecret), 1)
	none := strings.Replace(yes, "X-Auth-Token: "+doorSecret+"\r\n", "", 1)
	twice := strings.Replace(yes, "X-Auth-Token: "+doorSecret+"\r\n", strings.Repeat("X-Auth-Token: "+doorSecret+"\r\n", 2), 1)
	as := func(text, path string) string {
		_, rest, _ := strings.Cut(text, " HTTP/1.1")
		return "POST " + path + " HTTP/1.1" + rest
	}
	const evaluationAs, cephAs = pathEvaluation, "/ceph/v1/authorize"
	for _, c := range []struct {
		name   string
		pieces []string
		how    string
	}{
		{"Ceph", []string{yes, no, yes, no}, "hrrr"},
		{"MinIO", []string{minio, other, minio}, "hrr"},
		{"two stores by turns", []string{yes, minio, yes, minio}, "hhhh"},
		{"no JSON", []string{yes, cephPost("{"), cephPost("[]"), yes}, "hrrr"},
		{"no body", []string{yes, cephPost(""), yes}, "hhr"},
		{"a wrong secret", []string{wrong, wrong, yes, yes, wrong, yes}, "hrhrhh"},
		{"no secret", []string{none, none, yes}, "hrh"},
		{"a secret twice", []string{twice, twice, yes}, "hrh"},
		{"a head of another path", []string{yes, as(yes, "/minio/v1/authorize"), as(minio, cephAs), as(yes, evaluationAs), yes}, ""},
		{"a path with a query", []string{as(yes, cephAs+"?a"), as(yes, cephAs+"?a"), yes, yes}, "hhhr"},
		{"a foreign host", []string{strings.Replace(yes, "localhost", "evil.example", 1), strings.Replace(yes, "localhost", "evil.example", 1)}, ""},
		{"of an origin", []string{strings.Replace(yes, "Host:", "Origin: http://x\r\nHost:", 1), strings.Replace(yes, "Host:", "Origin: http://x\r\nHost:", 1)}, ""},
		{"two in one piece", []string{yes, yes + no, yes}, "hhr"},
		{"cut in the body", []string{yes, yes[:len(yes)-9], yes[len(yes)-9:], no}, "hhr"},
		{"an evaluation between", []string{yes, repeatYes, repeatYes, yes, yes}, "hhrhr"},
		{"with an id", []string{strings.Replace(yes, "Host:", "X-Request-ID: 1\r\nHost:", 1), strings.Replace(yes, "Host:", "X-Request-ID: 2\r\nHost:", 1), yes, yes}, "hhhr"},
	} {
		got, want := s.play(t, true, c.pieces...), s.play(t, false, c.pieces...)
		if got.text() != want.text() || strings.Contains(want.how(), "r") {
			t.Errorf("%s: answered\n%s\nwithout repeats (%s)\n%s", c.name, got.text(), want.how(), want.text())
		}
		if c.how != "" && got.how() != c.how {
			t.Errorf("%s: answered by %q, want %q", c.name, got.how(), c.how)
		}
	}
}

// TestRepeatOfStoresAtRandom plays questions of both stores, and evaluations, whole
// and in pieces, with and without repeats; the answers are counted alike.
func TestRepeatOfStoresAtRandom(t *testing.T) {
	var servers [2]*served
	for i := range servers {
		servers[i] = storeServer(t, MinIO{})
	}
	r := rand.New(rand.NewPCG(3, 4))
	var requests []string
	for text, want := range storeRequests {
		if got := resultOf(t, servers[0], text); got != want {
			t.Errorf("%s: %v", text, got)
		}
		resultOf(t, servers[1], text)
		requests = append(requests, text)
	}
	requests = append(requests, repeatYes, repeatNo, get("/healthz"))
	repeated := 0
	for range 1000 {
		var pieces []string
		at := r.IntN(len(requests))
		for range 1 + r.IntN(8) {
			if r.IntN(2) == 0 {
				at = r.IntN(len(requests))
			}
			text := requests[at]
			switch r.IntN(8) {
			case 0: // with the one before
				if n := len(pieces); n > 0 {
					pieces[n-1] += text
					continue
				}
			case 1: // cut
				at := 1 + r.IntN(len(text)-1)
				pieces = append(pieces, text[:at])
				text = text[at:]
			}
			pieces = append(pieces, text)
		}
		with, without := servers[0].play(t, true, pieces...), servers[1].play(t, false, pieces...)
		if with.text() != without.text() {
			t.Fatalf("%q\nanswered (%s)\n%s\nwithout repeats\n%s", pieces, with.how(), with.text(), without.text())
		}
		repeated += strings.Count(with.how(), "r")
	}
	if repeated < 300 {
		t.Errorf("only %d answers were repeat's", repeated)
	}
	with, without := servers[0].blocks.sum(), servers[1].blocks.sum()
	for at := range with.durations {
		with.durations[at].nanos, without.durations[at].nanos = 0, 0
		with.durations[at].counts, without.durations[at].counts = [len(bounds) + 1]uint64{}, [len(bounds) + 1]uint64{}
	}
	if with != without {
		t.Errorf("counted %v, without repeats %v", with, without)
	}
}

// TestRepeatSeesSecrets: a head that was kept admits nobody once its secret is no
// longer valid, and again when it is.
func TestRepeatSeesSecrets(t *testing.T) {
	secrets := func(list ...string) *[][]byte {
		out := [][]byte{}
		for _, text := range list {
			out = append(out, []byte(text))
		}
		return &out
	}
	var current atomic.Pointer[[][]byte]
	current.Store(secrets(doorSecret))
	s := build(t, func(c *Config) {
		c.Doors = Doors{Org: "o1", Ceph: true, MinIO: &MinIO{}, Secrets: func() [][]byte { return *current.Load() }}
	})
	s.config.Current.Store(snapshotOf(t, 7, doorPolicy))
	for name, yes := range map[string]string{"Ceph": cephPost(cephBody("GET", "/c/a", "", "a", "c")), "MinIO": minioPost(minioBody("s3:GetObject", "c", "k"))} {
		current.Store(secrets(doorSecret))
		c := &script{pieces: []string{yes, yes, yes, yes, yes}}
		c.begin(t, s, true)
		answers := 0
		c.onWrite = func() {
			switch answers++; answers {
			case 2:
				current.Store(secrets("another"))
			case 3:
				current.Store(secrets("another", doorSecret))
			case 4:
				s.config.Current.Store(nil)
			case 5:
				s.config.Current.Store(snapshotOf(t, 7, doorPolicy))
			}
		}
		_ = s.intake(c.conn.listener).http.ServeConn(c.conn)
		got := ""
		for _, answer := range strings.Split(c.text(), `{"result":`)[1:] {
			got += answer[:1]
		}
		if got != "ttftf" || c.how() != "hrrrr" {
			t.Errorf("%s: answered %s by %s", name, got, c.how())
		}
	}
}

// TestRepeatOfStoresIsLogged: each question has its line, whoever answers it.
func TestRepeatOfStoresIsLogged(t *testing.T) {
	yes, no := cephPost(cephBody("GET", "/c/a", "", "a", "c")), cephPost(cephBody("DELETE", "/c/a", "", "a", "c"))
	var lines [2]string
	for i, repeats := range []bool{true, false} {
		s := storeServer(t, MinIO{})
		l, read := logBuilt(t, nil)
		logTo(s, l)
		c := s.play(t, repeats, yes, no, cephPost("{"), yes)
		if n := strings.Count(c.text(), "X-Request-Id: "); n != 4 {
			t.Errorf("%d answers have an id: %s", n, c.text())
		}
		var all []string // in no order
		for _, line := range read() {
			all = append(all, fmt.Sprintln(line.Peer, line.Door, line.tells()))
		}
		slices.Sort(all)
		lines[i] = strings.Join(all, "")
	}
	if lines[0] != lines[1] || strings.Count(lines[0], "\n") != 4 {
		t.Errorf("logged\n%s\nwithout repeats\n%s", lines[0], lines[1])
	}
}
