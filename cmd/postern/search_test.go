package main

import (
	"strings"
	"testing"
)

const notComplete = "\nThis list is not complete: others that these patterns match may be allowed too.\nPATTERN  OF\n"

func TestSearch(t *testing.T) {
	dir := write(t, t.TempDir(),
		"acme/access-policies/p.json", `{"version":"v1alpha1","name":"p","statements":[
			{"name":"all","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["role/Admin","role/a\u001bb"]},
			{"name":"read","effect":"Allow","actions":["s3:GetObject","s3:ListBucket"],"resources":["logs","logs/*"],"principals":["saml/jean"]},
			{"name":"keep","effect":"Deny","actions":["s3:DeleteObject"],"resources":["logs/*"],"principals":["*"]}]}`,
		"acme/buckets.json", `{"buckets":["logs","data"]}`,
		"acme/buckets/closed.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"CW":"arn:aws:iam::acme:role/Admin"},"Action":"s3:ListBucket","Resource":"*"}}`)
	for name, c := range map[string]struct {
		args, out string
		code      int
	}{
		"who":                {"subjects -type role -action s3:DeleteObject -resource data/k", "TYPE  ID\nrole  Admin\nrole  \"a\\x1bb\"\n", 0},
		"who, of others":     {"subjects -type saml -action s3:GetObject -resource logs/k", "TYPE  ID\nsaml  jean\n", 0},
		"nobody":             {"subjects -type role -action s3:DeleteObject -resource logs/k", "TYPE  ID\n", 1},
		"with another":       {"subjects -type saml -action s3:PutObject -resource data/k -principal role/Admin", "TYPE  ID\nsaml  jean\n" + notComplete + "saml/*   Allow \"all\" at acme/access-policies/p.json:2\n", 0},
		"on what":            {"resources -principal role/Admin -action s3:ListBucket -type bucket", "TYPE    ID\nbucket  closed\nbucket  data\nbucket  logs\n", 0},
		"limit":              {"resources -principal role/Admin -action s3:ListBucket -type bucket -limit 2", "TYPE    ID\nbucket  closed\nbucket  data\n", 0},
		"on what, of less":   {"resources -principal saml/jean -action s3:ListBucket -type bucket", "TYPE    ID\nbucket  logs\n", 0},
		"what":               {"actions -principal saml/jean -resource logs", "ACTION\ns3:GetObject\ns3:HeadBucket\ns3:HeadObject\ns3:ListBucket\ns3:ListObjects\ns3:ListObjectsV2\ns3:SelectObjectContent\n", 0},
		"unknown type":       {"resources -principal role/Admin -action s3:ListBucket -type unheard -json", `{"results":[],"context":{"complete":true}}` + "\n", 1},
		"json":               {"resources -principal saml/jean -action s3:ListBucket -type bucket -json", `{"results":[{"type":"bucket","id":"logs"}],"context":{"complete":true}}` + "\n", 0},
		"json of actions":    {"actions -principal saml/jean -resource-type bucket -resource logs -limit 1 -json", `{"results":[{"name":"s3:GetObject"}]}` + "\n", 0},
		"json of principals": {"subjects -type role -action s3:ListBucket -resource closed -json", `{"results":[{"type":"role","id":"Admin"}],"context":{"complete":true}}` + "\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := call("", nil, append([]string{"search", "-policies", dir, "-org", "acme"}, strings.Fields(c.args)...)...)
			if got.code != c.code || got.out != c.out || got.errs != "" {
				t.Errorf("exit %d, errs %q, out\n%s\nwant exit %d\n%s", got.code, got.errs, got.out, c.code, c.out)
			}
		})
	}
	for args, want := range map[string]string{
		"":         "takes one word, subjects, resources or actions",
		"anything": "takes one word",
		"subjects -action s3:GetObject -resource b/k":                                "-type is missing",
		"subjects -type role -resource b/k":                                          "-action is missing",
		"subjects -type role -action s3:GetObject":                                   "asked on a bucket or an object",
		"subjects -type group -action s3:GetObject -resource b":                      "a group is no identifier",
		"subjects -type a/b -action s3:GetObject -resource b":                        "-type: a type is 1 to 64",
		"subjects -type role -action s3:GetObject -resource b -resource-type bucket": "-resource-type is for actions",
		"resources -action s3:GetObject -type bucket":                                "-principal is missing",
		"resources -principal role/A -action s3:GetObject -type bucket -resource b":  "-resource is what is searched",
		"resources -principal role/A -action s3:GetObject -type a/b":                 "-type: a type is 1 to 64",
		"actions -principal role/A -action s3:GetObject":                             "-action is what is searched",
		"actions -principal role/A -type bucket -resource b":                         "write -resource-type bucket",
		"actions -principal role/A -resource arn:aws:s3:::d/k":                       `write "d/k"`,
		"actions -principal role/A -resource s3://d":                                 `write "d"`,
		"subjects -type role -action s3:GetObject -resource s3://d/k":                `write "d/k"`,
		"actions -principal role/A -limit -1":                                        "-limit -1 is below 0",
		"actions -principal role/A -context k":                                       "has no value",
	} {
		got := call("", nil, append([]string{"search", "-policies", dir, "-org", "acme"}, strings.Fields(args)...)...)
		if got.code != exitFailed || got.out != "" || !strings.Contains(got.errs, want) {
			t.Errorf("%s: exit %d, out %q, errs %q; want %q", args, got.code, got.out, got.errs, want)
		}
	}
	if got := call("", nil, "search", "-help"); got.code != 0 || !strings.Contains(got.out, "s3:DeleteObject") {
		t.Errorf("%+v", got)
	}
}
