package explorer

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"postern/index"
	"postern/policy"
)

// Config says what an explorer shows. InForce, Answer and Evaluation are required.
type Config struct {
	// InForce is the policy directory whose decisions are shown first.
	InForce Side
	// Others are further directories, to ask and to compare with (`-explore-compare`).
	Others []Side
	// Compare tells what changes from one side to another, in the form of
	// `postern diff -json`; nil if nothing can be compared. The sides are numbered
	// from 0, which is InForce.
	Compare func(ctx context.Context, old, new int) (any, error)
	// Answer and Evaluation return an explained answer, and a request as the body of
	// an AuthZEN evaluation, as they are shown.
	Answer     func(*policy.Explanation) any
	Evaluation func(*policy.Request) any
	// Metrics writes figures in Prometheus' text format; nil if nothing is served.
	Metrics func(io.Writer)
	// Denials returns the last lines of the decision log that deny, newest first;
	// nil if there is no log.
	Denials func() []json.RawMessage
	// Uses tells which statements tests and the decision log ever determined by, and
	// asks more between its steps; nil if nobody can tell.
	Uses func(ctx context.Context, snapshot *index.Snapshot, more func() error) (*Uses, error)
	// Revision tells which revision of a fleet's policies the directory has; nil, or
	// returning nil, where none is known.
	Revision func() *Revision
	// Flags are those in force, each as `-name value`.
	Flags   []string
	Version string
}

// Side is one policy directory.
type Side struct {
	Name string
	// Snapshot returns what decides; nil before the first load. It may take as long
	// as reading the directory.
	Snapshot func(context.Context) (*index.Snapshot, error)
	// Status tells how the directory is; nil if nobody watches it.
	Status func() *policy.Status
	// Files are the files of the directory. Only names that the directory itself
	// lists, or that a snapshot names, are opened.
	Files fs.FS
}

// sides are all sides, InForce first.
func (c *Config) sides() []Side { return append([]Side{c.InForce}, c.Others...) }

// Server answers the page. It is made by New; its methods may be called from
// several goroutines.
type Server struct {
	config Config
	sides  []Side
	token  string
	work   work
	names  names

	counted  counted
	timeline timeline
}

// New makes an explorer that only those who have its token can ask.
func New(c Config) *Server {
	return &Server{config: c, sides: c.sides(), token: newToken(), work: newWork(c.Metrics != nil)}
}

// Token is what the page needs, in the fragment of its URL.
func (s *Server) Token() string { return s.token }

//go:embed page
var page embed.FS

// assets are the files of the page by path, with their types.
var assets = map[string]struct{ file, contentType string }{
	"/":            {"page/index.html", "text/html; charset=utf-8"},
	"/style.css":   {"page/style.css", "text/css; charset=utf-8"},
	"/app.js":      {"page/app.js", "text/javascript; charset=utf-8"},
	"/dom.js":      {"page/dom.js", "text/javascript; charset=utf-8"},
	"/ask.js":      {"page/ask.js", "text/javascript; charset=utf-8"},
	"/matrix.js":   {"page/matrix.js", "text/javascript; charset=utf-8"},
	"/policies.js": {"page/policies.js", "text/javascript; charset=utf-8"},
	"/change.js":   {"page/change.js", "text/javascript; charset=utf-8"},
	"/now.js":      {"page/now.js", "text/javascript; charset=utf-8"},
}

// questions are what the page may ask, by path.
var questions = map[string]func(*Server, context.Context, *json.Decoder) (any, error){
	"/api/start":     answer((*Server).start),
	"/api/ask":       answer((*Server).ask),
	"/api/matrix":    answer((*Server).matrix),
	"/api/buckets":   answer((*Server).buckets),
	"/api/documents": answer((*Server).documents),
	"/api/document":  answer((*Server).document),
	"/api/warnings":  answer((*Server).warnings),
	"/api/uses":      answer((*Server).uses),
	"/api/change":    answer((*Server).change),
	"/api/now":       answer((*Server).now),
}

// answer makes a question of a method: it reads what is asked, strictly.
func answer[In, Out any](method func(*Server, context.Context, In) (Out, error)) func(*Server, context.Context, *json.Decoder) (any, error) {
	return func(s *Server, ctx context.Context, body *json.Decoder) (any, error) {
		var in In
		if err := body.Decode(&in); err != nil {
			return nil, badRequest{fmt.Errorf("the body is not what the page sends: %w", err)}
		}
		return method(s, ctx, in)
	}
}

// badRequest is an error of whoever asked.
type badRequest struct{ error }

// maxBody bounds what is asked, in bytes, as -max-body bounds it at other doors.
const maxBody = 1 << 20

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if why := foreign(r); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return
	}
	if a, ok := assets[r.URL.Path]; ok {
		if r.Method != http.MethodGet {
			http.Error(w, "the page is read with GET", http.StatusMethodNotAllowed)
			return
		}
		data, err := page.ReadFile(a.file)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", a.contentType)
		w.Write(data)
		return
	}
	question, ok := questions[r.URL.Path]
	switch {
	case !ok:
		http.Error(w, "there is nothing of that name", http.StatusNotFound)
		return
	case r.Method != http.MethodPost:
		http.Error(w, "questions are asked with POST", http.StatusMethodNotAllowed)
		return
	case !s.admits(r):
		http.Error(w, "the token is missing or another; open the page by the URL that postern printed", http.StatusUnauthorized)
		return
	}
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	out, err := question(s, r.Context(), body)
	status := http.StatusOK
	if err != nil {
		status = http.StatusInternalServerError
		if errors.As(err, new(badRequest)) {
			status = http.StatusBadRequest
		}
		out = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.Encode(out)
}

// side returns the side of a number, with its snapshot.
func (s *Server) side(ctx context.Context, number int) (*Side, *index.Snapshot, error) {
	if number < 0 || number >= len(s.sides) {
		return nil, nil, badRequest{fmt.Errorf("there is no side %d", number)}
	}
	side := &s.sides[number]
	snapshot, err := side.Snapshot(ctx)
	if err == nil && snapshot == nil {
		err = errors.New("the policies are being loaded for the first time; ask again")
	}
	return side, snapshot, err
}
