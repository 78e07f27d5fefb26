package compare

import (
	"reflect"
	"slices"
	"strings"

	"postern/internal/action"
	"postern/internal/conditionkey"
	"postern/policy"
)

// Dimensions of the model that specification 8.3 names: of a request that is decided
// otherwise, what it has, and what the statements have that decided.

// dimensionsOf lists those of a request and of a changed statement that decided.
func dimensionsOf(q *policy.Request, s *policy.Statement, variables bool, owner string) []string {
	var out []string
	add := func(is bool, name string) {
		if is {
			out = append(out, name)
		}
	}
	p := &q.Principal
	add(len(p.IDs) > 1, "several identifiers")
	add(len(p.IDs) > 0 && strings.HasPrefix(p.IDs[0], "token/"), "a token")
	add(len(p.Groups) > 0, "groups")
	add(p.ClaimsStated, "claims")
	add(p.Org == "", "no organization stated")
	add(owner != "" && p.Org != "" && owner != p.Org, "another organization's bucket")
	add(q.Resource.Org != "", "an owner stated")
	add(q.Resource.Kind == policy.ResourceBucket, "on a bucket")
	add(q.Resource.Kind == policy.ResourceObject, "on an object")
	add(q.Resource.Kind == policy.ResourceOrganization, "on an organization")
	add(q.Resource.Kind == policy.ResourceTyped, "on a type of the iam layer")
	add(len(q.Resource.Tags) > 0, "tags")
	add(q.Resource.UID != "", "a uid")
	id, known := action.Lookup(q.Action)
	add(!known && action.ClassOf(q.Action) != action.IAM, "an action beyond the table")
	add(known && len(action.Beside(id)) > 0, "an action that needs others")
	if s == nil {
		return out
	}
	add(s.NotPrincipal, "NotPrincipal")
	add(s.NotAction, "NotAction")
	add(s.NotResource, "NotResource")
	for _, r := range s.Resources {
		add(strings.Contains(r, "?"), "? in a resource")
		add(variables && strings.Contains(r, "${"), "a variable in a resource")
		add(strings.Contains(strings.TrimSuffix(r, "*"), "*"), "an inner * in a resource")
	}
	for _, a := range s.Actions {
		add(strings.Contains(a, "?"), "? in an action")
	}
	for _, pattern := range s.Principals {
		add(pattern.Kind == policy.PrincipalPrefix, "a prefix of principals")
		add(pattern.Kind == policy.PrincipalAccount, "an account as principal")
	}
	for _, c := range s.Conditions {
		add(true, c.Operator.Test.String())
		add(c.Operator.IfExists, "IfExists")
		add(c.Operator.Qualifier != policy.QualifierNone, c.Operator.Qualifier.String())
		kind, _ := conditionkey.Split(c.Key)
		add(kind != conditionkey.Caller, "the key "+kindNames[kind])
		for _, v := range c.Values {
			add(variables && strings.Contains(v, "${"), "a variable in a value")
		}
		if kind == conditionkey.Caller {
			i := slices.IndexFunc(q.Context, func(a policy.Attribute) bool { return conditionkey.Fold(a.Key) == conditionkey.Fold(c.Key) })
			add(i < 0, "an absent key")
			add(i >= 0 && len(q.Context[i].Values) > 1, "several values of a key")
			add(i >= 0 && q.Context[i].Unreadable, "a key that cannot be read")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var kindNames = map[conditionkey.Kind]string{
	conditionkey.PrincipalOrg: "PrincipalOrgID", conditionkey.ResourceOrg: "ResourceOrgID", conditionkey.SubjectType: "subject.type", conditionkey.SubjectID: "subject.id",
	conditionkey.ResourceType: "resource.type", conditionkey.ResourceID: "resource.id", conditionkey.ActionName: "action.name", conditionkey.Groups: "groups",
	conditionkey.Claim: "oidc", conditionkey.SubjectProperty: "subject.X", conditionkey.ResourceProperty: "resource.X", conditionkey.ActionProperty: "action.X",
	conditionkey.CurrentTime: "CurrentTime", conditionkey.EpochTime: "EpochTime", conditionkey.PrincipalArn: "PrincipalArn",
	conditionkey.PrincipalAccount: "PrincipalAccount", conditionkey.Username: "username",
}

// accessDimensions lists what parts an iam layer has that another has not.
func accessDimensions(old, new *policy.Directory, org string) (out []string) {
	docs := func(d *policy.Directory) []*policy.AccessDocument {
		if o := d.Organizations[org]; o != nil {
			return o.Access
		}
		return nil
	}
	a, b := pieces(docs(old)), pieces(docs(new))
	for _, p := range append(piecesOnly(a, b), piecesOnly(b, a)...) {
		out = append(out, "iam: another "+p.kind)
		if strings.Contains(p.text, "Requirements [{") {
			out = append(out, "iam: a tag selector")
		}
		if strings.Contains(p.text, "Conditions [{") {
			out = append(out, "iam: a condition")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// wantedDimensions are those that the sweep has to reach.
func wantedDimensions() []string {
	out := []string{
		"several identifiers", "a token", "groups", "claims", "no organization stated", "another organization's bucket", "an owner stated", "on a bucket", "on an object",
		"on an organization", "on a type of the iam layer", "tags", "a uid", "an action beyond the table", "an action that needs others",
		"NotPrincipal", "NotAction", "NotResource", "? in a resource", "? in an action", "a variable in a resource", "an inner * in a resource", "a variable in a value",
		"a prefix of principals", "an account as principal", "IfExists", "ForAllValues:", "ForAnyValue:",
		"an absent key", "several values of a key", "a key that cannot be read",
		"iam: another binding", "iam: another role", "iam: another group", "iam: another token", "iam: another issuer", "iam: another record", "iam: another entity",
		"iam: another permission set", "iam: another default", "iam: a tag selector", "iam: a condition",
	}
	for _, t := range policy.Tests() {
		out = append(out, t.String())
	}
	for _, name := range kindNames {
		out = append(out, "the key "+name)
	}
	slices.Sort(out)
	return out
}

func deepCopyOf[T any](v *T) *T { return deepCopy(reflect.ValueOf(v)).Interface().(*T) }
