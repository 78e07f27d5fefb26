package request

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"postern/internal/action"
	"postern/policy"
)

// TestCheck: what the command line fills is held to the rules of a body.
func TestCheck(t *testing.T) {
	good := func() policy.Request {
		return policy.Request{Principal: policy.Principal{Org: "o1", IDs: []string{"saml/jean", "role/Admin"}, Groups: []string{"g"}}, Action: "s3:GetObject",
			Resource: policy.Resource{Type: "object", ID: "b/k"}, Context: []policy.Attribute{attr("aws:EpochTime", str("5"))}}
	}
	r := good()
	if err := Check(&r); err != nil || r.Resource.Kind != policy.ResourceObject || len(r.Context) != 2 || r.Context[1].Values[0].Text != "1970-01-01T00:00:05Z" {
		t.Errorf("%+v, %v", r, err)
	}
	many := make([]policy.Attribute, 257)
	for i := range many {
		many[i] = attr(fmt.Sprint(i))
	}
	for want, change := range map[string]func(*policy.Request){
		"subject: the caller has no identifier":                func(r *policy.Request) { r.Principal.IDs = nil },
		"subject: want provider/name":                          func(r *policy.Request) { r.Principal.IDs[0] = "jean" },
		"subject: a group is no identifier":                    func(r *policy.Request) { r.Principal.IDs[0] = "group/x" },
		"principals[0]: a group is no identifier":              func(r *policy.Request) { r.Principal.IDs[1] = "group/x" },
		"principals[0]: a token is a caller of its own":        func(r *policy.Request) { r.Principal.IDs[1] = "token/x" },
		"a token has that identifier only":                     func(r *policy.Request) { r.Principal.IDs[0] = "token/x" },
		"principals[0]: a provider is":                         func(r *policy.Request) { r.Principal.IDs[1] = "a b/x" },
		"principals[0]: longer than 2048":                      func(r *policy.Request) { r.Principal.IDs[1] = "role/" + long(2049) },
		"at most 256 identifiers":                              func(r *policy.Request) { r.Principal.IDs = make([]string, 257) },
		"at most 1024 groups":                                  func(r *policy.Request) { r.Principal.Groups = make([]string, 1025) },
		"groups[0]: longer":                                    func(r *policy.Request) { r.Principal.Groups[0] = long(8193) },
		"subject.properties.org: longer":                       func(r *policy.Request) { r.Principal.Org = long(2049) },
		"action.name: missing":                                 func(r *policy.Request) { r.Action = "" },
		"action.name: longer":                                  func(r *policy.Request) { r.Action = long(2049) },
		"resource.type: missing":                               func(r *policy.Request) { r.Resource.Type = "" },
		"resource.id: missing":                                 func(r *policy.Request) { r.Resource.ID = "" },
		"resource.type: a type is":                             func(r *policy.Request) { r.Resource.Type = "a/b" },
		"resource.id: longer":                                  func(r *policy.Request) { r.Resource.ID = long(2049) },
		"resource.properties.org: longer":                      func(r *policy.Request) { r.Resource.Org = long(2049) },
		"resource.properties.uid: longer":                      func(r *policy.Request) { r.Resource.UID = long(2049) },
		"resource.id: an object's id is":                       func(r *policy.Request) { r.Resource.ID = "b" },
		"is asked on a bucket or an object":                    func(r *policy.Request) { r.Resource = policy.Resource{Type: "organization", ID: "*"} },
		"context: a condition key is empty":                    func(r *policy.Request) { r.Context[0].Key = "" },
		"context.subject.x: postern sets":                      func(r *policy.Request) { r.Context[0].Key = "subject.x" },
		"context: at most 256 keys":                            func(r *policy.Request) { r.Context = many },
		"context.k: at most 1024 values":                       func(r *policy.Request) { r.Context = []policy.Attribute{attr("k", make([]policy.Value, 1025)...)} },
		"context.k: longer than 8192":                          func(r *policy.Request) { r.Context = []policy.Attribute{attr("k", str(long(8193)))} },
		"context.K: the same key as":                           func(r *policy.Request) { r.Context = []policy.Attribute{attr("k"), attr("K")} },
		"subject.properties.K: the same key as":                func(r *policy.Request) { r.Principal.Properties = []policy.Attribute{attr("k"), attr("K")} },
		"action.properties.K: the same key as":                 func(r *policy.Request) { r.ActionProperties = []policy.Attribute{attr("k"), attr("K")} },
		"resource.properties.K: the same key as":               func(r *policy.Request) { r.Resource.Properties = []policy.Attribute{attr("k"), attr("K")} },
		"context.aws:EpochTime: not the same time as aws:Curr": func(r *policy.Request) { r.Context = append(r.Context, attr("aws:CurrentTime", str("2026-01-01"))) },
	} {
		r := good()
		change(&r)
		err := Check(&r)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestOnBucket: the short cut says of no action what the table does not.
func TestOnBucket(t *testing.T) {
	short := 0
	for id := range action.Count() {
		name := action.Name(action.ID(id))
		class := action.ClassOf(name)
		if onBucket(name) {
			short++
			if !class.S3() || class.WholeOrganization() {
				t.Errorf("%s is not asked on a bucket or an object", name)
			}
		}
	}
	if short < action.Count()/2 {
		t.Errorf("the short cut serves %d of %d actions", short, action.Count())
	}
}

func TestParseResource(t *testing.T) {
	for _, c := range []struct{ text, action, typ, id, err string }{
		{"b", "s3:ListBucket", "bucket", "b", ""},
		{"b/k/../x//", "s3:GetObject", "object", "b/k/../x//", ""},
		{"b:c/k", "S3:getobject", "object", "b:c/k", ""},
		{"*", "s3:ListAllMyBuckets", "organization", "*", ""},
		{"", "cwobject:ListBucketInfo", "organization", "*", ""},
		{"organization:o1", "cwobject:ListBucketInfo", "organization", "o1", ""},
		{"stack:acme/a:b", "stack:read", "stack", "acme/a:b", ""},
		{"", "read", "organization", "*", ""},
		{"*", "s3:GetObject", "organization", "*", ""}, // Check refuses it
		{"acme", "stack:read", "", "", "want type:id"},
		{":x", "stack:read", "", "", "want type:id"},
		{"x:", "stack:read", "", "", "want type:id"},
		{"b", "s3:ListBuckets", "", "", "is asked on the whole organization; write * or organization:ORG"},
	} {
		got, err := ParseResource(c.text, c.action)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s on %q: %v", c.action, c.text, err)
			}
			continue
		}
		if err != nil || got.Type != c.typ || got.ID != c.id {
			t.Errorf("%s on %q: %+v, %v", c.action, c.text, got, err)
		}
	}
}
