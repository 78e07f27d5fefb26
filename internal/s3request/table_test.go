package s3request

import (
	"strings"
	"testing"

	"postern/internal/action"
)

// TestTable walks the operations both ways: each operation of the action table
// has one form, and each form is an operation.
func TestTable(t *testing.T) {
	formOf := map[string]int{}
	for i := range forms {
		if _, twice := formOf[forms[i].name]; twice {
			t.Errorf("%s has two forms", forms[i].name)
		}
		formOf[forms[i].name] = i
	}
	known := map[string]bool{}
	for _, name := range action.Operations() {
		known[name] = true
		newer, isOlder := older[name]
		_, has := formOf[name]
		switch {
		case name == "WriteGetObjectResponse":
			if has {
				t.Errorf("%s is asked at a path that is no bucket", name)
			}
		case isOlder:
			if _, ok := formOf[newer]; has || !ok {
				t.Errorf("%s is an older name of %s: it has %v, the newer %v", name, newer, has, ok)
			}
		case !has:
			t.Errorf("%s has no form", name)
		}
	}
	if got, want := len(forms)+len(older)+1, len(known); got != want {
		t.Errorf("%d names of forms, %d operations", got, want)
	}
	for name := range formOf {
		if !known[name] {
			t.Errorf("%s is no operation", name)
		}
	}
}

// TestEachFormIsRead makes the smallest and the largest request of each form, and
// reads the form back.
func TestEachFormIsRead(t *testing.T) {
	var r Reader
	for i := range forms {
		f := &forms[i]
		for _, all := range []bool{false, true} {
			req := request(f, all)
			reason := r.Read(&req)
			if f.refused != None {
				if reason != f.refused || len(r.Questions) > 0 {
					t.Errorf("%s: %v with %d questions, want %v", f.name, reason, len(r.Questions), f.refused)
				}
				continue
			}
			if reason != None || r.Operation != f.name || len(r.Questions) == 0 {
				t.Errorf("%s: %s %s is read as %q, %v", f.name, req.Method, req.Target, r.Operation, reason)
			}
			// One name more that is not the operation's, and it is not read.
			for _, q := range queryNames {
				if strings.Contains(" "+f.marks+" "+strings.ReplaceAll(f.params, "!", "")+" ", " "+q.name+" ") || q.signature {
					continue
				}
				more := req
				more.Target += separator(more.Target) + q.name + filled(q.name)
				if reason := r.Read(&more); reason == None && r.Operation == f.name {
					t.Errorf("%s: %s %s is read as the same", f.name, more.Method, more.Target)
				}
			}
		}
	}
}

func separator(target string) string {
	if strings.Contains(target, "?") {
		return "&"
	}
	return "?"
}

// filled is the `=` and value that a name in the query needs.
func filled(name string) string {
	switch values[name] {
	case two:
		return "=2"
	case digits:
		return "=3"
	}
	if queryNames[nameAt[name]].value == noValue {
		return ""
	}
	return "=x"
}

// request makes a request of a form, with the parameters that it must have or all.
func request(f *form, all bool) Request {
	req := Request{Method: f.method, Target: [...]string{"/", "/b", "/b/k"}[f.place]}
	names := strings.Fields(f.marks)
	for _, name := range strings.Fields(f.params) {
		plain, must := strings.CutSuffix(name, "!")
		if must || all {
			names = append(names, plain)
		}
	}
	for _, name := range names {
		req.Target += separator(req.Target) + name + filled(name)
	}
	if f.copies {
		req.Headers = []Header{{"x-amz-copy-source", "s/k"}}
	}
	return req
}

// TestNoRequestHasTwoForms: of two forms of one place, method and marks no set of
// parameters fits both.
func TestNoRequestHasTwoForms(t *testing.T) {
	for _, methods := range byPlace {
		for method, list := range methods {
			for i, a := range list {
				for _, b := range list[:i] {
					if a.marked != b.marked || a.copies != b.copies {
						continue
					}
					needs := names{a.needs[0] | b.needs[0], a.needs[1] | b.needs[1]}
					if needs.without(a.may.and(b.may)) == (names{}) {
						t.Errorf("%s: a request can be %s and %s", method, a.name, b.name)
					}
				}
			}
		}
	}
}

// TestVersionedActions holds which operations ask another action with a
// versionId: those for which the reference has one.
func TestVersionedActions(t *testing.T) {
	want := map[string]string{
		"GetObject": "GetObjectVersion", "HeadObject": "GetObjectVersion", "DeleteObject": "DeleteObjectVersion",
		"GetObjectAcl": "GetObjectVersionAcl", "PutObjectAcl": "PutObjectVersionAcl", "GetObjectAttributes": "GetObjectVersionAttributes",
		"GetObjectTagging": "GetObjectVersionTagging", "PutObjectTagging": "PutObjectVersionTagging", "DeleteObjectTagging": "DeleteObjectVersionTagging",
		"GetObjectAnnotation": "GetObjectVersionAnnotation", "PutObjectAnnotation": "PutObjectVersionAnnotation",
		"DeleteObjectAnnotation": "DeleteObjectVersionAnnotation", "ListObjectAnnotations": "ListObjectVersionAnnotations",
	}
	for _, methods := range byPlace {
		for _, list := range methods {
			for _, o := range list {
				name := want[o.name]
				if name == "" {
					name = o.name
				}
				if o.versioned != "s3:"+name {
					t.Errorf("%s with a versionId asks %s, want s3:%s", o.name, o.versioned, name)
				}
			}
		}
	}
}

// TestKeys: what a request states is in the set of keys that the reader reads, so
// that no key is both stated and unseen for the reader alone.
func TestKeys(t *testing.T) {
	var r Reader
	for _, c := range corpus(t) {
		if r.Read(&c.request) != None {
			continue
		}
		set := Keys(r.Kind, true)
		for i := range r.Questions {
			for _, a := range r.Keys(&r.Questions[i]) {
				if key := strings.ToLower(a.Key); !set.Has(key) && r.Kind != GrantsInBody {
					t.Errorf("%s: %s states %s, which is not among its keys", c.where, r.Operation, a.Key)
				}
			}
		}
	}
	for _, c := range []struct {
		kind    Kind
		headers bool
		key     string
		want    bool
	}{
		{Plain, true, "s3:prefix", true}, {Plain, false, "s3:prefix", true}, {Plain, true, "s3:x-amz-acl", true},
		{Plain, false, "s3:x-amz-acl", false}, {Plain, true, "s3:requestobjecttag/k", true}, {TagsInBody, true, "s3:requestobjecttag/k", false},
		{TagsInBody, true, "s3:requestobjecttagkeys", false}, {GrantsInBody, true, "s3:x-amz-acl", false},
		{GrantsInBody, true, "s3:x-amz-grant-read", false}, {GrantsInBody, true, "s3:x-amz-storage-class", true},
		{Plain, true, "s3:existingobjecttag/k", false}, {Plain, true, "s3:locationconstraint", false},
		{Plain, true, "s3:object-lock-mode", false}, {Plain, true, "aws:sourceip", false}, {Plain, true, "aws:useragent", true},
		{Plain, false, "aws:useragent", false}, {Plain, true, "aws:requesttag/k", false}, {Plain, true, "", false},
	} {
		set := Keys(c.kind, c.headers)
		if got := set.Has(c.key); got != c.want {
			t.Errorf("kind %d, headers %v: %q is seen: %v", c.kind, c.headers, c.key, got)
		}
	}
}
