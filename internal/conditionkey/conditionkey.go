// Package conditionkey classifies the names of condition keys (specification 1.7): which
// of them the server sets, and what the variable part is of those that have a form, such
// as `iam:ORG:groups`. Parser, compiler and request use it; the reference has code of its
// own.
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

	// KindCount is the length of an array with an element for each kind.
	KindCount = iota
)

// ServerSet reports whether the server sets keys of this kind, so that no context can
// state them. The kinds from CurrentTime on can be stated.
func (k Kind) ServerSet() bool { return k > Caller && k < CurrentTime }

// A row is a key, or a form of keys: a name between before and behind.
type row struct {
	kind           Kind
	before, behind string
	form           bool
	// inner is a byte that the name has to have; 0 if there is none.
	inner byte
}

// table has the keys that the server sets, each before the form that it has too.
// Case is as the specification writes it.
var table = []row{
	{kind: PrincipalOrg, before: "cw:PrincipalOrgID"},
	{kind: PrincipalOrg, before: "aws:PrincipalOrgID"},
	{kind: ResourceOrg, before: "cw:ResourceOrgID"},
	{kind: ResourceOrg, before: "aws:ResourceOrgID"},
	{kind: SubjectType, before: "subject.type"},
	{kind: SubjectID, before: "subject.id"},
	{kind: ResourceType, before: "resource.type"},
	{kind: ResourceID, before: "resource.id"},
	{kind: ActionName, before: "action.name"},
	{kind: CurrentTime, before: "aws:CurrentTime"},
	{kind: EpochTime, before: "aws:EpochTime"},
	{kind: PrincipalArn, before: "aws:PrincipalArn"},
	{kind: PrincipalAccount, before: "aws:PrincipalAccount"},
	{kind: Username, before: "aws:username"},
	{kind: Groups, before: "iam:", behind: ":groups", form: true},
	{kind: Claim, before: "oidc:", form: true, inner: ':'},
	{kind: SubjectProperty, before: "subject.", form: true},
	{kind: ResourceProperty, before: "resource.", form: true},
	{kind: ActionProperty, before: "action.", form: true},
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
