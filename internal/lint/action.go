package lint

import (
	"fmt"
	"slices"
	"strings"

	"postern/internal/action"
	"postern/internal/policyjson"
	"postern/internal/value"
	"postern/policy"
)

// Rules about actions, and about the resources beside them.

// matched is what an action pattern matches of the known actions.
type matched struct {
	all     bool        // `*`, or all of S3
	actions []action.ID // else: those that it matches, operations too
	are     property    // what each of them is; nothing if there are none
}

// property is a set of properties of actions.
type property uint8

const (
	isOperation property = 1 << iota
	organizationOnly
	onObject
	onBucket
	onBucketOrNew
	onWholeOrganization
)

// properties tells, by the bit of each property, whether an action has it.
var properties = [...]func(action.ID) bool{operationOnly, ofOrganizations, askedOnObjects, askedOnBuckets, askedOnBucketsOrNew, askedOnOrganizations}

// match holds an action pattern against the table of actions.
func match(pattern string) matched {
	m := matchedBy(pattern)
	if len(m.actions) == 0 {
		return m
	}
	for bit, has := range properties {
		if !slices.ContainsFunc(m.actions, func(id action.ID) bool { return !has(id) }) {
			m.are |= 1 << bit
		}
	}
	return m
}

func matchedBy(pattern string) matched {
	if pattern == "*" || value.EqualFoldASCII(pattern, "s3:*") {
		return matched{all: true}
	}
	if !strings.ContainsAny(pattern, "*?") {
		if id, ok := action.Lookup(pattern); ok {
			return matched{actions: []action.ID{id}}
		}
		return matched{}
	}
	return matched{actions: slices.Collect(policyjson.KnownActions(value.FoldASCII(pattern)))}
}

// each reports whether the pattern matches known actions, and all have a property.
func (m matched) each(p property) bool { return m.are&p != 0 }

// operationOnly reports whether a name is that of an operation alone: a pattern that
// matches it matches not the action that it needs.
func operationOnly(id action.ID) bool {
	needed := action.Needed(id)
	return needed != id && !slices.Contains(action.Also(needed), action.Name(id))
}

// named reports whether a pattern of the statement at hand matches an action.
func (l *look) named(id action.ID) bool {
	return slices.ContainsFunc(l.known, func(m matched) bool { return m.all || slices.Contains(m.actions, id) })
}

// operationNames warns of patterns that match names of operations alone: what the
// operations need is an action of another name (specification 1.2). It says nothing
// where the statement has that action too.
func operationNames(l *look, st *policy.Statement) {
	for i, m := range l.known {
		if !m.each(isOperation) || l.Kind == policy.KindBucket && m.each(organizationOnly) {
			continue // of the latter neverRead warns
		}
		var needed []string
		for _, id := range m.actions {
			if n := action.Name(action.Needed(id)); !slices.Contains(needed, n) && !l.named(action.Needed(id)) {
				needed = append(needed, n)
			}
		}
		if needed == nil {
			continue
		}
		at := l.at(policyjson.PartAction, i)
		f := fix{}
		if len(needed) == 1 {
			f = fix{at, needed[0]}
		}
		l.warnFix(policy.CodeOperationName, at,
			fmt.Sprintf("%s matches the name of an operation, and no request for the action that it needs; write %s", policyjson.Quote(st.Actions[i]), alternatives(needed, "and")), f)
	}
}

func ofOrganizations(id action.ID) bool {
	return action.ClassOfID(id).S3() && action.ClassOfID(id).OrganizationOnly()
}

// neverRead warns of actions of a bucket policy that no bucket policy is asked
// about (specification 1.3). Of those that are none of S3 the parser warns.
func neverRead(l *look, st *policy.Statement) {
	if l.Kind != policy.KindBucket || st.NotAction {
		return
	}
	for i, m := range l.known {
		if m.each(organizationOnly) {
			l.warn(policy.CodeNeverReadHere, l.at(policyjson.PartAction, i),
				fmt.Sprintf("%s is decided by organization policies alone, and no bucket policy is read for it; write it into one of access-policies/, or remove it", policyjson.Quote(st.Actions[i])))
		}
	}
}

// actionsFitResources warns of actions that are never asked on any resource of
// their statement, by the types of resource that AWS gives them.
func actionsFitResources(l *look, st *policy.Statement) {
	if st.NotAction || st.NotResource || slices.Contains(st.Resources, "*") {
		return
	}
	var buckets, objects bool
	for _, r := range st.Resources {
		b, o := l.canBe(r)
		buckets, objects = buckets || b, objects || o
	}
	onBucket := onBucket
	if l.Kind == policy.KindOrganization {
		onBucket = onBucketOrNew
	}
	for i, m := range l.known {
		at := l.at(policyjson.PartAction, i)
		shown := func() string { return policyjson.Quote(st.Actions[i]) }
		switch {
		case !objects && m.each(onObject):
			l.warnFix(policy.CodeActionDoesNotFitResource, at,
				fmt.Sprintf("%s is asked on objects, and no resource of this statement is one; write %s", shown(), policyjson.Quote(l.written(bucketOf(st.Resources[0])+"/*"))),
				l.onlyResource(st, onObject, bucketOf(st.Resources[0])+"/*"))
		case !buckets && m.each(onBucket):
			bucket := bucketOf(st.Resources[0])
			message := fmt.Sprintf("%s is asked on the bucket, and no resource of this statement is one; write %s", shown(), policyjson.Quote(l.written(bucket)))
			f := l.onlyResource(st, onBucket, bucket)
			if st.Effect == policy.EffectAllow && st.Resources[0] != bucket+"/*" { // of which more is the bucket than was written
				message += " if all of it is meant"
				if l.Kind == policy.KindBucket && l.fits(m, "s3:prefix") {
					message += `; a condition on "s3:prefix" has a part listed`
				}
				f = fix{}
			}
			l.warnFix(policy.CodeActionDoesNotFitResource, at, message, f)
		case l.Kind == policy.KindOrganization && m.each(onWholeOrganization):
			l.warn(policy.CodeActionDoesNotFitResource, at,
				fmt.Sprintf(`%s is asked on the whole organization, which only the resource "*" matches; write it into a statement of its own, with "resources": ["*"]`, shown()))
		}
	}
}

func askedOnObjects(id action.ID) bool {
	return action.KindOf(id) == action.OnObject && !operationOnly(id)
}

func askedOnBuckets(id action.ID) bool {
	return action.KindOf(id) == action.OnBucket && !operationOnly(id) && !ofOrganizations(id)
}

// askedOnBucketsOrNew is askedOnBuckets with what organization policies alone decide,
// as `s3:CreateBucket`.
func askedOnBucketsOrNew(id action.ID) bool {
	return askedOnBuckets(id) || action.KindOf(id) == action.OnBucket && ofOrganizations(id) && !askedOnOrganizations(id)
}

func askedOnOrganizations(id action.ID) bool { return action.ClassOfID(id).WholeOrganization() }

// onlyResource is a fix of the one resource of a statement whose actions are all of
// one kind.
func (l *look) onlyResource(st *policy.Statement, kind property, resource string) fix {
	if len(st.Resources) > 1 || strings.Contains(resource, "BUCKET") ||
		slices.ContainsFunc(l.known, func(m matched) bool { return !m.each(kind) }) {
		return fix{}
	}
	return fix{l.at(policyjson.PartResource, 0), l.written(resource)}
}

// canBe tells whether a resource pattern may match a bucket, and an object: only
// an object has a slash.
func (l *look) canBe(resource string) (bucket, object bool) {
	open := strings.ContainsAny(resource, "*?")
	for l.Variables {
		before, after, ok := strings.Cut(resource, "${")
		if !ok {
			break
		}
		if strings.Contains(before, "/") {
			return false, true
		}
		_, resource, _ = strings.Cut(after, "}")
		open = true
	}
	slash := strings.Contains(resource, "/")
	return !slash, slash || open
}

// bucketOf is the bucket that a resource names, a word to fill in if it does not.
func bucketOf(resource string) string {
	name, _, _ := strings.Cut(resource, "/")
	if name == "" || strings.ContainsAny(name, "*?$") {
		return "BUCKET"
	}
	return name
}

// written is a resource as documents of the kind at hand write it.
func (l *look) written(resource string) string {
	if l.Kind == policy.KindBucket {
		return "arn:aws:s3:::" + resource
	}
	return resource
}

// alternatives names a few things.
func alternatives(names []string, word string) string {
	const most = 3
	var b strings.Builder
	for i, n := range names[:min(len(names), most)] {
		switch {
		case i > 0 && i == len(names)-1:
			b.WriteString(" " + word + " ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(policyjson.Quote(n))
	}
	if len(names) > most {
		b.WriteString(" " + word + " others")
	}
	return b.String()
}
