package policyjson

import (
	"slices"
	"strings"

	"postern/internal/value"
	"postern/policy"
)

// This file reads groups, members and tokens (specification 2).

const wantMembers = `a list of members, such as ["pulumi/alice", "group/NAME"]`

var groupSet = fieldSet{
	what:   "a group",
	fields: []field{{"members", `a list of members, such as ["pulumi/alice", "group/NAME"]`, `"members": ["pulumi/alice"], or [] for nobody`}},
	hints: map[string]string{
		"roles":  "write a binding that has the group as a member",
		"groups": `write "group/NAME" into "members"`,
	},
}

func (d *decoder) group(name string, nameAt int) policy.Group {
	g := policy.Group{Name: name, At: d.position(nameAt)}
	d.nameWithoutStar("group", name, nameAt)
	if !d.isObject("a group", `an object such as {"members": ["pulumi/alice"]}`) {
		return g
	}
	at := d.s.Offset()
	f := d.fields(&groupSet, func(i int) { g.Members = d.members(&groupSet.fields[i], true) })
	d.missing(&groupSet, &f, at)
	return g
}

// nameWithoutStar reports a name of a group or token that holds `*`.
func (d *decoder) nameWithoutStar(what, name string, at int) {
	if strings.Contains(name, "*") {
		d.report(at, msgNameStar, quote(name), what)
	}
}

func (d *decoder) members(f *field, mayBeEmpty bool) (out []policy.Member) {
	d.textsOf(f, mayBeEmpty, func(text string, at int) {
		m := policy.Member{At: d.position(at)}
		m.PrincipalPattern = d.member(text, at)
		out = append(out, m)
	})
	return out
}

// member reads one entry of `members`.
func (d *decoder) member(text string, at int) (none policy.PrincipalPattern) {
	provider, name, ok := strings.Cut(text, "/")
	switch {
	case !d.short(text, at):
	case text == "*":
		return policy.PrincipalPattern{Kind: policy.PrincipalEveryone}
	case isARN(text):
		write, ok := arnIdentifier(text)
		if !ok {
			write = "provider/name"
		}
		if write == "*" { // of whose organization is not known here
			d.report(at, msgMemberARN, quote(text), everyoneMeant)
		} else {
			d.report(at, msgMemberARN, quote(text), insteadIf(ok, write))
		}
	case strings.Contains(text, "${"):
		d.report(at, msgPrincipalVariable, quote(text))
	case !ok && !strings.ContainsAny(text, "@*"):
		_, name, colon := strings.Cut(text, ":") // as in "group:ops", "user:kim"
		if !colon || name == "" {
			name = text
		}
		d.report(at, msgMemberBare, quote(text), quote("group/"+clip(name)), quote("pulumi/"+clip(name)))
	case ok && (provider == "group" || provider == "token"):
		if name == "" || strings.Contains(name, "*") {
			d.report(at, msgMemberStar, quote(text), provider, quote(provider+"/NAME"))
			return none
		}
		kind := policy.PrincipalGroup
		if provider == "token" {
			kind = policy.PrincipalToken
		}
		return policy.PrincipalPattern{Kind: kind, Name: name}
	default:
		return d.identifier(text, text, "", at)
	}
	return none
}

const (
	tokType = iota
	tokRoles
	tokGroup
	tokUser
	tokExpires
)

const noSecrets = "a file never holds a secret; remove it"

var tokenSet = fieldSet{
	what: "a token",
	fields: []field{
		tokType:    {"type", `"organization", "team" or "personal"`, `"type": "organization", "team" or "personal"`},
		tokRoles:   {"roles", wantRoles, ""},
		tokGroup:   {"group", `a group's name, such as "platform"`, ""},
		tokUser:    {"user", `a user's identifier, such as "pulumi/alice"`, ""},
		tokExpires: {"expires", `a time, such as "2027-01-01T00:00:00Z", or leave it out`, ""},
	},
	hints: map[string]string{
		"secret": noSecrets, "value": noSecrets, "token": noSecrets, "hash": noSecrets, "password": noSecrets, "key": noSecrets,
		"team": `write "group"`, "permissionsets": `write "roles", whose rules have them`,
	},
}

var tokenTypes = []string{"organization", "team", "personal"} // in the order of policy.TokenType, from TokenOrganization

// tokenFields has for each type of token the field that it needs.
var tokenFields = [...]int{policy.TokenOrganization: tokRoles, policy.TokenTeam: tokGroup, policy.TokenPersonal: tokUser}

// tokenAdds has for each type of token what to add if that field is missing.
var tokenAdds = [...]string{
	policy.TokenOrganization: `"roles": ["ROLE"]`,
	policy.TokenTeam:         `"group": "NAME"`,
	policy.TokenPersonal:     `"user": "pulumi/alice"`,
}

func (d *decoder) token(name string, nameAt int) policy.Token {
	t := policy.Token{Name: name, At: d.position(nameAt)}
	d.nameWithoutStar("token", name, nameAt)
	if !d.isObject("a token", `an object such as {"type": "organization", "roles": ["ROLE"]}`) {
		return t
	}
	at := d.s.Offset()
	f := d.fields(&tokenSet, func(i int) {
		f := &tokenSet.fields[i]
		switch i {
		case tokType:
			if text, at, ok := d.text(f); ok {
				k := slices.Index(tokenTypes, text)
				if k < 0 {
					d.report(at, msgTokenType, quote(text), d.oneOf(text, tokenTypes))
				}
				t.Type = policy.TokenType(k + 1)
			}
		case tokRoles:
			t.Roles = d.references(f, false)
		case tokGroup:
			if text, at, ok := d.text(f); ok && d.notEmptyName(f, text, at) {
				if short, is := strings.CutPrefix(text, "group/"); is {
					d.report(at, msgTokenGroup, quote(text), instead(short))
				}
				t.Group = policy.Reference{Name: text, At: d.position(at)}
			}
		case tokUser:
			if text, at, ok := d.text(f); ok && d.notEmptyName(f, text, at) {
				provider, name, is := strings.Cut(text, "/")
				if !is || name == "" || strings.Contains(text, "*") || !isName(provider, "._-", 64) || provider == "group" || provider == "token" {
					d.report(at, msgTokenUser, quote(text), f.want)
				}
				t.User = policy.Reference{Name: text, At: d.position(at)}
			}
		case tokExpires:
			if text, at, ok := d.text(f); ok {
				if t.Expires, t.HasExpires = rfc3339(text); !t.HasExpires {
					d.report(at, msgExpires, quote(text), f.want)
				}
			}
		}
	})
	d.missing(&tokenSet, &f, at)
	if t.Type == 0 || d.s.Failed() {
		return t
	}
	for _, i := range []int{tokRoles, tokGroup, tokUser} {
		switch right := tokenFields[t.Type] == i; {
		case right && !f.has(i) && !f.mentioned[i]:
			d.report(at, msgMissing, "a token of type "+quote(t.Type.String()), quote(tokenSet.fields[i].name), tokenAdds[t.Type])
		case !right && f.has(i):
			d.report(f.at[i]-1, msgTokenField, quote(t.Type.String()), quote(tokenSet.fields[i].name))
		}
	}
	return t
}

// rfc3339 reads a date with a time to the second and an offset. It drops a
// fraction of a second.
func rfc3339(text string) (seconds int64, ok bool) {
	i, ok := value.Date(text)
	return i.Seconds, ok && len(text) >= len("2006-01-02T15:04:05Z") && text[10] == 'T' && text[16] == ':'
}
