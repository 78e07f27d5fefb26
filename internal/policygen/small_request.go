package policygen

import "postern/policy"

// request makes a request, valid and mostly about what is there.
func (w *smallWorld) request() *policy.Request {
	action := asked[w.IntN(len(asked))]
	r := &policy.Request{
		Principal: w.principal(),
		Action:    action.name,
		Resource:  policy.Resource{Kind: action.on},
		Context:   w.context(),
		Now:       pick[int64](w.generator, 1767225600, 1767225599, 1800000000, 0),
	}
	if w.chance(4) {
		r.ActionProperties = []policy.Attribute{w.attribute(w.otherCase("soft"), policy.FamilyBool)}
	}
	if w.chance(3) {
		r.Resource.Properties = []policy.Attribute{w.attribute(w.otherCase("x"), policy.FamilyString)}
	}
	bucket := pick(w.generator, w.buckets...)
	if w.chance(24) {
		bucket = pick(w.generator, "c", "B", "b*")
		if bucket == "b*" && action.name != "s3:CreateBucket" {
			bucket = "bb"
		}
	}
	switch r.Resource.Kind {
	case policy.ResourceBucket:
		r.Resource.Type, r.Resource.ID = "bucket", bucket
	case policy.ResourceObject:
		key := pick(w.generator, w.keys...)
		if w.chance(4) {
			key = w.key()
		}
		r.Resource.Type, r.Resource.ID = "object", bucket+"/"+key
	case policy.ResourceOrganization:
		r.Resource.Type, r.Resource.ID = "organization", "*"
		if w.chance(3) {
			r.Resource.ID = w.organization()
		}
	case policy.ResourceTyped:
		r.Resource.Type, r.Resource.ID = "stack", "a"
	}
	if w.chance(8) {
		r.Resource.Org = w.organization()
	}
	return r
}

func (w *smallWorld) principal() policy.Principal {
	p := policy.Principal{Org: w.organization()}
	if w.chance(30) {
		p.Org = ""
	}
	if !w.chance(40) {
		p.IDs = some(w.generator, 4, func() string { return pick(w.generator, identifiers...) })
	}
	if w.chance(2) {
		p.Groups = some(w.generator, 3, func() string { return pick(w.generator, "g1", "a", "ab", "", "G1") })
	}
	if w.chance(2) {
		p.ClaimsStated = true
		if !w.chance(4) {
			p.Claims = append(p.Claims, w.attribute("sub", policy.FamilyString))
		}
		if w.chance(3) {
			p.Claims = append(p.Claims, policy.Attribute{Key: "obj", Unreadable: true}, w.attribute("obj.x", policy.FamilyString))
		}
		if w.chance(3) {
			p.Claims = append(p.Claims, w.attribute(`"k.io".pod`, policy.FamilyString), w.attribute("SUB", policy.FamilyString))
		}
	}
	if w.chance(3) {
		p.Properties = append(p.Properties, w.attribute(w.otherCase("level"), policy.FamilyNumeric))
	}
	if w.chance(4) {
		p.Properties = append(p.Properties, w.attribute(w.otherCase("Team"), policy.FamilyString))
	}
	return p
}

// context states some of the keys, no key twice.
func (w *smallWorld) context() []policy.Attribute {
	var out []policy.Attribute
	for _, s := range stated {
		if w.chance(2) {
			out = append(out, w.attribute(w.otherCase(s.key), s.family))
		}
	}
	// internal/request has completed the time keys: where one was stated, the
	// other follows from it.
	if w.chance(6) {
		one := func(key string, kind policy.ValueKind, text string) policy.Attribute {
			return policy.Attribute{Key: key, Values: []policy.Value{{Kind: kind, Text: text}}}
		}
		current, epoch := w.otherCase("aws:CurrentTime"), w.otherCase("aws:EpochTime")
		switch w.IntN(3) {
		case 0:
			out = append(out, one(current, policy.ValueString, "2026-01-01T00:00:00.5Z"), one("aws:EpochTime", policy.ValueNumber, "1767225600"))
		case 1:
			out = append(out, one(epoch, policy.ValueString, derivedFrom), one("aws:CurrentTime", policy.ValueString, "1970-01-01T00:00:05Z"))
		case 2:
			out = append(out, one(current, policy.ValueString, "soon"), policy.Attribute{Key: "aws:EpochTime", Unreadable: true})
		}
	}
	w.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// derivedFrom is the only aws:EpochTime that a request states; any other
// follows from its aws:CurrentTime.
const derivedFrom = "5"
