// Package reference is pages 1 and 2 of docs/specification in code: the
// reference evaluator, against which the compiled index is held.
//
// It is naive on purpose: it looks at every statement for every request, and
// shares no matcher, no reader of values and no folding of keys with the
// index. The one thing that both read is the table of actions, which is data.
// Its files follow the pages, so that a reader can hold one against the other:
//
//	decide.go     1.3 which layers decide, 1.8 the order of reasons
//	statement.go  1.1 satisfied and determining statements
//	action.go     1.2, 1.6 names of an action
//	principal.go  1.4, 1.5 principals
//	pattern.go    1.6 patterns, 1.7 policy variables
//	condition.go  1.7 evaluation of conditions
//	value.go      1.7 values: numbers, dates, IPs, ARNs
//	key.go        1.7 keys, folded, and those that the server sets
//
//	iam.go            2 the iam layer, and cwobject:, which it joins (1.3)
//	access_caller.go  2 identifiers, groups, tokens, issuers, who has the defaults
//	access_grant.go   2 bindings, defaults, tokens and issuers: what reaches a caller
//	access_rule.go    2 roles, permission sets, resources, selectors, narrowing
//	access_entity.go  2 entities
//	descriptor.go     2 Pulumi's records, as the trees that they are
//
// Only tests, fuzz targets and benchmarks import it.
//
// # Statements of the iam layer
//
// A determining statement of the iam layer (1.8) is one thing that gives the
// caller something, not each rule that it gives: a binding is one statement,
// however many of its rules are satisfied. Layer is LayerIAM, Document the
// document's Name ("" for a file of records), File its File, and:
//
//	                   Statement        Index                     Line
//	binding            its id           in the file's bindings    of its `{`
//	member role        "defaults"       in its file's memberRoles of the name, where it is listed
//	default record     its id, else     in the file's records     of its `{`
//	                   its name
//	organization token "token/NAME"     in the file's tokens      of the token's name
//	issuer's rule      "issuer/NAME"    in the issuer's rules     of its `{`
//
// Bindings of legacy groups are named the same way, by the built-in document.
// A team's or a personal token gives nothing by itself. Equal statements are
// listed once. They are in the order of file, index, line and Statement.
//
// A `cwobject:` action asks both layers unless an organization policy denies
// it; the iam layer is a step only where the organization has iam documents,
// or where it is unavailable and would have to be asked. The determining
// Allows are those of both layers; the layer of the decision is the
// organization's if one of its policies allows, else the iam layer's.
//
// # Readings of page 2
//
// Where the page can be read in several ways, this package reads:
//
//   - organization token: "bindings that name it" are those that list
//     `token/NAME`, also as a prefix, or a group that has it other than by `*`
//     (at any depth). Denies reach it by `*` too, also through groups.
//   - team token: a caller with the identifier `token/NAME` that states the
//     group, in every layer (iam:ORG:groups holds it alone). The defaults hold for it as for everybody: if it has no explicit
//     role. `*` reaches it.
//   - personal token: a caller with two identifiers, the token's and the
//     user's, that states no group.
//   - a token in bucket policies: "a caller like any other, whom only `*` can
//     match" and "every caller of that organization" (1.5: root, ORG and
//     arn:aws:iam::ORG:*) cannot both hold. An organization's entry lists a token
//     where that denies, in the Principal of a Deny, and not in that of an Allow
//     nor in a NotPrincipal.
//   - an explicit role: the binding lists an identifier, a prefix of one, or a
//     group of the caller (even a group that has it by `*`); only a member `*`
//     of the binding itself does not count.
//   - an issuer's caller is one with claims whose `iss` is one value and equals
//     a url, byte for byte. Where the organization has issuers, an `iss` that is
//     there and is not one scalar (an empty list, several, an object) might be
//     any of theirs: such claims earn nothing, as where a Deny rule matches. An
//     absent one is no issuer's. Where claims earn it nothing, no Allow reaches it,
//     in `cwobject:` neither; Denies do, so that the reason can be iam_deny.
//     A claim that cannot be read (an object; a list with an element that is
//     no scalar) matches in a Deny rule and in no Allow rule, as 1.7 has it of
//     conditions; one that is absent matches nothing.
//     The rules of all issuers of one url count. Matching Allows differ in
//     roles if the sets of roles and records that they name differ.
//     Where they agree all of them determine.
//   - "no iam statement that names the caller" (1.3, cwobject:): no binding, of
//     either effect and whatever it gives, lists an identifier, a prefix of
//     one, or a group that has the caller other than by `*`; and the caller has
//     no roles of an organization token or an issuer. (Bindings that hold for
//     nothing, as of a caller whose claims earn it nothing, still name it;
//     bindings of legacy groups do where the groups are bound.)
//   - an entity's facts hold in the iam layer only (of cwobject: requests, too,
//     its iam statements only). Properties of a subject are those of the
//     caller's first identifier; of a personal token, those of the token, then
//     those of its user. A key that is stated wins whatever its value: one
//     stated as an empty list is absent (1.7), and no fact stands in for it.
//     The entity of the whole organization is `organization:ORG`, whether `*`
//     or ORG is asked. Tags are taken as a whole, from the request if it knows
//     them, else from the entity. `uid` is never an entity's.
//   - a uid stated as the empty string is none.
//   - the constraint of an allow is taken over all satisfied rules; a
//     determining Allow of an organization policy has none, and lifts it.
//   - names of roles: an AccessPolicy's or built-in role first, then a record's
//     id, then the name of exactly one record; the same for bindings, member
//     roles, tokens, issuers and includes.
//
// Of Pulumi's trees, an expression is satisfied as true or as false; And, Or
// and Not follow De Morgan down to the literals. A literal is satisfied
//
//   - in neither polarity if it is about another entity type than the
//     request's resource (each side of an Equal counts, also a literal
//     entity), or if it is an Equal of two kinds (text: a tag or a string;
//     number; boolean; entity of one type);
//   - otherwise, if it is about tags that are not known, or about the entity
//     and the request states no uid: in neither polarity in an Allow, in both
//     in a Deny;
//   - otherwise as it says. A tag that is missing equals nothing, another
//     missing tag neither. Numbers are compared as numbers, booleans by truth.
//
// What a record leaves out grants nothing, and decides nothing: an expression
// without its operand is satisfied in neither polarity, in a Deny neither. An And
// or an Or of which both parts are left out is false; with one part, the other
// is satisfied in neither polarity.
//
// A Select takes every option that Equal would say true of. A record's
// resource type holds its permissions, those that it composes included, to
// resources of that type; `global` to none.
package reference
