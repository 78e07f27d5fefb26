package policyjson

import (
	"strings"
	"testing"

	"postern/policy"
)

// TestLocate: every part of a statement is found where it stands, by its place in
// the document.
func TestLocate(t *testing.T) {
	bucket := `{"Statement": [{
  "Sid": "x", "Effect": "Deny",
  "notprincipal": {"Service": [], "AWS": ["a", "arn:aws:iam::b:root"], "CW": "c"},
  "Action": ["s3:Get\u002a", "s3:*"],
  "Resource": "arn:aws:s3:::b",
  "Condition": {"StringEquals": {"k": ["v", 1], "l": true}, "Null": {"m": "true"}}}, {
  "Principal": "*"}], "Version": "2012-10-17"}`
	bucket = strings.Replace(bucket, `"Service": [], `, "", 1)
	organization := `{"policy": {"version": "v1alpha1", "statements": [{}, {"actions": ["a", "b"], "principals": ["p"], "resources": ["r"]}]}}`
	for _, c := range []struct {
		data  string
		place Place
		text  string // what stands there; "" is an object
		at    string // what the file goes on with
	}{
		{bucket, Place{Part: PartDocument}, "", `{"Statement"`},
		{bucket, Place{Part: PartVersion}, `"2012-10-17"`, `"2012-10-17"}`},
		{bucket, Place{Part: PartStatements}, `"Statement"`, `"Statement": [`},
		{bucket, Place{Part: PartStatement}, "", "{\n  \"Sid"},
		{bucket, Place{Part: PartStatement, Statement: 1}, "", "{\n  \"Principal"},
		{bucket, Place{Part: PartPrincipal, Entry: 1}, `"arn:aws:iam::b:root"`, `"arn:aws:iam::b:root"]`},
		{bucket, Place{Part: PartPrincipal, Entry: 2}, `"c"`, `"c"}`},
		{bucket, Place{Part: PartPrincipal, Statement: 1}, `"*"`, `"*"}]`},
		{bucket, Place{Part: PartAction}, `"s3:Get\u002a"`, `"s3:Get`},
		{bucket, Place{Part: PartAction, Entry: 1}, `"s3:*"`, `"s3:*"],`},
		{bucket, Place{Part: PartResource}, `"arn:aws:s3:::b"`, `"arn:aws:s3:::b",`},
		{bucket, Place{Part: PartOperator, Entry: 1}, `"StringEquals"`, `"StringEquals":`},
		{bucket, Place{Part: PartOperator, Entry: 2}, `"Null"`, `"Null":`},
		{bucket, Place{Part: PartKey, Entry: 2}, `"m"`, `"m":`},
		{bucket, Place{Part: PartValue, Value: 1}, `1`, `1],`},
		{bucket, Place{Part: PartValue, Entry: 1}, `true`, `true},`},
		{bucket, Place{Part: PartValue, Entry: 1, Value: 7}, "", `{"Statement"`},
		{organization, Place{Part: PartVersion}, `"v1alpha1"`, `"v1alpha1",`},
		{organization, Place{Part: PartAction, Statement: 1, Entry: 1}, `"b"`, `"b"],`},
		{organization, Place{Part: PartPrincipal, Statement: 1}, `"p"`, `"p"],`},
		{organization, Place{Part: PartResource, Statement: 1}, `"r"`, `"r"]}`},
	} {
		for _, data := range []string{c.data, "\xef\xbb\xbf" + c.data} {
			spot := Locate("f", []byte(data), []Place{{Part: PartStatement, Statement: 9}, c.place})[1]
			lines := strings.SplitAfter(strings.TrimPrefix(data, "\xef\xbb\xbf"), "\n")
			rest := strings.Join(lines[spot.At.Line-1:], "")[spot.At.Column-1:]
			if spot.Text != c.text || !strings.HasPrefix(rest, c.at) {
				t.Errorf("%+v: %q at %v, where the file goes on with %.20q; want %q", c.place, spot.Text, spot.At, rest, c.at)
			}
		}
	}
}

// TestLocateSession: sessions and callers of other kinds are no entries of a
// document, so they are passed over.
func TestLocateSession(t *testing.T) {
	data := `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": ["x", "y"], "AWS": ["arn:aws:sts::o:assumed-role/r/s", "o"]}, "Action": "s3:*", "Resource": "*"}}`
	doc, ds := ParseBucket("f", "b", []byte(data), Limits{})
	if policy.HasErrors(ds) || len(doc.Statements[0].Principals) != 1 {
		t.Fatal(ds)
	}
	if spot := Locate("f", []byte(data), []Place{{Part: PartPrincipal}})[0]; spot.Text != `"o"` {
		t.Errorf("the one principal is at %v, %s", spot.At, spot.Text)
	}
}

// TestLocateElsewhere: a file that is another one by now, or none, does no harm.
func TestLocateElsewhere(t *testing.T) {
	good := `{"Version": "2012-10-17", "Statement": [{"Action": ["s3:Get\u002a", 1], "Resource": "x"}]}`
	places := []Place{{Part: PartDocument}, {Part: PartVersion}, {Part: PartStatement}, {Part: PartAction, Entry: 1}, {Part: PartResource}}
	for i := range len(good) {
		for _, data := range []string{good[:i], good[i:], good[:i] + "\\" + good[i:], good[:i] + "[" + good[i:]} {
			if spots := Locate("f", []byte(data), places); len(spots) != len(places) {
				t.Errorf("%q: %v", data, spots)
			}
		}
	}
}
