package conformance

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"postern/policy"
)

// rules reads testdata/rules.txt.
func rules(t *testing.T) map[string]bool {
	t.Helper()
	data, err := testdata.ReadFile("testdata/rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		id, what, _ := strings.Cut(s.Text(), " ")
		if id == "" || id == "#" {
			continue
		}
		if out[id] || strings.TrimSpace(what) == "" {
			t.Errorf("rule %s stands twice, or says nothing", id)
		}
		out[id] = true
	}
	if len(out) == 0 {
		t.Fatal("no rules")
	}
	return out
}

// TestRulesAreCovered: every rule has a case that allows and one that does not.
func TestRulesAreCovered(t *testing.T) {
	known := rules(t)
	allows, denies := map[string]int{}, map[string]int{}
	for _, c := range Load(t) {
		for _, id := range c.Rules {
			if !known[id] {
				t.Errorf("%s: no rule %q in testdata/rules.txt", c.At, id)
				known[id] = true // once is enough
			}
			if c.Want.Outcome == policy.Allow {
				allows[id]++
			} else {
				denies[id]++
			}
		}
	}
	for id := range known {
		if allows[id] == 0 {
			t.Errorf("rule %s has no case that allows", id)
		}
		if denies[id] == 0 {
			t.Errorf("rule %s has no case that denies", id)
		}
	}
}

// TestReasonsAreCovered: every reason is wanted by a case, and so is a bad
// request.
func TestReasonsAreCovered(t *testing.T) {
	seen := map[policy.Reason]bool{}
	bad := false
	for _, c := range Load(t) {
		seen[c.Want.Reason] = true
		bad = bad || c.Want.BadRequest
	}
	for _, r := range policy.Reasons() {
		if !seen[r] && r != policy.TooCostly { // the index's alone (1.6): its own tests reach it
			t.Errorf("no case wants %s", r)
		}
	}
	if !bad {
		t.Error("no case wants a 400")
	}
}

// TestOperatorsAreCovered: every operator with every qualifier and IfExists
// meets every state of a key, in an Allow and in a Deny.
func TestOperatorsAreCovered(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Load(t) {
		if c.cell == nil {
			continue
		}
		state := "one"
		switch column := c.cell.column; {
		case c.cell.cell == "!":
			state = "unreadable"
		case column == "absent":
			state = "absent"
		case column == "[]":
			state = "empty"
		case column == `""` || column == `[""]`:
			state = "lone empty string"
		case strings.Contains(column, ","):
			state = "many"
		}
		seen[fmt.Sprint(c.cell.operator, " ", state, " ", c.cell.effect)] = true
	}
	forms := []policy.Operator{{}, {IfExists: true}}
	for _, q := range []policy.Qualifier{policy.ForAllValues, policy.ForAnyValue} {
		forms = append(forms, policy.Operator{Qualifier: q}, policy.Operator{Qualifier: q, IfExists: true})
	}
	checked := 0
	for _, test := range policy.Tests() {
		for _, o := range forms {
			if o.Test = test; test == policy.Null && o != (policy.Operator{Test: policy.Null}) {
				continue
			}
			for _, state := range []string{"absent", "empty", "lone empty string", "one", "many", "unreadable"} {
				// What a family cannot read at all is covered as unreadable.
				unreadable := state == "lone empty string" && o.Qualifier != policy.ForAllValues &&
					test.Family() != policy.FamilyString && test.Family() != policy.FamilyBinary && test != policy.Null
				for _, effect := range []string{"allow", "deny"} {
					if key := fmt.Sprint(o, " ", state, " ", effect); !seen[key] && !unreadable {
						t.Errorf("no table case of %s", key)
					}
					checked++
				}
			}
		}
	}
	if checked == 0 {
		t.Fatal("nothing was checked")
	}
}

// TestWantedStatements: every allow and explicit deny names its determining
// statements, in order, each with the effect that goes with the outcome.
func TestWantedStatements(t *testing.T) {
	for _, c := range Load(t) {
		if c.Want.BadRequest {
			continue
		}
		none := c.Want.Outcome == policy.ImplicitDeny || c.Want.Outcome == policy.Allow && c.DenyOnly
		if !c.Want.HasDetermining || none != (len(c.Want.Determining) == 0) {
			t.Errorf("%s: determining statements", c.At)
		}
		for i, d := range c.Want.Determining {
			if i > 0 && (d.Layer < c.Want.Determining[i-1].Layer || d == c.Want.Determining[i-1]) {
				t.Errorf("%s: order of determining statements", c.At)
			}
		}
	}
}

// TestRunNotices: a wrong answer of every kind is found out.
func TestRunNotices(t *testing.T) {
	ref := policy.StatementRef{File: "f", Index: 1, Layer: policy.LayerBucket, Effect: policy.EffectAllow}
	want := Want{Outcome: policy.Allow, Reason: policy.Allowed, Layer: policy.LayerBucket,
		Determining: []policy.StatementRef{ref}, HasDetermining: true}
	iam := policy.StatementRef{Document: "d", Statement: "s", File: "g", Line: 3, Layer: policy.LayerIAM, Effect: policy.EffectAllow}
	want.Determining = append(want.Determining, iam)
	right := func() policy.Explanation {
		return policy.Explanation{
			Decision:    policy.Decision{Outcome: policy.Allow, Reason: policy.Allowed, Layer: policy.LayerBucket},
			Determining: []policy.StatementRef{ref, iam},
		}
	}
	if diff := compare(right(), want); diff != "" {
		t.Errorf("the right answer: %s", diff)
	}
	for name, change := range map[string]func(e *policy.Explanation){
		"outcome":   func(e *policy.Explanation) { e.Decision.Outcome = policy.ExplicitDeny },
		"reason":    func(e *policy.Explanation) { e.Decision.Reason = policy.BucketNoMatch },
		"layer":     func(e *policy.Explanation) { e.Decision.Layer = policy.LayerOrganization },
		"statement": func(e *policy.Explanation) { e.Determining[0].Index = 2 },
		"file":      func(e *policy.Explanation) { e.Determining[0].File = "g" },
		"effect":    func(e *policy.Explanation) { e.Determining[0].Effect = policy.EffectDeny },
		"name":      func(e *policy.Explanation) { e.Determining[1].Statement = "t" },
		"document":  func(e *policy.Explanation) { e.Determining[1].Document = "e" },
		"line":      func(e *policy.Explanation) { e.Determining[1].Line = 4 },
		"open":      func(e *policy.Explanation) { e.Decision.MaxOpenSeconds = 1 },
		"none":      func(e *policy.Explanation) { e.Determining = nil },
		"more":      func(e *policy.Explanation) { e.Determining = append(e.Determining, ref) },
	} {
		e := right()
		change(&e)
		if compare(e, want) == "" {
			t.Errorf("%s: a wrong answer passes", name)
		}
	}
}

// TestArchiveErrors: what an author writes wrongly is said, and not skipped.
func TestArchiveErrors(t *testing.T) {
	const world = "-- o1/access-policies/a.json --\n" +
		`{"version":"v1alpha1","name":"a","statements":[{"name":"s","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}` + "\n"
	const ask = "-- requests --\no1 coreweave/u1 s3:CreateBucket b => "
	for name, archive := range map[string]string{
		"no rules":           "-- section s --\nprose\n" + world + ask + "allowed organization a#0\n",
		"no prose":           "-- section s --\nrules: 1.9\n" + world + ask + "allowed organization a#0\n",
		"no requests":        "-- section s --\nprose\nrules: 1.9\n" + world,
		"unknown directive":  "-- section s --\nprose\nrule: 1.9\nrules: 1.9\n" + world + ask + "allowed organization a#0\n",
		"unknown reason":     "-- section s --\nprose\nrules: 1.9\n" + world + ask + "permitted organization a#0\n",
		"unknown layer":      "-- section s --\nprose\nrules: 1.9\n" + world + ask + "allowed org a#0\n",
		"no statement":       "-- section s --\nprose\nrules: 1.9\n" + world + ask + "allowed organization\n",
		"unknown statement":  "-- section s --\nprose\nrules: 1.9\n" + world + ask + "allowed organization a#1\n",
		"deny with one":      "-- section s --\nprose\nrules: 1.9\n" + world + ask + "organization_no_match organization a#0\n",
		"broken, not said":   "-- section s --\nprose\nrules: 1.9\n" + world + "-- o1/buckets/b.json --\n{\n" + ask + "allowed organization a#0\n",
		"said, not broken":   "-- section s --\nprose\nrules: 1.9\nbroken: o1/access-policies/a.json\n" + world + ask + "allowed organization a#0\n",
		"no such place":      "-- section s --\nprose\nrules: 1.9\n" + world + "-- o1/x/y.json --\n{}\n" + ask + "allowed organization a#0\n",
		"section twice":      "-- section s --\nprose\nrules: 1.9\n" + world + ask + "400\n-- section s --\nprose\nrules: 1.9\n",
		"cells":              "-- section s --\nprose\nrules: 1.9\n-- table --\nvalues \"a\"\ncolumns \"a\" | \"b\"\nStringEquals +\n",
		"unknown cell":       "-- section s --\nprose\nrules: 1.9\n-- table --\nvalues \"a\"\ncolumns \"a\"\nStringEquals x\n",
		"unknown operator":   "-- section s --\nprose\nrules: 1.9\n-- table --\nvalues \"a\"\ncolumns \"a\"\nStringEqual +\n",
		"asks and wants":     "-- section s --\nprose\nrules: 1.9\n" + world + "-- documents o1/buckets/b.json --\nask o1 coreweave/u1 s3:CreateBucket b\nbad {\ngood {} => 400 ; 400\n",
		"good row is broken": "-- section s --\nprose\nrules: 1.9\n" + world + "-- documents o1/buckets/b.json --\nask o1 coreweave/u1 s3:CreateBucket b\ngood {} => 400\n",
	} {
		sections, err := readArchive("test", []byte(archive))
		for _, s := range sections {
			if err == nil {
				_, err = s.cases()
			}
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	good := "-- section s --\nprose\nrules: 1.9\n" + world + ask + "allowed organization a#0\n"
	sections, err := readArchive("test", []byte(good))
	if err != nil || len(sections) != 1 {
		t.Fatal(err, len(sections))
	}
	if cases, err := sections[0].cases(); err != nil || len(cases) != 1 {
		t.Fatal(err, len(cases))
	}
}

// TestShortForm: what the short form of a request stands for.
func TestShortForm(t *testing.T) {
	for ask, want := range map[string]string{
		`o1 coreweave/u1,role/A s3:GetObject b/k @o2 {"s3:prefix": "x"}`: `{"subject":{"type":"coreweave","id":"u1","properties":{"org":"o1","principals":["role/A"]}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/k","properties":{"org":"o2"}},"context":{"s3:prefix": "x"}}`,
		`- role/https://i:s s3:ListAllMyBuckets *`:                       `{"subject":{"type":"role","id":"https://i:s"},"action":{"name":"s3:ListAllMyBuckets"},"resource":{"type":"organization","id":"*"}}`,
		`o1 a/b c "b/k k" subject={"x":1} action={"y":2} resource={}`:    `{"subject":{"type":"a","id":"b","properties":{"org":"o1","x":1}},"action":{"name":"c","properties":{"y":2}},"resource":{"type":"object","id":"b/k k","properties":{}}}`,
		`o1 a/b iam:X user:a/b:c`:                                        `{"subject":{"type":"a","id":"b","properties":{"org":"o1"}},"action":{"name":"iam:X"},"resource":{"type":"user","id":"a/b:c"}}`,
		`o1 a/b s3:X b/a:b`:                                              `{"subject":{"type":"a","id":"b","properties":{"org":"o1"}},"action":{"name":"s3:X"},"resource":{"type":"object","id":"b/a:b"}}`,
		`raw "\xff<<3:a>>"`:                                              "\xffaaa",
		`body {"x":[<<3,#>>]}`:                                           `{"x":[0,1,2]}`,
	} {
		got, err := readAsk(ask)
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", ask, err, got, want)
		}
	}
	for _, ask := range []string{"", "o1 a/b c", "o1 nobody s3:GetObject b/k", "o1 a/b c d e", `o1 a/b c d x={}`, `o1 a/b c d {"x"`, `raw "x`} {
		if got, err := readAsk(ask); err == nil {
			t.Errorf("%q is %s", ask, got)
		}
	}
}
