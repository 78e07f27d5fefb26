package reference

import (
	"strconv"
	"strings"
	"time"

	"postern/policy"
)

// found is what a request says about a condition key. No values: absent, or an
// empty list, which is the same everywhere (1.7).
type found struct {
	values []string
	// unreadable: "an object, or a list that holds an object, a list or null,
	// is a present key that no operator can read" (3.1).
	unreadable bool
	// stated: the request says something, be it an empty list.
	stated bool
}

// unseen is what a request says about a key that it does not state, of a door
// that cannot see it (7, Keys): "Every other context key that a policy names is
// unreadable there". set is what the door calls the key by.
func (q *question) unseen(f found, set string) found {
	if seen := q.request.Seen; seen != nil && !f.stated && !seen.Has(set) {
		f.unreadable = true
	}
	return f
}

// foldKey folds a key name (1.7): "Key names fold ASCII case only; in
// iam:ORG:groups and oidc:ORG:CLAIM the ORG and CLAIM parts are compared byte
// for byte."
func foldKey(key string) string {
	folded := lowerASCII(key)
	if _, ok := groupsKey(key); ok {
		return "iam:" + key[len("iam:"):len(key)-len(":groups")] + ":groups"
	}
	if rest, ok := claimKey(key); ok {
		return "oidc:" + rest
	}
	return folded
}

// groupsKey returns the ORG of `iam:ORG:groups`.
func groupsKey(key string) (org string, ok bool) {
	folded := lowerASCII(key)
	if len(key) <= len("iam:")+len(":groups") || !strings.HasPrefix(folded, "iam:") || !strings.HasSuffix(folded, ":groups") {
		return "", false
	}
	return key[len("iam:") : len(key)-len(":groups")], true
}

// claimKey returns the `ORG:CLAIM` of `oidc:ORG:CLAIM`.
func claimKey(key string) (rest string, ok bool) {
	if !strings.HasPrefix(lowerASCII(key), "oidc:") {
		return "", false
	}
	rest = key[len("oidc:"):]
	return rest, strings.Contains(rest, ":")
}

// lookup returns what the request says about a key. Keys that the server sets
// come "from the request's own principal and resource" (1.7); "Every other key
// is the caller's".
func (q *question) lookup(key string) found {
	r := q.request

	if org, ok := groupsKey(key); ok {
		// "the groups that the request states, ORG being the caller's
		// organization"; a team token states its team's (doc.go).
		if org != q.caller {
			return found{}
		}
		if name, ok := strings.CutPrefix(r.Principal.IDs[0], tokenPrefix); ok {
			if t := q.tokenNamed(name); t.Type == policy.TokenTeam {
				return found{values: []string{t.Group.Name}}
			}
		}
		return found{values: r.Principal.Groups}
	}
	if rest, ok := claimKey(key); ok {
		claim, own := strings.CutPrefix(rest, q.caller+":")
		if !own {
			return found{}
		}
		for _, a := range r.Principal.Claims {
			if a.Key == claim { // byte for byte
				return attribute(a)
			}
		}
		return q.unseen(found{}, "oidc:")
	}

	folded := foldKey(key)
	switch folded {
	case "cw:principalorgid", "aws:principalorgid":
		return found{values: []string{q.caller}}
	case "cw:resourceorgid", "aws:resourceorgid":
		// "the owner's; the caller's where nobody owns"
		if q.owner == "" {
			return found{values: []string{q.caller}}
		}
		return found{values: []string{q.owner}}
	}
	// "subject.type, subject.id (of the first identifier), resource.type,
	// resource.id, action.name"
	provider, name, _ := strings.Cut(r.Principal.IDs[0], "/")
	resourceType, resourceID := q.resourceAsked()
	switch folded {
	case "subject.type":
		return found{values: []string{provider}}
	case "subject.id":
		return found{values: []string{name}}
	case "resource.type":
		return found{values: []string{resourceType}}
	case "resource.id":
		return found{values: []string{resourceID}}
	case "action.name":
		return found{values: []string{r.Action}}
	}
	if rest, ok := strings.CutPrefix(folded, "subject."); ok {
		return q.unseen(among(r.Principal.Properties, rest), "subject.")
	}
	if rest, ok := strings.CutPrefix(folded, "resource."); ok {
		return q.unseen(among(r.Resource.Properties, rest), "resource.")
	}
	if rest, ok := strings.CutPrefix(folded, "action."); ok {
		return q.unseen(among(r.ActionProperties, rest), "action.")
	}

	stated := among(r.Context, folded)
	if len(stated.values) == 0 && !stated.unreadable {
		// "aws:CurrentTime and aws:EpochTime are the server's clock unless the
		// context states one, which sets both": internal/request has set the
		// other.
		switch folded {
		case "aws:currenttime":
			return found{values: []string{time.Unix(r.Now, 0).UTC().Format("2006-01-02T15:04:05Z")}}
		case "aws:epochtime":
			return found{values: []string{strconv.FormatInt(r.Now, 10)}}
		// "Likewise these are the server's where the context states none:
		// aws:PrincipalArn (arn:aws:iam::ORG:provider/name of every identifier;
		// absent for a token), aws:PrincipalAccount (the caller's organization)"
		case "aws:principalarn":
			if provider == "token" {
				return found{}
			}
			var arns []string
			for _, id := range r.Principal.IDs {
				arns = append(arns, "arn:aws:iam::"+q.caller+":"+id)
			}
			return found{values: arns}
		case "aws:principalaccount":
			return found{values: []string{q.caller}}
		// "aws:username (where the caller's organization owns the bucket: the
		// name in the first identifier, if its provider is none of role, group,
		// token, access-key, subuser, cert; else absent)"
		case "aws:username":
			switch provider {
			case "role", "group", "token", "access-key", "subuser", "cert":
				return found{}
			}
			if q.bucket == "" || q.owner != q.caller {
				return found{}
			}
			return found{values: []string{name}}
		}
	}
	switch folded {
	case "aws:currenttime", "aws:epochtime", "aws:principalarn", "aws:principalaccount", "aws:username":
		return stated // the server knows what they are
	}
	return q.unseen(stated, folded)
}

// resourceAsked returns the type and id of the resource as 3.1 maps them. The
// whole organization is `organization:ORG`, whether `*` or ORG is asked (2,
// resources).
func (q *question) resourceAsked() (resourceType, id string) {
	r := &q.request.Resource
	switch r.Kind {
	case policy.ResourceBucket:
		return "bucket", r.ID
	case policy.ResourceObject:
		return "object", r.ID
	case policy.ResourceOrganization:
		return "organization", q.caller
	}
	return r.Type, r.ID
}

// among finds the attribute whose key folds to the given one.
func among(attributes []policy.Attribute, folded string) found {
	for _, a := range attributes {
		if foldKey(a.Key) == folded {
			return attribute(a)
		}
	}
	return found{}
}

// attribute returns the values of a key. Operators read the text of a value,
// whatever its JSON type.
func attribute(a policy.Attribute) found {
	f := found{unreadable: a.Unreadable, stated: true}
	for _, v := range a.Values {
		f.values = append(f.values, v.Text)
	}
	return f
}
