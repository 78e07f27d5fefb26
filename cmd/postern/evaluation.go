package main

import (
	"encoding/json"
	"strings"

	"postern/policy"
)

// evaluationBody is a request as the body of an AuthZEN evaluationBody (specification
// 3.1), which asks the same again.
type evaluationBody struct {
	Subject  entityBody     `json:"subject"`
	Action   namedAction    `json:"action"`
	Resource entityBody     `json:"resource"`
	Context  map[string]any `json:"context,omitempty"`
}

type entityBody struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Properties map[string]any `json:"properties,omitempty"`
}

type namedAction struct {
	Name       string         `json:"name"`
	Properties map[string]any `json:"properties,omitempty"`
}

// newEvaluation writes a request that internal/request let through, or one like
// it.
func newEvaluation(r *policy.Request) evaluationBody {
	provider, name, _ := strings.Cut(r.Principal.IDs[0], "/")
	subject := attributes(r.Principal.Properties)
	put(subject, "org", r.Principal.Org, r.Principal.Org != "")
	put(subject, "principals", r.Principal.IDs[1:], len(r.Principal.IDs) > 1)
	put(subject, "groups", r.Principal.Groups, len(r.Principal.Groups) > 0)
	put(subject, "claims", claims(r.Principal.Claims), r.Principal.ClaimsStated)
	resource := attributes(r.Resource.Properties)
	put(resource, "org", r.Resource.Org, r.Resource.Org != "")
	put(resource, "uid", r.Resource.UID, r.Resource.UID != "")
	tags := map[string]string{}
	for _, t := range r.Resource.Tags {
		tags[t.Key] = t.Value
	}
	put(resource, "tags", tags, r.Resource.TagsKnown)
	return evaluationBody{
		Subject:  entityBody{provider, name, subject},
		Action:   namedAction{r.Action, attributes(r.ActionProperties)},
		Resource: entityBody{r.Resource.Type, r.Resource.ID, resource},
		Context:  attributes(r.Context),
	}
}

func put(m map[string]any, name string, value any, there bool) {
	if there {
		m[name] = value
	}
}

// attributes are properties or a context; of the two keys of the time the one
// that follows from the other is left out.
func attributes(list []policy.Attribute) map[string]any {
	out := map[string]any{}
	timeStated := false
	for _, a := range list {
		if strings.EqualFold(a.Key, "aws:CurrentTime") || strings.EqualFold(a.Key, "aws:EpochTime") {
			if timeStated {
				continue
			}
			timeStated = true
		}
		out[a.Key] = valueOf(a)
	}
	return out
}

func valueOf(a policy.Attribute) any {
	if a.Unreadable {
		return map[string]any{}
	}
	values := []any{}
	for _, v := range a.Values {
		switch v.Kind {
		case policy.ValueNumber:
			values = append(values, json.Number(v.Text))
		case policy.ValueBool:
			values = append(values, v.Text == "true")
		default:
			values = append(values, v.Text)
		}
	}
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// claims are claims as the object that they were flattened from: `a.b` is a
// member of `a`, and a name in quotes is one name.
func claims(list []policy.Attribute) map[string]any {
	out := map[string]any{}
	for _, a := range list {
		at, path := out, a.Key
		for {
			name, rest, more := claimName(path)
			if !more {
				if _, inside := at[name].(map[string]any); !inside || !a.Unreadable {
					at[name] = valueOf(a)
				}
				break
			}
			inner, ok := at[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[name] = inner
			}
			at, path = inner, rest
		}
	}
	return out
}

// claimName is the first name of a claim's path.
func claimName(path string) (name, rest string, more bool) {
	if strings.HasPrefix(path, `"`) {
		if end := strings.Index(path[1:], `"`); end >= 0 {
			name, rest = path[1:1+end], path[end+2:]
			return name, strings.TrimPrefix(rest, "."), rest != ""
		}
	}
	return strings.Cut(path, ".")
}
