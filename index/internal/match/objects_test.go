package match

import (
	"math/rand/v2"
	"strings"
	"testing"

	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/policy"
)

// TestBehind holds what Denies say of a bucket's objects against every key of a
// few characters (specification 1.2).
func TestBehind(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := []string{}
	for from := []string{""}; len(keys) < 3+9+27+81+243; {
		var longer []string
		for _, k := range from {
			for _, c := range []string{"a", "/", "é"} {
				longer = append(longer, k+c)
			}
		}
		keys = append(keys, longer...)
		from = longer
	}
	v := &View{}
	m := &glob.Matcher{}
	p := &Variables{}
	some, all := 0, 0
	const tries = 4000
	for range tries {
		var b strings.Builder
		for range r.IntN(5) {
			b.WriteString([]string{"a", "/", "é", "*", "?", "*"}[r.IntN(6)])
		}
		prefix := []string{"a", "aé", "éa"}[r.IntN(3)] + "/"
		pattern := b.String()
		program := programOf(pattern)
		wantSome, wantAll := false, true
		for _, key := range keys {
			if m.Begin(); m.Glob(program, prefix+key) {
				wantSome = true
			} else {
				wantAll = false
			}
		}
		v.Begin(&policy.Request{Resource: policy.Resource{ID: strings.TrimSuffix(prefix, "/")}}, "")
		wantSome = wantSome || m.Glob(program, v.Text)
		deny := lowered.Statement{Deny: true, Resources: []string{program}}
		resource := blockOf(&deny)
		if got := p.objectsHold(resource, resource.Record(0), v); got != wantSome {
			t.Fatalf("%q has some of %q: %v", pattern, prefix, got)
		}
		deny.NotResource = true
		notResource := blockOf(&deny)
		if got := !p.objectsHold(notResource, notResource.Record(0), v); got != wantAll {
			t.Fatalf("%q has all of %q: %v", pattern, prefix, got)
		}
		if wantSome {
			some++
		}
		if wantAll {
			all++
		}
	}
	if some < tries/20 || all < tries/50 {
		t.Errorf("of %d patterns %d match some and %d all", tries, some, all)
	}
}
