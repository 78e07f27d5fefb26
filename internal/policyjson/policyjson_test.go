package policyjson

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"postern/internal/policywrite"
	"postern/policy"
)

// The examples of the source documents, placeholders filled, all parse. The
// only things to warn of are those that the sources really do.
func TestSourceExamples(t *testing.T) {
	paths, _ := filepath.Glob("testdata/seeds/*.json")
	if len(paths) < 15 {
		t.Fatalf("found %d examples", len(paths))
	}
	warned := map[string]string{
		"bucket-05-terraform-jsonencode.json": `the element "resource" is spelled "Resource"; write it so`,
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		f, ds := Parse(name, data, Limits{})
		if f.Document == nil || len(f.Document.Statements) == 0 {
			t.Errorf("%s: no statements: %v", name, ds)
			continue
		}
		want := policy.KindBucket
		if strings.HasPrefix(name, "organization") {
			want = policy.KindOrganization
		}
		if f.Kind != want || f.Document.Kind != want {
			t.Errorf("%s: kind %v, document's %v", name, f.Kind, f.Document.Kind)
		}
		for _, d := range ds {
			if d.Message != warned[name] {
				t.Errorf("%s: %v", name, d)
			}
			delete(warned, name)
		}
		roundTrip(t, f.Document)
	}
	for name := range warned {
		t.Errorf("%s: the expected warning did not come", name)
	}
}

// withoutPlaces is what Append promises to keep.
func withoutPlaces(doc *policy.Document) policy.Document {
	d := *doc
	d.NameLine, d.NameColumn = 0, 0
	d.Statements = append([]policy.Statement(nil), d.Statements...)
	for i := range d.Statements {
		st := &d.Statements[i]
		st.Line, st.Column = 0, 0
		st.Conditions = append([]policy.Condition(nil), st.Conditions...)
		for j := range st.Conditions {
			st.Conditions[j].Line = 0
		}
	}
	return d
}

func roundTrip(t *testing.T, doc *policy.Document) {
	t.Helper()
	text := policywrite.Append([]byte("before"), doc)
	if !bytes.HasPrefix(text, []byte("before")) {
		t.Fatal("Append wrote over what stood before")
	}
	text = text[len("before"):]
	f, ds := Parse(doc.File, text, Limits{})
	if f.Document == nil {
		t.Fatalf("%s does not parse: %v", text, ds)
	}
	if got, want := withoutPlaces(f.Document), withoutPlaces(doc); !reflect.DeepEqual(got, want) {
		t.Fatalf("got\n%+v\nwant\n%+v\nfrom\n%s", got, want, text)
	}
}

// What stands in a document, field by field.
func TestBucketDocument(t *testing.T) {
	doc, ds := ParseBucket("o1/buckets/b.json", "b", []byte(`{
  "Id": "the \u0069d",
  "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"},
    {
      "Sid": "two", "Effect": "Deny",
      "NotPrincipal": {"AWS": ["*", "o2", "arn:aws:iam::o1:root", "arn:aws:iam::o1:*"], "CW": ["arn:aws:iam::o-_1:role/https://i:*", "arn:aws:iam::o1:coreweave/u1"]},
      "NotAction": ["*", "S3:get*"],
      "NotResource": ["arn:aws:s3:::b", "arn:aws:s3:::b/${aws:username, 'none'}/*", "arn:aws:s3:::*"],
      "Condition": {
        "ForAnyValue:StringLike": {"aws:TagKeys": ["a*", ""], "X": 1.50},
        "Null": {
          "x": false}
      }
    }
  ],
  "Version": "2012-10-17"
}`), Limits{})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	want := &policy.Document{
		Kind: policy.KindBucket, Name: "the id", NameLine: 2, NameColumn: 9, File: "o1/buckets/b.json", Variables: true,
		Statements: []policy.Statement{
			{
				Line: 4, Column: 5, Effect: policy.EffectAllow, Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}},
				Actions: []string{"s3:GetObject"}, Resources: []string{"*"},
			},
			{
				Name: "two", Line: 5, Column: 5, Effect: policy.EffectDeny,
				Principals: []policy.PrincipalPattern{
					{Kind: policy.PrincipalEveryone},
					{Kind: policy.PrincipalAccount, Org: "o2"},
					{Kind: policy.PrincipalAccount, Org: "o1"},
					{Kind: policy.PrincipalOrganization, Org: "o1"},
					{Kind: policy.PrincipalPrefix, Org: "o-_1", Name: "role/https://i:"},
					{Kind: policy.PrincipalExact, Org: "o1", Name: "coreweave/u1"},
				},
				NotPrincipal: true,
				Actions:      []string{"*", "S3:get*"}, NotAction: true,
				Resources: []string{"b", "b/${aws:username, 'none'}/*", "*"}, NotResource: true,
				Conditions: []policy.Condition{
					{Operator: policy.Operator{Test: policy.StringLike, Qualifier: policy.ForAnyValue}, Key: "aws:TagKeys", Values: []string{"a*", ""}, Line: 11},
					{Operator: policy.Operator{Test: policy.StringLike, Qualifier: policy.ForAnyValue}, Key: "X", Values: []string{"1.50"}, Line: 11},
					{Operator: policy.Operator{Test: policy.Null}, Key: "x", Values: []string{"false"}, Line: 13},
				},
			},
		},
	}
	if !reflect.DeepEqual(doc, want) {
		t.Errorf("got\n%+v\nwant\n%+v", doc, want)
	}
	roundTrip(t, doc)
}

func TestOrganizationDocument(t *testing.T) {
	body := `{"statements": [{"principals": ["*", "role/a?b", "role/x*", "role/*"], "resources": ["*", "b/\u002a"], "actions": ["*", "cwobject:*"], "effect": "Deny", "name": "s\n\"\\\u001f\u0000\u007f\u2028"}], "name": "p", "version": "v1alpha1"}`
	want := &policy.Document{
		Kind: policy.KindOrganization, Name: "p", NameLine: 1, File: "f",
		Statements: []policy.Statement{{
			Name: "s\n\"\\\x1f\x00\x7f\u2028", Line: 1, Effect: policy.EffectDeny,
			Principals: []policy.PrincipalPattern{
				{Kind: policy.PrincipalEveryone}, {Kind: policy.PrincipalExact, Name: "role/a?b"},
				{Kind: policy.PrincipalPrefix, Name: "role/x"}, {Kind: policy.PrincipalPrefix, Name: "role/"},
			},
			Actions: []string{"*", "cwobject:*"}, Resources: []string{"*", "b/*"},
		}},
	}
	for _, text := range []string{body, `{"policy": ` + body + `}`, "\xef\xbb\xbf" + body} {
		doc, ds := ParseOrganization("f", []byte(text), Limits{})
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		want.NameColumn = doc.NameColumn
		if at := strings.Index(strings.TrimPrefix(text, "\xef\xbb\xbf"), `"p", `) + 1; doc.NameColumn != at {
			t.Errorf("the name stands in column %d, want %d", doc.NameColumn, at)
		}
		want.Statements[0].Column = strings.Index(strings.TrimPrefix(text, "\xef\xbb\xbf"), `{"principals`) + 1
		if !reflect.DeepEqual(doc, want) {
			t.Errorf("got\n%+v\nwant\n%+v", doc, want)
		}
		roundTrip(t, doc)
	}
}

// In version 2008-10-17 `${` is plain text, wherever Version stands
// (specification 1.7).
func TestVersion2008(t *testing.T) {
	const st = `"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::o1:role/${x}"}, "Action": "s3:*", "Resource": "arn:aws:s3:::b/${", "Condition": {"StringEquals": {"a": "${"}}}`
	for _, text := range []string{`{"Version": "2008-10-17", ` + st + `}`, `{` + st + `, "V\u0065rsion": "2008-10-17"}`} {
		doc, ds := ParseBucket("f", "b", []byte(text), Limits{})
		if len(ds) > 0 || doc.Variables || doc.Statements[0].Resources[0] != "b/${" {
			t.Fatalf("%+v %v", doc, ds)
		}
		roundTrip(t, doc)
	}
}

func TestBucketList(t *testing.T) {
	for text, want := range map[string][]string{
		`{"buckets": []}`:                     {},
		`{"buckets": ["b", "a.b-c_D9", "b"]}`: {"b", "a.b-c_D9"},
	} {
		got, ds := ParseBucketList("f", []byte(text), Limits{})
		if len(ds) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %v", text, got, ds)
		}
	}
}

// A decoder is used again: nothing of one file may show in another's result.
func TestResultsKeepNothing(t *testing.T) {
	first := []byte(`{"version": "v1alpha1", "name": "first", "statements": [{"name": "s1", "effect": "Allow", "actions": ["s3:GetObject"], "resources": ["b1/*"], "principals": ["role/r1"]}]}`)
	a, _ := ParseOrganization("a", first, Limits{})
	want := withoutPlaces(a)
	shown := fmt.Sprintf("%+v", want)
	for i := range first {
		first[i] = 'x' // the caller's buffer is its own again
	}
	second := `{"version": "v1alpha1", "name": "other", "statements": [{"name": "s2", "effect": "Deny", "actions": ["s3:PutObject"], "resources": ["b2/*"], "principals": ["role/r2"]}]}`
	for range 10 {
		if _, ds := ParseOrganization("b", []byte(second), Limits{}); len(ds) > 0 {
			t.Fatal(ds)
		}
	}
	if got := fmt.Sprintf("%+v", withoutPlaces(a)); got != shown {
		t.Errorf("the first document became %s", got)
	}
}

// The errors of a file are capped, and say so; errors are not crowded out by
// warnings.
func TestManyProblems(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"version": "v1alpha1", "name": "p", "statements": [{"name": "s", "effect": "Allow", "resources": ["*"], "actions": ["s3:x"`)
	b.WriteString(strings.Repeat(`, "s3:Nowhere"`, maxProblems+2))
	b.WriteString(`], "principals": ["x"`)
	b.WriteString(strings.Repeat(`, "y"`, maxProblems+9))
	b.WriteString(`]}]}`)
	doc, ds := ParseOrganization("f", []byte(b.String()), Limits{})
	if doc != nil || len(ds) != 2*maxProblems+2 {
		t.Fatalf("%v, %d diagnostics", doc, len(ds))
	}
	var more []string
	for _, d := range ds {
		if strings.HasPrefix(d.Message, "and ") {
			more = append(more, d.Message)
		}
	}
	want := []string{"and 3 more warnings from here on", "and 10 more errors from here on; correct those above first"}
	if !reflect.DeepEqual(more, want) {
		t.Errorf("got %q, want %q", more, want)
	}
}

func TestLimits(t *testing.T) {
	text := []byte(`{"policy": {"version": "v1alpha1", "name": "p", "statements": [{"name": "s", "effect": "Allow", "actions": ["s3:*"], "resources": ["*"], "principals": ["*"]}, {"name": "t", "effect": "Allow", "actions": ["s3:*"], "resources": ["*"], "principals": ["*"]}]}}`)
	for _, c := range []struct {
		l  Limits
		ok bool
	}{
		{Limits{}, true}, {Limits{Depth: 5, Statements: 2}, true}, {Limits{Depth: 4}, false}, {Limits{Statements: 1}, false},
		{Limits{Depth: 1000}, true}, {Limits{Depth: -1, Statements: -1}, true},
	} {
		if doc, ds := ParseOrganization("f", text, c.l); (doc != nil) != c.ok {
			t.Errorf("%+v: %v", c.l, ds)
		}
	}
}

func TestAlwaysList(t *testing.T) {
	for key, want := range map[string]bool{
		"aws:TagKeys": true, "AWS:tagkeys": true, "aws:PrincipalOrgPaths": true, "iam:o1:Groups": true, "IAM:a:b:groups": true,
		"iam::groups": true, "iam:groups": false, "aws:TagKey": false, "aws:PrincipalOrgID": false,
	} {
		if alwaysList(key) != want {
			t.Errorf("alwaysList(%q) = %v", key, !want)
		}
	}
}

func TestNames(t *testing.T) {
	for n := range 3 * small {
		var s names
		for i := range n {
			if other, twice := s.add(fmt.Sprint(i), 10*i); twice {
				t.Fatalf("%d names: %d stands at %d already", n, i, other)
			}
		}
		for i := range n {
			if other, twice := s.add(fmt.Sprint(i), -1); !twice || other != 10*i || !s.has(fmt.Sprint(i)) {
				t.Fatalf("%d names: %d stands at %d, %v", n, i, other, twice)
			}
		}
		if s.has("x") {
			t.Fatal("has what was never added")
		}
	}
}

// canMatch against what it stands for: some bucket or object that fits.
func TestCanMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, bucket string
		want            bool
	}{
		{"b", "b", true}, {"b/", "b", false}, {"b/k", "b", true}, {"b*", "b", true}, {"bb*", "b", false}, {"?", "b", true},
		{"??", "b", false}, {"???", "b", true}, {"*", "b", true}, {"*/x", "b", true}, {"x*", "b", false}, {"", "b", false},
		{"${v}", "b", true}, {"${*}", "b", false}, {"b/${$}", "b", true}, {"logs-2*/k", "logs-1", false}, {"log", "logs", false},
		{"b?*", "b", true}, {"b?", "b", false}, {"ü", "b", false},
	} {
		if got := canMatch(c.pattern, c.bucket, true); got != c.want {
			t.Errorf("canMatch(%q, %q) = %v", c.pattern, c.bucket, got)
		}
	}
	if canMatch("${v}", "b", false) {
		t.Error("without variables `${` is text")
	}
}
