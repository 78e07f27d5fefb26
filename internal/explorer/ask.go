package explorer

import (
	"context"
	"encoding/json"
	"time"

	"postern/internal/request"
	"postern/policy"
)

// askIn is a question to one side.
type askIn struct {
	Side int `json:"side"`
	// Evaluation is the body of an AuthZEN evaluation (specification 3.1).
	Evaluation json.RawMessage `json:"evaluation"`
	// Now is the time at which it is decided, in seconds since 1970; 0 is the clock's.
	Now int64 `json:"now"`
}

// askOut is what a question came to.
type askOut struct {
	Decision     bool      `json:"decision"`
	Outcome      string    `json:"outcome"`
	Reason       string    `json:"reason"`
	Sentence     string    `json:"sentence"`
	Layer        string    `json:"layer"`
	Organization string    `json:"organization"`
	Steps        []stepOut `json:"steps"`
	Nearest      *excerpt  `json:"nearest,omitempty"`
	Failed       []string  `json:"failed,omitempty"`
	Answer       any       `json:"answer"`
	Evaluation   any       `json:"evaluation"`
	Problem      *problem  `json:"problem,omitempty"`
}

// problem is a request that cannot be asked, and where.
type problem struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// stepOut is a step of the decision with the statements that determined it.
type stepOut struct {
	Layer        string    `json:"layer"`
	Organization string    `json:"organization"`
	Outcome      string    `json:"outcome"`
	Note         string    `json:"note,omitempty"`
	Statements   []excerpt `json:"statements"`
}

// ask answers a question with its grounds, and the lines of the files that have them.
func (s *Server) ask(ctx context.Context, in askIn) (askOut, error) {
	side, snapshot, err := s.side(ctx, in.Side)
	if err != nil {
		return askOut{}, err
	}
	if in.Now == 0 {
		in.Now = time.Now().Unix()
	}
	r, err := new(request.Decoder).Evaluation(in.Evaluation, in.Now)
	if err != nil {
		return askOut{Problem: problemOf(err)}, nil
	}
	if _, err := s.work.begin(ctx); err != nil {
		return askOut{}, err
	}
	defer s.work.end()
	e := snapshot.Explain(r)
	d := e.Decision
	out := askOut{
		Decision: d.Outcome == policy.Allow, Outcome: d.Outcome.String(), Reason: d.Reason.String(), Sentence: d.Reason.Sentence(),
		Layer: d.Layer.String(), Organization: r.Principal.Org, Steps: []stepOut{}, Answer: s.config.Answer(&e), Evaluation: s.config.Evaluation(r),
	}
	files := reader{side: side}
	for _, step := range e.Steps {
		o := stepOut{Layer: step.Layer.String(), Organization: step.Org, Outcome: step.Outcome.String(), Statements: []excerpt{}}
		if step.Platform {
			o.Note = policy.PlatformNote
		}
		for _, ref := range e.Determining {
			if ref.Layer == step.Layer && len(o.Statements) < maxStatements && ofOrganization(ref.File, step.Org) {
				o.Statements = append(o.Statements, files.excerpt(ref))
			}
		}
		out.Steps = append(out.Steps, o)
	}
	if n := e.Nearest; n != nil {
		near := files.excerpt(n.Statement)
		out.Nearest, out.Failed = &near, n.Failed
	}
	return out, nil
}

// maxStatements is how many statements of a step are shown.
const maxStatements = 20

// problemOf tells what is wrong with a request in terms of its body.
func problemOf(err error) *problem {
	if e, ok := err.(*request.Error); ok {
		return &problem{e.Path, e.Message}
	}
	return &problem{"", err.Error()}
}
