package policy

// Code names a kind of warning. It stands in brackets at the end of a message,
// and `postern validate -ignore` silences the kind by it (specification 8.1). The
// zero value is that of errors, which have none.
type Code uint8

// The kinds of warning, those of one page of the specification together.
const (
	CodeNone Code = iota

	// Specification 1 and 4: what a reader of any document or name tells.
	CodeMoreWarnings
	CodeElementCase
	CodeUnknownAction
	CodeNeverReadHere
	CodeOtherBucket
	CodePlainVariable
	CodeNoSuchCaller
	CodeEmptyCondition
	CodeHostBits
	CodeForAllValuesOpen
	CodeIfExistsWithoutEffect
	CodeListWithoutQualifier
	CodeKeyNeverSet
	CodeMisplacedName
	CodeClaimedTwice

	// Specification 2.
	CodeGlobalType
	CodeTypesDoNotMeet
	CodeNegativeOnlySelector
	CodeURLClaim
	CodeUnreadField
	CodeEmptyPermission
	CodeNeverEqual
	CodeOtherOrganization
	CodeUnknownGroup

	// Specification 8.1.
	CodeUnknownConditionKey
	CodeKeyDoesNotFitAction
	CodeActionDoesNotFitResource
	CodeDenyWithoutAllow
	CodeOperationName
	CodeWildcardWithoutLike
	CodeDateLikeNumber
	CodeUnknownOrganization
	CodeUnknownBucket
	CodeTemplateLeft
	CodeVariableIn2008
	CodeDeadStatement
	CodePublic

	codeCount
)

// codes are the names of the codes, and what each is about.
var codes = [codeCount]struct{ name, about string }{
	CodeMoreWarnings:          {"more-warnings", "a file has more warnings than are shown"},
	CodeElementCase:           {"element-case", "an element of a bucket policy in another case than AWS writes it"},
	CodeUnknownAction:         {"unknown-action", "an action that no known one matches"},
	CodeNeverReadHere:         {"never-read-here", "an action that this kind of document is never asked about"},
	CodeOtherBucket:           {"other-bucket", "a resource that never matches the bucket whose policy it stands in"},
	CodePlainVariable:         {"plain-variable", "`${` in an organization policy, which has no policy variables"},
	CodeNoSuchCaller:          {"no-such-caller", "a principal of a kind that postern never has as a caller"},
	CodeEmptyCondition:        {"empty-condition", "a Condition that restricts nothing"},
	CodeHostBits:              {"host-bits", "a range of addresses with bits set past its length"},
	CodeForAllValuesOpen:      {"for-all-values-open", "ForAllValues in an Allow, which also holds where the key is absent"},
	CodeIfExistsWithoutEffect: {"if-exists-without-effect", "IfExists with ForAnyValue, where it changes nothing"},
	CodeListWithoutQualifier:  {"list-without-qualifier", "a key that is always a list, under an operator without ForAllValues or ForAnyValue"},
	CodeKeyNeverSet:           {"key-never-set", "a condition key that no request has"},
	CodeMisplacedName:         {"misplaced-name", "a file or folder that has no place in a policy directory"},
	CodeClaimedTwice:          {"claimed-twice", "a bucket that several organizations claim"},

	CodeGlobalType:           {"global-type", "Pulumi's name of the organization's type, outside its records"},
	CodeTypesDoNotMeet:       {"types-do-not-meet", "actions and resources of different types, which together hold on nothing"},
	CodeNegativeOnlySelector: {"negative-only-selector", "a selector that also selects resources without any tags"},
	CodeURLClaim:             {"url-claim", "a claim whose name is split at its dots"},
	CodeUnreadField:          {"unread-field", "a field of a record that nothing is made of"},
	CodeEmptyPermission:      {"empty-permission", "a permission that grants nothing"},
	CodeNeverEqual:           {"never-equal", "a comparison that is never true"},
	CodeOtherOrganization:    {"other-organization", "a resource of another organization, which is never asked about"},
	CodeUnknownGroup:         {"unknown-group", "a group that no file defines"},

	CodeUnknownConditionKey:      {"unknown-condition-key", "a condition key, or the key of a variable, that nobody knows"},
	CodeKeyDoesNotFitAction:      {"key-does-not-fit-action", "a condition key that none of the statement's actions has"},
	CodeActionDoesNotFitResource: {"action-does-not-fit-resource", "an action that is never asked on any of the statement's resources"},
	CodeDenyWithoutAllow:         {"deny-without-allow", "a bucket policy that allows nobody"},
	CodeOperationName:            {"operation-name", "the name of an operation where the action that it needs is meant"},
	CodeWildcardWithoutLike:      {"wildcard-without-like", "a wildcard or a range of addresses under an operator that takes it literally"},
	CodeDateLikeNumber:           {"date-like-number", "a number that looks like a date, and is read as seconds since 1970"},
	CodeUnknownOrganization:      {"unknown-organization", "an organization that has no folder"},
	CodeUnknownBucket:            {"unknown-bucket", "a bucket that no organization has"},
	CodeTemplateLeft:             {"template-left", "a placeholder that was not filled in"},
	CodeVariableIn2008:           {"variable-in-2008", "a policy variable in a document of version 2008-10-17, which has none"},
	CodeDeadStatement:            {"dead-statement", "a statement that can change no decision"},
	CodePublic:                   {"public", "a bucket that lets in callers of organizations that nobody names"},
}

// String returns the code as it is written; "" is the zero value's.
func (c Code) String() string { return codes[c].name }

// About says in a few words what the kind of warning is about.
func (c Code) About() string { return codes[c].about }

// Codes returns every code but the zero value, in the order of the constants.
func Codes() []Code {
	out := make([]Code, 0, codeCount-1)
	for c := CodeNone + 1; c < codeCount; c++ {
		out = append(out, c)
	}
	return out
}
