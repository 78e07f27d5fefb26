package fuzz

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"postern/policy"
)

// genes describe a policy and a request that are meant to cost much. Each is
// one choice, or an amount of something, so that a change of one gene is a
// small change of the world and a search can climb.
type genes [geneCount]byte

const (
	geneWhere     = iota // which of the parts below there are
	geneDocuments        // organization policies
	geneStatements
	genePatterns // of a statement
	geneUnit     // what patterns repeat
	geneBegin    // what they begin with
	geneEnd      // and end with
	geneLength   // of a pattern
	geneTextUnit // what the resource repeats
	geneTextLength
	geneConditions // of a statement
	geneOperator
	geneKey
	geneValues      // of a condition
	geneAsked       // values of a key in the request
	geneAskedLength // of each
	geneAskedUnit
	geneKeys // of the request's context
	geneIdentifiers
	geneIdentifierLength
	geneNames // of a statement's principals
	geneBeginnings
	geneClaims
	geneGroups
	geneVariables // in each pattern
	geneQualifier
	geneEffect
	geneAction
	geneSame  // whether statements are alike
	geneRules // of the iam layer
	geneNested
	geneCount
)

// The bits of geneWhere.
const (
	inOrganization = 1 << iota
	inBucket
	inIAM
	notResource
	foreignBucket
)

// amount returns a number from 1 to most, which grows by powers with the gene.
func (g *genes) amount(gene, most int) int {
	return int(math.Round(math.Pow(float64(most), float64(g[gene])/255)))
}

func (g *genes) has(bit byte) bool { return g[geneWhere]&bit != 0 }

func pickOf[T any](g *genes, gene int, list ...T) T { return list[int(g[gene])%len(list)] }

// maxWorld bounds the bytes of the policies of a world, and maxBody those of a
// request's body, as the loader and the door do.
const (
	maxWorld = 12 << 20
	maxBody  = 1 << 20
)

// world makes what genes describe.
func (g *genes) world() *costly {
	length := g.amount(geneTextLength, 2046)
	text := filled(pickOf(g, geneTextUnit, "a", "ab", "é", "aé", "aab", "€", "a/", "aaaaaaab"), length)
	c := newCostly("b/" + text + pickOf(g, geneEnd, "", "b1", "", "b"))
	if len(c.request.Resource.ID) > 2048 {
		c.request.Resource.ID = "b/" + text
	}
	g.ask(c.request)
	size := 0
	if g.has(inOrganization) {
		for range g.amount(geneDocuments, 16) {
			c.policy(g.statements(&size, false)...)
		}
	}
	if g.has(inBucket) {
		c.bucket(g.statements(&size, true)...)
	}
	if g.has(foreignBucket) {
		c.directory.Buckets["b"].Owner = "o2"
		c.directory.Organizations["o2"] = &policy.DirectoryOrganization{Policies: c.directory.Organizations["o1"].Policies}
	}
	if g.has(inIAM) {
		g.access(c, &size)
	}
	return c
}

// filled repeats a unit up to a length.
func filled(unit string, length int) string {
	return strings.Repeat(unit, max(1, length/len(unit)))
}

// pattern returns pattern i of a statement, of at most 2,000 bytes.
func (g *genes) pattern(i int) string {
	unit := pickOf(g, geneUnit, "a?", "*a", "*a?a", "?", "a", "é?", "*é?a", "*?", "aaaaaaa?", "ab*", "a?b?", "*a?*", "*/", "€?")
	begin := pickOf(g, geneBegin, "*", "b/", "b/*", "*b/", "b/?*", "*?")
	end := pickOf(g, geneEnd, "*", "b*", "b1", "?b*", "*c", "?")
	variables := strings.Repeat("${v}", g.amount(geneVariables, 128)-1)
	if len(variables) > 1200 {
		variables = variables[:1200]
	}
	body := filled(unit, g.amount(geneLength, 2000-len(variables)))
	if len(body)+len(variables) > 1980 {
		body = body[:len(body)-len(unit)*((len(body)+len(variables)-1980)/len(unit)+1)]
	}
	if g[geneSame]%2 == 1 {
		end = strconv.Itoa(i) + end
	}
	return begin + body + variables + end
}

// statements makes the statements of one document, within the bounds of a file.
func (g *genes) statements(size *int, bucket bool) (out []policy.Statement) {
	const maxSteps = 16 << 20
	steps := 0
	effect := pickOf(g, geneEffect, policy.EffectDeny, policy.EffectAllow)
	for i := range g.amount(geneStatements, 100_000) {
		s := statementOn(effect)
		s.Line = i + 1
		for k := range g.amount(genePatterns, 512) {
			p := g.pattern(i + k)
			if steps += (len(p) + 63) / 64 * 2048; steps > maxSteps || *size > maxWorld {
				break
			}
			*size += len(p)
			s.Resources = append(s.Resources, p)
		}
		if len(s.Resources) == 0 {
			if *size > maxWorld {
				break
			}
			s.Resources = []string{"*"}
		}
		s.NotResource = bucket && g.has(notResource)
		g.principals(&s, i, size)
		if g[geneAction]%4 == 3 {
			s.Actions = []string{"s3:*" + filled("a?", 200) + "b*", "s3:Get*"}
		}
		if bucket {
			for k := range g.amount(geneConditions, 20) - 1 {
				s.Conditions = append(s.Conditions, g.condition(i, k, size))
			}
		}
		*size += 100
		out = append(out, s)
	}
	return out
}

func (g *genes) principals(s *policy.Statement, i int, size *int) {
	names, beginnings := g.amount(geneNames, 300)-1, g.amount(geneBeginnings, 300)-1
	if names+beginnings == 0 {
		return
	}
	org := ""
	if s.Conditions != nil || g.has(inBucket) && !g.has(inOrganization) {
		org = "o1"
	}
	s.Principals = s.Principals[:0:0]
	for k := range names {
		s.Principals = append(s.Principals, policy.PrincipalPattern{Kind: policy.PrincipalExact, Org: org, Name: fmt.Sprint("role/n", k, "-", i)})
	}
	id := "role/" + filled("x", g.amount(geneIdentifierLength, 2000))
	for k := range beginnings {
		s.Principals = append(s.Principals, policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Org: org, Name: id[:max(6, len(id)-k-i%100)]})
		*size += len(id)
	}
	if org != "" && g[geneSame]%3 == 0 {
		s.Principals = append(s.Principals, policy.PrincipalPattern{Kind: policy.PrincipalOrganization, Org: "o3"})
	}
	*size += 20 * names
}

// key returns the key that conditions ask for.
func (g *genes) key() string {
	return pickOf(g, geneKey, "k", "oidc:o1:c", "iam:o1:groups", "subject.k", "resource.k", "aws:PrincipalArn", "k", "k")
}

func (g *genes) condition(i, k int, size *int) policy.Condition {
	test := pickOf(g, geneOperator, policy.Tests()...)
	c := policy.Condition{
		Operator: policy.Operator{Test: test, Qualifier: pickOf(g, geneQualifier, policy.ForAnyValue, policy.ForAllValues, policy.QualifierNone)},
		Key:      g.key(),
	}
	if k > 0 { // a statement has no operator with the same key twice
		c.Key = "k" + strconv.Itoa(k)
	}
	values := g.amount(geneValues, 100_000)
	if test.Family() == policy.FamilyBool || test.Family() == policy.FamilyNull {
		values = 1
	}
	for n := range values {
		if *size > maxWorld {
			break
		}
		v := g.wanted(test, n)
		*size += len(v)
		c.Values = append(c.Values, v)
	}
	if len(c.Values) == 0 {
		c.Values = []string{g.wanted(test, 0)}
	}
	return c
}

// wanted returns value n of a condition.
func (g *genes) wanted(test policy.Test, n int) string {
	switch test.Family() {
	case policy.FamilyNumeric:
		return strconv.Itoa(n + 2)
	case policy.FamilyDate:
		return strconv.Itoa(n + 2)
	case policy.FamilyBool, policy.FamilyNull:
		return "true"
	case policy.FamilyBinary:
		return "aGVsbG8="
	case policy.FamilyIP:
		return fmt.Sprintf("11.%d.%d.0/24", n>>8&255, n&255)
	case policy.FamilyArn:
		return "arn:aws:*a?:*" + filled("a?", 20) + "b*::" + g.pattern(n)
	}
	if test == policy.StringLike || test == policy.StringNotLike {
		return g.pattern(n)
	}
	return filled("A", g.amount(geneAskedLength, 2000)) + strconv.Itoa(n+1_000_000)
}

// ask fills the request.
func (g *genes) ask(r *policy.Request) {
	left := maxBody
	values := func() (out []policy.Value) {
		family := pickOf(g, geneOperator, policy.Tests()...).Family()
		unit := pickOf(g, geneAskedUnit, "a", "ab", "é", "aé", "aaaaaaab")
		length := g.amount(geneAskedLength, 8192)
		for i := range g.amount(geneAsked, 1024) {
			text := filled(unit, length)
			switch family {
			case policy.FamilyNumeric:
				text = "0." + filled("1", length)
			case policy.FamilyDate:
				text = "1" + filled("0", length%16)
			case policy.FamilyIP:
				text = fmt.Sprintf("10.0.%d.%d", i>>8, i&255)
			case policy.FamilyBool, policy.FamilyNull:
				text = "false"
			case policy.FamilyBinary:
				text = filled("aaaa", length)
			case policy.FamilyArn:
				text = "arn:aws:" + filled("a", 40) + ":" + filled("a", length/2) + "::" + filled("a", length/2)
			}
			if test := pickOf(g, geneOperator, policy.Tests()...); test == policy.StringEquals || test == policy.StringEqualsIgnoreCase {
				text = filled("a", g.amount(geneAskedLength, 2000)) + strconv.Itoa(i+2_000_000)
			}
			if len(text) > 8192 {
				text = text[:8192]
			}
			if left -= len(text) + 8; left < 0 {
				break
			}
			out = append(out, policy.Value{Kind: policy.ValueString, Text: text})
		}
		return out
	}
	// The key that is asked for comes last, after others of its length.
	for i := range g.amount(geneKeys, 255) - 1 {
		r.Context = append(r.Context, policy.Attribute{Key: "k" + strconv.Itoa(i+1)})
		left -= 20
	}
	asked := policy.Attribute{Key: "k", Values: values()}
	switch g.key() {
	case "oidc:o1:c":
		r.Principal.ClaimsStated = true
		for i := range g.amount(geneClaims, 1023) {
			r.Principal.Claims = append(r.Principal.Claims, policy.Attribute{Key: strconv.Itoa(i % 10)})
		}
		asked.Key = "c"
		r.Principal.Claims = append(r.Principal.Claims, asked)
	case "subject.k":
		r.Principal.Properties = append(r.Principal.Properties, asked)
	case "resource.k":
		r.Resource.Properties = append(r.Resource.Properties, asked)
	default:
		r.Context = append(r.Context, asked)
	}
	r.Context = append(r.Context, policy.Attribute{Key: "v", Values: []policy.Value{{Kind: policy.ValueString, Text: filled("a", g.amount(geneAskedLength, 1500)/8)}}})
	for i := range g.amount(geneGroups, 1024) - 1 {
		r.Principal.Groups = append(r.Principal.Groups, "g"+strconv.Itoa(i))
	}
	id := "role/" + filled("x", g.amount(geneIdentifierLength, 2000))
	for i := range g.amount(geneIdentifiers, 255) - 1 {
		if left -= len(id); left < 0 {
			break
		}
		r.Principal.IDs = append(r.Principal.IDs, id+strconv.Itoa(i))
	}
	if g[geneAction]%2 == 1 {
		r.Action = "s3:" + filled("a", 2000)
	}
}

// access makes an iam layer, and asks it.
func (g *genes) access(c *costly, size *int) {
	c.request.Action = pickOf(g, geneAction, "stack:read", "stack:"+filled("a", 500))
	c.request.Resource = policy.Resource{Kind: policy.ResourceTyped, Type: "stack", ID: c.request.Resource.ID, UID: "u"}
	doc := &policy.AccessDocument{File: "o1/iam/a.json"}
	role := policy.Role{Name: "r"}
	steps := 0
	for i := range g.amount(geneRules, 20_000) {
		p := g.pattern(i)
		if steps += (len(p) + 63) / 64 * 2048; steps > 16<<20 {
			p = "b/*" + strconv.Itoa(i)
		}
		rule := policy.Rule{
			Actions:   []string{pickOf(g, geneAction, "stack:read", "stack:*"+filled("a?", 100)+"b*", "stack:r*")},
			Resources: []policy.ResourcePattern{{Type: "stack", Pattern: p}},
		}
		if g[geneConditions]%2 == 1 {
			rule.Conditions = []policy.Condition{g.condition(i, 0, size)}
		}
		if *size += len(p) + 100; *size > maxWorld {
			break
		}
		role.Rules = append(role.Rules, rule)
	}
	doc.Roles = []policy.Role{role}
	effect := pickOf(g, geneEffect, policy.EffectDeny, policy.EffectAllow)
	for i := range g.amount(geneNames, 3000) {
		b := policy.Binding{ID: strconv.Itoa(i), Effect: effect, Roles: []policy.Reference{{Name: "r"}}}
		b.Members = []policy.Member{{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalEveryone}}}
		if g[geneSame]%2 == 1 {
			b.Members = []policy.Member{{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalGroup, Name: "g" + strconv.Itoa(i%1024)}}}
		}
		doc.Bindings = append(doc.Bindings, b)
	}
	for i := range g.amount(geneNested, 1000) - 1 {
		doc.Groups = append(doc.Groups, policy.Group{Name: "g" + strconv.Itoa(i), Members: []policy.Member{
			{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalGroup, Name: "g" + strconv.Itoa(i+1)}},
		}})
	}
	c.directory.Organizations["o1"].Access = []*policy.AccessDocument{doc}
}
