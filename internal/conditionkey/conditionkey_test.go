package conditionkey

import (
	"testing"

	"postern/internal/value"
)

func TestSplit(t *testing.T) {
	for key, want := range map[string]struct {
		kind Kind
		name string
	}{
		"": {Caller, ""}, "s3:prefix": {Caller, "s3:prefix"}, "aws:SourceIp": {Caller, "aws:SourceIp"}, "é": {Caller, "é"}, "{x": {Caller, "{x"}, "@": {Caller, "@"},
		"cw:PrincipalOrgID": {PrincipalOrg, "cw:PrincipalOrgID"}, "AWS:principalorgid": {PrincipalOrg, "AWS:principalorgid"}, "cw:PrincipalOrgIDs": {Caller, "cw:PrincipalOrgIDs"},
		"aws:ResourceOrgID": {ResourceOrg, "aws:ResourceOrgID"}, "\u017fubject.x": {Caller, "\u017fubject.x"},
		"subject.type": {SubjectType, "subject.type"}, "Subject.ID": {SubjectID, "Subject.ID"}, "subject.types": {SubjectProperty, "types"}, "subject.": {SubjectProperty, ""}, "subject": {Caller, "subject"},
		"resource.type": {ResourceType, "resource.type"}, "resource.id": {ResourceID, "resource.id"}, "RESOURCE.Level": {ResourceProperty, "Level"}, "resource.name": {ResourceProperty, "name"},
		"action.name": {ActionName, "action.name"}, "action.x.y": {ActionProperty, "x.y"}, "actions": {Caller, "actions"},
		"iam:o1:groups": {Groups, "o1"}, "IAM:O1:GROUPS": {Groups, "O1"}, "iam:a:b:groups": {Groups, "a:b"}, "iam::groups": {Groups, ""}, "iam:groups": {Caller, "iam:groups"}, "iam:o1:group": {Caller, "iam:o1:group"},
		"oidc:o1:sub": {Claim, "o1:sub"}, "OIDC:O1:Sub": {Claim, "O1:Sub"}, "oidc::": {Claim, ":"}, "oidc:o1": {Caller, "oidc:o1"},
		"aws:currenttime": {CurrentTime, "aws:currenttime"}, "aws:EpochTime": {EpochTime, "aws:EpochTime"}, "aws:PrincipalArn": {PrincipalArn, "aws:PrincipalArn"},
		"aws:PrincipalAccount": {PrincipalAccount, "aws:PrincipalAccount"}, "AWS:UserName": {Username, "AWS:UserName"},
	} {
		if kind, name := Split(key); kind != want.kind || name != want.name {
			t.Errorf("Split(%q) = %d, %q, want %d, %q", key, kind, name, want.kind, want.name)
		}
	}
}

// TestTableIsWhole: every kind that a Condition block writes, but the caller's
// own, has a row, which is found by its text; and Text writes what Split reads.
func TestTableIsWhole(t *testing.T) {
	var has [KindCount]bool
	for _, r := range table {
		key := r.before + r.behind
		if r.form {
			key = r.before + "o:n" + r.behind
		}
		kind, name := Split(key)
		if kind != r.kind || kind == Caller {
			t.Errorf("%s is of kind %d", key, kind)
		}
		if text := Text(kind, name); (text == key) == r.alias {
			t.Errorf("%s is written %s", key, text)
		}
		has[r.kind] = true
	}
	for kind := Caller + 1; kind < Tag; kind++ {
		if !has[kind] {
			t.Errorf("kind %d has no row", kind)
		}
	}
	for kind, want := range map[Kind]bool{Caller: false, PrincipalOrg: true, ActionName: true, Groups: true, ActionProperty: true, CurrentTime: false, Username: false} {
		if kind.ServerSet() != want {
			t.Errorf("ServerSet of kind %d is %v", kind, !want)
		}
	}
	for text, written := range map[string]string{
		"s3:Prefix": Text(Caller, "s3:Prefix"), "aws:PrincipalOrgID": Text(PrincipalOrg, ""), "tags.Team": Text(Tag, "Team"), "resource": Text(Resource, ""),
	} {
		if written != text {
			t.Errorf("%s is written %s", text, written)
		}
	}
}

func TestFold(t *testing.T) {
	for key, want := range map[string]string{
		"AWS:SourceIp": "aws:sourceip", "IAM:Org:Groups": "iam:Org:groups", "iam::Groups": "iam::groups", "iam:Groups": "iam:groups",
		"OIDC:Org:Claim": "oidc:Org:Claim", "OIDC:Org": "oidc:org", "OIDC::X": "oidc::X", "\u212aey": "\u212aey", "Subject.Level": "subject.level",
	} {
		if got := Fold(key); got != want {
			t.Errorf("Fold(%q) = %q, want %q", key, got, want)
		}
	}
}

// FuzzSplit: a key and its other spelling are the same kind of key, and fold to
// the same text; what differs in ORG or CLAIM does not.
func FuzzSplit(f *testing.F) {
	for _, r := range table {
		f.Add(r.before + "o:n" + r.behind)
		f.Add(r.before + r.behind)
	}
	f.Fuzz(func(t *testing.T, key string) {
		kind, name := Split(key)
		folded := Fold(key)
		again, inner := Split(folded)
		if again != kind || Fold(folded) != folded || !value.EqualFoldASCII(key, folded) {
			t.Fatalf("%q is of kind %d, and %q, which it folds to, of %d", key, kind, folded, again)
		}
		if (kind == Groups || kind == Claim) && inner != name {
			t.Fatalf("%q has the name %q, and folded %q", key, name, inner)
		}
	})
}
