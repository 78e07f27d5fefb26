package search

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"

	"postern/policy"
)

// TestPageTokens: a token is read back for its own search only, and anything
// else is refused.
func TestPageTokens(t *testing.T) {
	r := &policy.Request{Principal: policy.Principal{Org: "o1", IDs: []string{"role/A"}}, Action: "read", Resource: policy.Resource{Type: "record", ID: "a"}}
	mark := markOf('s', r)
	for _, last := range []string{"", "a", "\x00/é", strings.Repeat("x", 2048)} {
		for _, limit := range []int{1, 1000, MaxLimit} {
			text := pageToken(limit, last, mark)
			if l, s, ok := readToken(text, mark); !ok || l != limit || s != last {
				t.Errorf("%q, %d: %d, %q, %v", last, limit, l, s, ok)
			}
			if len(text) > maxToken {
				t.Errorf("a token of %d bytes", len(text))
			}
			for i := range 40 {
				b := []byte(text)
				b[i%len(b)] ^= 1
				if _, _, ok := readToken(string(b), mark); ok {
					t.Errorf("%q was read as %q", b, text)
				}
			}
		}
	}
	others := map[string]uint64{"other kind": markOf('r', r)}
	for name, change := range map[string]func(*policy.Request){
		"organization": func(r *policy.Request) { r.Principal.Org = "o2" },
		"identifier":   func(r *policy.Request) { r.Principal.IDs = []string{"role/B"} },
		"more":         func(r *policy.Request) { r.Principal.IDs = []string{"role/A", "role/B"} },
		"action":       func(r *policy.Request) { r.Action = "write" },
		"type":         func(r *policy.Request) { r.Resource.Type = "bucket" },
		"id":           func(r *policy.Request) { r.Resource.ID = "b" },
		"shifted":      func(r *policy.Request) { r.Action, r.Resource.Type = "readrecord", "" },
	} {
		q := *r
		change(&q)
		others[name] = markOf('s', &q)
	}
	text := pageToken(5, "x", mark)
	for name, other := range others {
		if _, _, ok := readToken(text, other); ok {
			t.Errorf("a token is good for a search with another %s", name)
		}
	}
	garbage := []string{"A", "====", "é", strings.Repeat("A", maxToken+1), text + "=", text + "A", " " + text, text[:8],
		pageToken(MaxLimit+1, "x", mark), pageToken(0, "x", mark), base64.RawURLEncoding.EncodeToString(make([]byte, tokenCheck))}
	g := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		b := make([]byte, g.IntN(40))
		for i := range b {
			b[i] = byte(g.Uint32())
		}
		garbage = append(garbage, string(b), base64.RawURLEncoding.EncodeToString(b))
	}
	for _, text := range garbage {
		if _, _, ok := readToken(text, mark); ok {
			t.Errorf("%q was read", text)
		}
	}
}
