package lint

import (
	"fmt"
	"strings"

	"postern/internal/conditionkey"
	"postern/internal/policyjson"
	"postern/internal/spelling"
	"postern/policy"
)

// Rules about organizations and buckets, which look at the directory.

// organizationsKnown warns of organizations that have no folder, in principals and
// in the keys that tell the caller's organization.
func organizationsKnown(l *look, st *policy.Statement) {
	for i, p := range st.Principals {
		if p.Org == "" {
			continue
		}
		l.organization(p.Org, l.at(policyjson.PartPrincipal, i), p.Kind == policy.PrincipalAccount)
	}
	for i, c := range st.Conditions {
		if kind, _ := conditionkey.Split(c.Key); kind != conditionkey.PrincipalOrg || c.Operator.Test.Family() != policy.FamilyString {
			continue
		}
		for k, v := range c.Values {
			if strings.ContainsAny(v, "*?$") {
				continue
			}
			at := l.at(policyjson.PartValue, i)
			at.Value = k
			l.organization(v, at, false)
		}
	}
}

// organization warns of an organization that is not known. account: it stands where
// a whole account is named.
func (l *look) organization(name string, at policyjson.Place, account bool) {
	if l.dir.organizations[name] {
		return
	}
	shown := policyjson.Quote(name)
	warn := func(message string) { l.warn(policy.CodeUnknownOrganization, at, message) }
	switch {
	case account && isUniqueID(name):
		warn(shown + " looks like the id that AWS leaves where a principal was deleted, and is read as an organization; write the principal itself, or remove the entry if nobody is meant")
	case account && isHyphenated(name):
		warn(shown + " looks like the number of an AWS account, and is read as an organization; write the name of the organization")
	case at.Part == policyjson.PartValue && strings.HasPrefix(name, "o-"):
		warn(shown + " looks like an id of AWS Organizations, and this key is the name of the caller's organization here; write that name")
	case !l.dir.known:
	default:
		names := l.dir.names[:min(len(l.dir.names), mostNames)]
		if i := spelling.Nearest(name, len(names), func(i int) string { return names[i] }); i >= 0 {
			warn(fmt.Sprintf("no organization %s has a folder here; did you mean %s?", shown, policyjson.Quote(names[i])))
			return
		}
		l.findings = append(l.findings, finding{code: policy.CodeUnknownOrganization, place: at, message: func(written string) string {
			if account && !strings.HasPrefix(written, `"arn:`) {
				return fmt.Sprintf("%s stands for a whole organization, and none of that name has a folder here; if one user or role is meant, write it as in \"arn:aws:iam::ORG:provider/%s\"", shown, name)
			}
			return fmt.Sprintf("no organization %s has a folder here, so that nobody is of it; correct the name, or give it to -platform-org if services of the platform call from it", shown)
		}})
	}
}

// mostNames bounds the names among which the nearest is looked for.
const mostNames = 10_000

// isUniqueID reports whether a name has the form of the ids that AWS gives users,
// roles and groups.
func isUniqueID(name string) bool {
	if len(name) < 16 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return false
	}
	switch name[:4] {
	case "AROA", "AIDA", "AGPA", "AIPA", "ANPA", "AKIA", "ASIA":
		return true
	}
	return false
}

// isHyphenated reports whether a name is a number of 12 digits with hyphens.
func isHyphenated(name string) bool {
	digits := strings.ReplaceAll(name, "-", "")
	return len(digits) == 12 && len(name) > 12 && strings.Trim(digits, "0123456789") == ""
}
