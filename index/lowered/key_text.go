package lowered

// keyNames has, by kind, the names of the keys of which there is one each and
// that the server sets, or sets unless a request states them.
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

// keyForms has, by kind, the text before and after the name of the other keys
// that the server sets. A key of a kind that is not here is written as its
// name.
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

// String returns the key as policies write it.
func (k Key) String() string {
	if text, ok := keyNames[k.Kind]; ok {
		return text
	}
	form := keyForms[k.Kind]
	return form[0] + k.Name + form[1]
}

// String returns the variable as policies write it.
func (x *Variable) String() string {
	if x.HasDefault {
		return "${" + x.Key.String() + ", '" + x.Default + "'}"
	}
	return "${" + x.Key.String() + "}"
}
