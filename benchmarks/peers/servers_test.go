package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"postern/policy"
)

// A service is one product's own server and the way in which it is asked.
type service struct {
	name string
	// start runs it on the policies of a world, at an address of this machine.
	start func(tb testing.TB, w *world, address string) *process
	// ready is the path that answers 200 once it decides.
	ready string
	// path is where questions are posted.
	path string
	// question is the body that asks the i-th request of a world.
	question func(w *world, i int) any
	// allowed reads an answer.
	allowed func(body []byte) (bool, error)
}

// services run in this order, the first is this project's.
var services = []service{
	{"postern", startPostern, "/readyz", "/access/v1/evaluation", posternQuestion, func(body []byte) (bool, error) {
		var a struct{ Decision *bool }
		if err := json.Unmarshal(body, &a); err != nil || a.Decision == nil {
			return false, fmt.Errorf("%s: no answer, %v", body, err)
		}
		return *a.Decision, nil
	}},
	{"opa", startOPA, "/health", "/v1/data/peers/allow", opaQuestion, func(body []byte) (bool, error) {
		var a struct{ Result bool } // undefined, and so absent, is a denial
		err := json.Unmarshal(body, &a)
		return a.Result, err
	}},
	{"cerbos", startCerbos, "/_cerbos/health", "/api/check/resources", cerbosQuestion, cerbosAllowed},
}

// posternQuestion is an evaluation of AuthZEN.
func posternQuestion(w *world, i int) any {
	r := &w.questions[i].Request
	kind, id, _ := strings.Cut(r.Principal.IDs[0], "/")
	return map[string]any{
		"subject":  map[string]any{"type": kind, "id": id, "properties": map[string]any{"org": r.Principal.Org}},
		"action":   map[string]any{"name": r.Action},
		"resource": map[string]any{"type": r.Resource.Type, "id": r.Resource.ID},
	}
}

// opaQuestion is the input that opaSingle reads.
func opaQuestion(w *world, i int) any {
	r := &w.questions[i].Request
	return map[string]any{"input": map[string]any{"user": r.Principal.IDs[0], "action": r.Action, "resource": r.Resource.ID}}
}

// bodies are a service's questions as they are posted.
func (s *service) bodies(tb testing.TB, w *world) [][]byte {
	tb.Helper()
	out := make([][]byte, len(w.questions))
	for i := range out {
		var err error
		if out[i], err = json.Marshal(s.question(w, i)); err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

// disagree asks a service every question and returns how many answers are not
// those of the world, with the first.
func (s *service) disagree(w *world, address string, bodies [][]byte) (wrong int, first error) {
	answers := make([]error, len(bodies))
	ask := func(i int) error {
		r, err := http.Post("http://"+address+s.path, "application/json", strings.NewReader(string(bodies[i])))
		if err != nil {
			return err
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s %v", r.Status, body, err)
		}
		got, err := s.allowed(body)
		if want := w.questions[i].Want == policy.Allow; err != nil || got != want {
			return fmt.Errorf("%s answers %s: %s, want %v (%v)", s.name, bodies[i], body, want, err)
		}
		return nil
	}
	var group errgroup.Group
	const askers = 2 // as many as http.DefaultTransport keeps connections of
	for part := range askers {
		group.Go(func() error {
			for i := part; i < len(bodies); i += askers {
				answers[i] = ask(i)
			}
			return nil
		})
	}
	_ = group.Wait()
	for _, err := range answers {
		if err != nil {
			if wrong++; first == nil {
				first = err
			}
		}
	}
	return wrong, first
}

// serverSizes are numbers of statements.
var serverSizes = []int{1_000, 10_000, 100_000}

// BenchmarkServers measures mark P17: requests a second, latency and resident
// memory of the servers of postern, OPA and Cerbos, each a process of its own
// on the same statements, under wrk at 32 connections, by turns. All answers
// to the 4,096 questions that wrk then asks over and over are compared with
// postern's, which are those by construction, before anything is measured. One
// operation is a turn of each server: run it with -benchtime 1x.
func BenchmarkServers(b *testing.B) {
	for _, n := range serverSizes {
		b.Run("users/"+strconv.Itoa(n), func(b *testing.B) {
			w := newWorld(b, "users", n, hot)
			var list []*running
			var late []string
			for i := range services {
				if s := run(b, &services[i], w); s != nil {
					list = append(list, s)
				} else {
					late = append(late, services[i].name)
				}
			}
			b.Run("turns", func(b *testing.B) {
				for b.Loop() {
					for _, s := range list {
						s.turn(b)
					}
				}
				b.ReportMetric(0, "ns/op")
				for _, s := range list {
					s.report(b)
				}
				for _, name := range late {
					b.ReportMetric((*patience).Seconds(), name+"-not-ready-s")
				}
			})
		})
	}
}

// running is a service that is up and whose answers are right.
type running struct {
	*service
	*process
	questions string // the file that wrk reads
	last      figures
}

// run starts a service on a world and compares all of its answers. It is nil if
// the service could not read so many policies in time.
func run(b *testing.B, s *service, w *world) *running {
	b.Helper()
	address := freeAddress(b)
	p := s.start(b, w, address)
	if !p.await(b, "http://"+address+s.ready) {
		return nil
	}
	bodies := s.bodies(b, w)
	if wrong, first := s.disagree(w, address, bodies); wrong > 0 {
		b.Fatalf("%d of %d answers are wrong: %v", wrong, len(bodies), first)
	}
	file := p.write("questions", joined(bodies))
	return &running{service: s, process: p, questions: file}
}

// joined puts bodies on a line each.
func joined(bodies [][]byte) []byte {
	var out []byte
	for _, b := range bodies {
		out = append(append(out, b...), '\n')
	}
	return out
}

// turn loads the server for a while.
func (s *running) turn(b *testing.B) {
	b.Helper()
	var err error
	if s.last, err = wrk(context.Background(), s.address, s.path, s.questions); err != nil {
		b.Fatalf("%s: %v", s.name, err)
	}
}

// report gives the figures of the last turn, and the memory after it.
func (s *running) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(s.last.perSecond, s.name+"-requests/s")
	b.ReportMetric(s.last.p50*1000, s.name+"-p50-ns")
	b.ReportMetric(s.last.p99*1000, s.name+"-p99-ns")
	b.ReportMetric(s.status(b, "VmRSS:"), s.name+"-resident-bytes")
	b.ReportMetric(s.status(b, "VmHWM:"), s.name+"-peak-bytes")
	b.ReportMetric(float64(s.started.Milliseconds()), s.name+"-start-ms")
}
