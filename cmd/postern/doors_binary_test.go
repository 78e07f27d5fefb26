package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoorSecretOfTheBinary: a running sidecar reads -door-secret again when it
// changes, written over or put in its place, and keeps the last secrets when it
// cannot be read (specification 7, For all doors).
func TestDoorSecretOfTheBinary(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	file := filepath.Join(t.TempDir(), "secret")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, second, third := strings.Repeat("1", 32), strings.Repeat("2", 32), strings.Repeat("3", 32)
	put(first + "\n")
	s := start(t, "serve", "-policies", dir, "-ceph", "-door-org", "acme", "-door-secret", file)
	admits := func(secret string) bool {
		t.Helper()
		r, err := http.NewRequest("POST", "http://"+s.address+"/ceph/v1/authorize", strings.NewReader(`{"input":{"method":"GET","params":"","object_name":"k","user_info":{"user_id":"jean"},"bucket_info":{"bucket":{"name":"b","tenant":""}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Auth-Token", secret)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, text := read(t, answer)
		return text == `{"result":true}`
	}
	if !admits(first) || admits(second) {
		t.Fatal("the first secret is not the one that is valid")
	}
	put(first + "\n" + second + "\n")
	s.await("two secrets are valid", func() bool { return admits(second) && admits(first) })
	// Renamed over, as secrets of orchestrators are.
	if err := os.WriteFile(file+".new", []byte(third+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	s.await("the third secret alone is valid", func() bool { return admits(third) && !admits(first) && !admits(second) })
	const kept = "-door-secret cannot be read; the last secrets stay in force"
	put(second + "\nshort\n")
	s.await("it says that the file is broken", func() bool { return len(s.records(kept)) == 1 })
	if !admits(third) || admits(second) {
		t.Error("the last secret is not the one that is valid")
	}
	for _, secret := range []string{first, second, third} {
		if strings.Contains(s.log(), secret) {
			t.Errorf("the log holds a secret: %s", s.log())
		}
	}
}

// TestMinIOFlagsOfTheBinary: each of MinIO's flags allows what is denied without it,
// and nothing else (specification 7.4).
func TestMinIOFlagsOfTheBinary(t *testing.T) {
	bucket := func(effect, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},
  {"Effect":"` + effect + `","Principal":"*","Action":"s3:*","Resource":"*","Condition":` + condition + `}]}`
	}
	all := organizationPolicy("Allow")
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", all,
		"acme/buckets/b.json", bucket("Deny", `{"Bool":{"aws:SecureTransport":"false"}}`),
		"acme/buckets/office.json", bucket("Deny", `{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`),
		"acme/buckets/tagged.json", bucket("Deny", `{"StringEquals":{"s3:ExistingObjectTag/class":"secret"}}`))
	body := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(`{"input":{"account":"K","action":"s3:GetObject","bucket":"b","object":"k","conditions":{"username":["jean"],"SecureTransport":["true"],"SourceIp":["10.1.2.3"],` +
			`"ExistingObjectTag/class":["public"]},"claims":{"team":"acme"},"groups":null,"owner":false}}`)
	}
	questions := map[string]string{
		"plain":               body(),
		"root":                body(`"b"`, `"unheard"`, `"owner":false`, `"owner":true`),
		"a session policy":    body(`"team"`, `"sessionPolicy":"e30","team"`),
		"an address":          body(`"b"`, `"office"`),
		"tags":                body(`"b"`, `"tagged"`),
		"the tags of a write": body(`"b"`, `"tagged"`, "s3:GetObject", "s3:PutObject"),
		"no claim":            body(`"team":"acme"`, ``),
		"another's claim":     body(`"team":"acme"`, `"team":"other"`),
	}
	for _, c := range []struct {
		flags  []string
		allows string // beside plain
		denies string // of what is allowed without flags
	}{
		{[]string{"-door-org", "acme"}, "no claim, another's claim", ""},
		{[]string{"-door-org", "acme", "-minio-root-allowed"}, "no claim, another's claim, root", ""},
		{[]string{"-door-org", "acme", "-minio-ignore-session-policy"}, "no claim, another's claim, a session policy", ""},
		{[]string{"-door-org", "acme", "-minio-trust-source-ip"}, "no claim, another's claim, an address", ""},
		{[]string{"-door-org", "acme", "-minio-trust-tags"}, "no claim, another's claim, tags", ""},
		{[]string{"-minio-org-claim", "team"}, "", "no claim, another's claim"},
	} {
		s := start(t, append([]string{"serve", "-policies", dir, "-minio"}, c.flags...)...)
		for name, question := range questions {
			answer, err := http.Post("http://"+s.address+"/minio/v1/authorize", "application/json", strings.NewReader(question))
			if err != nil {
				t.Fatal(err)
			}
			_, text := read(t, answer)
			if want := name == "plain" || listed(c.allows, name); (text == `{"result":true}`) != want {
				t.Errorf("%q: %s: %s, want %v", c.flags, name, text, want)
			}
		}
		s.stop()
	}
}

func listed(list, name string) bool {
	for _, item := range strings.Split(list, ", ") {
		if item == name {
			return true
		}
	}
	return false
}
