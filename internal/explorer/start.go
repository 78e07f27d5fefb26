package explorer

import (
	"context"

	"postern/internal/action"
	"postern/internal/awskeys"
	"postern/policy"
)

type startIn struct{}

// startOut is what the page has to know before anything is asked.
type startOut struct {
	Version string `json:"version"`
	// Sides are the names of the directories; those beside the first can be
	// compared if Compare.
	Sides   []string `json:"sides"`
	Compare bool     `json:"compare"`
	Served  bool     `json:"served"`
	Logged  bool     `json:"logged"`
	// Actions, Keys and Reasons complete what is typed and explain what is shown.
	Actions []actionOut       `json:"actions"`
	Keys    []string          `json:"keys"`
	Reasons map[string]string `json:"reasons"`
	Flags   []string          `json:"flags"`
	// Example is what the page asks first; its names are "" where there are none.
	Example exampleOut `json:"example"`
}

// exampleOut is an organization, and a bucket of it.
type exampleOut struct {
	Organization string `json:"organization"`
	Bucket       string `json:"bucket"`
}

// maxExamples is how many buckets are looked at for the first by name, so that the first
// view of a large directory waits for no list.
const maxExamples = 1000

// example finds what the page asks first.
func (s *Server) example(ctx context.Context) (out exampleOut) {
	_, snapshot, err := s.side(ctx, 0)
	organizations := s.config.InForce.Status().Organizations
	if err != nil || len(organizations) == 0 {
		return out
	}
	out.Organization = organizations[0].Name
	looked := 0
	for name, owner := range snapshot.Buckets() {
		if looked++; looked > maxExamples && out.Bucket != "" {
			break
		}
		if owner == out.Organization && (out.Bucket == "" || name < out.Bucket) {
			out.Bucket = name
		}
	}
	return out
}

// actionOut is a known action and the type of resource that it is asked on.
type actionOut struct {
	Name string `json:"name"`
	On   string `json:"on"`
}

// start answers what the page needs before its first view; but for the example it does
// not change while the process runs.
func (s *Server) start(ctx context.Context, _ startIn) (startOut, error) {
	out := startOut{
		Version: s.config.Version, Compare: s.config.Compare != nil && len(s.sides) > 1,
		Served: s.config.Metrics != nil, Logged: s.config.Denials != nil,
		Keys: awskeys.Names(), Reasons: map[string]string{}, Flags: append([]string{}, s.config.Flags...), Example: s.example(ctx),
	}
	for _, side := range s.sides {
		out.Sides = append(out.Sides, side.Name)
	}
	for id := range action.Count() {
		out.Actions = append(out.Actions, actionOut{action.Name(action.ID(id)), typeOf(action.ID(id))})
	}
	for r := policy.ReasonNone + 1; r < policy.ReasonCount; r++ {
		out.Reasons[r.String()] = r.Sentence()
	}
	return out, nil
}

// typeOf is the type of resource that an action is asked on, as AuthZEN names it.
func typeOf(id action.ID) string {
	switch class := action.ClassOfID(id); {
	case class.WholeOrganization():
		return "organization"
	case action.KindOf(id) == action.OnObject:
		return "object"
	}
	return "bucket"
}

// lookup finds a known action.
func lookup(name string) (action.ID, bool) { return action.Lookup(name) }
