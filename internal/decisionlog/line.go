package decisionlog

import (
	"strconv"
	"strings"

	"postern/policy"
)

// liner encodes lines. It is the writer's, and its memory is used again.
type liner struct {
	masks      *masks
	instance   string // the member `instance`, as it stands in each line
	times      timer
	seq        uint64
	folded     []byte
	hiddenText []byte // the keys that are not logged in full, as a list without brackets
	claims     []string
}

// begin begins a line of a time, in nanoseconds since 1970.
func (l *liner) begin(b []byte, nanos int64) []byte {
	l.seq++
	b = l.times.append(append(b, '{'), "time", nanos)
	return strconv.AppendUint(appendName(b, "seq"), l.seq, 10)
}

// circumstances are what the writer finds out about a record.
type circumstances struct {
	digest      policy.Digest
	determining []policy.StatementRef
	seen        string // the member `seen`, or ""
	shadow      *verdict
}

// verdict is what a candidate decides otherwise.
type verdict struct {
	result   string
	decision policy.Decision
	digest   policy.Digest
}

// decision appends the line of a decision.
func (l *liner) decision(b []byte, e *entry, c *circumstances) []byte {
	b = l.begin(b, e.time)
	b = appendMember(b, "id", e.id)
	if e.item >= 0 {
		b = appendNumber(b, "item", int64(e.item))
	}
	b = append(append(b, ','), l.instance...)
	b = appendMember(b, "peer", e.peer)
	b = appendMember(b, "door", e.door)
	l.hiddenText = l.hiddenText[:0]
	switch {
	case e.hasRequest:
		b = l.request(b, &e.request)
	case e.cut:
		b = append(appendName(b, "truncated"), "true"...)
	}
	if len(l.hiddenText) > 0 {
		b = append(append(append(appendName(b, "masked"), '['), l.hiddenText...), ']')
	}
	if c.seen != "" {
		b = append(append(b, ','), c.seen...)
	}
	if e.denyOnly {
		b = append(appendName(b, "deny_only"), "true"...)
	}
	if e.caller != "" || e.owner != "" {
		b = append(appendName(b, "effective"), '{')
		b = appendMember(b, "caller", e.caller)
		b = append(appendMember(b, "owner", e.owner), '}')
	}
	b = l.verdict(b, e.decision, e.why)
	b = appendDigest(b, "digest", c.digest)
	if len(c.determining) > 0 {
		b = append(appendName(b, "determining"), '[')
		for i := range c.determining {
			b = appendStatement(b, &c.determining[i])
		}
		b = append(b, ']')
	}
	b = appendNumber(b, "duration_ns", e.duration)
	if e.every > 1 {
		b = appendNumber(b, "one_of", int64(e.every))
	}
	if s := c.shadow; s != nil {
		b = append(appendName(b, "shadow"), '{')
		b = appendMember(b, "result", s.result)
		b = appendDigest(l.verdict(b, s.decision, ""), "digest", s.digest)
		b = append(b, '}')
	}
	return append(b, '}', '\n')
}

// verdict appends what was decided. why is why it was without a policy.
func (l *liner) verdict(b []byte, d policy.Decision, why string) []byte {
	allow := d.Outcome == policy.Allow
	b = strconv.AppendBool(appendName(b, "decision"), allow)
	b = appendMember(b, "outcome", d.Outcome.String())
	if why == "" {
		reason := d.Reason
		if reason >= policy.ReasonCount {
			reason = policy.ReasonNone
		}
		why = reason.String()
	}
	b = appendMember(b, "reason", why)
	b = appendMember(b, "layer", d.Layer.String())
	if d.MaxOpenSeconds > 0 {
		b = strconv.AppendUint(appendName(b, "max_open_seconds"), d.MaxOpenSeconds, 10)
	}
	return strconv.AppendUint(appendName(b, "generation"), d.Generation, 10)
}

func appendStatement(b []byte, s *policy.StatementRef) []byte {
	if b[len(b)-1] != '[' {
		b = append(b, ',')
	}
	b = append(b, '{')
	b = appendMember(b, "document", s.Document)
	b = appendMember(b, "statement", s.Statement)
	b = appendNumber(b, "index", int64(s.Index))
	b = appendMember(b, "file", s.File)
	b = appendNumber(b, "line", int64(s.Line))
	return append(appendMember(b, "layer", s.Layer.String()), '}')
}

// request appends a request in the form of AuthZEN (specification 3.1).
func (l *liner) request(b []byte, r *policy.Request) []byte {
	p, res := &r.Principal, &r.Resource
	b = append(appendName(b, "request"), `{"subject":{`...)
	first := ""
	if len(p.IDs) > 0 {
		first = p.IDs[0]
	}
	typ, id, _ := strings.Cut(first, "/")
	b = append(appendString(append(b, `"type":`...), typ), `,"id":`...)
	b = appendString(b, id)
	if p.Org != "" || len(p.IDs) > 1 || len(p.Groups) > 0 || p.ClaimsStated || len(p.Properties) > 0 {
		b = append(appendName(b, "properties"), '{')
		b = appendMember(b, "org", p.Org)
		if len(p.IDs) > 1 {
			b = appendStrings(b, "principals", p.IDs[1:])
		}
		if len(p.Groups) > 0 {
			b = appendStrings(b, "groups", p.Groups)
		}
		if p.ClaimsStated {
			b = l.claimsObject(b, p.Claims)
		}
		b = append(l.attributes(b, ofSubject, p.Properties), '}')
	}
	b = append(b, `},"action":{"name":`...)
	b = appendString(b, r.Action)
	if len(r.ActionProperties) > 0 {
		b = append(appendName(b, "properties"), '{')
		b = append(l.attributes(b, ofAction, r.ActionProperties), '}')
	}
	b = append(b, `},"resource":{"type":`...)
	b = append(appendString(b, res.Type), `,"id":`...)
	b = appendString(b, res.ID)
	if res.Org != "" || res.UID != "" || res.TagsKnown || len(res.Properties) > 0 {
		b = append(appendName(b, "properties"), '{')
		b = appendMember(b, "org", res.Org)
		b = appendMember(b, "uid", res.UID)
		if res.TagsKnown {
			b = append(appendName(b, "tags"), '{')
			for i := range res.Tags {
				b = l.tag(b, &res.Tags[i])
			}
			b = append(b, '}')
		}
		b = append(l.attributes(b, ofResource, res.Properties), '}')
	}
	b = append(b, '}')
	if len(r.Context) > 0 {
		b = append(appendName(b, "context"), '{')
		b = append(l.attributes(b, ofContext, r.Context), '}')
	}
	return append(b, '}')
}

func (l *liner) tag(b []byte, t *policy.Tag) []byte {
	value := t.Value
	if hides, _ := l.hides(ofTags, t.Key); hides {
		l.hidden(ofTags, t.Key)
		value = masked
	}
	return appendString(append(appendKey(b, t.Key), ':'), value)
}

// appendKey appends the name of a member that a request chose.
func appendKey(b []byte, key string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return appendString(b, key)
}

// attributes appends condition keys as members. Of the two keys of the time one
// that cannot be read follows from the other, and cannot be stated beside it.
func (l *liner) attributes(b []byte, prefix string, list []policy.Attribute) []byte {
	left := -1
	if prefix == ofContext {
		left = derivedTime(list)
	}
	for i := range list {
		if i != left {
			b = l.attribute(append(appendKey(b, list[i].Key), ':'), prefix, &list[i])
		}
	}
	return b
}

// derivedTime is the place of the time key that internal/request has added and no
// operator can read, -1 if there is none: it is added behind the stated one.
func derivedTime(list []policy.Attribute) int {
	current, epoch := -1, -1
	for i := range list {
		switch len(list[i].Key) {
		case len("aws:CurrentTime"):
			if strings.EqualFold(list[i].Key, "aws:CurrentTime") {
				current = i
			}
		case len("aws:EpochTime"):
			if strings.EqualFold(list[i].Key, "aws:EpochTime") {
				epoch = i
			}
		}
	}
	if current < 0 || epoch < 0 {
		return -1
	}
	switch c, e := list[current].Unreadable, list[epoch].Unreadable; {
	case c && e:
		return max(current, epoch)
	case c:
		return current
	case e:
		return epoch
	}
	return -1
}

func (l *liner) attribute(b []byte, prefix string, a *policy.Attribute) []byte {
	hides, cut := l.hides(prefix, a.Key)
	if hides {
		l.hidden(prefix, a.Key)
		return append(b, `"`+masked+`"`...)
	}
	return l.values(b, prefix, a, cut)
}

// values appends the values of a key: a key that no operator can read is an empty
// object.
func (l *liner) values(b []byte, prefix string, a *policy.Attribute, cut bool) []byte {
	switch {
	case a.Unreadable:
		return append(b, '{', '}')
	case len(a.Values) != 1:
		b = append(b, '[')
	}
	whole := true
	for i := range a.Values {
		if i > 0 {
			b = append(b, ',')
		}
		v := &a.Values[i]
		text, all := l.text(v, cut)
		whole = whole && all
		switch {
		case v.Kind == policy.ValueNumber && isNumber(text), v.Kind == policy.ValueBool && (text == "true" || text == "false"):
			b = append(b, text...)
		default:
			b = appendString(b, text)
		}
	}
	if len(a.Values) != 1 {
		b = append(b, ']')
	}
	if !whole {
		l.hidden(prefix, a.Key)
	}
	return b
}

// claimsObject appends token claims, which are flattened to paths (specification
// 1.7), as the object that they were: a claim that is an object stands before
// those inside it.
func (l *liner) claimsObject(b []byte, list []policy.Attribute) []byte {
	b = append(appendName(b, "claims"), '{')
	open := l.claims[:0] // the paths of the objects that are open
	for i := 0; i < len(list); i++ {
		a := &list[i]
		for len(open) > 0 && !inside(a.Key, open[len(open)-1]) {
			open = open[:len(open)-1]
			b = append(b, '}')
		}
		name := a.Key
		if len(open) > 0 {
			name = name[len(open[len(open)-1])+1:]
		}
		if len(name) > 2 && name[0] == '"' && name[len(name)-1] == '"' {
			name = name[1 : len(name)-1]
		}
		b = append(appendKey(b, name), ':')
		hides, _ := l.hides(ofClaims, a.Key)
		switch {
		case hides:
			l.hidden(ofClaims, a.Key)
			b = append(b, `"`+masked+`"`...)
			for i+1 < len(list) && inside(list[i+1].Key, a.Key) {
				i++
			}
		case a.Unreadable && i+1 < len(list) && inside(list[i+1].Key, a.Key):
			b = append(b, '{')
			open = append(open, a.Key)
		default:
			b = l.values(b, ofClaims, a, false)
		}
	}
	for range open {
		b = append(b, '}')
	}
	l.claims = open
	return append(b, '}')
}

// inside reports whether the claim of a path stands in the object of another.
func inside(path, object string) bool {
	return len(path) > len(object)+1 && path[len(object)] == '.' && path[:len(object)] == object
}
