package policyjson

import (
	"slices"
	"strings"

	"postern/internal/builtin"
	"postern/internal/spelling"
	"postern/internal/value"
	"postern/policy"
)

// This file gives advice on the names of Pulumi's scopes (specification 1.6,
// 2). It says nothing of actions of services that no table knows, since a
// platform may have its own.

// scope is a known scope that a document uses, as scopeTypes needs it.
type scope struct {
	id int // its place in builtin.Scopes
	at int
}

// scopeIDs are the places of scopes in builtin.Scopes by lower-case name;
// scopesOf are those of each service, which is the part of a name before the
// colon.
var scopeIDs, scopesOf = func() (map[string]int, map[string][]int) {
	ids, services := map[string]int{}, map[string][]int{}
	for i, s := range builtin.Scopes() {
		ids[s.Name] = i
		service, _, _ := strings.Cut(s.Name, ":")
		services[service] = append(services[service], i)
	}
	return ids, services
}()

// knownScope warns of an action pattern that looks like a Pulumi scope and is
// none. Known scopes are added to d.scopes.
func (d *decoder) knownScope(text string, at int) {
	if len(text) > maxQuoted {
		return
	}
	folded := value.FoldASCII(text)
	if id, ok := scopeIDs[folded]; ok {
		d.scopes = append(d.scopes, scope{id, at})
		return
	}
	service, name, _ := strings.Cut(folded, ":")
	scopes := builtin.Scopes()
	own := scopesOf[service]
	switch wild := strings.ContainsAny(name, "*?"); {
	case wild && (len(own) == 0 || name == "*" || d.globs == 0):
		return
	case wild:
		d.globs--
		for _, i := range own {
			if matchName(folded, scopes[i].Name) {
				return
			}
		}
		d.report(at, msgActionUnknown, quote(text))
		return
	case len(own) == 0:
		// A warning is worth its noise only if the service differs by one
		// letter.
		if d.suggestions == 0 {
			return
		}
		d.suggestions--
		for i := range scopes {
			known, rest, _ := strings.Cut(scopes[i].Name, ":")
			if rest == name && spelling.Distance(service, known, 2) < 2 {
				d.report(at, msgActionNear, quote(text), instead(scopes[i].Name))
				return
			}
		}
		return
	}
	if i := d.nearest([]byte(folded), len(scopes), func(i int) string { return scopes[i].Name }); i >= 0 {
		d.report(at, msgActionNear, quote(text), instead(scopes[i].Name))
		return
	}
	d.report(at, msgActionUnknown, quote(text))
}

// scopeTypes warns of scopes in d.scopes that no request asks of a resource of
// the given type. Pulumi's name for the organization is `global`.
func (d *decoder) scopeTypes(resourceType string) {
	written := resourceType
	resourceType, ok := scopeType(resourceType)
	if !ok {
		return
	}
	for _, s := range d.scopes {
		if known := builtin.Scopes()[s.id]; !known.On(resourceType) {
			d.report(s.at, msgScopeType, quote(known.Name), quote(known.Types[0]), quote(written))
		}
	}
}

// scopeType is the catalogue's name of a resource type; false if it has none.
func scopeType(resourceType string) (string, bool) {
	switch resourceType {
	case "organization":
		return "global", true
	case "stack", "environment", "insights-account":
		return resourceType, true
	}
	return "", false
}

// scopesMeet warns of scopes in d.scopes that no request asks of a resource of any
// type that is listed beside them. Of types that the catalogue lacks nothing is said.
func (d *decoder) scopesMeet(resources []policy.ResourcePattern) {
	var types []string
	for _, r := range resources {
		t, ok := scopeType(r.Type)
		if !ok {
			return
		}
		types = append(types, t)
	}
	if types == nil {
		return
	}
	for _, s := range d.scopes {
		if known := builtin.Scopes()[s.id]; !slices.ContainsFunc(types, known.On) {
			wanted, example := known.Types[0], known.Types[0]+":ID"
			if wanted == "global" {
				wanted, example = "organization", "organization:ORG"
			}
			d.report(s.at, msgScopeResources, quote(known.Name), quote(wanted), quote(example))
		}
	}
}
