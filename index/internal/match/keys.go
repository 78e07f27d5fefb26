package match

import (
	"strconv"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/conditionkey"
	"postern/internal/value"
	"postern/policy"
)

// serverValues is the memory for the values of keys that the server sets.
type serverValues struct {
	list []policy.Value
	text []byte
	// now is the time whose text clock is. Requests of one second share it.
	now   int64
	clock []byte
}

func (s *serverValues) one(kind policy.ValueKind, text string) []policy.Value {
	s.list = append(s.list[:0], policy.Value{Kind: kind, Text: text})
	return s.list
}

// lookup returns the values of a condition key: none if it is absent or an
// empty list. They alias the request or buf, and are valid until buf is used
// again (specification 1.7, Keys that the server sets). tag is the name's keyTag.
func (v *View) lookup(kind conditionkey.Kind, name string, tag uint32, buf *serverValues) (list []policy.Value, unreadable bool) {
	r := v.Request
	switch kind {
	case conditionkey.Caller:
		list, unreadable, stated := v.context(name, tag)
		return list, unreadable || !stated && v.hidden(name)
	case conditionkey.CurrentTime, conditionkey.EpochTime, conditionkey.PrincipalArn, conditionkey.PrincipalAccount, conditionkey.Username:
		if list, unreadable, _ = v.context(name, tag); len(list) > 0 || unreadable {
			return list, unreadable
		}
		return v.unstated(kind, buf), false
	case conditionkey.PrincipalOrg:
		return buf.one(policy.ValueString, v.Org), false
	case conditionkey.ResourceOrg:
		return buf.one(policy.ValueString, v.Owner), false
	case conditionkey.SubjectType:
		provider, _ := v.subject()
		return buf.one(policy.ValueString, provider), false
	case conditionkey.SubjectID:
		_, id := v.subject()
		return buf.one(policy.ValueString, id), false
	case conditionkey.ResourceType:
		resourceType, _ := v.resourceAsked()
		return buf.one(policy.ValueString, resourceType), false
	case conditionkey.ResourceID:
		_, id := v.resourceAsked()
		return buf.one(policy.ValueString, id), false
	case conditionkey.ActionName:
		return buf.one(policy.ValueString, r.Action), false
	case conditionkey.Groups:
		if name != v.Org {
			return nil, false
		}
		return v.groupNames(), false
	case conditionkey.Claim:
		claim, ok := strings.CutPrefix(name, v.Org)
		if !ok || claim == "" || claim[0] != ':' {
			return nil, false
		}
		list, unreadable, stated := v.claim(claim[1:])
		return list, unreadable || !stated && v.hidden("oidc:")
	case conditionkey.SubjectProperty:
		list, unreadable, stated := v.property(r.Principal.Properties, name)
		for i := 0; i < len(v.Subjects) && !stated; i++ {
			list, stated = v.fact(v.Subjects[i], name)
		}
		return list, unreadable || !stated && v.hidden("subject.")
	case conditionkey.ResourceProperty:
		list, unreadable, stated := v.property(r.Resource.Properties, name)
		if !stated {
			list, stated = v.fact(v.Object, name)
		}
		return list, unreadable || !stated && v.hidden("resource.")
	case conditionkey.Tag:
		text, has, known := v.Tag(name)
		if !has {
			return nil, !known
		}
		return buf.one(policy.ValueString, text), false
	case conditionkey.ActionProperty:
		list, unreadable, stated := v.property(r.ActionProperties, name)
		return list, unreadable || !stated && v.hidden("action.")
	}
	return nil, false
}

// unstated returns the server's values of a key that the context may state,
// and does not (specification 1.7).
func (v *View) unstated(kind conditionkey.Kind, buf *serverValues) []policy.Value {
	switch kind {
	case conditionkey.CurrentTime:
		return buf.one(policy.ValueString, buf.time(v.Request.Now))
	case conditionkey.EpochTime:
		buf.text = strconv.AppendInt(buf.text[:0], v.Request.Now, 10)
		return buf.one(policy.ValueNumber, block.Alias(buf.text))
	case conditionkey.PrincipalArn:
		return v.principalARNs()
	case conditionkey.PrincipalAccount:
		return buf.one(policy.ValueString, v.Org)
	case conditionkey.Username:
		if name, ok := v.username(); ok {
			return buf.one(policy.ValueString, name)
		}
	}
	return nil
}

// time returns the text of aws:CurrentTime.
func (s *serverValues) time(now int64) string {
	if now != s.now || len(s.clock) == 0 {
		s.now, s.clock = now, value.AppendTime(s.clock[:0], now)
	}
	return block.Alias(s.clock)
}

// Claim finds a claim by its path, byte for byte.
func (v *View) Claim(path string) (values []policy.Value, unreadable bool) {
	values, unreadable, _ = v.claim(path)
	return values, unreadable
}

// claim is Claim; stated is false for a claim that is not there, and true for
// an empty list.
func (v *View) claim(path string) (values []policy.Value, unreadable, stated bool) {
	list := v.Request.Principal.Claims
	v.Spend(len(list) * (glob.NameWork + len(path)/32))
	for i := range list {
		if a := &list[i]; a.Key == path {
			return a.Values, a.Unreadable, true
		}
	}
	return nil, false, false
}

// property finds an attribute by its key without regard to ASCII case; name is
// in lower case. stated is false for an attribute that is not there, and true
// for an empty list.
func (v *View) property(list []policy.Attribute, name string) (values []policy.Value, unreadable, stated bool) {
	v.Spend(len(list) * (glob.NameWork + len(name)/3))
	for i := range list {
		if a := &list[i]; len(a.Key) == len(name) && value.EqualFoldASCII(a.Key, name) {
			return a.Values, a.Unreadable, true
		}
	}
	return nil, false, false
}

// tags returns the tags of the resource; known is false if the request does not
// say which it has.
func (v *View) tags() ([]policy.Tag, bool) {
	switch r := &v.Request.Resource; {
	case r.TagsKnown:
		return r.Tags, true
	case v.Object != nil && v.Object.TagsKnown:
		return v.Object.Tags, true
	}
	return nil, false
}

// Tag returns a tag of the resource; known is false if its tags are not.
func (v *View) Tag(key string) (text string, has, known bool) {
	tags, known := v.tags()
	v.Spend(len(tags) * (glob.NameWork + len(key)/32))
	for i := range tags {
		if tags[i].Key == key {
			return tags[i].Value, true, true
		}
	}
	return "", false, known
}

// fact finds a property among facts, whose keys are folded; stated is false if
// there is none.
func (v *View) fact(x *lowered.Entity, name string) (values []policy.Value, stated bool) {
	if x != nil {
		v.Spend(len(x.Properties) * (glob.NameWork + len(name)/3))
		for i := range x.Properties {
			if x.Properties[i].Key == name {
				return x.Properties[i].Values, true
			}
		}
	}
	return nil, false
}
