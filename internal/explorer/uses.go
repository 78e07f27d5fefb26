package explorer

import (
	"context"
	"sync"
	"time"

	"postern/index"
	"postern/policy"
)

// Uses says which statements ever determined a decision (specification 10, Policies).
type Uses struct {
	// Tests and Lines are how many requests of tests, and lines of the decision log,
	// were looked at; Tested and Logged say that there is something to look at.
	Tests, Lines   int
	Tested, Logged bool
	// Cut says that the log is longer than what was looked at of its end.
	Cut bool
	// By counts the decisions that a statement determined.
	By map[UseKey]Use
}

// UseKey tells statements apart: by their names where they have one, since a name
// outlives a change of the lines above it.
type UseKey struct {
	File, Statement string
	Index, Line     int
}

// Use is how often a statement determined a decision.
type Use struct{ Tests, Lines int }

// KeyOf returns what a statement is counted by.
func KeyOf(ref policy.StatementRef) UseKey {
	if ref.Statement != "" {
		return UseKey{File: ref.File, Statement: ref.Statement}
	}
	return UseKey{File: ref.File, Index: ref.Index, Line: ref.Line}
}

// usesIn asks for the uses of the statements of one file of the directory in force.
type usesIn struct {
	Organization string `json:"organization"`
	Bucket       string `json:"bucket"`
	Folder       string `json:"folder"`
	Name         string `json:"name"`
}

// usesOut has a use for each statement of the file, in its order.
type usesOut struct {
	Tested     bool     `json:"tested"`
	Logged     bool     `json:"logged"`
	Tests      int      `json:"tests"`
	Lines      int      `json:"lines"`
	Cut        bool     `json:"cut"`
	Statements []useOut `json:"statements"`
}

type useOut struct {
	Tests int `json:"tests"`
	Lines int `json:"lines"`
}

// usesFor is how long what was counted is shown before it is counted again.
const usesFor = 10 * time.Second

// counted keeps what was counted last.
type counted struct {
	mutex sync.Mutex
	of    *index.Snapshot
	at    time.Time
	uses  *Uses
}

// uses answers whether a test or the log ever determined by the statements of a file.
func (s *Server) uses(ctx context.Context, in usesIn) (usesOut, error) {
	side, snapshot, err := s.side(ctx, 0)
	if err != nil {
		return usesOut{}, err
	}
	if s.config.Uses == nil {
		return usesOut{Statements: []useOut{}}, nil
	}
	path := pathOf(side, snapshot, documentIn{Organization: in.Organization, Bucket: in.Bucket, Folder: in.Folder, Name: in.Name})
	if path == "" {
		return usesOut{}, errNoFile
	}
	files := reader{side: side}
	doc := parsed(path, in.Bucket, in.Folder, files.read(path))
	u, err := s.countUses(ctx, snapshot)
	if err != nil {
		return usesOut{}, err
	}
	out := usesOut{Tested: u.Tested, Logged: u.Logged, Tests: u.Tests, Lines: u.Lines, Cut: u.Cut, Statements: []useOut{}}
	if doc == nil {
		return out, nil
	}
	for i := range doc.Statements {
		st := &doc.Statements[i]
		use := u.By[KeyOf(policy.StatementRef{File: path, Statement: st.Name, Index: i, Line: st.Line})]
		out.Statements = append(out.Statements, useOut(use))
	}
	return out, nil
}

// countUses counts, or returns what was counted a moment ago.
func (s *Server) countUses(ctx context.Context, snapshot *index.Snapshot) (*Uses, error) {
	work, err := s.work.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.work.end()
	s.counted.mutex.Lock()
	defer s.counted.mutex.Unlock()
	if s.counted.of == snapshot && time.Since(s.counted.at) < usesFor {
		return s.counted.uses, nil
	}
	u, err := s.config.Uses(ctx, snapshot, work.more)
	if err != nil {
		return nil, err
	}
	s.counted.of, s.counted.at, s.counted.uses = snapshot, time.Now(), u
	return u, nil
}
