// Package compile turns documents into frozen policies of the index: it
// checks the rules between files, resolves action patterns over the table of
// known actions, compiles patterns to programs, and lowers conditions.
// Documents come from internal/policyjson, which has checked every rule that
// one file can break. A document that breaks one all the same is refused here
// and never read leniently.
package compile

import (
	"fmt"
	"slices"
	"strings"

	"postern/index"
	"postern/index/lowered"
	"postern/policy"
)

// Compiler compiles documents. The zero value is ready; it may be used by many
// goroutines at once.
type Compiler struct {
	// Form forces how the index narrows, for tests.
	Form index.Form
	// BuiltIn is the document of built-in roles and permission sets, and of the
	// bindings of legacy groups (specification 2, Built in); nil has none.
	BuiltIn *policy.AccessDocument
	// Together is for many policies that last, as the first load compiles: see
	// index.Freezer.
	Together bool
	// Check makes policies that hold no statements: of documents whose diagnostics
	// are wanted, and nothing else.
	Check bool
}

// Organization compiles all organization policies of one organization
// (specification 1.4). If a rule between files is broken (a name is used
// twice), the diagnostics say so and the policies are nil. Without documents
// both are nil.
func (c Compiler) Organization(org string, docs []*policy.Document) (*index.Policies, []policy.Diagnostic) {
	if len(docs) == 0 {
		return nil, nil
	}
	docs = slices.Clone(docs)
	slices.SortFunc(docs, func(a, b *policy.Document) int { return strings.Compare(a.File, b.File) })
	var ds []policy.Diagnostic
	first := map[string]*policy.Document{}
	for _, d := range docs {
		if other := first[d.Name]; other != nil {
			ds = append(ds, policy.Diagnostic{
				Position: policy.Position{File: d.File, Line: d.NameLine, Column: d.NameColumn},
				Message: fmt.Sprintf("the policy name %q is already used by %s:%d:%d: a name is unique within its organization, write another",
					d.Name, other.File, other.NameLine, other.NameColumn),
			})
			continue
		}
		first[d.Name] = d
	}
	if ds != nil {
		return nil, ds
	}
	return c.compile(docs, "")
}

// Bucket compiles the policy of a bucket (specification 1.5). The policies are
// nil if there are diagnostics, which a document from internal/policyjson never
// has.
func (c Compiler) Bucket(bucket string, doc *policy.Document) (*index.Policies, []policy.Diagnostic) {
	return c.compile([]*policy.Document{doc}, bucket)
}

// Directory compiles all of d into a snapshot, for programs and tests that have
// no policy directory on disk. Policies that have errors are unavailable in the
// snapshot, and the diagnostics say why.
func (c Compiler) Directory(d *policy.Directory, generation uint64) (*index.Snapshot, []policy.Diagnostic) {
	b := index.NewBuilder(nil)
	c.BuiltIn, c.Together = d.BuiltIn, true
	b.SetDefaultOrganization(d.DefaultOrganization)
	b.SetPlatformOrganizations(d.PlatformOrganizations)
	var all []policy.Diagnostic
	for name, o := range d.Organizations {
		out := index.Organization{
			PoliciesUnavailable: o.PoliciesUnavailable,
			IAMUnavailable:      o.IAMUnavailable,
			BucketsUnavailable:  o.BucketsUnavailable,
		}
		if !o.PoliciesUnavailable {
			var ds []policy.Diagnostic
			out.Policies, ds = c.Organization(name, o.Policies)
			out.PoliciesUnavailable = ds != nil
			all = append(all, ds...)
		}
		if !o.IAMUnavailable {
			var ds []policy.Diagnostic
			out.IAM, ds = c.Access(name, o.Access)
			out.IAMUnavailable = policy.HasErrors(ds)
			all = append(all, ds...)
		}
		b.SetOrganization(name, out)
	}
	for name, k := range d.Buckets {
		out := index.Bucket{Owner: k.Owner, PolicyUnavailable: k.PolicyUnavailable, Claimants: k.Claimants}
		if k.Policy != nil && !k.PolicyUnavailable {
			var ds []policy.Diagnostic
			out.Policy, ds = c.Bucket(name, k.Policy)
			out.PolicyUnavailable = ds != nil
			all = append(all, ds...)
		}
		b.SetBucket(name, out)
	}
	policy.SortDiagnostics(all)
	return b.Freeze(generation), all
}

// lowering is the state that the statements of one unit share while they are
// lowered.
type lowering struct {
	variables   []lowered.Variable
	numbers     map[lowered.Variable]int
	documents   []lowered.Document
	actions     map[string]*actionPattern
	diagnostics []policy.Diagnostic

	document  *policy.Document
	statement *policy.Statement
	memory
}

// refuse reports an error that policyjson should have found.
func (l *lowering) refuse(format string, args ...any) {
	l.diagnostics = append(l.diagnostics, policy.Diagnostic{
		Position: policy.Position{File: l.document.File, Line: l.statement.Line, Column: 1},
		Message:  fmt.Sprintf(format, args...),
	})
}

func (c Compiler) compile(docs []*policy.Document, bucket string) (*index.Policies, []policy.Diagnostic) {
	l := lowerings.Get().(*lowering)
	l.freezer.Together(c.Together)
	p, ds := l.policies(docs, bucket, c)
	l.release() // a lowering that panicked is not used again
	return p, ds
}

// policies is compile, with memory that other units may have used before.
func (l *lowering) policies(docs []*policy.Document, bucket string, c Compiler) (*index.Policies, []policy.Diagnostic) {
	n := 0
	for _, d := range docs {
		n += len(d.Statements)
	}
	l.statements = slices.Grow(l.statements, n)
	l.documents = make([]lowered.Document, 0, len(docs))
	for i, d := range docs {
		l.documents = append(l.documents, lowered.Document{Name: strings.Clone(d.Name), File: d.File})
		for j := range d.Statements {
			l.document, l.statement = d, &d.Statements[j]
			l.statements = append(l.statements, lowered.Statement{})
			l.lower(&l.statements[len(l.statements)-1], i, j)
		}
	}
	if l.diagnostics != nil {
		policy.SortDiagnostics(l.diagnostics)
		return nil, l.diagnostics
	}
	if c.Check {
		return l.freezer.New(nil, l.documents, nil, bucket, c.Form), nil
	}
	return l.freezer.New(l.statements, l.documents, l.variables, bucket, c.Form), nil
}

// lower lowers the statement at hand into out, which must be the zero
// Statement.
func (l *lowering) lower(out *lowered.Statement, document, at int) {
	s := l.statement
	out.Deny = s.Effect == policy.EffectDeny
	out.Document, out.Index, out.Line, out.Name = document, at, s.Line, s.Name
	l.principals(&out.Principals)
	l.actionSet(&out.Actions)
	out.NotResource = s.NotResource
	if s.Effect != policy.EffectAllow && s.Effect != policy.EffectDeny {
		l.refuse("the statement has no effect: write Allow or Deny")
	}
	if len(s.Resources) == 0 {
		l.refuse("the statement has no resource")
	}
	l.texts.begin()
	for _, text := range s.Resources {
		out.WholeOrganization = out.WholeOrganization || text == "*" && !s.NotResource
		l.texts.add(l.program(text, l.document.Variables))
	}
	out.Resources = l.texts.end()
	if len(s.Conditions) > 0 {
		l.conditions.begin()
		for i := range s.Conditions {
			l.conditions.add(l.condition(&s.Conditions[i]))
		}
		out.Conditions = l.conditions.end()
	}
}

func (l *lowering) principals(out *lowered.Principals) {
	s := l.statement
	out.Not = s.NotPrincipal
	if len(s.Principals) == 0 {
		l.refuse("the statement has no principal")
	}
	if s.NotPrincipal && s.Effect != policy.EffectDeny {
		l.refuse("NotPrincipal stands with Deny only")
	}
	l.exact.begin()
	l.prefix.begin()
	l.texts.begin()
	for i := range s.Principals {
		p := &s.Principals[i]
		switch p.Kind {
		case policy.PrincipalEveryone:
			out.Everyone = true
		case policy.PrincipalExact:
			l.exact.add(lowered.Name{Org: p.Org, Text: p.Name})
		case policy.PrincipalPrefix:
			l.prefix.add(lowered.Name{Org: p.Org, Text: p.Name})
		case policy.PrincipalOrganization:
			l.texts.add(p.Org)
		case policy.PrincipalAccount:
			// In NotPrincipal the account exempts nobody (specification 1.5).
			if !s.NotPrincipal {
				l.texts.add(p.Org)
			}
		case policy.PrincipalNobody:
			if s.NotPrincipal {
				l.refuse("NotPrincipal names nobody: write whom it exempts")
			}
		default:
			l.refuse("a principal of no known kind")
		}
	}
	out.Exact, out.Prefix, out.Organizations = l.exact.end(), l.prefix.end(), l.texts.end()
}
