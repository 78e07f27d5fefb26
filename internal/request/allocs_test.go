//go:build !race

package request

import (
	"strings"
	"testing"

	"postern/policy"
)

// discard is a Visitor that looks at nothing.
type discard struct{ n int }

func (v *discard) Restart()                                    { v.n = 0 }
func (v *discard) Ahead(*policy.Request)                       {}
func (v *discard) Item(r *policy.Request, err error) (ok bool) { v.n++; return err == nil }

// TestNothingAllocates: a request that is accepted costs no memory, once the
// decoder has grown to it.
func TestNothingAllocates(t *testing.T) {
	escaped := strings.ReplaceAll(typical, "a", `\u0061`)
	rich := evaluation(props(`{"org":"o1","principals":["role/A","saml/x"],"groups":["g","h"],"claims":{"a":{"b.c":["x",1]},"z":null},"level":[1,2,3]}`),
		`{"name":"s3:GetObject","properties":{"soft":true}}`, rprops(`{"org":"o1","tags":{"a":"b"},"s":"t"}`),
		`{"aws:CurrentTime":"2026-01-02T03:04:05Z","a":1,"b":2,"c":[],"d":null,"e":{},"f":[{}],"g":1,"h":2,"i":3,"j":4,"k":5,"l":6,"m":7}`)
	for name, body := range map[string]string{"typical": typical, "escaped": escaped, "rich": rich, "epoch": evaluation(jean, get, object, `{"aws:EpochTime":5}`),
		"token": evaluation(`{"type":"token","id":"x"}`, get, object, "")} {
		var d Decoder
		b := []byte(body)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := d.Evaluation(b, now); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	item := `{"resource":{"type":"object","id":"b/\u006b"},"context":{"a":[1,2]}}`
	for name, body := range map[string]string{
		"batch":        `{"subject":` + jean + `,"action":` + get + `,"evaluations":` + list(100, item) + `}`,
		"late default": `{"evaluations":` + list(100, item) + `,"subject":` + jean + `,"action":` + get + `}`,
		"whole items":  `{"options":{"evaluations_semantic":"execute_all"},"evaluations":` + list(100, rich) + `}`,
	} {
		var d Decoder
		b, v := []byte(body), &discard{}
		if n := testing.AllocsPerRun(20, func() {
			v.n = 0
			if _, _, err := d.Evaluations(b, now, v); err != nil || v.n != 100 {
				t.Fatal(v.n, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	r := policy.Request{Principal: policy.Principal{Org: "o1", IDs: []string{"saml/jean"}}, Action: "s3:GetObject", Resource: policy.Resource{Type: "object", ID: "b/k"},
		Context: []policy.Attribute{attr("a", str("b")), attr("c")}}
	if n := testing.AllocsPerRun(100, func() {
		if err := Check(&r); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Check: %v allocations", n)
	}
}
