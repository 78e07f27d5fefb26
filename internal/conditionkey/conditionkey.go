// Package conditionkey classifies the names of condition keys (specification 1.7): which
// of them the server sets, and what the variable part is of those that have a form, such
// as `iam:ORG:groups`. It writes them, too. Parser, compiler, request and index use it;
// the reference has code of its own.
package conditionkey

import "postern/internal/value"

// Kind tells what a condition key is about.
type Kind uint8

// The kinds of condition key.
const (
	// Caller is a key that callers state: any that is none of the others.
	Caller Kind = iota

	PrincipalOrg
	ResourceOrg
	SubjectType
	SubjectID
	ResourceType
	ResourceID
	ActionName

	Groups           // iam:ORG:groups
	Claim            // oidc:ORG:CLAIM
	SubjectProperty  // subject.NAME
	ResourceProperty // resource.NAME
	ActionProperty   // action.NAME

	// The keys that the server sets where the context states none.
	CurrentTime
	EpochTime
	PrincipalArn
	PrincipalAccount
	Username

	// Of the iam layer; no Condition block writes such a key.
	Tag      // a tag of the resource; the name is its key, not folded
	Resource // the text `type:id` of the resource, or that of its uid

	// KindCount is the length of an array with an element for each kind.
	KindCount = iota
)

// A row is a key, or a form of keys: a name between before and behind.
type row struct {
	kind           Kind
	before, behind string
	form           bool
	// inner is a byte that the name has to have; 0 if there is none.
	inner byte
	// stated says that a context may state the key; the server sets it where none does.
	stated bool
	// alias says that another row is the one by which Text writes the key.
	alias bool
}

// table has the keys that the server sets, each before the form that it has too.
// Case is as the specification writes it.
var table = []row{
	{kind: PrincipalOrg, before: "cw:PrincipalOrgID", alias: true},
	{kind: PrincipalOrg, before: "aws:PrincipalOrgID"},
	{kind: ResourceOrg, before: "cw:ResourceOrgID", alias: true},
	{kind: ResourceOrg, before: "aws:ResourceOrgID"},
	{kind: SubjectType, before: "subject.type"},
	{kind: SubjectID, before: "subject.id"},
	{kind: ResourceType, before: "resource.type"},
	{kind: ResourceID, before: "resource.id"},
	{kind: ActionName, before: "action.name"},
	{kind: CurrentTime, before: "aws:CurrentTime", stated: true},
	{kind: EpochTime, before: "aws:EpochTime", stated: true},
	{kind: PrincipalArn, before: "aws:PrincipalArn", stated: true},
	{kind: PrincipalAccount, before: "aws:PrincipalAccount", stated: true},
	{kind: Username, before: "aws:username", stated: true},
	{kind: Groups, before: "iam:", behind: ":groups", form: true},
	{kind: Claim, before: "oidc:", form: true, inner: ':'},
	{kind: SubjectProperty, before: "subject.", form: true},
	{kind: ResourceProperty, before: "resource.", form: true},
	{kind: ActionProperty, before: "action.", form: true},
}

// byKind has, for each kind, the row by which Text writes its keys.
var byKind = func() (rows [KindCount]row) {
	for _, r := range table {
		if !r.alias {
			rows[r.kind] = r
		}
	}
	rows[Caller] = row{form: true, stated: true}
	rows[Tag] = row{before: "tags.", form: true}
	rows[Resource] = row{before: "resource"}
	return rows
}()

// ServerSet reports whether the server sets keys of this kind, so that no context can
// state them.
func (k Kind) ServerSet() bool { return !byKind[k].stated }

// Text returns the key, as policies write it, of a kind and the name that Split returns.
func Text(kind Kind, name string) string {
	r := &byKind[kind]
	if !r.form {
		return r.before
	}
	return r.before + name + r.behind
}

// byFirst has the rows by the first letter of their keys, so that the look-up of a
// request's keys is fast.
var byFirst = func() (rows [26][]row) {
	for _, r := range table {
		i := (r.before[0] | 0x20) - 'a'
		rows[i] = append(rows[i], r)
	}
	return rows
}()

// Split returns the kind of a key and the name in it, which is ORG for Groups, ORG:CLAIM
// for Claim, NAME for a property, and the whole key for a key without a form. The rest of
// the key is compared without regard to ASCII case. A NAME is too, wherever it is
// compared; Split returns it as it is written. ORG and CLAIM may be empty; no caller has
// such a key. The name aliases key.
func Split(key string) (kind Kind, name string) {
	if key == "" {
		return Caller, key
	}
	first := key[0] | 0x20 - 'a'
	if first >= 26 {
		return Caller, key
	}
	for i := range byFirst[first] {
		r := &byFirst[first][i]
		if !r.form && len(key) != len(r.before) {
			continue
		}
		if name, ok := r.split(key); ok {
			return r.kind, name
		}
	}
	return Caller, key
}

func (r *row) split(key string) (name string, ok bool) {
	if !r.form {
		return key, value.EqualFoldASCII(key, r.before)
	}
	from, to := len(r.before), len(key)-len(r.behind)
	if from > to || !value.EqualFoldASCII(key[:from], r.before) || !value.EqualFoldASCII(key[to:], r.behind) {
		return "", false
	}
	name = key[from:to]
	if r.inner != 0 {
		for i := 0; ; i++ {
			if i == len(name) {
				return "", false
			}
			if name[i] == r.inner {
				break
			}
		}
	}
	return name, true
}

// Fold returns a text that is equal for two keys exactly if they are the same key: the
// key in lower case, except ORG and CLAIM, whose case counts.
func Fold(key string) string {
	switch kind, name := Split(key); kind {
	case Groups:
		return "iam:" + name + ":groups"
	case Claim:
		return "oidc:" + name
	}
	return value.FoldASCII(key)
}
