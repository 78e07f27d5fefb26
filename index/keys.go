package index

import (
	"strconv"
	"strings"

	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/value"
	"postern/policy"
)

// serverValues is where the values of keys that the server sets are put.
type serverValues struct {
	list []policy.Value
	text []byte
	// now is the time of which clock is the text, once there is one: requests
	// of one second share it.
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
func (v *view) lookup(kind lowered.KeyKind, name string, tag uint32, buf *serverValues) (list []policy.Value, unreadable bool) {
	r := v.request
	switch kind {
	case lowered.KeyContext:
		return v.context(name, tag)
	case lowered.KeyCurrentTime, lowered.KeyEpochTime, lowered.KeyPrincipalArn, lowered.KeyPrincipalAccount, lowered.KeyUsername:
		if list, unreadable = v.context(name, tag); len(list) > 0 || unreadable {
			return list, unreadable
		}
		return v.unstated(kind, buf), false
	case lowered.KeyPrincipalOrg:
		return buf.one(policy.ValueString, v.org), false
	case lowered.KeyResourceOrg:
		return buf.one(policy.ValueString, v.owner), false
	case lowered.KeySubjectType:
		provider, _ := v.subject()
		return buf.one(policy.ValueString, provider), false
	case lowered.KeySubjectID:
		_, id := v.subject()
		return buf.one(policy.ValueString, id), false
	case lowered.KeyResourceType:
		resourceType, _ := v.resourceAsked()
		return buf.one(policy.ValueString, resourceType), false
	case lowered.KeyResourceID:
		_, id := v.resourceAsked()
		return buf.one(policy.ValueString, id), false
	case lowered.KeyActionName:
		return buf.one(policy.ValueString, r.Action), false
	case lowered.KeyGroups:
		if name != v.org {
			return nil, false
		}
		return v.groupNames(), false
	case lowered.KeyClaim:
		claim, ok := strings.CutPrefix(name, v.org)
		if !ok || claim == "" || claim[0] != ':' {
			return nil, false
		}
		return v.claim(claim[1:])
	case lowered.KeySubjectProperty:
		list, unreadable, stated := v.property(r.Principal.Properties, name)
		for i := 0; i < len(v.subjects) && !stated; i++ {
			list, stated = v.fact(v.subjects[i], name)
		}
		return list, unreadable
	case lowered.KeyResourceProperty:
		list, unreadable, stated := v.property(r.Resource.Properties, name)
		if !stated {
			list, _ = v.fact(v.object, name)
		}
		return list, unreadable
	case lowered.KeyTag:
		text, has, known := v.tag(name)
		if !has {
			return nil, !known
		}
		return buf.one(policy.ValueString, text), false
	case lowered.KeyActionProperty:
		list, unreadable, _ = v.property(r.ActionProperties, name)
		return list, unreadable
	}
	return nil, false
}

// unstated returns the server's values of a key that the context may state,
// and does not (specification 1.7).
func (v *view) unstated(kind lowered.KeyKind, buf *serverValues) []policy.Value {
	switch kind {
	case lowered.KeyCurrentTime:
		return buf.one(policy.ValueString, buf.time(v.request.Now))
	case lowered.KeyEpochTime:
		buf.text = strconv.AppendInt(buf.text[:0], v.request.Now, 10)
		return buf.one(policy.ValueNumber, alias(buf.text))
	case lowered.KeyPrincipalArn:
		return v.principalARNs()
	case lowered.KeyPrincipalAccount:
		return buf.one(policy.ValueString, v.org)
	case lowered.KeyUsername:
		if name, ok := v.username(); ok {
			return buf.one(policy.ValueString, name)
		}
	}
	return nil
}

// time is the text of aws:CurrentTime.
func (s *serverValues) time(now int64) string {
	if now != s.now || len(s.clock) == 0 {
		s.now, s.clock = now, value.AppendTime(s.clock[:0], now)
	}
	return alias(s.clock)
}

// claim finds a claim by its path, byte for byte.
func (v *view) claim(path string) ([]policy.Value, bool) {
	list := v.request.Principal.Claims
	v.Spend(len(list) * (glob.NameWork + len(path)/32))
	for i := range list {
		if a := &list[i]; a.Key == path {
			return a.Values, a.Unreadable
		}
	}
	return nil, false
}

// property finds an attribute by its key without regard to ASCII case; name is
// in lower case. stated tells an empty list from an attribute that is not there.
func (v *view) property(list []policy.Attribute, name string) (values []policy.Value, unreadable, stated bool) {
	v.Spend(len(list) * (glob.NameWork + len(name)/3))
	for i := range list {
		if a := &list[i]; len(a.Key) == len(name) && value.EqualFoldASCII(a.Key, name) {
			return a.Values, a.Unreadable, true
		}
	}
	return nil, false, false
}
