package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// built is the folder of the binary, made by TestMain and removed by it.
var built string

// build makes the binary, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	name := filepath.Join(built, "postern")
	if out, err := attempt(5*time.Minute, nil, "go", "build", "-C", "../..", "-o", name, "./cmd/postern"); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return name, nil
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "postern")
	if err != nil {
		panic(err)
	}
	built = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// secret is the one that stands in the shipped configurations.
const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// A postern is a sidecar that serves the policies of testdata.
type postern struct {
	socket, url string
}

// startPostern starts a sidecar with flags beside those that all tests need. Its
// TCP port is one that was free.
func startPostern(t testing.TB, dir string, port int, flags ...string) *postern {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	policies, err := filepath.Abs("testdata/policies")
	if err != nil {
		t.Fatal(err)
	}
	p := &postern{socket: filepath.Join(dir, "postern.sock"), url: "http://" + address(port)}
	args := append([]string{binary, "serve", "-policies", policies, "-socket", p.socket, "-listen", address(port),
		"-door-secret", write(t, filepath.Join(dir, "door-secret"), secret+"\n")}, flags...)
	server := launch(t, dir, "postern", nil, args...)
	server.until(t, func() bool { return answersHTTP(p.url + "/readyz") })
	return p
}

// A question is what an operation asks for, in AuthZEN's terms.
type question struct {
	action, resource string // BUCKET, BUCKET/KEY, or * for the organization
	context          map[string]any
}

// allows asks the questions of a caller at the main door: all must be allowed.
func (p *postern) allows(t testing.TB, principal string, questions []question) bool {
	t.Helper()
	provider, name, _ := strings.Cut(principal, "/")
	for _, q := range questions {
		kind := "object"
		if !strings.Contains(q.resource, "/") {
			kind = "bucket"
		}
		if q.resource == "*" {
			kind = "organization"
		}
		body, err := json.Marshal(map[string]any{
			"subject":  map[string]any{"type": provider, "id": name, "properties": map[string]any{"org": "acme"}},
			"action":   map[string]any{"name": q.action},
			"resource": map[string]any{"type": kind, "id": q.resource},
			"context":  q.context,
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.Post(p.url+"/access/v1/evaluation", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Decision *bool `json:"decision"`
		}
		err = json.NewDecoder(r.Body).Decode(&answer)
		r.Body.Close()
		if err != nil || answer.Decision == nil {
			t.Fatalf("%s: %v, status %d", body, err, r.StatusCode)
		}
		if !*answer.Decision {
			return false
		}
	}
	return true
}
