package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"postern/policy"
)

// readAsk turns the left side of a request line into the body of an AuthZEN
// evaluation (specification 3.1).
func readAsk(ask string) ([]byte, error) {
	ask, err := expand(ask)
	if err != nil {
		return nil, err
	}
	if text, ok := strings.CutPrefix(ask, "body "); ok {
		return []byte(strings.TrimSpace(text)), nil
	}
	if text, ok := strings.CutPrefix(ask, "raw "); ok {
		text, err := strconv.Unquote(strings.TrimSpace(text))
		return []byte(text), err
	}
	rest := ask
	var words [4]string
	for i := range words {
		words[i], rest, err = word(rest)
		if err != nil {
			return nil, err
		}
	}
	var b body
	if words[0] != "-" {
		b.subject = append(b.subject, member("org", words[0]))
	}
	ids := strings.Split(words[1], ",")
	if len(ids) > 1 {
		b.subject = append(b.subject, member("principals", ids[1:]))
	}
	for rest != "" {
		switch {
		case rest[0] == '@':
			var owner string
			if owner, rest, err = word(rest[1:]); err != nil {
				return nil, err
			}
			b.resource = append(b.resource, member("org", owner))
		case rest[0] == '{':
			if b.context, rest, err = object(rest); err != nil {
				return nil, err
			}
		default:
			name, value, ok := strings.Cut(rest, "=")
			if !ok {
				return nil, fmt.Errorf("what is %q?", rest)
			}
			if value, rest, err = object(value); err != nil {
				return nil, err
			}
			members := strings.TrimSpace(value[1 : len(value)-1])
			switch name {
			case "subject":
				b.subject = append(b.subject, members)
			case "action":
				b.action = append(b.action, members)
			case "resource":
				b.resource = append(b.resource, members)
			default:
				return nil, fmt.Errorf("no properties of %q", name)
			}
		}
	}
	subjectType, subjectID, ok := strings.Cut(ids[0], "/")
	if !ok {
		return nil, fmt.Errorf("%q is no provider/name", ids[0])
	}
	resourceType, resourceID := resourceOf(words[3])
	return fmt.Appendf(nil, `{"subject":{%s,%s%s},"action":{%s%s},"resource":{%s,%s%s}%s}`,
		member("type", subjectType), member("id", subjectID), properties(b.subject),
		member("name", words[2]), properties(b.action),
		member("type", resourceType), member("id", resourceID), properties(b.resource),
		contextMember(b.context)), nil
}

// body is the three properties objects, each as its members in JSON.
type body struct {
	subject, action, resource []string
	context                   string
}

func properties(members []string) string {
	if len(members) == 0 {
		return ""
	}
	return `,"properties":{` + strings.Join(members, ",") + `}`
}

func contextMember(context string) string {
	if context == "" {
		return ""
	}
	return `,"context":` + context
}

func member(name string, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings and lists of strings
	}
	return strconv.Quote(name) + ":" + string(text)
}

// resourceOf returns the AuthZEN type and id of a resource. A bucket's name
// holds no colon, so that a colon before the first slash ends a type.
func resourceOf(text string) (string, string) {
	if text == "*" {
		return "organization", "*"
	}
	before, _, slash := strings.Cut(text, "/")
	if name, _, ok := strings.Cut(before, ":"); ok {
		return name, text[len(name)+1:]
	}
	if slash {
		return "object", text
	}
	return "bucket", text
}

// word reads a word, or a JSON string, and the blanks after it.
func word(s string) (string, string, error) {
	if s == "" {
		return "", "", errors.New("want ORG IDS ACTION RESOURCE")
	}
	if s[0] == '"' {
		var text string
		rest, err := jsonValue(s, &text)
		return text, rest, err
	}
	text, rest, _ := strings.Cut(s, " ")
	return text, strings.TrimSpace(rest), nil
}

// object returns the JSON object with which s begins, as text.
func object(s string) (string, string, error) {
	var raw json.RawMessage
	rest, err := jsonValue(s, &raw)
	if err == nil && (len(raw) == 0 || raw[0] != '{') {
		err = fmt.Errorf("want an object, not %s", raw)
	}
	return string(raw), rest, err
}

func jsonValue(s string, v any) (string, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	if err := d.Decode(v); err != nil {
		return "", fmt.Errorf("%v in %q", err, s)
	}
	return strings.TrimSpace(s[d.InputOffset():]), nil
}

// outcomes is the last paragraph of specification 1.8 once more, so that the
// corpus does not depend on policy.Reason.Outcome.
var outcomes = map[policy.Reason]policy.Outcome{
	policy.Allowed:               policy.Allow,
	policy.OrganizationDeny:      policy.ExplicitDeny,
	policy.IAMDeny:               policy.ExplicitDeny,
	policy.OwnerOrganizationDeny: policy.ExplicitDeny,
	policy.BucketDeny:            policy.ExplicitDeny,
}

// readWant reads the right side of a request line.
func readWant(text string, world *World) (Want, error) {
	words := strings.Fields(text)
	if len(words) == 1 && words[0] == "400" {
		return Want{BadRequest: true}, nil
	}
	if len(words) < 2 {
		return Want{}, fmt.Errorf("%q is no answer", text)
	}
	var w Want
	for _, r := range policy.Reasons() {
		if r.String() == words[0] {
			w.Reason = r
		}
	}
	if w.Reason == policy.ReasonNone {
		return w, fmt.Errorf("no reason %q", words[0])
	}
	w.Outcome = outcomes[w.Reason]
	for w.Layer = policy.LayerNone; w.Layer.String() != words[1]; w.Layer++ {
		if w.Layer == policy.LayerCount-1 {
			return w, fmt.Errorf("no layer %q", words[1])
		}
	}
	for _, ref := range words[2:] {
		if seconds, ok := strings.CutPrefix(ref, "open="); ok {
			var err error
			if w.MaxOpenSeconds, err = strconv.ParseUint(seconds, 10, 64); err != nil || w.MaxOpenSeconds == 0 || w.Outcome != policy.Allow {
				return w, fmt.Errorf("%q: an allow is for a number of seconds", text)
			}
			continue
		}
		d, err := world.statement(ref)
		if err != nil {
			return w, err
		}
		d.Effect = policy.EffectAllow
		if w.Outcome == policy.ExplicitDeny {
			d.Effect = policy.EffectDeny
		}
		w.Determining = append(w.Determining, d)
	}
	sortRefs(w.Determining)
	w.HasDetermining = true
	if w.Outcome != policy.Allow && (w.Outcome == policy.ImplicitDeny) != (len(w.Determining) == 0) {
		return w, fmt.Errorf("%q: an explicit deny names its statements, and another denial none", text)
	}
	return w, nil
}
