package policyjson

import "postern/policy"

// code names a message. The messages stand in one table, so that a test can
// demand a case for every one.
type code uint8

const (
	msgSyntax code = iota
	msgEmptyFile
	msgUTF16
	msgMoreErrors
	msgMoreWarnings
	msgUnknownKind
	msgComment
	msgBelongsPolicies
	msgBelongsBuckets
	msgBelongsList
	msgBelongsIAM
	msgPolicyText
	msgPolicyList
	msgTemplate

	msgDuplicateKey
	msgSameElement
	msgElementCase
	msgUnknownField
	msgUnknownNear
	msgUnknownTwice
	msgUnknownHint
	msgMissing
	msgWrongType
	msgEmptyList
	msgEmptyBeside
	msgEmptyText
	msgEmptyName
	msgStatements
	msgPatternLong
	msgPatternsCost
	msgNameLong

	msgVersion
	msgBesideWrapper
	msgStatementName
	msgEffect
	msgEffectCase

	msgActionForm
	msgActionService
	msgOrganizationService
	msgActionVariable
	msgActionUnknown
	msgActionNear
	msgActionNever

	msgResourceARN
	msgResourceForm
	msgResourceService
	msgResourceNever
	msgWholeOrganization
	msgPlainVariable
	msgPlainTemplate
	msgVariable
	msgVariableLong

	msgPrincipalARN
	msgPrincipalARNForm
	msgPrincipalOrg
	msgPrincipalNoOrg
	msgPrincipalEMail
	msgPrincipalBare
	msgPrincipalProvider
	msgPrincipalNobody
	msgPrincipalStar
	msgPrincipalGroup
	msgPrincipalToken
	msgPrincipalVariable
	msgPrincipalText
	msgPrincipalKey
	msgPrincipalForeign
	msgPrincipalForeignDeny
	msgPrincipalForeignNot
	msgPrincipalEmpty
	msgNotPrincipalAllow
	msgBoth
	msgNeither

	msgConditionEmpty
	msgOperatorEmpty
	msgOperatorName
	msgOperatorUnknown
	msgOperatorNear
	msgConditionKey
	msgSameKey
	msgNumber
	msgDate
	msgBool
	msgAddress
	msgHostBits
	msgBinary
	msgARN
	msgForAllValues
	msgForAnyIfExists
	msgAlwaysList
	msgKeyNever

	msgBucketName

	msgAccessForm
	msgDocumentKind
	msgNameEmpty
	msgNameStar
	msgEmptyObject
	msgHasNeither
	msgWholeNumber
	msgTypeName
	msgTypeGlobal
	msgAccessActionStar
	msgAccessActionForm
	msgAccessActionNever
	msgScopeType
	msgScopeResources
	msgAccessResourceForm
	msgAccessResourceType
	msgResourceUID
	msgTagKey
	msgTagOperator
	msgTagValues
	msgSelectorNegative
	msgBindingID
	msgBindingNothing
	msgMemberARN
	msgMemberBare
	msgMemberStar
	msgTokenType
	msgTokenField
	msgTokenGroup
	msgTokenUser
	msgExpires
	msgIssuerDeny
	msgClaimPath
	msgClaimURL
	msgEntityForm
	msgEntityStar
	msgEntityUID
	msgEntityGroup
	msgEntityTags
	msgEntityProperty

	msgListedPolicy
	msgRecordField
	msgRecordID
	msgRecordType
	msgNodeType
	msgNodeNear
	msgNodeField
	msgPermissionEmpty
	msgPermissionWild
	msgPermissionForm
	msgOptionLiteral
	msgOptionTwice
	msgNotBoolean
	msgConditionBool
	msgContext
	msgNeverEqual

	messageCount
)

// isError stands in the place of a warning's code.
const isError = policy.CodeNone

// messages has what each code says: what is wrong, and what to write instead.
// In those that reportOther uses, the last `%s` is the other position.
var messages = [messageCount]struct {
	code policy.Code
	text string
}{
	msgSyntax:       {isError, "%s"},
	msgEmptyFile:    {isError, "the file is empty; write a policy, or remove the file"},
	msgUTF16:        {isError, "the file looks like UTF-16; save it as UTF-8"},
	msgMoreErrors:   {isError, "and %s more errors from here on; correct those above first"},
	msgMoreWarnings: {policy.CodeMoreWarnings, "and %s more warnings from here on"},
	msgUnknownKind:  {isError, "this is no policy document; an organization policy has `policy` or `statements`, a bucket policy `Statement`, a bucket list `buckets`, an AccessPolicy `apiVersion`, a Pulumi record `details`"},
	msgComment:      {isError, "JSON has no comments; remove this one"},

	msgBelongsPolicies: {isError, "this is an organization policy; it belongs in the organization's access-policies/"},
	msgBelongsBuckets:  {isError, "this is a bucket policy; it belongs in its organization's buckets/, as BUCKET.json"},
	msgBelongsList:     {isError, "this is a list of buckets; it belongs in its organization's folder, as buckets.json"},
	msgBelongsIAM:      {isError, "this is an iam document; it belongs in the organization's iam/"},
	msgPolicyText:      {isError, "this is what get-bucket-policy prints, a policy as text in \"Policy\"; write that text alone, as `jq -r '.Policy // .policy'` prints it"},
	msgPolicyList:      {isError, "this is a list of policies; write each into a file of its own"},
	msgTemplate:        {isError, "this is a template around a policy; write the policy alone, as it is once the template is filled in"},

	msgDuplicateKey: {isError, "the key %s stands twice in one object, first at %s; keep one"},
	msgSameElement:  {isError, "%s is the element %s once more, which stands at %s; keep one"},
	msgElementCase:  {policy.CodeElementCase, "the element %s is spelled %s; write it so"},
	msgUnknownField: {isError, "there is no field %s in %s; remove it, the fields are %s"},
	msgUnknownNear:  {isError, "there is no field %s in %s; write %s"},
	msgUnknownTwice: {isError, "there is no field %s in %s, and %s stands at %s; keep one, spelled so"},
	msgUnknownHint:  {isError, "there is no field %s in %s; %s"},
	msgMissing:      {isError, "%s has no %s; add %s"},
	msgWrongType:    {isError, "%s is %s; write %s"},
	msgEmptyList:    {isError, "%s is an empty list; write %s"},
	msgEmptyBeside:  {isError, "%s is empty beside %s; remove it"},
	msgEmptyText:    {isError, "%s has an empty string; write %s"},
	msgEmptyName:    {isError, "%s is empty; write %s"},
	msgStatements:   {isError, "a file holds at most %s statements; write the rest into another file"},
	msgPatternsCost: {isError, "the resource patterns of this document cost %s steps on a text of %s bytes, and may cost %s; %s is the dearest, with %s bytes; shorten it, write fewer `*`, or move statements into another file"},
	msgNameLong:     {isError, "%s has %s bytes and may have 256; shorten it"},
	msgPatternLong:  {isError, "this pattern has %s bytes and may have 2048; write a shorter one"},

	msgVersion:       {isError, "there is no version %s; write %s"},
	msgBesideWrapper: {isError, "%s stands beside \"policy\"; move it into \"policy\", or remove the wrapper"},
	msgStatementName: {isError, "the statement name %s stands twice in one document, first at %s; give each statement its own"},
	msgEffect:        {isError, "there is no effect %s; write \"Allow\" or \"Deny\""},
	msgEffectCase:    {isError, "there is no effect %s; write %s"},

	msgActionForm:          {isError, "%s is no action pattern; write a service with `:` and a name after it, such as \"s3:GetObject\""},
	msgActionService:       {isError, "%s names no service; write %s"},
	msgOrganizationService: {isError, "%s is no action of an organization policy; write one that begins with `s3:` or `cwobject:`, such as \"s3:GetObject\""},
	msgActionVariable:      {isError, "there are no policy variables in actions, and %s holds `${`; write the action's name"},
	msgActionUnknown:       {policy.CodeUnknownAction, "no known action matches %s; check its spelling"},
	msgActionNear:          {policy.CodeUnknownAction, "no known action matches %s; did you mean %s?"},
	msgActionNever:         {policy.CodeNeverReadHere, "%s never matches in a bucket policy; write an action that begins with `s3:`, or remove it"},

	msgResourceARN:       {isError, "%s is an ARN, and an organization policy wants the short form; write %s"},
	msgResourceForm:      {isError, "%s is no resource of a bucket policy; write %s"},
	msgResourceService:   {isError, "%s is a resource of the service %s, and object storage policies are about buckets; write one as in %s, or remove it"},
	msgResourceNever:     {policy.CodeOtherBucket, "%s never matches this bucket, which is %s; move it to the bucket that is meant, or write %s if this one is"},
	msgWholeOrganization: {isError, "the actions of this statement are asked on the whole organization; write \"resources\": [\"*\"]"},
	msgPlainVariable:     {policy.CodePlainVariable, "`${` in %s is plain text, because an organization policy has no policy variables; write the value itself"},
	msgPlainTemplate:     {policy.CodeTemplateLeft, "%s is plain text with %s in it, which looks like a template that was not filled in; write the value itself"},
	msgVariable:          {isError, "%s"},
	msgVariableLong:      {isError, "`${` does not begin a policy variable here; write `${KEY}` or `${KEY, 'TEXT'}`, or `${$}{` for the text `${`"},

	msgPrincipalARN:         {isError, "%s is an ARN, and an organization policy wants the identifier alone; write %s"},
	msgPrincipalARNForm:     {isError, "%s is no principal; write whom it names, as in \"arn:aws:iam::ORG:provider/name\""},
	msgPrincipalOrg:         {isError, "%s names no organization; write 1 to 64 letters, digits, `-` or `_` as ORG in \"arn:aws:iam::ORG:...\""},
	msgPrincipalNoOrg:       {isError, "%s does not say of which organization; write %s"},
	msgPrincipalEMail:       {isError, "%s is an e-mail address; write the user's UID, as in %s"},
	msgPrincipalBare:        {isError, "%s has no provider (an IAM group cannot stand here); write %s for a SAML group or role, %s for a console user"},
	msgPrincipalProvider:    {isError, "%s does not begin with a provider (1 to 64 letters, digits, `.`, `_`, `-`) and `/`; write %s"},
	msgPrincipalNobody:      {isError, "%s has no name after the provider; write %s"},
	msgPrincipalStar:        {isError, "%s has a `*` that is not at the end; write each name, as in %s"},
	msgPrincipalGroup:       {isError, "%s is an IAM group, which only the iam layer knows; write %s for a SAML group or role, or %s for one user"},
	msgPrincipalToken:       {isError, "%s is a token, which only the iam layer knows; grant it in an iam document"},
	msgPrincipalVariable:    {isError, "there are no policy variables in principals, and %s holds `${`; write the name itself, or test it in a `Condition`"},
	msgPrincipalText:        {isError, "the only text that %s can be is \"*\"; write an object such as {\"AWS\": %s}"},
	msgPrincipalKey:         {isError, "there is no kind of principal %s; write \"AWS\" or \"CW\""},
	msgPrincipalForeign:     {policy.CodeNoSuchCaller, "postern has no such callers; this entry matches nobody; %s"},
	msgPrincipalForeignDeny: {isError, "postern has no such callers, so that this Deny would guard against nobody by %s; %s"},
	msgPrincipalForeignNot:  {isError, "postern has no such callers, so that %s would exempt nobody; %s"},
	msgPrincipalEmpty:       {isError, "%s is an empty object; write whom it names, such as {\"AWS\": \"arn:aws:iam::ORG:role/NAME\"}"},
	msgNotPrincipalAllow:    {isError, "\"NotPrincipal\" with \"Allow\" would admit everyone else; write \"Principal\" with those who are allowed, or \"Deny\""},
	msgBoth:                 {isError, "%s and %s exclude each other, and the other stands at %s; keep one"},
	msgNeither:              {isError, "the statement has neither %s nor %s; add %s"},

	msgConditionEmpty:  {policy.CodeEmptyCondition, "%s is empty and restricts nothing; remove it"},
	msgOperatorEmpty:   {isError, "the operator %s has no keys; write {\"KEY\": \"VALUE\"}, or remove it"},
	msgOperatorName:    {isError, "a condition operator is empty; write its name, such as \"StringEquals\""},
	msgOperatorUnknown: {isError, "there is no condition operator %s; write one of specification 1.7, such as %s"},
	msgOperatorNear:    {isError, "there is no condition operator %s; write %s"},
	msgConditionKey:    {isError, "a condition key is empty; write its name, such as \"aws:SourceIp\""},
	msgSameKey:         {isError, "the condition key %s is the same as the one at %s; put the values of both into one list"},
	msgNumber:          {isError, "%s cannot read %s as a number; write it as in \"10\", \"-1.5\" or \"2e3\""},
	msgDate:            {isError, "%s cannot read %s as a date; write it as in \"2026-01-31\", \"2026-01-31T23:59:59Z\" or \"1769903999\" (seconds since 1970)"},
	msgBool:            {isError, "%s cannot read %s; write \"true\" or \"false\""},
	msgAddress:         {isError, "%s cannot read %s as an address or range; write it as in \"203.0.113.7\", \"203.0.113.0/24\" or \"2001:db8::/32\""},
	msgHostBits:        {policy.CodeHostBits, "the range %s has bits set past its length, which do not count; write %s"},
	msgBinary:          {isError, "%s cannot read %s as base64; write it in the standard alphabet with padding, as in \"aGVsbG8=\""},
	msgARN:             {isError, "%s wants an ARN of six parts, and %s has %s; write all of them, as in \"arn:aws:iam::ORG:role/NAME\""},
	msgForAllValues:    {policy.CodeForAllValuesOpen, "%s also holds where %s is absent, and this is an Allow; add \"Null\": {%s: \"false\"}"},
	msgForAnyIfExists:  {policy.CodeIfExistsWithoutEffect, "%s is false where the key is absent, so \"IfExists\" changes nothing; write %s"},
	msgAlwaysList:      {policy.CodeListWithoutQualifier, "%s is always a list; write %s or %s to say how many of its values must hold"},
	msgKeyNever:        {policy.CodeKeyNeverSet, "nothing ever sets the condition key %s; %s"},

	msgBucketName: {isError, "%s is no bucket name; write 1 to 255 letters, digits, `.`, `-` or `_`"},

	msgAccessForm:         {isError, "this is neither an AccessPolicy, which has \"apiVersion\": \"postern/v1\", nor a Pulumi record, which has \"details\", nor records as {\"roles\": [...]} or as a list"},
	msgDocumentKind:       {isError, "there is no kind %s; write %s"},
	msgNameEmpty:          {isError, "a name in %s is empty; write one"},
	msgNameStar:           {isError, "%s holds `*`, which members could not name; give the %s another name"},
	msgEmptyObject:        {isError, "%s is an empty object; write %s"},
	msgHasNeither:         {isError, "%s has neither %s nor %s; add %s"},
	msgWholeNumber:        {isError, "%s is %s; write %s"},
	msgTypeName:           {isError, "%s is no type of resource, which is 1 to 64 letters, digits, `.`, `_` or `-`; write %s"},
	msgTypeGlobal:         {policy.CodeGlobalType, "\"global\" is the type of the organization in Pulumi's records alone; write %s here"},
	msgAccessActionStar:   {isError, "\"*\" would be every action of every service; write each service, as in \"stack:*\""},
	msgAccessActionForm:   {isError, "%s is no action of an iam document; write a service with `:` and a pattern after it, such as \"stack:read\", or a name without `:` and wildcards, such as \"read\""},
	msgAccessActionNever:  {policy.CodeNeverReadHere, "%s never matches in the iam layer, which says nothing on `s3:`; write it into an organization policy, or remove it"},
	msgScopeResources:     {policy.CodeTypesDoNotMeet, "the scope %s is asked on resources of type %s, and no resource beside it is one; write the one that is meant, as in %s"},
	msgScopeType:          {policy.CodeTypesDoNotMeet, "the scope %s is asked on resources of type %s, and this holds it to type %s, where it never matches; move it, or remove it"},
	msgAccessResourceForm: {isError, "%s is no resource of an iam document; write a type with `:` and a pattern after it, such as %s"},
	msgAccessResourceType: {isError, "%s does not begin with a type of resource (1 to 64 letters, digits, `.`, `_`, `-`) and `:`; write one as in \"stack:NAME\""},
	msgResourceUID:        {isError, "%s names a resource by its opaque id, which is compared as it is; write the whole id, without `*`, `?` and `${`"},
	msgTagKey:             {isError, "a tag's key is empty; write its name"},
	msgTagOperator:        {isError, "there is no operator %s; write %s"},
	msgTagValues:          {isError, "the operator %s takes no \"values\"; remove them, or write \"In\" or \"NotIn\""},
	msgSelectorNegative:   {policy.CodeNegativeOnlySelector, "this selector says only what a resource must not have, so it also selects resources without any tags; add what it must have"},
	msgBindingID:          {isError, "the binding id %s stands twice in one document, first at %s; give each binding its own"},
	msgBindingNothing:     {isError, "a binding has neither \"roles\" nor \"permissionSets\" nor \"actions\"; add \"roles\": [\"ROLE\"], or what it gives"},
	msgMemberARN:          {isError, "%s is an ARN, and members are identifiers alone; write %s"},
	msgMemberBare:         {isError, "%s has no provider; write %s for a group, or an identifier such as %s"},
	msgMemberStar:         {isError, "%s names no single %s; write each, as in %s"},
	msgTokenType:          {isError, "there is no type of token %s; write %s"},
	msgTokenField:         {isError, "a token of type %s takes no %s; remove it, or change the type"},
	msgTokenGroup:         {isError, "%s is how members name a group; write its name alone, %s"},
	msgTokenUser:          {isError, "%s is no user; write %s"},
	msgExpires:            {isError, "%s is no time with date, time and offset (RFC 3339); write %s"},
	msgIssuerDeny:         {isError, "a Deny of an issuer gives no roles; remove them, or write \"effect\": \"Allow\""},
	msgClaimPath:          {isError, "%s is no path of a claim; write names joined with `.`, and a name that holds a dot, and no other, in double quotes, as in \"sub\", \"a.b\" or \"\\\"kubernetes.io\\\".pod.name\""},
	msgClaimURL:           {policy.CodeURLClaim, "%s is a claim inside others, because its names are split at the dots; if it is one name, write %s"},
	msgEntityForm:         {isError, "%s is no entity; write a resource as \"type:id\" or a principal as \"provider/name\""},
	msgEntityStar:         {isError, "%s holds `*`, and an entity is one resource or principal; name each"},
	msgEntityUID:          {isError, "%s names a resource by its opaque id, which is a fact of the request; write \"type:id\" with the id that requests name, not %s"},
	msgEntityGroup:        {isError, "%s is a group, which asks for nothing; write the properties of its members"},
	msgEntityTags:         {isError, "tags are of resources, and %s is a principal; write them into \"properties\""},
	msgEntityProperty:     {isError, "%s cannot be a property; %s"},

	msgListedPolicy:    {isError, "a list holds Pulumi records, and this is an AccessPolicy; write it into a file of its own"},
	msgRecordField:     {policy.CodeUnreadField, "the field %s of %s is not read; remove it, or leave it as Pulumi wrote it"},
	msgRecordID:        {isError, "the record id %s stands twice in one document, first at %s; keep one of the records"},
	msgRecordType:      {isError, "there is no resource type %s of records; write %s"},
	msgNodeType:        {isError, "there is no %s here; write %s"},
	msgNodeNear:        {isError, "there is no %s here; write %s"},
	msgNodeField:       {isError, "a %s takes no %s; remove it"},
	msgPermissionEmpty: {policy.CodeEmptyPermission, "an empty permission grants nothing; remove it"},
	msgPermissionWild:  {isError, "%s holds a wildcard, which Pulumi's scopes do not have; write each scope"},
	msgPermissionForm:  {isError, "%s is no scope; write \"object:action\", such as \"stack:read\""},
	msgOptionLiteral:   {isError, "the value of an option must be a literal; write a PermissionLiteralExpression..., or a PermissionDescriptorIfThenElse in place of the Select"},
	msgOptionTwice:     {isError, "this value stands twice in one Select, first at %s; keep one of the options"},
	msgNotBoolean:      {isError, "%s is neither true nor false; write an And, Or, Not, Equal or HasTag"},
	msgConditionBool:   {isError, "a condition must not be a literal; write an And, Or, Not, Equal or HasTag, or leave the condition out"},
	msgContext:         {isError, "the context of a tag must be the entity that is asked about; write {\"__type\": \"PermissionExpressionStack\"}, or ...Environment, ...InsightsAccount, ...Team"},
	msgNeverEqual:      {policy.CodeNeverEqual, "%s and %s are never equal; compare like with like"},
}

// severity is that of a message: what has a code is a warning.
func (c code) severity() policy.Severity {
	if messages[c].code == isError {
		return policy.Error
	}
	return policy.Warning
}
