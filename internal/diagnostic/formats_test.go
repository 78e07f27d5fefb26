package diagnostic

import (
	"encoding/json"
	"strings"
	"testing"

	"postern/policy"
)

func several() []policy.Diagnostic {
	return []policy.Diagnostic{
		{Severity: policy.Warning, Code: policy.CodeHostBits, Position: policy.Position{File: "o 1/b,c.json", Line: 2, Column: 3}, Message: "100% of a\nline\x1b"},
		{Severity: policy.Warning, Code: policy.CodeHostBits, Position: policy.Position{File: "z", Line: 1, Column: 1}, Message: "again"},
		{Severity: policy.Warning, Code: policy.CodeNeverReadHere, Position: policy.Position{File: "y", Line: 1, Column: 1}, Message: "other"},
		{Position: policy.Position{File: "a"}, Message: "broken"},
	}
}

// TestGitHub: one command a line, with what would end it escaped.
func TestGitHub(t *testing.T) {
	var b strings.Builder
	if err := GitHub(&b, several()); err != nil {
		t.Fatal(err)
	}
	want := "::error file=a,title=postern::broken\n" +
		"::warning file=o 1/b%2Cc.json,line=2,col=3,title=postern%3A host-bits::100%25 of a%0Aline␛ [host-bits]\n" +
		"::warning file=y,line=1,col=1,title=postern%3A never-read-here::other [never-read-here]\n" +
		"::warning file=z,line=1,col=1,title=postern%3A host-bits::again [host-bits]\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestSARIF: every result names a rule that is there.
func TestSARIF(t *testing.T) {
	var b strings.Builder
	if err := SARIF(&b, several()); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Tool.Driver.Rules) != 3 || len(log.Runs[0].Results) != 4 {
		t.Fatalf("got %s", b.String())
	}
	run := log.Runs[0]
	for i, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || len(r.Locations) != 1 {
			t.Errorf("result %d: %+v", i, r)
		}
	}
	first, second := run.Results[0], run.Results[1]
	if first.Level != "error" || first.RuleID != "policy-error" || first.Locations[0].PhysicalLocation.Region != nil {
		t.Errorf("an error is %+v", first)
	}
	at := second.Locations[0].PhysicalLocation
	if second.Level != "warning" || second.RuleID != "host-bits" || at.ArtifactLocation.URI != "o%201/b,c.json" || at.Region == nil || at.Region.StartLine != 2 || at.Region.StartColumn != 3 {
		t.Errorf("a warning is %+v", second)
	}
	b.Reset()
	if err := SARIF(&b, nil); err != nil || !strings.Contains(b.String(), `"results": []`) || !strings.Contains(b.String(), `"rules": []`) {
		t.Errorf("nothing is %s, %v", b.String(), err)
	}
}

// TestSummary: the most frequent code comes first.
func TestSummary(t *testing.T) {
	s := Summarize(several())
	if s.Errors != 1 || s.Warnings != 3 || s.Codes["host-bits"] != 2 || s.Codes["never-read-here"] != 1 {
		t.Errorf("got %+v", s)
	}
	var b strings.Builder
	if err := s.Print(&b); err != nil {
		t.Fatal(err)
	}
	want := "      2  [host-bits]  " + policy.CodeHostBits.About() + "\n      1  [never-read-here]  " + policy.CodeNeverReadHere.About() + "\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := s.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Summary
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back.Codes["host-bits"] != 2 {
		t.Errorf("%s: %v", b.String(), err)
	}
}
