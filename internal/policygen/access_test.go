package policygen

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"postern/internal/reference"
	"postern/policy"
)

func TestSmallAccessSameSeed(t *testing.T) {
	for seed := range uint64(50) {
		d1, r1 := SmallAccess(seed)
		d2, r2 := SmallAccess(seed)
		if !reflect.DeepEqual(d1, d2) || !reflect.DeepEqual(r1, r2) {
			t.Fatalf("seed %d gives two worlds", seed)
		}
	}
}

// TestSmallAccessKeepsSmall: the iam layer is added behind the world that the
// same source gives without one.
func TestSmallAccessKeepsSmall(t *testing.T) {
	for seed := range uint64(50) {
		d1, r1 := SmallFrom(rand.New(rand.NewPCG(seed, 9)))
		d2, r2 := SmallAccessFrom(rand.New(rand.NewPCG(seed, 9)))
		d2.BuiltIn = nil
		for _, o := range d2.Organizations {
			o.Access = nil
		}
		if !reflect.DeepEqual(d1, d2) || !reflect.DeepEqual(r1, r2[:len(r1)]) {
			t.Fatalf("seed %d: another world", seed)
		}
	}
}

// TestSmallAccessReaches: the reasons of the iam layer are frequent, every kind
// of statement determines an answer, and obligations are there.
func TestSmallAccessReaches(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out how often the generator reaches each rule")
	}
	reasons, cwobject, kinds := map[policy.Reason]int{}, map[policy.Reason]int{}, map[string]int{}
	obligations, requests, tokens := 0, 0, 0
	for seed := range uint64(1000) {
		d, rs := SmallAccess(seed)
		e := reference.New(d)
		for _, r := range rs {
			got := e.Evaluate(r)
			requests++
			reasons[got.Decision.Reason]++
			if strings.HasPrefix(strings.ToLower(r.Action), "cwobject:") {
				cwobject[got.Decision.Reason]++
			}
			if got.Decision.MaxOpenSeconds > 0 {
				obligations++
			}
			if len(r.Principal.IDs) > 0 && strings.HasPrefix(r.Principal.IDs[0], "token/") && got.Decision.Outcome == policy.Allow {
				tokens++
			}
			for _, s := range got.Determining {
				if s.Layer != policy.LayerIAM {
					continue
				}
				kind, _, ok := strings.Cut(s.Statement, "/")
				switch {
				case ok:
				case s.File == "built-in", s.Statement == "defaults":
				case strings.Contains(s.File, "records"):
					kind = "record"
				default:
					kind = "binding " + s.Effect.String()
				}
				kinds[kind]++
			}
		}
	}
	t.Logf("%d requests: %v; cwobject: %v; by %v; %d obligations, %d tokens allowed", requests, reasons, cwobject, kinds, obligations, tokens)
	for _, reason := range policy.Reasons() {
		if reason == policy.TooCostly {
			continue // the reference has no budget
		}
		if reasons[reason] < 20 {
			t.Errorf("%s is reached %d times", reason, reasons[reason])
		}
	}
	for _, reason := range []policy.Reason{policy.Allowed, policy.IAMDeny, policy.IAMNoMatch} {
		if reasons[reason] < requests/60 {
			t.Errorf("%s is reached %d times of %d", reason, reasons[reason], requests)
		}
	}
	for _, reason := range []policy.Reason{policy.Allowed, policy.IAMDeny, policy.OrganizationDeny, policy.NoOrganizationPolicy, policy.OrganizationNoMatch, policy.IAMUnavailable} {
		if cwobject[reason] < 20 {
			t.Errorf("cwobject: %s is reached %d times", reason, cwobject[reason])
		}
	}
	for _, kind := range []string{"binding Allow", "binding Deny", "legacy", "built-in", "defaults", "token", "issuer", "record"} {
		if kind != "built-in" && kind != "legacy" && kinds[kind] < 50 {
			t.Errorf("%s determines %d answers", kind, kinds[kind])
		}
	}
	if kinds["legacy"] < 20 {
		t.Errorf("legacy groups determine %d answers", kinds["legacy"])
	}
	if obligations < 300 || tokens < 300 || reasons[policy.ReasonNone] != 0 {
		t.Errorf("%d obligations, %d tokens allowed, %d requests that fit no layer", obligations, tokens, reasons[policy.ReasonNone])
	}
}

// TestSmallAccessMatters: each part of the documents decides some answers: what
// is taken away one at a time changes the reason, now and then.
func TestSmallAccessMatters(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out how often the generator reaches each rule")
	}
	matters := map[string]int{}
	const enough = 10
	for seed := range uint64(600) {
		d, requests := SmallAccess(seed)
		before := make([]policy.Decision, len(requests))
		e := reference.New(d)
		for i, r := range requests {
			before[i] = e.Evaluate(r).Decision
		}
		try := func(what string, change, undo func()) {
			if matters[what] >= enough {
				return
			}
			change()
			for i, r := range requests {
				if e.Evaluate(r).Decision != before[i] {
					matters[what]++
				}
			}
			undo()
		}
		for _, o := range d.Organizations {
			for _, doc := range o.Access {
				if len(doc.Bindings) > 20 {
					continue
				}
				for _, list := range []struct {
					what string
					at   any
				}{{"groups", &doc.Groups}, {"member roles", &doc.MemberRoles}, {"tokens", &doc.Tokens}, {"issuers", &doc.Issuers}, {"entities", &doc.Entities}} {
					v := reflect.ValueOf(list.at).Elem()
					kept := reflect.ValueOf(v.Interface())
					if v.Len() > 0 {
						try(list.what, v.SetZero, func() { v.Set(kept) })
					}
				}
				for i := range doc.Bindings {
					b := &doc.Bindings[i]
					kept := *b
					undo := func() { *b = kept }
					if len(b.Roles) > 0 && b.Resources != nil {
						try("binding resources", func() { b.Resources = nil }, undo)
					}
					if b.Selector != nil {
						try("binding selector "+b.Effect.String(), func() { b.Selector = nil }, undo)
					}
					if b.Conditions != nil {
						try("binding condition "+b.Effect.String(), func() { b.Conditions = nil }, undo)
					}
				}
				for i := range doc.Roles {
					if len(doc.Roles[i].Include) > 0 {
						kept := doc.Roles[i].Include
						try("role include", func() { doc.Roles[i].Include = nil }, func() { doc.Roles[i].Include = kept })
					}
					for j := range doc.Roles[i].Rules {
						r := &doc.Roles[i].Rules[j]
						kept := *r
						undo := func() { *r = kept }
						if r.NotResources != nil {
							try("notResources", func() { r.NotResources = nil }, undo)
						}
						if r.Selector != nil {
							try("rule selector", func() { r.Selector = nil }, undo)
						}
						if r.Conditions != nil {
							try("rule condition", func() { r.Conditions = nil }, undo)
						}
						if r.PermissionSets != nil && r.Actions != nil {
							try("permission sets", func() { r.PermissionSets = nil }, undo)
						}
					}
				}
				for i := range doc.PermissionSets {
					s := &doc.PermissionSets[i]
					if kept := s.Include; kept != nil {
						try("set include", func() { s.Include = nil }, func() { s.Include = kept })
					}
				}
				for i := range doc.Records {
					kept := doc.Records[i].Details
					try("record", func() { doc.Records[i].Details = &policy.Descriptor{Kind: policy.DescriptorAllow} }, func() { doc.Records[i].Details = kept })
				}
			}
		}
	}
	t.Log(matters)
	for _, what := range []string{"groups", "member roles", "tokens", "issuers", "entities", "binding resources", "binding selector Allow", "binding selector Deny", "binding condition Allow", "binding condition Deny",
		"role include", "notResources", "rule selector", "rule condition", "permission sets", "set include", "record"} {
		if matters[what] < enough {
			t.Errorf("%s changed %d answers", what, matters[what])
		}
	}
}

// TestSmallTree: trees are satisfied and not, of either effect.
func TestSmallTree(t *testing.T) {
	reasons := map[policy.Reason]int{}
	for seed := range uint64(2000) {
		for _, effect := range []policy.Effect{policy.EffectAllow, policy.EffectDeny} {
			d, requests := SmallTreeFrom(rand.New(rand.NewPCG(seed, 3)), effect, 10)
			e := reference.New(d)
			for _, r := range requests {
				reasons[e.Evaluate(r).Decision.Reason]++
			}
		}
	}
	t.Log(reasons)
	if reasons[policy.Allowed] < 2000 || reasons[policy.IAMDeny] < 2000 || reasons[policy.IAMNoMatch] < 2000 {
		t.Errorf("%v", reasons)
	}
}
