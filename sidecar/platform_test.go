package sidecar

import (
	"strings"
	"testing"

	"postern/policy"
)

// TestExplainedPlatformStep: a step that counted as an Allow, without a statement
// (specification 1.3), has a note; no other step has one.
func TestExplainedPlatformStep(t *testing.T) {
	e := &policy.Explanation{
		Decision: policy.Decision{Outcome: policy.Allow, Reason: policy.Allowed},
		Steps: []policy.Step{
			{Layer: policy.LayerOrganization, Org: "static", Outcome: policy.Allow, Platform: true},
			{Layer: policy.LayerBucket, Org: "o1", Outcome: policy.Allow},
		},
	}
	const want = `"steps":[{"layer":"organization","organization":"static","outcome":"Allow","note":"a platform organization without a folder: its own step counts as an Allow"},` +
		`{"layer":"bucket","organization":"o1","outcome":"Allow"}]`
	if got := string(appendExplanation(nil, e, 1<<20)); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
