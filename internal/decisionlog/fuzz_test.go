package decisionlog

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"reflect"
	"testing"

	"postern/internal/request"
	"postern/policy"
)

func logger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// FuzzLine holds that whatever is asked is logged as one line of JSON, which decodes to
// the request that was decided, and that no value of a masked key is in it.
func FuzzLine(f *testing.F) {
	for _, body := range []string{
		`{"subject":{"type":"role","id":"Admin","properties":{"org":"acme","principals":["saml/jean"],"groups":["g"],"claims":{"a":{"b":[1,true,"x"],"x.y":{"z":null}},"":1,"q\"":{"r":1},"l":[{}],"e":{}},"team":["a","b"]}},"action":{"name":"s3:GetObject","properties":{"soft":true}},"resource":{"type":"object","id":"b/k\u2028\n","properties":{"org":"o","uid":"u","tags":{"env":"prod"},"n":1e3}},"context":{"aws:CurrentTime":"2026-01-01T00:00:00Z","none":[],"o":{},"s":"\"\\"}}`,
		`{"subject":{"type":"token","id":"ci"},"action":{"name":"stack:Read"},"resource":{"type":"stack","id":"a/b"},"context":{"aws:EpochTime":[1,2],"secretive":"MASKED"}}`,
		`{"subject":{"type":"saml","id":"j","properties":{"claims":{}}},"action":{"name":"s3:ListBucket"},"resource":{"type":"bucket","id":"b","properties":{"tags":{}}},"context":{"AWS:CURRENTTIME":{},"aws:EpochTime":[]}}`,
	} {
		f.Add([]byte(body), "id", "peer", uint8(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, id, peer string, reason uint8) {
		var d request.Decoder
		r, err := d.Evaluation(body, began.Unix())
		if err != nil {
			return
		}
		l, m := quiet(Config{Allows: 1, Mask: []string{"secretive", "tags.secretive", "subject.secretive", "claims.secretive"}})
		decision := policy.Decision{Outcome: policy.Outcome(reason % policy.OutcomeCount), Reason: policy.Reason(reason % policy.ReasonCount)}
		if len(id) > 256 || len(peer) > 256 {
			return
		}
		if !commit(l, Answer{ID: []byte(id), Peer: []byte(peer), Door: "evaluation"}, Note{Request: r, Caller: r.Principal.Org, Decision: decision, Item: -1}) || !l.writer.pass() {
			t.Fatal("not written")
		}
		line := m.Bytes()
		if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
			t.Fatalf("not one line: %q", line)
		}
		for _, c := range line[:len(line)-1] {
			if c < 0x20 || c == 0x7f {
				t.Fatalf("a control character in %q", line)
			}
		}
		var out struct {
			ID, Peer  string
			Request   json.RawMessage
			Masked    []string
			Truncated bool
		}
		if err := json.Unmarshal(line, &out); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if bytes.Contains(line, []byte("MASKED")) && !bytes.Contains(bytes.ReplaceAll(body, []byte(`"MASKED"`), nil), []byte("MASKED")) && bytes.Count(body, []byte("MASKED")) == bytes.Count(body, []byte(`"secretive":"MASKED"`)) {
			t.Fatalf("a masked value is in %q", line)
		}
		if out.Truncated || len(out.Masked) > 0 {
			return
		}
		var again request.Decoder
		back, err := again.Evaluation(out.Request, began.Unix())
		if err != nil {
			t.Fatalf("%v in %s, of %s", err, out.Request, body)
		}
		if got, want := normal(back), normal(r); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\nis logged as\n%s\n%+v\n%+v", body, out.Request, got, want)
		}
	})
}

// normal is a request with nil for what is empty, and with the time keys last, wherever
// they were put.
func normal(r *policy.Request) policy.Request {
	out := *r
	list := func(in []policy.Attribute) (list []policy.Attribute) {
		var times []policy.Attribute
		for _, a := range in {
			if len(a.Values) == 0 {
				a.Values = nil
			}
			if k := fold(a.Key); k == "aws:currenttime" || k == "aws:epochtime" {
				a.Key = k
				times = append(times, a)
				if len(times) == 2 && times[0].Key > times[1].Key {
					times[0], times[1] = times[1], times[0]
				}
				continue
			}
			list = append(list, a)
		}
		return append(list, times...)
	}
	out.Context, out.ActionProperties = list(r.Context), list(r.ActionProperties)
	out.Principal.Properties, out.Principal.Claims, out.Resource.Properties = list(r.Principal.Properties), list(r.Principal.Claims), list(r.Resource.Properties)
	if len(out.Principal.Groups) == 0 {
		out.Principal.Groups = nil
	}
	if len(out.Resource.Tags) == 0 {
		out.Resource.Tags = nil
	}
	return out
}
