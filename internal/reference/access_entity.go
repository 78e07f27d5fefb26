package reference

import (
	"slices"

	"postern/policy"
)

// addFacts adds what entities say to the request (2): "facts that hold where a
// request does not state them: properties (scalars or lists of scalars:
// condition keys subject.X, resource.X) and tags". doc.go says whose facts.
func (a *iam) addFacts() {
	r := *a.request
	a.request = &r

	// The caller's first identifier is the subject; "everything of the user" is
	// a personal token's, facts too, where it has none of its own.
	subjects := r.Principal.IDs[:1]
	if t := a.who.token; t != nil && t.Type == policy.TokenPersonal {
		subjects = a.who.ids
	}
	for _, id := range subjects {
		if e := a.entityNamed(func(e *policy.Entity) bool { return e.Principal == id && e.Type == "" }); e != nil {
			r.Principal.Properties = withFacts(r.Principal.Properties, e.Properties)
		}
	}

	typ, id := a.resourceType(), a.resourceID()
	e := a.entityNamed(func(e *policy.Entity) bool { return e.Type == typ && e.ID == id && e.Principal == "" })
	if e == nil {
		return
	}
	r.Resource.Properties = withFacts(r.Resource.Properties, e.Properties)
	// "null or absent is unknown unless entities has them; {} is known and
	// empty": the request's tags hold as a whole, or the entity's do.
	if !r.Resource.TagsKnown && e.TagsKnown {
		r.Resource.Tags, r.Resource.TagsKnown = e.Tags, true
	}
}

// withFacts adds to stated keys the facts that are not stated. A stated key
// wins whatever its value, an empty list too: "Properties that a request sends
// win over those that the fixture holds" (6).
func withFacts(stated, facts []policy.Attribute) []policy.Attribute {
	out := slices.Clone(stated)
	for _, f := range facts {
		if !slices.ContainsFunc(out, func(a policy.Attribute) bool { return foldKey(a.Key) == foldKey(f.Key) }) {
			out = append(out, f)
		}
	}
	return out
}

func (a *iam) entityNamed(is func(e *policy.Entity) bool) *policy.Entity {
	for _, d := range a.documents {
		for i := range d.Entities {
			if is(&d.Entities[i]) {
				return &d.Entities[i]
			}
		}
	}
	return nil
}
