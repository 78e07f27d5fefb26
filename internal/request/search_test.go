package request

import (
	"reflect"
	"strings"
	"testing"

	"postern/policy"
)

const (
	searchSubject  = `"subject":{"type":"role","id":"Admin","properties":{"org":"o1","principals":["saml/jean"],"groups":["g"],"level":3}}`
	searchAction   = `"action":{"name":"s3:GetObject","properties":{"soft":true}}`
	searchResource = `"resource":{"type":"object","id":"b/k","properties":{"org":"o1","status":"x"}}`
	searchContext  = `"context":{"s3:prefix":"p"}`
)

// TestSearchIsTheEvaluationWithoutOneID: a search body is an evaluation's, and
// all of it counts but the open id.
func TestSearchIsTheEvaluationWithoutOneID(t *testing.T) {
	body := "{" + searchSubject + "," + searchAction + "," + searchResource + "," + searchContext + `,"page":{"limit":7,"token":"t","x":[]},"y":{}}`
	want, err := new(Decoder).Evaluation([]byte(body), 5)
	if err != nil {
		t.Fatal(err)
	}
	for open, blank := range map[Open]func(*policy.Request){
		OpenSubject:  func(r *policy.Request) { r.Principal.IDs = []string{"role/", "saml/jean"} },
		OpenResource: func(r *policy.Request) { r.Resource.ID, r.Resource.Kind = "", policy.ResourceNone },
		OpenAction:   func(r *policy.Request) { r.Action, r.Resource.Kind = "", policy.ResourceNone },
	} {
		want := *want
		blank(&want)
		ignored := map[Open]string{OpenSubject: `"id":"Admin",`, OpenResource: `"id":"b/k",`, OpenAction: `"name":"s3:GetObject",`}[open]
		for _, with := range []string{ignored, "", ignored[:strings.Index(ignored, ":")] + `:[{"x":0}],`} {
			var d Decoder
			got, err := d.Search([]byte(strings.Replace(body, ignored, with, 1)), open, 5)
			if err != nil {
				t.Errorf("%d, %s: %v", open, with, err)
				continue
			}
			got.Request.Resource.Kind = max(got.Request.Resource.Kind, policy.ResourceNone)
			if !reflect.DeepEqual(*got.Request, want) || got.Limit != 7 || got.Token != "t" {
				t.Errorf("%d, %s:\ngot  %+v %d %q\nwant %+v", open, with, *got.Request, got.Limit, got.Token, want)
			}
			// The decoder reads whole evaluations again afterwards.
			if _, err := d.Evaluation([]byte(strings.Replace(body, ignored, "", 1)), 5); err == nil {
				t.Errorf("%d: an evaluation without %s was accepted after a search", open, ignored)
			}
		}
	}
}

// TestSearchErrors: each says where and what.
func TestSearchErrors(t *testing.T) {
	whole := []string{searchSubject, searchAction, searchResource}
	body := func(drop int, more string) string {
		parts := []string{}
		for i, p := range whole {
			if i != drop {
				parts = append(parts, p)
			}
		}
		return "{" + strings.Join(append(parts, more), ",") + "}"
	}
	const page = `"page":null`
	for _, c := range []struct {
		open       Open
		body, want string
	}{
		{OpenSubject, body(0, page), "subject: missing"},
		{OpenSubject, body(1, page), "action: missing"},
		{OpenSubject, body(2, page), "resource: missing"},
		{OpenAction, body(2, page), "resource: missing"},
		{OpenSubject, strings.Replace(body(-1, page), `"type":"role"`, `"type":"group"`, 1), "a group is no identifier"},
		{OpenSubject, strings.Replace(body(-1, page), `"type":"role"`, `"type":"token"`, 1), "a token has that identifier only"},
		{OpenSubject, strings.Replace(body(-1, page), `"type":"object"`, `"type":"bucket"`, 1), "a bucket's name has no"},
		{OpenResource, strings.Replace(body(-1, page), `"type":"object"`, `"type":"o o"`, 1), "resource.type: a type is"},
		{OpenResource, strings.Replace(body(-1, page), `"type":"object",`, ``, 1), "resource.type: missing"},
		{OpenResource, body(-1, `"page":7`), "page: want an object"},
		{OpenResource, body(-1, `"page":{"limit":"7"}`), "page.limit: want a number"},
		{OpenResource, body(-1, `"page":{"limit":1e3}`), "digits only"},
		{OpenResource, body(-1, `"page":{"limit":-3}`), "digits only"},
		{OpenResource, body(-1, `"page":{"limit":0}`), "page.limit: want"},
		{OpenResource, body(-1, `"page":{"token":{}}`), "page.token: want a string"},
		{OpenResource, body(-1, `"page":{"token":"`+strings.Repeat("x", MaxString+1)+`"}`), "page.token: longer"},
		{OpenResource, body(-1, `"page":{},"page":{}`), "page"},
		{OpenResource, "[]", "the body is not a JSON object"},
		{OpenResource, body(-1, page) + "x", "byte"},
	} {
		if _, err := new(Decoder).Search([]byte(c.body), c.open, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d: %.200s: %v, want %q", c.open, c.body, err, c.want)
		}
	}
	for text, want := range map[string]int{"1": 1, "1000": 1000, "99999999999999999999999": maxPage, "null": 0} {
		got, err := new(Decoder).Search([]byte(body(-1, `"page":{"limit":`+text+`}`)), OpenResource, 0)
		if err != nil || got.Limit != want {
			t.Errorf("limit %s: %d, %v, want %d", text, got.Limit, err, want)
		}
	}
}

// TestCheckSearch holds the command line's requests to the decoder's rules.
func TestCheckSearch(t *testing.T) {
	good := func() *policy.Request {
		return &policy.Request{
			Principal: policy.Principal{Org: "o1", IDs: []string{"role/A"}}, Action: "s3:GetObject",
			Resource: policy.Resource{Type: "object", ID: "b/k"},
		}
	}
	for name, c := range map[string]struct {
		open   Open
		change func(*policy.Request)
		want   string
	}{
		"subject":          {OpenSubject, func(r *policy.Request) { r.Principal.IDs[0] = "role/" }, ""},
		"no type":          {OpenSubject, func(r *policy.Request) { r.Principal.IDs[0] = "/" }, "subject.type"},
		"no subject":       {OpenSubject, func(r *policy.Request) { r.Principal.IDs = nil }, "subject"},
		"not open":         {OpenSubject, func(r *policy.Request) {}, "subject.type"},
		"group":            {OpenSubject, func(r *policy.Request) { r.Principal.IDs[0] = "group/" }, "a group is no identifier"},
		"misfit":           {OpenSubject, func(r *policy.Request) { r.Principal.IDs[0] = "role/"; r.Resource.Type = "stack" }, "resource.type"},
		"resource":         {OpenResource, func(r *policy.Request) { r.Resource.ID = "" }, ""},
		"unknown type":     {OpenResource, func(r *policy.Request) { r.Resource = policy.Resource{Type: "stack"} }, ""},
		"of organizations": {OpenResource, func(r *policy.Request) { r.Action, r.Resource = "cwobject:X", policy.Resource{Type: "bucket"} }, ""},
		"bad type":         {OpenResource, func(r *policy.Request) { r.Resource = policy.Resource{Type: "a/b"} }, "resource.type"},
		"action":           {OpenAction, func(r *policy.Request) { r.Action = "" }, ""},
		"no caller":        {OpenAction, func(r *policy.Request) { r.Principal.IDs = nil }, "subject"},
		"context":          {OpenAction, func(r *policy.Request) { r.Context = []policy.Attribute{{Key: "subject.x", Values: noValues}} }, "context"},
	} {
		r := good()
		c.change(r)
		err := CheckSearch(r, c.open)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
