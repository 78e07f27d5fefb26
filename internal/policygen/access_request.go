package policygen

import (
	"math/rand/v2"

	"postern/policy"
)

// request makes a request of the iam layer, or one for cwobject:, which it
// joins; now and then a token asks for something of the object store.
func (a *smallAccess) request() *policy.Request {
	if a.chance(10) {
		r := a.smallWorld.request()
		if a.chance(2) {
			a.asToken(&r.Principal)
		}
		return r
	}
	r := a.smallWorld.request()
	r.Principal.Claims, r.Principal.ClaimsStated = nil, false
	a.caller(&r.Principal)
	r.Action = pick(a.generator, iamActions...)
	a.asks(r)
	return r
}

// caller makes the caller one that iam documents know.
func (a *smallAccess) caller(p *policy.Principal) {
	if a.chance(2) {
		p.Groups = some(a.generator, 3, func() string { return pick(a.generator, groupNames...) })
	}
	switch {
	case a.chance(5):
		a.asToken(p)
	case a.chance(4):
		p.ClaimsStated = true
		if !a.chance(6) {
			p.Claims = append(p.Claims, policy.Attribute{Key: "iss", Values: []policy.Value{{Kind: policy.ValueString, Text: pick(a.generator, issuerURLs...)}}})
		} else {
			p.Claims = append(p.Claims, pick(a.generator, policy.Attribute{Key: "iss", Unreadable: true}, policy.Attribute{Key: "iss"}, policy.Attribute{Key: "ISS", Values: []policy.Value{{Kind: policy.ValueString, Text: "https://i"}}},
				policy.Attribute{Key: "iss", Values: []policy.Value{{Kind: policy.ValueString, Text: "https://i"}, {Kind: policy.ValueString, Text: "https://j"}}}))
		}
		for _, path := range []string{"sub", "aud", `"k.io".pod`} {
			if !a.chance(5) {
				p.Claims = append(p.Claims, a.attribute(path, policy.FamilyString))
			}
		}
		if a.chance(3) {
			p.Claims = append(p.Claims, policy.Attribute{Key: "obj", Unreadable: true})
		}
	}
}

// asToken makes the caller a token, which has no other identifier.
func (a *smallAccess) asToken(p *policy.Principal) {
	p.IDs = []string{"token/" + pick(a.generator, tokenNames...)}
	if len(a.tokenNames) > 0 && !a.chance(8) {
		p.IDs[0] = "token/" + pick(a.generator, a.tokenNames...)
	}
	p.Groups, p.Claims, p.ClaimsStated = nil, nil, false
}

// asks puts a resource of the iam layer into a request.
func (a *smallAccess) asks(r *policy.Request) {
	properties := r.Resource.Properties
	if a.chance(2) {
		r.Principal.Properties = nil // so that entities may state some
	}
	r.Resource = policy.Resource{Kind: policy.ResourceTyped, Type: pick(a.generator, iamTypes...), ID: pick(a.generator, iamIDs...), Properties: properties}
	if a.chance(12) {
		r.Resource.Type = pick(a.generator, "bucket", "object", "insights-account", "Stack")
	}
	if r.Action == "cwobject:EnsureAccessPolicy" {
		r.Resource.Type = "organization"
	}
	if r.Resource.Type == "organization" {
		r.Resource.Kind, r.Resource.ID = policy.ResourceOrganization, "*"
		if a.chance(3) {
			r.Resource.ID = r.Principal.Org
			if r.Resource.ID == "" || a.chance(8) {
				r.Resource.ID = a.organization()
			}
		}
	}
	if a.chance(20) {
		r.Resource.Org = a.organization()
	}
	if a.chance(2) {
		r.Resource.UID = pick(a.generator, uids...)
	}
	if r.Resource.TagsKnown = !a.chance(4); r.Resource.TagsKnown {
		r.Resource.Tags = a.tags()
	}
}

// SmallTreeFrom makes a Pulumi record whose tree composes nothing, alone in a
// document bound to every caller of the organization o1 by the given effect,
// and requests about it: for tests that hold the lowering of trees against
// their direct evaluation.
func SmallTreeFrom(source *rand.Rand, effect policy.Effect, requests int) (*policy.Directory, []*policy.Request) {
	w := &smallWorld{generator: generator{source}}
	a := &smallAccess{smallWorld: w, lines: map[string]int{}}
	records := &policy.AccessDocument{File: "o1/iam/records.json"}
	t := &smallTree{smallAccess: a, document: records}
	records.Records = []policy.Record{{At: a.at(records), ID: "rec0", IDAt: a.at(records), ResourceType: "global", Details: t.node(4)}}
	bindings := &policy.AccessDocument{File: "o1/iam/bindings.json"}
	bindings.Bindings = []policy.Binding{{
		ID: "b", At: a.at(bindings), IDAt: a.at(bindings), Effect: effect, Roles: []policy.Reference{a.reference(bindings, "rec0")},
		Members: []policy.Member{{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalEveryone}, At: a.at(bindings)}},
	}}
	var out []*policy.Request
	for range requests {
		r := &policy.Request{
			Principal: policy.Principal{Org: "o1", IDs: []string{"role/a"}},
			Action:    pick(w.generator, "st:read", "st:Write", "en:open", "iam:ListUsers"),
			Resource:  policy.Resource{Kind: policy.ResourceTyped, Type: pick(w.generator, entityTypes...), ID: "a"},
		}
		if !w.chance(3) {
			r.Resource.UID = pick(w.generator, uids...)
		}
		if r.Resource.TagsKnown = !w.chance(4); r.Resource.TagsKnown {
			r.Resource.Tags = a.tags()
		}
		out = append(out, r)
	}
	return &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{"o1": {Access: []*policy.AccessDocument{records, bindings}}}}, out
}
