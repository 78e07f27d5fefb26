package compare

import (
	"slices"
	"strconv"
	"strings"

	"postern/internal/conditionkey"
	"postern/internal/value"
	"postern/policy"
)

// request writes a choice as a request of the kind that internal/request lets
// through. now is the clock where no condition asks for another time.
func (c *choice) request(now int64) *policy.Request {
	r := &policy.Request{Principal: policy.Principal{Org: c.caller}, Action: c.action.name, Now: now}
	if c.blank {
		r.Principal.Org = ""
	}
	if c.bearer.name != "" {
		r.Principal.IDs, r.Now = []string{"token/" + c.bearer.name}, c.bearer.at
	} else {
		r.Principal.IDs = c.model[idsSlot].texts
	}
	if r.Action == "" {
		r.Action = c.model[actionSlot].texts[0]
	}
	r.Resource.Kind = c.kind
	switch c.kind {
	case policy.ResourceOrganization:
		r.Resource.Type, r.Resource.ID = "organization", "*"
	case policy.ResourceBucket:
		r.Resource.Type, r.Resource.ID = "bucket", c.model[resourceSlot].texts[0]
	case policy.ResourceObject:
		r.Resource.Type, r.Resource.ID = "object", c.model[resourceSlot].texts[0]
	}
	if c.statesOwner {
		r.Resource.Org = c.owner
	}
	timeStated := false
	for _, name := range sortedKeys(c.model) {
		key, ok := strings.CutPrefix(name, keySlot)
		if spelled := c.spelled[name]; spelled != "" {
			key = spelled
		}
		content := c.model[name]
		if !ok || len(content.texts) == 0 && !content.object {
			continue
		}
		kind, rest := conditionkey.Split(key)
		a := policy.Attribute{Key: rest, Unreadable: content.object}
		for _, t := range content.texts {
			a.Values = append(a.Values, policy.Value{Kind: policy.ValueString, Text: t})
		}
		switch kind {
		case conditionkey.Groups:
			r.Principal.Groups = content.texts
		case conditionkey.Claim:
			_, a.Key, _ = strings.Cut(rest, ":")
			r.Principal.Claims = append(r.Principal.Claims, a)
			r.Principal.ClaimsStated = true
		case conditionkey.SubjectProperty:
			r.Principal.Properties = append(r.Principal.Properties, a)
		case conditionkey.ResourceProperty:
			r.Resource.Properties = append(r.Resource.Properties, a)
		case conditionkey.ActionProperty:
			r.ActionProperties = append(r.ActionProperties, a)
		case conditionkey.CurrentTime, conditionkey.EpochTime:
			if timeStated {
				continue // there is one time, and the other key follows from it
			}
			timeStated = true
			if at, ok := timeOf(content); ok {
				r.Now = at
				continue
			}
			r.Context = append(r.Context, timeKeys(kind, a.Values, a.Unreadable)...)
		default:
			r.Context = append(r.Context, a)
		}
	}
	return r
}

// timeKeys are the two keys of the time where the context states one of them
// (specification 1.7).
func timeKeys(kind conditionkey.Kind, values []policy.Value, unreadable bool) []policy.Attribute {
	stated := policy.Attribute{Key: "aws:CurrentTime", Values: values, Unreadable: unreadable}
	other := policy.Attribute{Key: "aws:EpochTime", Unreadable: true}
	if kind == conditionkey.EpochTime {
		stated.Key, other.Key = other.Key, stated.Key
	}
	if unreadable || len(values) != 1 {
		return []policy.Attribute{stated, other}
	}
	text := values[0].Text
	t, ok := value.Date(text)
	switch seconds := !strings.Contains(text, "-"); {
	case !ok:
	case kind == conditionkey.CurrentTime:
		other.Unreadable, other.Values = false, []policy.Value{{Kind: policy.ValueNumber, Text: strconv.FormatInt(t.Seconds, 10)}}
	case !seconds:
		other.Unreadable, other.Values = false, values
	case t.Seconds <= lastDated:
		other.Unreadable, other.Values = false, []policy.Value{{Kind: policy.ValueString, Text: string(value.AppendTime(nil, t.Seconds))}}
	}
	return []policy.Attribute{stated, other}
}

// lastDated is the last second that a date of four digits can write.
const lastDated = 253402300799

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
