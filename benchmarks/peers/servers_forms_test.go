package peers

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern/policy"
)

// The servers themselves run in BenchmarkServers, which fetches Cerbos and
// builds OPA: some 100 MB that the tests can do without. What they are given
// and how their answers are read is tested here.

// TestCerbosPoliciesSayTheSame decides questions by the policies as Cerbos'
// documentation reads them: the rules of the resource's kind that name the
// action and one of the roles, and whose condition holds; a Deny wins.
func TestCerbosPoliciesSayTheSame(t *testing.T) {
	w := newWorld(t, "users", 300, 600)
	type parsed struct {
		ResourcePolicy struct {
			Resource string
			Rules    []cerbosRule
		}
	}
	through := func(from, to any) {
		text, err := json.Marshal(from)
		if err == nil {
			err = json.Unmarshal(text, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	policies := map[string]*parsed{}
	for bucket, statements := range byBucket(w) {
		p := new(parsed)
		through(cerbosPolicy(bucket, statements), p)
		policies[p.ResourcePolicy.Resource] = p
	}
	for i := range w.questions {
		var q struct {
			Principal struct{ Roles []string }
			Resources []struct {
				Actions  []string
				Resource struct{ Kind, ID string }
			}
		}
		through(cerbosQuestion(w, i), &q)
		asked, outcome := q.Resources[0], policy.ImplicitDeny
		if p := policies[asked.Resource.Kind]; p != nil {
			for _, r := range p.ResourcePolicy.Rules {
				quoted := strings.TrimSuffix(strings.TrimPrefix(r.Condition.Match.Expr, "R.id.startsWith("), ")")
				prefix, err := strconv.Unquote(quoted)
				if err != nil {
					t.Fatalf("condition %q", r.Condition.Match.Expr)
				}
				switch {
				case !slices.Contains(r.Actions, asked.Actions[0]) || !slices.Contains(r.Roles, q.Principal.Roles[0]) || !strings.HasPrefix(asked.Resource.ID, prefix):
				case r.Effect == "EFFECT_DENY":
					outcome = policy.ExplicitDeny
				case outcome != policy.ExplicitDeny:
					outcome = policy.Allow
				}
			}
		}
		if outcome != w.questions[i].Want {
			t.Fatalf("%+v: %v by Cerbos' policies, want %v", w.questions[i].Request, outcome, w.questions[i].Want)
		}
	}
}

// TestAnswersAreRead: of each server its allow, its denial, and what is no
// answer.
func TestAnswersAreRead(t *testing.T) {
	for _, x := range []struct{ server, allow, deny, none string }{
		{"postern", `{"decision":true}`, `{"decision":false,"context":{"reason":"implicit_deny","generation":1}}`, `{"other":true}`},
		{"opa", `{"result":true}`, `{}`, `true`},
		{"cerbos", `{"requestId":"","results":[{"resource":{"id":"a","kind":"b"},"actions":{"s3:GetObject":"EFFECT_ALLOW"}}]}`, `{"results":[{"actions":{"s3:GetObject":"EFFECT_DENY"}}]}`, `{"results":[]}`},
	} {
		s := &services[slices.IndexFunc(services, func(s service) bool { return s.name == x.server })]
		if ok, err := s.allowed([]byte(x.allow)); !ok || err != nil {
			t.Errorf("%s: %v, %v to %s", x.server, ok, err, x.allow)
		}
		if ok, err := s.allowed([]byte(x.deny)); ok || err != nil {
			t.Errorf("%s: %v, %v to %s", x.server, ok, err, x.deny)
		}
		for _, none := range []string{x.none, "", "<html>"} {
			if ok, err := s.allowed([]byte(none)); ok || err == nil {
				t.Errorf("%s: %v, %v to %q", x.server, ok, err, none)
			}
		}
	}
}

// TestQuestionsSayTheSame: what postern and OPA are asked is the request.
func TestQuestionsSayTheSame(t *testing.T) {
	w := newWorld(t, "users", 100, 50)
	for _, s := range services {
		for i, body := range s.bodies(t, w) {
			r := &w.questions[i].Request
			for _, text := range []string{r.Action, r.Resource.ID, r.Principal.IDs[0][strings.IndexByte(r.Principal.IDs[0], '/')+1:]} {
				if !strings.Contains(string(body), text) {
					t.Fatalf("%s is asked %s, which does not say %s", s.name, body, text)
				}
			}
		}
	}
}
