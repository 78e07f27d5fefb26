package compile

import (
	"fmt"
	"slices"
	"strings"

	"postern/index"
	"postern/index/lowered"
	"postern/internal/value"
	"postern/policy"
)

// Access compiles all documents of an organization's iam/ (specification 2). If
// one of the diagnostics is an error, which means that a rule between files is
// broken, the iam layer is nil; warnings do not keep it from being made.
// Without documents the iam layer and the diagnostics are nil.
func (c Compiler) Access(org string, docs []*policy.AccessDocument) (*index.IAM, []policy.Diagnostic) {
	return c.AccessAgain(org, docs, nil, nil)
}

// AccessAgain is Access for documents that replace before, from which prev was
// compiled. If only members, tokens, issuers, defaults, entities or positions
// in files changed, the new iam layer shares the statements of prev.
func (c Compiler) AccessAgain(org string, docs, before []*policy.AccessDocument, prev *index.IAM) (*index.IAM, []policy.Diagnostic) {
	if len(docs) == 0 {
		return nil, nil
	}
	u := newAccess(c, org, docs)
	u.check()
	if policy.HasErrors(u.diagnostics) {
		policy.SortDiagnostics(u.diagnostics)
		return nil, u.diagnostics
	}
	var grants *index.Grants
	u.orderBindings()
	if prev != nil && sameStatements(byFile(before), u.docs) {
		grants = prev.Grants()
	} else if list := u.lower(); !policy.HasErrors(u.diagnostics) {
		grants = index.NewGrants(list, c.Form)
	}
	members, entities := u.members(), u.entities()
	policy.SortDiagnostics(u.diagnostics)
	if policy.HasErrors(u.diagnostics) {
		return nil, u.diagnostics
	}
	refs := make([]policy.StatementRef, len(u.bindings))
	for i, b := range u.bindings {
		refs[i] = reference(b.doc, b.ID, b.index, b.At, b.Effect)
	}
	m := index.NewIAM(index.NewMembership(grants, members), refs, entities)
	m.Named(u.names())
	return m, u.diagnostics
}

// AccessAlone checks one document without the others of its iam/, and reports
// only what is wrong whatever those say. unchecked is the number of references
// to names that neither this document nor the built-in one defines; nothing is
// reported about them.
func (c Compiler) AccessAlone(doc *policy.AccessDocument) (ds []policy.Diagnostic, unchecked int) {
	docs := []*policy.AccessDocument{doc}
	u := newAccess(c, "", docs)
	u.alone = true
	u.check()
	if u.unchecked == 0 {
		_, ds = c.Access("", docs)
		return ds, 0
	}
	policy.SortDiagnostics(u.diagnostics)
	return u.diagnostics, u.unchecked
}

// reference is the StatementRef of whatever gives a caller something: a
// binding, a token, a member role or a rule of an issuer.
func reference(d *policy.AccessDocument, statement string, at int, where policy.Position, effect policy.Effect) policy.StatementRef {
	return policy.StatementRef{
		Document: d.Name, Statement: statement, Index: at, File: d.File, Line: where.Line, Effect: effect, Layer: policy.LayerIAM,
	}
}

// access holds the documents of one organization while they are compiled to an
// index.IAM.
type access struct {
	c        Compiler
	org      string                   // the organization, "" if it is not known
	docs     []*policy.AccessDocument // by file
	builtIn  *policy.AccessDocument   // never nil
	bindings []binding                // in the order in which they are frozen: Deny first

	sets    map[string]*permissionSet
	roles   map[string]*role
	records []*record          // all, in the order of files
	byID    map[string]*record // records by their ids
	byName  map[string][]*record
	groups  map[string]*policy.Group
	tokens  map[string]policy.Position

	// alone is set by AccessAlone: references to names that no document at hand
	// defines are counted in unchecked, and not reported.
	alone     bool
	unchecked int

	l           *lowering
	diagnostics []policy.Diagnostic
}

type permissionSet struct {
	*policy.PermissionSet
	builtIn bool
	actions *actionList // the actions of the set and of those that it includes; nil until they are asked for
}

type role struct {
	*policy.Role
	doc     *policy.AccessDocument
	builtIn bool
	lowered bool
	spans   []lowered.Span // the role's own rules and those of the roles that it includes
}

type record struct {
	*policy.Record
	doc     *policy.AccessDocument
	index   int      // its place in its document
	number  int      // its place in access.records
	node    int      // number in the tree plus 1, once lowered
	rule    int      // the number of the rule that stands for the record
	actions []string // the actions that the record can grant, sorted
}

// key is the record's key in lowered.GrantList.Roles. It begins with a byte
// that no file can hold, so that it is no role's name.
func (r *record) key() string { return fmt.Sprintf("\xff%d", r.number) }

type binding struct {
	*policy.Binding
	doc     *policy.AccessDocument
	index   int
	builtIn bool
}

func byFile(docs []*policy.AccessDocument) []*policy.AccessDocument {
	docs = slices.DeleteFunc(slices.Clone(docs), func(d *policy.AccessDocument) bool { return d == nil })
	slices.SortStableFunc(docs, func(a, b *policy.AccessDocument) int { return strings.Compare(a.File, b.File) })
	return docs
}

func newAccess(c Compiler, org string, docs []*policy.AccessDocument) *access {
	u := &access{
		c: c, org: org, docs: byFile(docs), builtIn: c.BuiltIn,
		sets: map[string]*permissionSet{}, roles: map[string]*role{}, byID: map[string]*record{}, byName: map[string][]*record{},
		groups: map[string]*policy.Group{}, tokens: map[string]policy.Position{},
		l: newLowering(),
	}
	if u.builtIn == nil {
		u.builtIn = &policy.AccessDocument{}
	}
	return u
}

// report reports an error, or with a code a warning.
func (u *access) report(code policy.Code, at policy.Position, format string, args ...any) {
	severity := policy.Error
	if code != isError {
		severity = policy.Warning
	}
	u.diagnostics = append(u.diagnostics, policy.Diagnostic{Severity: severity, Code: code, Position: at, Message: fmt.Sprintf(format, args...)})
}

// isError stands in the place of a warning's code.
const isError = policy.CodeNone

// missing is report for a reference to what the documents lack.
func (u *access) missing(code policy.Code, at policy.Position, format string, args ...any) {
	if u.alone {
		u.unchecked++
		return
	}
	u.report(code, at, format, args...)
}

// orderBindings lists the bindings in force, Deny first. If a file sets
// legacyGroups, they include those of the legacy groups.
func (u *access) orderBindings() {
	add := func(d *policy.AccessDocument) {
		for i := range d.Bindings {
			u.bindings = append(u.bindings, binding{&d.Bindings[i], d, i, d == u.builtIn})
		}
	}
	for _, d := range u.docs {
		add(d)
	}
	if slices.ContainsFunc(u.docs, func(d *policy.AccessDocument) bool { return d.LegacyGroups }) {
		add(u.builtIn)
	}
	slices.SortStableFunc(u.bindings, func(a, b binding) int {
		return int(b.Effect) - int(a.Effect) // EffectDeny is greater than EffectAllow
	})
}

// members lowers groups, tokens, issuers and defaults.
func (u *access) members() *lowered.MemberList {
	out := &lowered.MemberList{}
	for _, d := range u.docs {
		for i := range d.Groups {
			g := lowered.Group{Name: d.Groups[i].Name}
			g.Everyone, g.Names, g.Prefixes = principals(d.Groups[i].Members)
			out.Groups = append(out.Groups, g)
		}
		for i := range d.Tokens {
			t := &d.Tokens[i]
			out.Tokens = append(out.Tokens, lowered.Token{
				Name: t.Name, Type: t.Type, Group: t.Group.Name, User: t.User.Name, Expires: t.Expires, HasExpires: t.HasExpires,
				Held: lowered.Held{Roles: u.keysOf(t.Roles), Place: reference(d, "token/"+t.Name, i, t.At, policy.EffectAllow)},
			})
		}
		for i, r := range d.MemberRoles {
			out.MemberRoles = append(out.MemberRoles, lowered.Held{
				Roles: []string{r.Name}, Place: reference(d, "defaults", i, r.At, policy.EffectAllow),
			})
		}
		for i := range d.Issuers {
			out.Issuers = append(out.Issuers, u.issuer(d, &d.Issuers[i])...)
		}
	}
	for _, r := range u.records {
		if r.OrgDefault {
			name := r.ID
			if name == "" {
				name = r.Name
			}
			out.MemberRoles = append(out.MemberRoles, lowered.Held{
				Roles: []string{r.key()}, Place: reference(r.doc, name, r.index, r.At, policy.EffectAllow),
			})
		}
	}
	return out
}

func (u *access) issuer(d *policy.AccessDocument, from *policy.Issuer) (out []lowered.IssuerRule) {
	for i := range from.Rules {
		r := &from.Rules[i]
		rule := lowered.IssuerRule{
			URL: from.URL, Deny: r.Effect == policy.EffectDeny,
			Held: lowered.Held{Roles: u.keysOf(r.Roles), Place: reference(d, "issuer/"+from.Name, i, r.At, policy.EffectAllow)},
		}
		u.in(r.At)
		for _, c := range r.Claims {
			rule.Claims = append(rule.Claims, lowered.Claim{Path: c.Path, Program: u.l.program(c.Pattern, false)})
		}
		if r.Effect != policy.EffectDeny && r.Effect != policy.EffectAllow || len(rule.Claims) == 0 {
			u.report(isError, r.At, "the rule has no effect or no claims")
		}
		out = append(out, rule)
	}
	u.refused()
	return out
}

// keysOf returns the keys in lowered.GrantList.Roles of the roles and records
// that the references name. A record has one key, whichever of its names is
// used.
func (u *access) keysOf(list []policy.Reference) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].Name
		if _, r := u.roleOf(list[i].Name); r != nil {
			out[i] = r.key()
		}
	}
	return out
}

// principals splits members into `*`, names and prefixes of identifiers.
func principals(list []policy.Member) (everyone bool, names, prefixes []string) {
	for i := range list {
		switch m := &list[i]; m.Kind {
		case policy.PrincipalEveryone:
			everyone = true
		case policy.PrincipalExact:
			names = append(names, m.Name)
		case policy.PrincipalPrefix:
			prefixes = append(prefixes, m.Name)
		case policy.PrincipalGroup:
			names = append(names, "group/"+m.Name)
		case policy.PrincipalToken:
			names = append(names, "token/"+m.Name)
		}
	}
	return everyone, names, prefixes
}

// entities lowers the facts that all documents state about resources and
// principals.
func (u *access) entities() (out []lowered.Entity) {
	for _, d := range u.docs {
		for i := range d.Entities {
			from := &d.Entities[i]
			e := lowered.Entity{Principal: from.Principal, Tags: from.Tags, TagsKnown: from.TagsKnown}
			if from.Principal == "" {
				e.Resource = from.Type + ":" + from.ID
			}
			for _, a := range from.Properties {
				a.Key = value.FoldASCII(a.Key)
				e.Properties = append(e.Properties, a)
			}
			out = append(out, e)
		}
	}
	return out
}
