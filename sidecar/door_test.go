package sidecar

import (
	"strings"
	"testing"

	"postern/index"
	"postern/policy"
)

// TestTable: each row says all that it has to, and nothing twice.
func TestTable(t *testing.T) {
	paths, names := map[string]bool{}, map[string]bool{}
	for at, e := range table {
		if names[e.name] || e.name == "" {
			t.Errorf("row %d has the name %q", at, e.name)
		}
		names[e.name] = true
		if endpoint(at) == endpointOther {
			continue
		}
		if paths[e.path] || e.path == "" {
			t.Errorf("%s has the path %q", e.name, e.path)
		}
		paths[e.path] = true
		if (e.door == nil) == (e.page == nil) || e.method != "GET" && e.method != "POST" && e.has == nil || e.door != nil && e.probe {
			t.Errorf("%s: %+v", e.name, e)
		}
		below := endpointOther
		if e.below {
			below = endpoint(at)
		}
		for target, want := range map[string]endpoint{e.path: endpoint(at), e.path + "?a=/b": endpoint(at), e.path + "/": below, e.path + "/a?b": below, e.path + "a": endpointOther, "/" + e.path: endpointOther, e.path[1:]: endpointOther} {
			if got := find([]byte(target)); got != want {
				t.Errorf("%s is of %s", target, table[got].name)
			}
		}
	}
	if probes != "/metrics, /healthz and /readyz" {
		t.Errorf("the probes are %q", probes)
	}
}

// twofold is a door in a form of its own, as those of object stores have it: it
// asks two questions of one body, and answers 200 with a boolean whatever happens.
type twofold struct{ panics *bool }

func (twofold) answer(allow bool) reply {
	r := reply{status: 200, contentType: typeJSON, body: []byte(`{"result":false}`)}
	if allow {
		r.body = []byte(`{"result":true}`)
	}
	return r
}

func (d twofold) refuse(int, string) reply { return d.answer(false) }

func (d twofold) ask(x *exchange) reply {
	if *d.panics {
		panic("the door is stuck")
	}
	r, err := x.decoder.Evaluation(x.body, x.now)
	if err != nil {
		return d.refuse(400, err.Error())
	}
	allow := x.decide(r).Outcome == policy.Allow
	r.Resource.ID = "closed/also"
	return d.answer(x.decide(r).Outcome == policy.Allow && allow)
}

// TestADoorAnswersInItsForm: what a door does not see, or cannot answer, is
// answered in its form all the same, and never as an allow; its decisions are
// counted, and what it does not decide is not.
func TestADoorAnswersInItsForm(t *testing.T) {
	at := find([]byte(pathSearchAction))
	before := table[at].door
	t.Cleanup(func() { table[at].door = before })
	var panics bool
	table[at].door = twofold{&panics}

	const yes, no = `{"result":true}`, `{"result":false}`
	s := serve(t, func(c *Config) { c.MaxBody = 1000 })
	ask := func(what, text, want string) {
		t.Helper()
		got := s.ask(t, text)
		if got.status != 200 || got.body != want || got.header.Get("Content-Type") != typeJSON {
			t.Errorf("%s: %d %q", what, got.status, got.body)
		}
	}
	allowedTwice := evaluation("jean", "s3:GetObject", "object", "closed/k")
	ask("both are allowed", post(pathSearchAction, allowedTwice), yes)
	ask("neither is", post(pathSearchAction, evaluation("max", "s3:GetObject", "object", "closed/k")), no)
	s.counted(t, `{endpoint="search_action",code="200"}`, 2)
	count := func(want int) {
		t.Helper()
		n := uint64(0)
		for _, of := range s.blocks.sum().decisions {
			n += of
		}
		if n != uint64(want) {
			t.Errorf("%d decisions are counted, want %d", n, want)
		}
	}
	count(4)
	ask("a bad body", post(pathSearchAction, "{"), no)
	ask("no body", post(pathSearchAction, ""), no)
	ask("another method", get(pathSearchAction), no)
	ask("a large body", post(pathSearchAction, strings.Repeat(" ", 1001)), no)
	ask("another Host", strings.Replace(post(pathSearchAction, allowedTwice), "localhost", "evil.example", 1), no)
	ask("an Origin", post(pathSearchAction, allowedTwice, "Origin: http://localhost"), no)
	ask("a body that is not waited for", "POST "+pathSearchAction+" HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n", no)
	ask("two lengths", strings.Replace(post(pathSearchAction, allowedTwice), "\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n", 1), no)
	panics = true
	ask("a panic", post(pathSearchAction, allowedTwice), no)
	count(4)

	panics = false
	early := serve(t, func(c *Config) { c.Current = new(index.Current) })
	if got := early.ask(t, post(pathSearchAction, allowedTwice)); got.status != 200 || got.body != no {
		t.Errorf("before the first snapshot: %+v", got)
	}
}
