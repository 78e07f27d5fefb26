package peers

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
)

// In Cerbos a bucket is a kind of resource with a policy of its own, which is
// how it finds the rules for a request, and a statement is a rule of it whose
// roles are the statement's identifiers. So rules are narrowed by bucket, role
// and action before any condition is looked at, which is the prefix alone.

// cerbosRule is a rule of a resource policy.
type cerbosRule struct {
	Actions   []string        `json:"actions"`
	Effect    string          `json:"effect"`
	Roles     []string        `json:"roles"`
	Condition cerbosCondition `json:"condition"`
}

type cerbosCondition struct {
	Match struct {
		Expr string `json:"expr"`
	} `json:"match"`
}

// cerbosPolicy is the policy of a bucket.
func cerbosPolicy(bucket string, statements []*statement) any {
	var rules []cerbosRule
	for _, s := range statements {
		r := cerbosRule{Actions: s.actions, Effect: "EFFECT_ALLOW", Roles: s.ids}
		if s.deny {
			r.Effect = "EFFECT_DENY"
		}
		r.Condition.Match.Expr = "R.id.startsWith(" + strconv.Quote(s.prefix) + ")"
		rules = append(rules, r)
	}
	return map[string]any{"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": map[string]any{"resource": bucket, "version": "default", "rules": rules}}
}

// cerbosQuestion asks for one action on one resource.
func cerbosQuestion(w *world, i int) any {
	r := &w.questions[i].Request
	return map[string]any{
		"principal": map[string]any{"id": r.Principal.IDs[0], "roles": r.Principal.IDs},
		"resources": []any{map[string]any{
			"actions":  []string{r.Action},
			"resource": map[string]any{"kind": bucketOf(r.Resource.ID), "id": r.Resource.ID},
		}},
	}
}

// cerbosAllowed reads an answer about one action.
func cerbosAllowed(body []byte) (bool, error) {
	var a struct {
		Results []struct{ Actions map[string]string }
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return false, err
	}
	if len(a.Results) == 1 && len(a.Results[0].Actions) == 1 {
		for _, effect := range a.Results[0].Actions {
			return effect == "EFFECT_ALLOW", nil
		}
	}
	return false, fmt.Errorf("%s is no answer about one action", body)
}

// startCerbos runs Cerbos' server on a folder of policies.
func startCerbos(tb testing.TB, w *world, address string) *process {
	tb.Helper()
	binary := *cerbosBinary
	if binary == "" {
		binary = find(tb, "cerbos", func(dir string) (string, error) {
			file, err := command(dir, nil, "npm", "pack", "--silent", "@cerbos/cerbos-linux-x64@"+cerbosVersion)
			if err == nil {
				_, err = command(dir, nil, "tar", "-xzf", file)
			}
			return filepath.Join(dir, "package", "cerbos-linux-x64"), err
		})
	}
	p := newProcess(tb, address)
	for bucket, statements := range byBucket(w) {
		p.writeJSON(tb, filepath.Join("policies", bucket+".json"), cerbosPolicy(bucket, statements))
	}
	config := p.writeJSON(tb, "cerbos.json", map[string]any{
		"server":    map[string]any{"httpListenAddr": address, "grpcListenAddr": freeAddress(tb)},
		"storage":   map[string]any{"driver": "disk", "disk": map[string]any{"directory": filepath.Join(p.dir, "policies"), "watchForChanges": false}},
		"telemetry": map[string]any{"disabled": true},
	})
	p.start(tb, binary, "server", "--config="+config, "--log-level=error")
	return p
}
