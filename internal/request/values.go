package request

import (
	"strings"

	"postern/internal/jsonscan"
	"postern/policy"
)

// noValues are the values of a key whose list is empty. Until settle takes them
// out, a key that is null has nil.
var noValues = []policy.Value{}

// attribute reads the value of a condition key (specification 3.1): a scalar
// or a list of scalars is a value; an object, or a list that holds an object,
// a list or null, is a present key that no operator can read.
func (d *Decoder) attribute(s *store, path, name string, list *[]policy.Attribute) bool {
	a := policy.Attribute{Key: name}
	from := len(s.values)
	switch kind := d.s.Peek(); kind {
	case jsonscan.Null:
		d.nulls = true
		if _, ok := d.s.Literal(); !ok {
			return false
		}
		*list = append(*list, a)
		return true
	case jsonscan.Object:
		a.Unreadable = true
		if !d.s.Skip() {
			return false
		}
	case jsonscan.Array:
		d.s.EnterArray()
		for n := 0; d.s.Element(); n++ {
			if n == MaxValues {
				return d.beyond(path+"."+shorten(name), tooMany(MaxValues))
			}
			switch kind := d.s.Peek(); kind {
			case jsonscan.Object, jsonscan.Array, jsonscan.Null:
				a.Unreadable = true
				if !d.s.Skip() {
					return false
				}
			default:
				if !d.scalar(s, kind, path, name) {
					return false
				}
			}
		}
		if d.s.Failed() {
			return false
		}
	default:
		if !d.scalar(s, kind, path, name) {
			return false
		}
	}
	switch to := len(s.values); {
	case a.Unreadable:
		s.values = s.values[:from]
	case to == from:
		a.Values = noValues
	default:
		a.Values = s.values[from:to:to]
	}
	*list = append(*list, a)
	return true
}

// scalar reads one string, number or boolean, which kind tells, into the
// store's values.
func (d *Decoder) scalar(s *store, kind jsonscan.Kind, path, name string) bool {
	v := policy.Value{}
	switch kind {
	case jsonscan.String:
		raw, escaped, ok := d.s.Text()
		if !ok {
			return false
		}
		v.Kind, v.Text = policy.ValueString, s.string(raw, escaped)
	case jsonscan.Number:
		raw, ok := d.s.NumberText()
		if !ok {
			return false
		}
		v.Kind, v.Text = policy.ValueNumber, alias(raw)
	default:
		k, ok := d.s.Literal()
		if !ok {
			return false
		}
		v.Kind, v.Text = policy.ValueBool, "false"
		if k == jsonscan.True {
			v.Text = "true"
		}
	}
	if len(v.Text) > MaxString {
		return d.beyond(path+"."+shorten(name), tooLong(MaxString))
	}
	s.values = append(s.values, v)
	return true
}

// claims reads the verified claims of a token (specification 1.7): nested ones
// are flattened to paths.
func (d *Decoder) claims(p *part) bool {
	if d.s.Peek() != jsonscan.Object {
		return d.mistyped("subject.properties.claims", "an object of verified token claims")
	}
	p.request.Principal.ClaimsStated = true
	outer := d.nulls
	d.nulls = false
	if !d.claimsIn(p, "") {
		return false
	}
	if d.nulls {
		p.claims = dropNulls(p.claims)
	}
	d.nulls = outer
	return true
}

// claimsIn reads the claims inside one object, whose path is prefix. No two
// paths are equal: a name that holds a dot stands in double quotes, and a name
// that is empty or holds a double quote cannot be addressed, nor what is below
// it. The depth is bounded by the scanner.
func (d *Decoder) claimsIn(p *part, prefix string) bool {
	const path = "subject.properties.claims"
	d.s.EnterObject()
	for d.s.Member() {
		name := d.kept(&p.store)
		if name == "" || strings.IndexByte(name, '"') >= 0 {
			if !d.s.Skip() {
				return false
			}
			continue
		}
		switch {
		case len(p.claims) == maxClaims:
			return d.beyond(path, tooMany(maxClaims)+", counting nested claims")
		case len(prefix)+len(name)+3 > maxClaimPath:
			return d.beyond(path, "the path of a claim is "+tooLong(maxClaimPath))
		}
		claim := p.store.claimPath(prefix, name)
		if d.s.Peek() != jsonscan.Object {
			if !d.attribute(&p.store, path, claim, &p.claims) {
				return false
			}
			continue
		}
		p.claims = append(p.claims, policy.Attribute{Key: claim, Unreadable: true})
		if !d.claimsIn(p, claim) {
			return false
		}
	}
	return !d.s.Failed()
}

// claimPath joins a name to the path of the object that it stands in.
func (s *store) claimPath(prefix, name string) string {
	dotted := strings.IndexByte(name, '.') >= 0
	if prefix == "" && !dotted {
		return name
	}
	b := s.tail(len(prefix) + len(name) + 3)
	if prefix != "" {
		b = append(append(b, prefix...), '.')
	}
	if dotted {
		b = append(append(append(b, '"'), name...), '"')
	} else {
		b = append(b, name...)
	}
	return s.text(b)
}
