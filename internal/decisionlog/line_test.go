package decisionlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/policy"
)

var update = flag.Bool("update", false, "write golden files anew")

// memory is a sink that keeps what is written.
type memory struct{ bytes.Buffer }

func (m *memory) write(lines []byte) (int, error) { return m.Buffer.Write(lines) }
func (m *memory) interrupt()                      {}
func (m *memory) close() error                    { return nil }

// began is when every answer of the tests began.
var began = time.Date(2026, 2, 3, 4, 5, 6, 123456789, time.UTC)

// quiet is a log whose lines do not depend on the machine, and that nobody but the
// test writes.
func quiet(c Config) (*Log, *memory) {
	m := &memory{}
	if c.Buffer == 0 {
		c.Buffer = MinBuffer
	}
	l := newLog(c, m, began)
	l.writer.line.instance = `"instance":{"host":"h","pid":1,"start":"2026-02-03T04:05:06.000000Z"}`
	return l, m
}

// snapshot is a Generation of the tests.
type snapshot uint64

func (s snapshot) Generation() uint64    { return uint64(s) }
func (s snapshot) Digest() policy.Digest { return policy.Digest{0xd1, 31: byte(s)} }
func (s snapshot) Grounds(r *policy.Request, d policy.Decision, out []policy.StatementRef) []policy.StatementRef {
	if r.Principal.IDs[0] != "saml/first" {
		return out
	}
	return append(out, policy.StatementRef{Document: "doc", Statement: "s", Index: 2, File: "acme/buckets/b.json", Line: 7, Layer: d.Layer})
}

// commit commits one answer with the notes of some decisions.
func commit(l *Log, a Answer, notes ...Note) bool {
	s := l.Source()
	if a.Began.IsZero() {
		a.Began, a.Duration = began, 1500
	}
	if a.Items == 0 {
		a.Items = 1 << 30
	}
	for i := range notes {
		a.Notes = l.Note(a.Notes, &notes[i])
	}
	return l.Commit(&s, &a)
}

func text(s string) []policy.Value { return []policy.Value{{Kind: policy.ValueString, Text: s}} }

// rich is a request with everything that a request can have.
func rich() *policy.Request {
	return &policy.Request{
		Principal: policy.Principal{Org: "acme", IDs: []string{"role/Admin", "saml/jean"}, Groups: []string{"g1", "g\n2"}, ClaimsStated: true,
			Claims: []policy.Attribute{{Key: "iss", Values: text("https://issuer")}, {Key: "a", Unreadable: true}, {Key: `a."x.y"`, Unreadable: true},
				{Key: `a."x.y".z`, Values: []policy.Value{{Kind: policy.ValueNumber, Text: "1"}, {Kind: policy.ValueBool, Text: "true"}}}, {Key: "a.b", Values: text("v")},
				{Key: "access_token", Values: text("SECRET")}, {Key: "empty", Unreadable: true}},
			Properties: []policy.Attribute{{Key: "team", Values: text("red")}, {Key: "Password", Values: text("SECRET")}}},
		Action:           "s3:PutObject",
		ActionProperties: []policy.Attribute{{Key: "soft", Values: []policy.Value{{Kind: policy.ValueBool, Text: "false"}}}},
		Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/k?X-Amz-Signature=is-a-key", Org: "globex", UID: "u-1", TagsKnown: true,
			Tags: []policy.Tag{{Key: "env", Value: "prod"}, {Key: "note", Value: "MASKED"}}, Properties: []policy.Attribute{{Key: "size", Values: []policy.Value{{Kind: policy.ValueNumber, Text: "1e3"}}}}},
		Context: []policy.Attribute{{Key: "aws:SourceIp", Values: text("192.0.2.1")}, {Key: "none", Values: []policy.Value{}}, {Key: "object", Unreadable: true},
			{Key: "list", Values: []policy.Value{{Kind: policy.ValueString, Text: "a"}, {Kind: policy.ValueString, Text: "\"}\n{\u2028\x7f"}}},
			{Key: "aws:Referer", Values: text("https://h/p?X-Amz-Signature=SECRET")}, {Key: "s3:x-amz-server-side-encryption-customer-key", Values: text("SECRET")},
			{Key: "Private", Values: text("MASKED")}, {Key: "s3:max-keys", Values: []policy.Value{{Kind: policy.ValueNumber, Text: "0x1"}}}},
		Now: began.Unix(),
	}
}

func plain(id string) *policy.Request {
	return &policy.Request{Principal: policy.Principal{IDs: []string{"saml/" + id}}, Action: "s3:GetObject", Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/k"}, Now: began.Unix()}
}

var (
	allowed = policy.Decision{Outcome: policy.Allow, Reason: policy.Allowed, Layer: policy.LayerBucket, Generation: 7}
	denied  = policy.Decision{Outcome: policy.ExplicitDeny, Reason: policy.BucketDeny, Layer: policy.LayerBucket, Generation: 7}
)

// lines are the lines of every kind, and with every member.
func lines(t *testing.T) string {
	t.Helper()
	l, m := quiet(Config{Mask: []string{"PRIVATE", "tags.note"}, Allows: 1, Version: "v1", Flags: []Flag{{"policies", "/p"}, {"log-mask", "a,\"b"}}, Shadow: candidate{}})
	l.Generation(snapshot(7))
	l.controls = append(l.controls, control{began.UnixNano(), l.startText()})
	l.Reload(&policy.Status{Generation: 8, Digest: policy.Digest{2}, Result: policy.ReloadQuarantined, Quarantined: []policy.QuarantinedUnit{{Unit: "acme/iam", LastGood: true}}}, policy.Digest{1})
	l.controls[1].at = began.UnixNano()
	open := allowed
	open.MaxOpenSeconds = 3600
	seen := &policy.KeySet{Names: []string{"s3:prefix"}, Beginnings: []string{"s3:x-amz-"}, Except: []string{"s3:x-amz-grant-"}}
	unseen := plain("seen")
	unseen.Seen, unseen.DenyOnly = seen, true
	long := plain("long")
	long.Principal.Groups = []string{strings.Repeat("g", 8000), strings.Repeat("g", 8000), strings.Repeat("g", 8000), strings.Repeat("g", 8000), strings.Repeat("g", 8000), strings.Repeat("g", 8000), strings.Repeat("g", 8000), strings.Repeat("g", 8000), strings.Repeat("g", 8000)}
	commit(l, Answer{ID: []byte("everything"), Peer: []byte("192.0.2.9:4711"), Door: "evaluation"}, Note{Request: rich(), Caller: "acme", Owner: "globex", Decision: open, Item: -1})
	commit(l, Answer{ID: []byte("batch"), Peer: []byte("uid:1000"), Door: "evaluations", Batch: true, Items: 2}, Note{Request: plain("first"), Decision: denied, Item: 0},
		Note{Decision: policy.Decision{}, Why: "bad_request", Item: 1}, Note{Request: plain("unanswered"), Decision: allowed, Item: 2})
	commit(l, Answer{ID: []byte("door"), Door: "minio"}, Note{Request: unseen, Decision: allowed, Item: 0})
	commit(l, Answer{ID: []byte("long"), Door: "evaluation"}, Note{Request: long, Caller: "acme", Decision: denied, Item: -1})
	commit(l, Answer{ID: []byte("gained"), Door: "evaluation"}, Note{Request: plain("gains"), Decision: denied, Item: -1})
	l.config.Allows = 0
	commit(l, Answer{ID: []byte("lost"), Door: "evaluation"}, Note{Request: plain("loses"), Decision: allowed, Item: -1})
	commit(l, Answer{ID: []byte("not logged"), Door: "evaluation"}, Note{Request: plain("same"), Decision: allowed, Item: -1})
	l.writer.pass()
	l.rings[0].drops.add(true, began.UnixNano())
	l.rings[0].drops.add(false, began.UnixNano()+1e9)
	l.writer.end()
	return m.String()
}

// candidate lets in who gains, keeps out who loses, and gives others what they have.
type candidate struct{}

func (candidate) Decide(r *policy.Request) (policy.Decision, policy.Digest, bool) {
	d := policy.Decision{Outcome: policy.ImplicitDeny, Reason: policy.BucketNoMatch, Layer: policy.LayerBucket, Generation: 2}
	switch r.Principal.IDs[0] {
	case "saml/gains", "saml/seen", "saml/same":
		d = allowed
	case "role/Admin":
		d = allowed
		d.MaxOpenSeconds = 60
	}
	return d, policy.Digest{0xca}, true
}

// TestLines holds the format of lines, on which other programs depend.
func TestLines(t *testing.T) {
	got := lines(t)
	name := filepath.Join("testdata", "lines.golden")
	// The time of the last two lines is that of the writing.
	var out strings.Builder
	for line := range strings.Lines(got) {
		if strings.Contains(line, `"dropped"`) || strings.Contains(line, `"stop"`) {
			line = `{"time":"2026-02-03T04:05:06.123456Z"` + line[len(`{"time":"2026-02-03T04:05:06.123456Z"`):]
		}
		out.WriteString(line)
	}
	if *update {
		if err := os.WriteFile(name, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the lines are now (-update writes them):\n%s", out.String())
	}
	for line := range strings.Lines(got) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	for _, secret := range []string{"SECRET", "MASKED"} {
		if strings.Contains(got, secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}
