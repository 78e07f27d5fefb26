package sidecar

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"postern/policy"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// TestGolden compares the bytes of answers. Each archive of testdata holds
// files NAME/request and NAME/response. A request's lines end in CRLF on the
// wire, its body has no line feed at the end, and Host, Content-Type and
// Content-Length are added where they are missing. A response is shown without
// Date, the clock's.
func TestGolden(t *testing.T) {
	broken := policy.Diagnostic{Position: policy.Position{File: "o1/access-policies/broken.json", Line: 3, Column: 14}, Message: "`effect` is \"allow\"; write \"Allow\" or \"Deny\""}
	warning := policy.Diagnostic{Severity: policy.Warning, Position: policy.Position{File: "o1/buckets/closed.json", Line: 2, Column: 1}, Message: "this <pattern> & that can never match"}
	status := &policy.Status{
		Generation: 7, Digest: policy.Digest{0x57, 31: 0xa7}, StateFailure: "it cannot be written: no space left on device", Result: policy.ReloadQuarantined, FinishedAt: clock, Duration: 1250 * time.Microsecond, LastSuccess: clock.Add(-time.Hour),
		Organizations: []policy.OrganizationStatus{{Name: "o1", Statements: 4, Buckets: 1, Files: 2}, {Name: "o2"}},
		Quarantined: []policy.QuarantinedUnit{
			{Unit: "o1/access-policies", Since: clock.Add(-time.Minute), LastGood: true, Diagnostics: []policy.Diagnostic{broken, {Position: policy.Position{File: "o1/access-policies/é.json"}, Message: "cannot be read"}}},
			{Unit: "o11/iam", Since: clock},
		},
		Warnings: []policy.Diagnostic{warning}, WarningCount: 3,
		Statements: [policy.LayerCount]int{policy.LayerOrganization: 3, policy.LayerBucket: 1}, Buckets: 1, Files: 2, SnapshotBytes: 4096,
	}
	s := serve(t, func(c *Config) {
		c.Status = func() *policy.Status { return status }
		c.PublicURL, c.Version, c.MaxBody = "https://pdp.example.com", "v1.2.3", 2000
	})
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out := &txtar.Archive{Comment: archive.Comment}
		want := map[string]string{}
		for _, f := range archive.Files {
			want[f.Name] = string(f.Data)
		}
		n := 0
		for _, f := range archive.Files {
			name, ok := strings.CutSuffix(f.Name, "/request")
			if !ok {
				continue
			}
			n++
			got := shown(t, s.dial(t).send(onTheWire(string(f.Data))))
			if !*update && got != want[name+"/response"] {
				t.Errorf("%s: %s:\ngot\n%s\nwant\n%s", file, name, got, want[name+"/response"])
			}
			out.Files = append(out.Files, f, txtar.File{Name: name + "/response", Data: []byte(got)})
		}
		if n == 0 {
			t.Errorf("%s holds no request", file)
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func onTheWire(text string) string {
	head, body, _ := strings.Cut(text, "\n\n")
	head, body = strings.TrimSuffix(head, "\n"), strings.TrimSuffix(body, "\n")
	add := func(name, value string) {
		if !strings.Contains(strings.ToLower(head), "\n"+strings.ToLower(name)+":") {
			head += "\n" + name + ": " + value
		}
	}
	add("Host", "localhost")
	if strings.HasPrefix(head, "POST") {
		add("Content-Type", "application/json")
		add("Content-Length", strconv.Itoa(len(body)))
	}
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
}

// shown reads one answer as it came, but for its Date and the carriage returns.
func shown(t *testing.T, c *client) string {
	t.Helper()
	var out bytes.Buffer
	length := 0
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			t.Fatalf("after %q: %v", out.String(), err)
		}
		line = strings.TrimSuffix(line, "\r\n")
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(v)
		}
		if !strings.HasPrefix(line, "Date: ") {
			out.WriteString(line + "\n")
		}
		if line == "" {
			break
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.r, body); err != nil {
		t.Fatal(err)
	}
	out.Write(body)
	out.WriteByte('\n')
	return out.String()
}
