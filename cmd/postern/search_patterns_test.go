package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestSearchPatterns: what a search cannot list is told, with where it stands
// (specification 3.2).
func TestSearchPatterns(t *testing.T) {
	organization := func(name, statements string) string {
		return `{"version":"v1alpha1","name":"` + name + `","statements":[` + statements + `]}`
	}
	bucket := func(statements string) string {
		return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	}
	dir := write(t, t.TempDir(),
		"acme/access-policies/p.json", organization("p", `
{"name":"everyone","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]},
{"name":"keep","effect":"Deny","actions":["s3:DeleteObject"],"resources":["*"],"principals":["*"]},
{"name":"ci","effect":"Allow","actions":["cwobject:*"],"resources":["*"],"principals":["role/ci-*"]}`),
		"acme/buckets.json", `{"buckets":["plain"]}`,
		"acme/buckets/open.json", bucket(`
{"Sid":"any","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::open/pub/*"},
{"Sid":"org","Effect":"Allow","Principal":{"AWS":"acme"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::open/in/?"},
{"Sid":"ci","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::acme:role/ci-*"},"Action":"s3:PutObject","Resource":"*"},
{"Sid":"office","Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
{"Sid":"home","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::acme:saml/jean"},"Action":"s3:Get*","Resource":"arn:aws:s3:::open/home/${aws:PrincipalTag/team}/*"},
{"Sid":"one","Effect":"Allow","Principal":"*","Action":"s3:GetObjectTagging","Resource":"arn:aws:s3:::open/one"}`),
		"acme/buckets/shut.json", bucket(`
{"Sid":"named","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::acme:role/one"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shut/readme"},
{"Sid":"any","Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*"},
{"Sid":"none","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}`),
		"acme/iam/roles.json", `{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"m"},
"roles":{"reader":{"rules":[{"actions":["stack:read"],"resources":["stack:acme/*"]}]}},
"groups":{"web":{"members":["pulumi/w-*"]}},
"bindings":[
{"id":"web","roles":["reader"],"members":["group/web"]},
{"id":"some","roles":["reader"],"members":["pulumi/alice"],"resources":["stack:acme/pay/*"]},
{"id":"wide","actions":["env:open*"],"resources":["*"],"members":["pulumi/bob"]},
{"id":"dbs","actions":["db:see","db:drop"],"resources":["db:*"],"members":["*"]},
{"id":"ban","effect":"Deny","actions":["db:see"],"resources":["db:*"],"members":["*"],"condition":{"StringEquals":{"subject.id":"bad"}}},
{"id":"shut","effect":"Deny","actions":["db:drop"],"resources":["db:*"],"members":["*"]}],
"defaults":{"memberRoles":["reader"]}}`,
		"other/access-policies/p.json", organization("p", `
{"name":"everyone","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["saml/*"]}`),
	)
	for name, c := range map[string]struct {
		args string
		want []string // PATTERN FILE:LINE, without acme/
	}{
		"a bucket without policy": {"subjects -type role -action s3:GetObject -resource plain/k", []string{"* access-policies/p.json:2"}},
		"a Deny to everyone":      {"subjects -type role -action s3:DeleteObject -resource plain/k", nil},
		"a bucket's Deny":         {"subjects -type role -action s3:PutObject -resource shut/k", nil},
		"names alone":             {"subjects -type role -action s3:GetObject -resource shut/readme", nil},
		"a bucket's everyone":     {"subjects -type role -action s3:GetObject -resource open/pub/k", []string{"* buckets/open.json:2"}},
		"a whole organization": {"subjects -type role -action s3:PutObject -resource open/in/k",
			[]string{"arn:aws:iam::acme:* buckets/open.json:3", "role/ci-* buckets/open.json:4"}},
		"another provider":        {"subjects -type saml -action s3:PutObject -resource open/x", nil},
		"a condition that fails":  {"subjects -type role -action s3:ListBucket -resource open", nil},
		"one that holds":          {"subjects -type role -action s3:ListBucket -resource open -context aws:SourceIp=10.1.1.1", []string{"* buckets/open.json:5"}},
		"cwobject":                {"subjects -type role -action cwobject:CreateAccessKey", []string{"role/ci-* access-policies/p.json:4"}},
		"what is stated beside":   {"subjects -type saml -principal role/ci-1 -action cwobject:CreateAccessKey", []string{"saml/* access-policies/p.json:4"}},
		"another organization":    {"subjects -org other -type saml -action s3:GetObject -resource open/pub/k", []string{"saml/* other/access-policies/p.json:2"}},
		"of another organization": {"subjects -org other -type role -action s3:GetObject -resource open/pub/k", nil},
		"groups and defaults":     {"subjects -type pulumi -action stack:read -resource stack:acme/x", []string{"* iam/roles.json:11", "pulumi/w-* iam/roles.json:5"}},
		"a Deny of iam in doubt":  {"subjects -type pulumi -action db:see -resource db:x", []string{"* iam/roles.json:8"}},
		"a Deny of iam":           {"subjects -type pulumi -action db:drop -resource db:x", nil},
		"a stated group":          {"subjects -type pulumi -group web -action stack:read -resource stack:acme/x", []string{"pulumi/* iam/roles.json:5", "pulumi/w-* iam/roles.json:5"}},
		"tokens":                  {"subjects -type token -action stack:read -resource stack:acme/x", nil},
		"objects":                 {"resources -principal role/x -action s3:GetObject -type object", []string{"* access-policies/p.json:2", "open/pub/* buckets/open.json:2"}},
		"what another organization's bucket names": {"resources -org other -principal saml/x -action s3:GetObjectTagging -type object", []string{"open/one buckets/open.json:7"}},
		"of a Deny":                  {"resources -principal role/x -action s3:DeleteObject -type object", nil},
		"a variable":                 {"resources -principal saml/jean -action s3:GetObjectAcl -type object", []string{"* access-policies/p.json:2", "open/home/${aws:PrincipalTag/team}/* buckets/open.json:6"}},
		"buckets":                    {"resources -principal role/x -action s3:GetBucketAcl -type bucket", nil},
		"buckets of a stated owner":  {"resources -principal role/x -action s3:GetBucketAcl -type bucket -resource-org acme", []string{"* access-policies/p.json:2"}},
		"resources of iam":           {"resources -principal pulumi/alice -action stack:read -type stack", []string{"stack:acme/pay/* iam/roles.json:6"}},
		"of another type":            {"resources -principal pulumi/alice -action stack:read -type env", nil},
		"everything":                 {"resources -principal pulumi/bob -action env:open -type env", []string{"* iam/roles.json:7"}},
		"actions":                    {"actions -principal saml/jean -resource open/home/x/k -context aws:PrincipalTag/team=x", []string{"s3:Get* buckets/open.json:6"}},
		"actions without policy":     {"actions -principal saml/jean -resource plain/k", []string{"s3:* access-policies/p.json:2"}},
		"actions of iam":             {"actions -principal pulumi/bob -resource-type env -resource x", []string{"env:open* iam/roles.json:7"}},
		"actions of an organization": {"actions -principal role/ci-1 -resource-type organization -resource acme", []string{"cwobject:* access-policies/p.json:4"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"search", "-json", "-policies", dir}, strings.Fields(c.args)...)
			if !slices.Contains(args, "-org") {
				args = append(args, "-org", "acme")
			}
			got := call("", nil, args...)
			var a struct {
				Results []struct{}
				Context struct {
					Complete bool
					Patterns []struct {
						Pattern, Document, Statement, File, Effect string
						Line                                       int
					}
				}
			}
			if err := json.Unmarshal([]byte(got.out), &a); err != nil || got.errs != "" {
				t.Fatalf("%v: %+v", err, got)
			}
			var patterns []string
			for _, p := range a.Context.Patterns {
				patterns = append(patterns, fmt.Sprintf("%s %s:%d", p.Pattern, strings.TrimPrefix(p.File, "acme/"), p.Line))
				if p.Statement == "" && !strings.Contains(p.File, "/iam/") {
					t.Errorf("%+v", p)
				}
			}
			if !slices.Equal(patterns, c.want) || a.Context.Complete != (len(c.want) == 0) {
				t.Errorf("complete %t, %q, want %q", a.Context.Complete, patterns, c.want)
			}
			if want := len(a.Results) == 0 && len(c.want) == 0; (got.code == exitDenied) != want {
				t.Errorf("exit %d with %s", got.code, got.out)
			}
		})
	}
}
