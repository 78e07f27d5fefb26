package policy

import (
	"regexp"
	"testing"
)

// TestCodes: every code has a name of its own that fits a command line, and says
// what it is about.
func TestCodes(t *testing.T) {
	form := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, c := range Codes() {
		if !form.MatchString(c.String()) || seen[c.String()] || len(c.About()) < 20 {
			t.Errorf("code %d is %q, about %q", c, c, c.About())
		}
		seen[c.String()] = true
	}
	if len(seen) != int(codeCount)-1 || CodeNone.String() != "" {
		t.Errorf("%d codes", len(seen))
	}
}

func TestDiagnosticText(t *testing.T) {
	d := Diagnostic{Severity: Warning, Code: CodeHostBits, Position: Position{"f", 1, 2}, Message: "m"}
	if got := d.String(); got != "f:1:2: warning: m [host-bits]" {
		t.Error(got)
	}
	d.Severity, d.Code = Error, CodeNone
	if got := d.String(); got != "f:1:2: m" {
		t.Error(got)
	}
}
