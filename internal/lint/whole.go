package lint

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"postern/internal/compare"
	"postern/internal/conditionkey"
	"postern/internal/policyjson"
	"postern/policy"
)

// Rules that compare statements with one another, and that look at a directory when
// all of it was read. What they know is internal/compare's.

// compared looks at a document with the statements of its layer in view: at the
// policy of a bucket at once, and at an organization's when Whole is called.
func (l *look) compared() {
	k := &l.learned.Checker
	switch {
	case l.Kind == policy.KindBucket && (len(l.Statements) == 1 || l.dir.skipDead):
		l.open(k)
	case l.Kind == policy.KindBucket:
		for _, dead := range k.DeadInBucket(l.bucket, l.Document) {
			l.warn(policy.CodeDeadStatement, placeOf(dead.Statement), deadMessage(dead))
		}
		l.open(k)
	case l.dir.known: // what of it is dead, and which Denies reach strangers, Whole asks
		l.dir.mu.Lock()
		defer l.dir.mu.Unlock()
		l.dir.policies[l.File], l.dir.early = l.Document, nil
	default:
		for _, dead := range k.DeadInOrganization([]*policy.Document{l.Document}) {
			l.warn(policy.CodeDeadStatement, placeOf(dead.Statement), deadMessage(dead))
		}
	}
}

func placeOf(st policy.StatementRef) policyjson.Place {
	return policyjson.Place{Statement: st.Index, Part: policyjson.PartStatement}
}

func deadMessage(d compare.Dead) string {
	other := fmt.Sprintf("the one at %s:%d", d.Cover.File, d.Cover.Line)
	if d.Cover.Statement != "" {
		other = fmt.Sprintf("%s at %s:%d", policyjson.Quote(d.Cover.Statement), d.Cover.File, d.Cover.Line)
	}
	if d.Statement.Effect == policy.EffectAllow && d.Cover.Effect == policy.EffectDeny {
		return "this statement can change no decision: " + other + " denies all that it allows; remove one of them"
	}
	return "this statement can change no decision: " + other + " does all that it does; remove it, or correct what it was to say"
}

// open warns of a bucket whose policy lets strangers in. Whether the policies of its
// owner leave it so is known only when all is read: see Whole.
func (l *look) open(k *compare.Checker) {
	owner, _, below := strings.Cut(l.File, "/")
	if !l.dir.known || !below || !slices.ContainsFunc(l.Statements, admitsStrangers) {
		return
	}
	p := k.Public(compare.Bucket{Name: l.bucket, Owner: owner, Policy: l.Document, Organizations: l.dir.taken(l.Document)})
	if p == nil {
		return
	}
	first := slices.IndexFunc(l.Statements, admitsStrangers)
	if len(p.Statements) > 0 {
		first = p.Statements[0].Index
	}
	l.warn(policy.CodePublic, policyjson.Place{Statement: first, Part: policyjson.PartStatement}, publicMessage(l.bucket, p))
}

// admitsStrangers reports whether a statement may allow callers of organizations
// that nobody names.
func admitsStrangers(st policy.Statement) bool {
	return st.Effect == policy.EffectAllow &&
		slices.ContainsFunc(st.Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalEveryone }) &&
		!slices.ContainsFunc(st.Conditions, namesOrganizations)
}

// namesOrganizations reports whether a condition holds only for callers of
// organizations that it names.
func namesOrganizations(c policy.Condition) bool {
	kind, _ := conditionkey.Split(c.Key)
	return kind == conditionkey.PrincipalOrg && c.Operator == (policy.Operator{Test: policy.StringEquals}) &&
		!slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "${") })
}

// taken are the names that an organization which nobody names cannot have. Where a
// policy has no pattern of organizations, only names like the one that
// compare.Checker gives a stranger are among them.
func (d *Directory) taken(doc *policy.Document) []string {
	for _, st := range doc.Statements {
		for _, c := range st.Conditions {
			kind, _ := conditionkey.Split(c.Key)
			if (kind == conditionkey.PrincipalOrg || kind == conditionkey.PrincipalAccount) && slices.ContainsFunc(c.Values, func(v string) bool { return strings.ContainsAny(v, "*?$") }) {
				return d.names
			}
		}
	}
	return d.strangers
}

func publicMessage(bucket string, p *compare.Public) string {
	const instead = `write whom you mean, by "cw:PrincipalOrgID" or by ARN, or silence this by -allow-public `
	if p.Witness == nil {
		return "it could not be told whether callers of organizations that nobody names are let in (" + strings.Join(p.Unknown, "; ") + "); " + instead + bucket
	}
	q := p.Witness
	with := ""
	for i, a := range q.Context {
		if i > 0 {
			with += ","
		}
		value := "an empty list"
		switch {
		case a.Unreadable:
			value = "what cannot be read"
		case len(a.Values) > 0:
			value = policyjson.Quote(a.Values[0].Text)
		}
		with += fmt.Sprintf(" with %s of %s", a.Key, value)
	}
	return fmt.Sprintf("callers of organizations that nobody names are let in: one may %s on %s%s; %s%s", q.Action, policyjson.Quote(q.Resource.ID), with, instead, bucket)
}

// held is the warning of a bucket that is open by its own policy.
type held struct {
	bucket  string
	warning policy.Diagnostic
}

// hold keeps back the warnings that only Whole can give.
func (l *look) hold(ds []policy.Diagnostic) []policy.Diagnostic {
	return slices.DeleteFunc(ds, func(d policy.Diagnostic) bool {
		if d.Code != policy.CodePublic {
			return false
		}
		l.dir.mu.Lock()
		defer l.dir.mu.Unlock()
		l.dir.opened[l.File] = held{l.bucket, d}
		return true
	})
}

// Whole returns the warnings that need all files of the directory, once Warnings was
// called with each, sorted. read returns what a file holds, nil if it cannot be read;
// exists reports whether a bucket has a file, or is in a list.
func (d *Directory) Whole(read func(path string) []byte, exists func(bucket string) bool) (out []policy.Diagnostic) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out = d.unknownBuckets(exists)
	byOwner := d.byOwner()
	switch {
	case d.skipDead:
	case d.early != nil:
		out = append(out, d.early()...)
	default:
		out = append(out, d.deadInOrganizations(byOwner)...)
	}
	m := d.memory()
	defer d.memories.Put(m)
	for path, h := range d.opened {
		owner, _, _ := strings.Cut(path, "/")
		if !slices.ContainsFunc(byOwner[owner], deniesEveryone) {
			out = append(out, h.warning)
			continue
		}
		doc, _ := policyjson.ParseBucket(path, h.bucket, read(path), policyjson.Limits{})
		if doc == nil {
			continue // it changed meanwhile
		}
		if p := m.Public(compare.Bucket{Name: h.bucket, Owner: owner, Policy: doc, OwnerPolicies: byOwner[owner], Organizations: d.taken(doc)}); p != nil {
			h.warning.Message = publicMessage(h.bucket, p)
			out = append(out, h.warning)
		}
	}
	policy.SortDiagnostics(out)
	return out
}

// byOwner returns the policies of each organization. The caller holds d.mu.
func (d *Directory) byOwner() map[string][]*policy.Document {
	out := map[string][]*policy.Document{}
	for path, doc := range d.policies {
		owner, _, _ := strings.Cut(path, "/")
		out[owner] = append(out[owner], doc)
	}
	return out
}

// AllRead says that Warnings was called with all files, as far as is known. What takes
// long of Whole begins, beside the caller. If Warnings is called again after it, Whole
// begins anew.
func (d *Directory) AllRead() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.skipDead || d.early != nil {
		return
	}
	byOwner := d.byOwner()
	d.early = sync.OnceValue(func() []policy.Diagnostic { return d.deadInOrganizations(byOwner) })
	go d.early()
}

// deadInOrganizations finds the dead statements of organizations, several
// organizations at a time.
func (d *Directory) deadInOrganizations(byOwner map[string][]*policy.Document) (out []policy.Diagnostic) {
	owners := make(chan []*policy.Document)
	var wait sync.WaitGroup
	var mu sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			m := d.memory()
			defer d.memories.Put(m)
			for docs := range owners {
				found := m.DeadInOrganization(docs)
				mu.Lock()
				for _, dead := range found {
					out = append(out, policy.Diagnostic{Severity: policy.Warning, Code: policy.CodeDeadStatement, Position: dead.At, Message: deadMessage(dead)})
				}
				mu.Unlock()
			}
		})
	}
	for _, docs := range byOwner {
		owners <- docs
	}
	close(owners)
	wait.Wait()
	return out
}

// deniesEveryone reports whether a policy of an organization has a Deny that reaches
// callers of others (specification 1.3).
func deniesEveryone(doc *policy.Document) bool {
	return slices.ContainsFunc(doc.Statements, func(st policy.Statement) bool {
		return st.Effect == policy.EffectDeny && slices.ContainsFunc(st.Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalEveryone })
	})
}
