// Package conditionkey takes the names of condition keys apart (specification
// 1.7): which of them the server sets, and what stands in those that have a form,
// as in `iam:ORG:groups`. Parser, compiler and request read keys by it; the
// reference has a reading of its own.
package conditionkey

import "postern/internal/value"

// Kind tells what a condition key is about.
type Kind uint8

// The kinds of condition key.
const (
	// Caller is a key of the caller's own: any that is none of the others.
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

	// KindCount is the length of an array that holds something of each kind.
	KindCount = iota
)

// ServerSet reports that the server sets keys of this kind, so that no context
// can state them. (The last five can be stated.)
func (k Kind) ServerSet() bool { return k > Caller && k < CurrentTime }

// A row is a key, or a form of keys: Name between before and behind.
type row struct {
	kind           Kind
	before, behind string
	form           bool
	// inner is what else a name in the form has to hold.
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

// byFirst are the rows by the first letter of their keys: a request's keys are
// looked up as it is decided.
var byFirst = func() (rows [26][]row) {
	for _, r := range table {
		i := (r.before[0] | 0x20) - 'a'
		rows[i] = append(rows[i], r)
	}
	return rows
}()

// Split returns the kind of a key, of which the letters outside a name are
// compared without regard to ASCII case, and the name in it: ORG of Groups,
// ORG:CLAIM of Claim, NAME of a property (which folds ASCII case too, and is
// returned as it is written); of a key without a form, the key. The name aliases
// key. ORG and CLAIM may be empty: nobody has such a key.
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

// Fold returns the text that is equal for two keys if they are the same key: the
// key in lower case, but for ORG and CLAIM, which are compared byte for byte.
func Fold(key string) string {
	switch kind, name := Split(key); kind {
	case Groups:
		return "iam:" + name + ":groups"
	case Claim:
		return "oidc:" + name
	}
	return value.FoldASCII(key)
}
