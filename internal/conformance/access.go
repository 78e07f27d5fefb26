package conformance

import (
	"fmt"
	"strconv"
	"strings"

	"postern/policy"
)

// accessStatement finds what an archive names in the iam layer: a binding, a
// member role, a token or a rule of an issuer, as doc.go says.
func (w *World) accessStatement(file, name string) (policy.StatementRef, error) {
	documents := []*policy.AccessDocument{}
	if w.Directory.BuiltIn != nil {
		documents = append(documents, w.Directory.BuiltIn)
	}
	for _, org := range w.Directory.Organizations {
		documents = append(documents, org.Access...)
	}
	var found []policy.StatementRef
	for _, doc := range documents {
		path := strings.TrimSuffix(doc.File, ".json")
		if path != file && !strings.HasSuffix(path, "/"+file) {
			continue
		}
		for _, r := range accessStatements(doc) {
			if r.name == name {
				found = append(found, r.ref)
			}
		}
	}
	if len(found) != 1 {
		return policy.StatementRef{}, fmt.Errorf("%s!%s names %d statements of the iam layer", file, name, len(found))
	}
	return found[0], nil
}

type namedStatement struct {
	name string
	ref  policy.StatementRef
}

// accessStatements lists all that a document may give to callers, by the names
// that archives have for it. Effects are left out.
func accessStatements(doc *policy.AccessDocument) (out []namedStatement) {
	add := func(name, statement string, index int, at policy.Position) {
		out = append(out, namedStatement{name, policy.StatementRef{
			Document: doc.Name, Statement: statement, Index: index,
			File: doc.File, Line: at.Line, Layer: policy.LayerIAM,
		}})
	}
	numbered := func(name string, i int) string { return name + "#" + strconv.Itoa(i) }
	for i, b := range doc.Bindings {
		name := b.ID
		if name == "" {
			name = numbered("", i)
		}
		add(name, b.ID, i, b.At)
	}
	for i, r := range doc.MemberRoles {
		add(numbered("defaults", i), "defaults", i, r.At)
	}
	for i, t := range doc.Tokens {
		add("token/"+t.Name, "token/"+t.Name, i, t.At)
	}
	for _, issuer := range doc.Issuers {
		for i, r := range issuer.Rules {
			add(numbered("issuer/"+issuer.Name, i), "issuer/"+issuer.Name, i, r.At)
		}
	}
	for i, r := range doc.Records {
		name := r.ID
		if name == "" {
			name = r.Name
		}
		add(name, name, i, r.At)
	}
	return out
}
