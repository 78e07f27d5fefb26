// Package action is the table of the actions that postern knows: their names,
// the names under which a pattern may match them, what they need beside them,
// and what they are asked on (specification 1.2, 1.3). Parser warnings,
// compiler, index and reference read it; it holds data and lookups, and matches
// no pattern. The data stand in names.go, with their sources and dates.
package action

import (
	"slices"
	"strings"
)

// ID numbers a known action, from 0 to Count-1.
type ID uint16

// Class says which layers decide an action, and on what it is asked
// (specification 1.3).
type Class uint8

// The classes.
const (
	// IAM is everything but `s3:` and `cwobject:`: the iam layer decides.
	IAM Class = iota
	// ControlPlane is every `cwobject:` action, asked on the organization.
	ControlPlane
	// ListAllMyBuckets is asked on the organization; its policies decide.
	ListAllMyBuckets
	// PutBucketPolicy is decided by organization policies and ownership.
	PutBucketPolicy
	// CreateBucket is decided by organization policies and has no owner yet.
	CreateBucket
	// BucketPolicy is GetBucketPolicy and DeleteBucketPolicy: like Bucket, and
	// refused to callers of other organizations.
	BucketPolicy
	// Bucket is every other `s3:` action: the organization step decides, then
	// the bucket step.
	Bucket
)

// WholeOrganization reports whether actions of the class are asked on the
// whole organization, not on a bucket or object.
func (c Class) WholeOrganization() bool { return c == ControlPlane || c == ListAllMyBuckets }

// OrganizationOnly reports whether the bucket step is never asked for actions
// of the class (specification 1.3, Tenant boundary).
func (c Class) OrganizationOnly() bool { return c <= CreateBucket }

// S3 reports whether the class is one of `s3:` actions.
func (c Class) S3() bool { return c >= ListAllMyBuckets }

// Kind is the type of resource that the service authorization reference gives
// for an action. Class, and not Kind, says what a request may ask it on.
type Kind uint8

// The kinds.
const (
	// OnOther is neither an object nor a bucket: the account, an access point,
	// a job, and every `cwobject:` action.
	OnOther Kind = iota
	OnBucket
	OnObject
)

type entry struct {
	name   string // including the service
	also   []string
	beside []ID
	action ID // for an operation, the action that it needs; else the entry itself
	class  Class
	kind   Kind
}

var table []entry

func init() {
	add := func(name string, class Class, kind Kind) ID {
		id := ID(len(table))
		table = append(table, entry{name: name, action: id, class: class, kind: kind})
		addSlot(id)
		return id
	}
	addS3 := func(names string, kind Kind) {
		for _, n := range strings.Fields(names) {
			class, ok := classes[n]
			if !ok {
				class = Bucket
			}
			add("s3:"+n, class, kind)
		}
	}
	addS3(objectActions, OnObject)
	addS3(bucketActions, OnBucket)
	for _, o := range operations {
		if o[0] == o[1] {
			add("s3:"+o[0], Bucket, OnBucket)
			continue
		}
		add("s3:"+o[0], Bucket, OnOther) // the kind is set below
	}
	for _, n := range strings.Fields(cwobjectActions) {
		add("cwobject:"+n, ControlPlane, OnOther)
	}
	addS3(otherActions, OnOther)

	for _, n := range aliases {
		operation := must(n)
		needed := neededBy(n)
		table[needed].also = append(table[needed].also, table[operation].name)
	}
	for _, o := range operations {
		if o[0] == o[1] {
			continue
		}
		e, needed := &table[must(o[0])], must(o[1])
		e.action, e.class, e.kind = needed, table[needed].class, table[needed].kind
		e.also = append(e.also, table[needed].name)
		for _, name := range table[needed].also {
			if name != e.name {
				e.also = append(e.also, name)
			}
		}
	}
	for _, b := range besides {
		e := &table[must(b[0])]
		e.beside = append(e.beside, must(b[1]))
	}
}

// must returns the id of a name of the tables, which is without `s3:`. It
// panics if there is none.
func must(name string) ID {
	id, ok := Lookup("s3:" + name)
	if !ok {
		panic("action: " + name + " is used in one table and stands in no other")
	}
	return id
}

// neededBy returns the action that an operation in operations needs.
func neededBy(name string) ID {
	for _, o := range operations {
		if o[0] == name {
			return must(o[1])
		}
	}
	panic("action: the alias " + name + " is no operation")
}

// Operations returns the names of the operations of S3's API, without service,
// each once, sorted. It allocates.
func Operations() []string {
	names := strings.Fields(operationsAsActions)
	for _, o := range operations {
		names = append(names, o[0])
	}
	slices.Sort(names)
	return names
}

// Count returns how many actions are known.
func Count() int { return len(table) }

// Name returns the action's name as the table spells it.
func Name(id ID) string { return table[id].name }

// Also returns the further names of the action: a pattern that matches one of
// them, or the name itself, matches the action (specification 1.2). The caller
// must not change it.
func Also(id ID) []string { return table[id].also }

// Beside returns the actions that the action needs besides itself: a Deny of
// one of them denies it, and each must be allowed (specification 1.2). None of
// them needs others. The caller must not change the list.
func Beside(id ID) []ID { return table[id].beside }

// Needed returns the action that an operation counts as. For the name of an
// action that is id itself.
func Needed(id ID) ID { return table[id].action }

// KindOf returns the kind of resource that the action is asked on.
func KindOf(id ID) Kind { return table[id].kind }

// ClassOf returns the class of an action, which need not be known. A name
// without `:`, and one of any service but `s3:` and `cwobject:` (in any ASCII
// case), is of the iam layer.
func ClassOf(name string) Class {
	if id, ok := Lookup(name); ok {
		return table[id].class
	}
	i := strings.IndexByte(name, ':')
	switch {
	case i == 2 && equalFold(name[:2], "s3"):
		return Bucket
	case i == 8 && equalFold(name[:8], "cwobject"):
		return ControlPlane
	}
	return IAM
}

// ClassOfID returns the class of a known action.
func ClassOfID(id ID) Class { return table[id].class }
