package lowered

// keyNames are the keys that the server sets, or sets where none is stated, which
// have one name each.
var keyNames = map[KeyKind]string{
	KeyCurrentTime:      "aws:CurrentTime",
	KeyEpochTime:        "aws:EpochTime",
	KeySubjectType:      "subject.type",
	KeySubjectID:        "subject.id",
	KeyResourceType:     "resource.type",
	KeyResourceID:       "resource.id",
	KeyActionName:       "action.name",
	KeyPrincipalArn:     "aws:PrincipalArn",
	KeyPrincipalAccount: "aws:PrincipalAccount",
	KeyUsername:         "aws:username",
}

// keyForms write the other keys that the server sets, by kind: what stands before the
// name and what behind it. A kind that is missing here is written as its name.
var keyForms = map[KeyKind][2]string{
	KeyPrincipalOrg:     {"aws:PrincipalOrgID"},
	KeyResourceOrg:      {"aws:ResourceOrgID"},
	KeyGroups:           {"iam:", ":groups"},
	KeyClaim:            {"oidc:"},
	KeySubjectProperty:  {"subject."},
	KeyResourceProperty: {"resource."},
	KeyActionProperty:   {"action."},
	KeyTag:              {"tags."},
	KeyResource:         {"resource"},
}

// String writes a key as a policy may.
func (k Key) String() string {
	if text, ok := keyNames[k.Kind]; ok {
		return text
	}
	form := keyForms[k.Kind]
	return form[0] + k.Name + form[1]
}

// String writes a variable as a policy does.
func (x *Variable) String() string {
	if x.HasDefault {
		return "${" + x.Key.String() + ", '" + x.Default + "'}"
	}
	return "${" + x.Key.String() + "}"
}
