package fuzz

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/policy"
)

// costly is a directory of one organization, which owns the bucket b, and a
// request of it for an object there.
type costly struct {
	directory *policy.Directory
	request   *policy.Request
}

func newCostly(text string) *costly {
	c := &costly{
		directory: &policy.Directory{
			Organizations: map[string]*policy.DirectoryOrganization{"o1": {}},
			Buckets:       map[string]*policy.DirectoryBucket{"b": {Owner: "o1"}},
		},
		request: &policy.Request{
			Principal: policy.Principal{Org: "o1", IDs: []string{"role/r"}},
			Action:    "s3:GetObject",
			Resource:  policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: text},
		},
	}
	c.policy(statementOn(policy.EffectAllow, "*"))
	return c
}

// policy adds an organization policy.
func (c *costly) policy(statements ...policy.Statement) {
	o := c.directory.Organizations["o1"]
	n := strconv.Itoa(len(o.Policies))
	o.Policies = append(o.Policies, &policy.Document{
		Kind: policy.KindOrganization, Name: n, NameLine: 1, NameColumn: 1, File: "o1/access-policies/" + n + ".json", Statements: statements,
	})
}

// bucket makes the policy of b, with policy variables.
func (c *costly) bucket(statements ...policy.Statement) {
	c.directory.Buckets["b"].Policy = &policy.Document{Kind: policy.KindBucket, File: "o1/buckets/b.json", Variables: true, Statements: statements}
}

func statementOn(effect policy.Effect, resources ...string) policy.Statement {
	return policy.Statement{
		Line: 1, Effect: effect, Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}},
		Actions: []string{"s3:*"}, Resources: resources,
	}
}

func (c *costly) decide(t testing.TB, form index.Form) (policy.Decision, int) {
	t.Helper()
	s, ds := compile.Compiler{Form: form}.Directory(c.directory, 1)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	var sc index.Scratch
	return s.Decide(c.request, &sc), sc.Spent()
}

// tooCostly checks in every form whether a decision passes its budget, and that
// Explain agrees.
func (c *costly) tooCostly(t *testing.T, want bool) {
	t.Helper()
	for name, form := range forms {
		d, spent := c.decide(t, form)
		if got := d.Reason == policy.TooCostly; got != want || got != (spent > index.Budget) {
			t.Errorf("%s: %s after %d steps of %d", name, d.Reason, spent, index.Budget)
		}
		if d.Reason == policy.TooCostly && (d.Outcome != policy.ImplicitDeny || d.Layer != policy.LayerNone) {
			t.Errorf("%s: %+v is no denial without a layer", name, d)
		}
		s, _ := compile.Compiler{Form: form}.Directory(c.directory, 1)
		e := s.Explain(c.request)
		if e.Decision != d || d.Reason == policy.TooCostly && (len(e.Determining) > 0 || len(e.Steps) > 0 || !e.Truncated) {
			t.Errorf("%s: decided %+v, explained %+v", name, d, e)
		}
	}
}

// hard is a pattern of n bytes whose ends do not decide whether it matches a
// text of `a`s.
func hard(n int) string {
	const head, tail = "*", "b*"
	return head + strings.Repeat("a?", (n-len(head)-len(tail))/2)[:(n-len(head)-len(tail))/2*2] + tail
}

// attack is a pattern of 2,048 bytes at most, as an attacker writes it: two long
// segments, of which the second is nowhere in a text of `a`s that ends in b1.
func attack(i int) string {
	return "*" + strings.Repeat("a?", 500) + "*" + strings.Repeat("?a", 400) + "c" + strconv.Itoa(i) + "*b1"
}

// The budget is 32 Mi steps of patterns x texts, and no step less: what page 1
// allows is decided.
func TestBudgetOfPatterns(t *testing.T) {
	text := "b/" + strings.Repeat("a", 2046)
	fits := index.Budget / (32 * len(text))
	for _, n := range []int{fits - 1, fits, fits + 1} {
		c := newCostly(text)
		for left := n; left > 0; left -= 256 {
			var patterns []string
			for range min(left, 256) {
				patterns = append(patterns, hard(2046))
			}
			c.policy(statementOn(policy.EffectDeny, patterns...))
		}
		c.tooCostly(t, n > fits)
	}
}

// The attacks: 490 patterns in resources, and 49 of them under StringLike with
// four values of 8 KiB.
func TestBudgetOfAttacks(t *testing.T) {
	var patterns []string
	for i := range 490 {
		patterns = append(patterns, attack(i))
	}
	c := newCostly("b/" + strings.Repeat("a", 2000) + "b1")
	c.bucket(statementOn(policy.EffectAllow, patterns...))
	d, spent := c.decide(t, index.FormAuto)
	if want := 490 * 29 * len(c.request.Resource.ID); d.Reason != policy.BucketNoMatch || spent != want {
		t.Errorf("resources: %s after %d steps, want %d", d.Reason, spent, want)
	}

	c = newCostly("b/k")
	s := statementOn(policy.EffectAllow, "*")
	s.Conditions = []policy.Condition{{Operator: policy.Operator{Test: policy.StringLike}, Key: "k", Values: patterns[:49]}}
	c.bucket(s)
	value := strings.Repeat("a", 8190) + "b1"
	c.request.Context = []policy.Attribute{{Key: "k", Values: []policy.Value{{Text: value}, {Text: value}, {Text: value}, {Text: value}}}}
	c.tooCostly(t, true)
	c.request.Context[0].Values = c.request.Context[0].Values[:2]
	c.tooCostly(t, false)
}

// What is no test of a pattern has its price too: each of these takes far more
// than a decision may, and none has a pattern.
func TestBudgetOfOtherWork(t *testing.T) {
	texts := func(n, size int) (out []string) {
		for i := range n {
			out = append(out, strings.Repeat("x", size)+strconv.Itoa(1_000_000+i))
		}
		return out
	}
	values := func(list []string) (out []policy.Value) {
		for _, text := range list {
			out = append(out, policy.Value{Kind: policy.ValueString, Text: text})
		}
		return out
	}
	condition := func(test policy.Test, key string, list ...string) policy.Statement {
		s := statementOn(policy.EffectDeny, "*")
		s.Conditions = []policy.Condition{{Operator: policy.Operator{Test: test, Qualifier: policy.ForAnyValue}, Key: key, Values: list}}
		return s
	}
	many := func(n int, s policy.Statement) (out []policy.Statement) {
		for range n {
			out = append(out, s)
		}
		return out
	}
	for name, make := range map[string]func(c *costly){
		"values in a list": func(c *costly) {
			c.bucket(condition(policy.StringEquals, "k", texts(100_000, 10)...))
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(texts(1024, 11))}}
		},
		"long values in a list": func(c *costly) {
			c.bucket(condition(policy.StringEqualsIgnoreCase, "k", texts(1000, 2000)...))
			list := texts(500, 2000)
			for i := range list {
				list[i] = list[i][:1999] + "y" + list[i][2000:]
			}
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(list)}}
		},
		"addresses in ranges": func(c *costly) {
			var ranges []string
			for i := range 65536 {
				ranges = append(ranges, "10."+strconv.Itoa(i>>8)+"."+strconv.Itoa(i&255)+".0/24")
			}
			c.bucket(condition(policy.IPAddress, "k", ranges...))
			var list []string
			for i := range 1024 {
				list = append(list, "11.0."+strconv.Itoa(i>>8)+"."+strconv.Itoa(i&255))
			}
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(list)}}
		},
		"long numbers": func(c *costly) {
			c.bucket(many(50, condition(policy.NumericEquals, "k", "1"))...)
			var list []string
			for i := range 1000 {
				list = append(list, "0."+strings.Repeat("1", 900)+strconv.Itoa(i))
			}
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(list)}}
		},
		"numbers between the smallest doubles": func(c *costly) {
			c.bucket(many(2, condition(policy.NumericEquals, "k", "1"))...)
			list := slices.Repeat([]string{"4.9406564584124654e-324", "5e-0000000000000000000000000324", "2.2250738585072011E-308", "3E-320"}, 256)
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(list)}}
		},
		"one number between the smallest doubles": func(c *costly) {
			c.bucket(many(2000, condition(policy.NumericEquals, "k", "1"))...)
			c.request.Context = []policy.Attribute{{Key: "k", Values: values([]string{"4.9406564584124654e-324"})}}
		},
		"long numbers in a list": func(c *costly) {
			c.bucket(many(100, condition(policy.NumericEquals, "k", "1"))...)
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(slices.Repeat([]string{"9007199254740993.000000001"}, 1024))}}
		},
		"short texts": func(c *costly) {
			c.bucket(many(4000, condition(policy.StringEquals, "k", "aaaa"))...)
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(slices.Repeat([]string{"aaab"}, 1024))}}
		},
		"texts whose case is folded": func(c *costly) {
			c.bucket(many(1000, condition(policy.StringEqualsIgnoreCase, "k", strings.Repeat("a", 63)+"b"))...)
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(slices.Repeat([]string{strings.Repeat("A", 63) + "c"}, 1024))}}
		},
		"beginnings of texts": func(c *costly) {
			list := strings.Split("ab0* ab1* ab2* ab3* ab4* ab5* ab6* ab7* ab8* ab9*", " ")
			c.bucket(many(1200, condition(policy.StringLike, "k", list...))...)
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(slices.Repeat([]string{"acbb"}, 1024))}}
		},
		"booleans": func(c *costly) {
			c.bucket(many(2500, condition(policy.Bool, "k", "true"))...)
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(slices.Repeat([]string{"false"}, 1024))}}
		},
		"short base64": func(c *costly) {
			c.bucket(many(2500, condition(policy.BinaryEquals, "k", "QUJD"))...)
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(slices.Repeat([]string{"QUJE"}, 1024))}}
		},
		"short ARNs": func(c *costly) {
			c.bucket(many(2500, condition(policy.ArnEquals, "k", "a:b:c:d:e:f"))...)
			c.request.Context = []policy.Attribute{{Key: "k", Values: values(slices.Repeat([]string{"a:b:c:d:e:g"}, 1024))}}
		},
		"conditions and claims": func(c *costly) {
			c.bucket(many(40_000, condition(policy.StringEquals, "oidc:o1:x", "y"))...)
			c.request.Principal.ClaimsStated = true
			for i := range 1024 {
				c.request.Principal.Claims = append(c.request.Principal.Claims, policy.Attribute{Key: "c" + strconv.Itoa(i)})
			}
		},
		"conditions and groups": func(c *costly) {
			c.bucket(many(40_000, condition(policy.StringEquals, "iam:o1:groups", "y"))...)
			c.request.Principal.Groups = texts(1024, 3)
		},
		"identifiers and beginnings": func(c *costly) {
			s := statementOn(policy.EffectDeny, "*")
			s.Principals = []policy.PrincipalPattern{{Kind: policy.PrincipalOrganization, Org: "o2"}} // so that names do not narrow it
			for _, text := range texts(2, 10) {
				s.Principals = append(s.Principals, policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Org: "o1", Name: "role/" + text})
			}
			c.bucket(many(20_000, s)...)
			for _, text := range texts(255, 8) {
				c.request.Principal.IDs = append(c.request.Principal.IDs, "role/"+text)
			}
		},
		"beginnings of beginnings": func(c *costly) {
			id, key := "role/"+strings.Repeat("x", 2000), "b/"+strings.Repeat("y", 2000)
			var list []policy.Statement
			for i := range 1900 {
				s := statementOn(policy.EffectDeny, key[:50+i]+"*")
				s.Principals = []policy.PrincipalPattern{{Kind: policy.PrincipalPrefix, Org: "o1", Name: id[:1950-i]}}
				if i > 950 {
					s.Resources[0] += "z*" // so that no two postings meet
				}
				list = append(list, s)
			}
			c.bucket(list...)
			for i := range 256 {
				c.request.Principal.IDs = append(c.request.Principal.IDs[:i], id+strconv.Itoa(i))
			}
			c.request.Resource.ID = key
		},
		"variables": func(c *costly) {
			c.bucket(many(2000, statementOn(policy.EffectDeny, "b/"+strings.Repeat("${v}", 400)))...)
			for i := range 250 {
				c.request.Context = append(c.request.Context, policy.Attribute{Key: "k" + strconv.Itoa(i)})
			}
			c.request.Context = append(c.request.Context, policy.Attribute{Key: "v", Values: values([]string{""})})
		},
		"unknown actions": func(c *costly) {
			s := statementOn(policy.EffectDeny, "*")
			s.Actions = []string{"s3:*" + strings.Repeat("a?", 500) + "b*"}
			c.bucket(many(3000, s)...)
			c.request.Action = "s3:" + strings.Repeat("a", 2000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCostly("b/k")
			make(c)
			if d, spent := c.decide(t, index.FormAuto); d.Reason != policy.TooCostly {
				t.Errorf("%s after %d steps", d.Reason, spent)
			}
		})
	}
}

// A value that is no UTF-8 is put into no pattern, even where an entrance forgets
// to refuse it: none of its bytes is a wildcard. It is as a variable without a
// value (specification 1.7).
func TestValuesAreNoWildcards(t *testing.T) {
	for _, value := range []string{"\xff", "\xfe\xfe\xfe\xfe\xfe\xfe", "s\xff", "\xffet", "\xfc", "\xfd\x00\x00\x00", "\xfa", "\xed\xa0\x80"} {
		for _, key := range []string{"k", "subject.k", "aws:username"} {
			for name, s := range map[string]policy.Statement{
				"resource":     statementOn(policy.EffectAllow, "b/${"+key+"}"),
				"inner":        statementOn(policy.EffectAllow, "b/${"+key+"}t"),
				"StringLike":   like(policy.StringLike, "x", "${"+key+"}"),
				"StringEquals": like(policy.StringEquals, "x", "${"+key+"}"),
				"ArnLike":      like(policy.ArnLike, "arn", "arn:aws:s3:::${"+key+"}"),
			} {
				c := newCostly("b/secret")
				c.bucket(s)
				c.request.Context = []policy.Attribute{
					{Key: "x", Values: []policy.Value{{Text: "secret"}}}, {Key: "arn", Values: []policy.Value{{Text: "arn:aws:s3:::secret"}}},
				}
				values := []policy.Value{{Kind: policy.ValueString, Text: value}}
				if key == "subject.k" {
					c.request.Principal.Properties = []policy.Attribute{{Key: "k", Values: values}}
				} else {
					c.request.Context = append(c.request.Context, policy.Attribute{Key: key, Values: values})
				}
				for form, f := range forms {
					if d, _ := c.decide(t, f); d.Reason != policy.BucketNoMatch {
						t.Errorf("%s, %s: %q as %s gives %s", form, name, value, key, d.Reason)
					}
				}
			}
		}
	}
}

// like is an Allow with one condition.
func like(test policy.Test, key, value string) policy.Statement {
	s := statementOn(policy.EffectAllow, "*")
	s.Conditions = []policy.Condition{{Operator: policy.Operator{Test: test}, Key: key, Values: []string{value}}}
	return s
}
