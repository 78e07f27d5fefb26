package match

import (
	"slices"
	"strings"

	"postern/index/internal/block"
	"postern/policy"
)

// This file has the keys that say who asks, and about what (specification 1.7,
// Keys that the server sets). Their values are made when a condition or a
// variable first reads them.

// subject returns the two parts of the caller's first identifier.
func (v *View) subject() (provider, name string) {
	provider, name, _ = strings.Cut(v.Request.Principal.IDs[0], "/")
	return provider, name
}

// resourceAsked returns the type and the id of the resource, as a door maps
// them (specification 3.1). The whole organization is the caller's, whether it
// was asked by its name or as `*`.
func (v *View) resourceAsked() (resourceType, id string) {
	r := &v.Request.Resource
	switch r.Kind {
	case policy.ResourceBucket:
		return "bucket", r.ID
	case policy.ResourceObject:
		return "object", r.ID
	case policy.ResourceOrganization:
		return "organization", v.Org
	}
	return r.Type, r.ID
}

// username returns the server's value of aws:username; ok is false if there is
// none.
func (v *View) username() (string, bool) {
	if kind := v.Request.Resource.Kind; kind != policy.ResourceBucket && kind != policy.ResourceObject || v.Owner != v.Org {
		return "", false
	}
	provider, name := v.subject()
	return name, !slices.Contains(noUsers[:], provider)
}

// noUsers are the providers whose identifiers name no users.
var noUsers = [...]string{"role", "group", "token", "access-key", "subuser", "cert"}

// principalARNs holds the values of aws:PrincipalArn, which are made once a
// request.
type principalARNs struct {
	made bool
	text []byte
	list []policy.Value
}

// principalARNs returns the server's values of aws:PrincipalArn: an ARN for
// each identifier of the caller, none of a token.
func (v *View) principalARNs() []policy.Value {
	x := &v.arns
	if x.made {
		return x.list
	}
	x.made, x.list = true, x.list[:0]
	if IsToken(v.Request) {
		return x.list
	}
	const scheme = "arn:aws:iam::"
	ids := v.Request.Principal.IDs
	size := 0
	for _, id := range ids {
		size += len(scheme) + len(v.Org) + 1 + len(id)
	}
	x.text = slices.Grow(x.text[:0], size) // so that no text is moved by an append
	for _, id := range ids {
		from := len(x.text)
		x.text = append(append(append(append(x.text, scheme...), v.Org...), ':'), id...)
		x.list = append(x.list, policy.Value{Kind: policy.ValueString, Text: block.Alias(x.text[from:])})
	}
	return x.list
}

// groupNames holds the values of iam:ORG:groups, which are made once a request:
// many conditions may ask for many groups.
type groupNames struct {
	made bool
	list []policy.Value
}

// groupNames returns the groups that the request states, or that of a team token.
func (v *View) groupNames() []policy.Value {
	x := &v.groupKey
	if x.made {
		return x.list
	}
	x.made, x.list = true, x.list[:0]
	if v.IsTeam {
		x.list = append(x.list, policy.Value{Kind: policy.ValueString, Text: v.Team})
		return x.list
	}
	for _, g := range v.Request.Principal.Groups {
		x.list = append(x.list, policy.Value{Kind: policy.ValueString, Text: g})
	}
	return x.list
}
