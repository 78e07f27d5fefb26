package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/index"
	"postern/loader"
	"postern/policy"
	"postern/sidecar"
)

const doorSecret = "0123456789abcdef0123456789abcdef"

// TestForwardAuthOfTheBinary: the flags reach the door, and the door answers.
func TestForwardAuthOfTheBinary(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(doorSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, "serve", "-policies", dir, "-forward-auth", "nginx", "-door-secret", secret, "-door-org", "acme", "-identity-headers", "principal",
		"-s3-domain", "s3.example", "-s3-host", "storage.internal", "-door-context", "x:a=1", "-opaque-keys")
	ask := func(uri, host string) string {
		r, err := http.NewRequest("GET", "http://"+s.address+"/authorize", nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"X-Postern-Secret": doorSecret, "X-Original-Method": "GET", "X-Original-Uri": uri, "X-Original-Host": host,
			"X-Original-Client": "10.0.0.1", "X-Original-Tls": "none", "X-Postern-Principal": "role/Admin"} {
			r.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		return strings.TrimSpace(answer.Status[:3] + " " + answer.Header.Get("X-Postern-Reason"))
	}
	for _, c := range []struct{ uri, host, want string }{
		{"/b/k", "s3.example", "200"}, {"/b/k", "storage.internal", "200"}, {"/k", "b.s3.example", "200"}, {"/b/k", "other.example", "403 host"},
		{"/b//k", "s3.example", "200"}, {"/b?acl&policy", "s3.example", "403 unknown_operation"}, {"/unheard/k", "s3.example", "403 owner_unknown"},
	} {
		if got := ask(c.uri, c.host); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.uri, c.host, got, c.want)
		}
	}
	if code, _ := s.ask(readKey); code != 200 {
		t.Errorf("the main door says %d", code)
	}
}

// TestDoorFlagsRefused: what could not work, or would admit more than was meant, is
// refused, and the message says what to write.
func TestDoorFlagsRefused(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, short, empty := file("good", doorSecret), file("short", doorSecret+"\nabc\n"), file("empty", "\n")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"unknown proxy":         {[]string{"-forward-auth", "apache"}, "write off or nginx or haproxy or caddy or traefik or envoy"},
		"no door":               {[]string{"-door-secret", good}, "-door-secret is for the doors of proxies and stores, and none is on"},
		"short secret":          {[]string{"-forward-auth", "nginx", "-door-secret", short}, "short:2: a secret has at least 32 bytes, and this line 3; make one with `openssl rand -hex 32`"},
		"empty file":            {[]string{"-forward-auth", "nginx", "-door-secret", empty}, "holds no secret"},
		"no file":               {[]string{"-forward-auth", "nginx", "-door-secret", dir + "/none"}, "no such file"},
		"needs a secret":        {[]string{"-forward-auth", "caddy"}, "forward-auth for caddy passes the client's Host on, and so needs a secret"},
		"remote without secret": {[]string{"-forward-auth", "nginx", "-allow-remote", "-listen", "0.0.0.0:0"}, "needs -door-secret FILE"},
		"a server's key":        {[]string{"-forward-auth", "nginx", "-door-context", "aws:PrincipalOrgID=x"}, "postern sets this key itself"},
		"the time":              {[]string{"-forward-auth", "nginx", "-door-context", "aws:CurrentTime=2026-01-01"}, "cannot state the time"},
		"no value":              {[]string{"-forward-auth", "nginx", "-door-context", "x"}, "write NAME=VALUE"},
		"no principal":          {[]string{"-forward-auth", "nginx", "-identity-headers", "org"}, "have to have principal among them"},
		"unknown header":        {[]string{"-forward-auth", "nginx", "-identity-headers", "principal,claims"}, `no header of an identity is called "claims"`},
		"certificates, no CA":   {[]string{"-forward-auth", "nginx", "-identity", "cert"}, "needs -client-ca FILE"},
		"CA, no certificates":   {[]string{"-forward-auth", "nginx", "-client-ca", good}, "add one of them"},
		"no CA in the file":     {[]string{"-forward-auth", "nginx", "-identity", "cert", "-client-ca", "acme=" + good}, "no certificate in PEM is in it"},
		"certificates of envoy": {[]string{"-forward-auth", "envoy", "-door-secret", good, "-identity", "cert", "-client-ca", good}, "write -identity headers"},
		"MinIO's, no MinIO":     {[]string{"-ceph", "-minio-trust-tags"}, "-minio-trust-tags is for -minio; add it"},
		"a proxy's, no proxy":   {[]string{"-ceph", "-opaque-keys"}, "-opaque-keys is for -forward-auth PROXY; add it"},
		"remote store":          {[]string{"-minio", "-allow-remote", "-listen", "0.0.0.0:0"}, "needs -door-secret FILE"},
		"spiffe, no cert":       {[]string{"-forward-auth", "nginx", "-spiffe", "t=acme"}, "-spiffe is for -identity cert"},
	} {
		args := append([]string{"-policies", dir, "-listen", "127.0.0.1:0"}, c.args...)
		var out, errs bytes.Buffer
		if code := runServe(args, func(string) (string, bool) { return "", false }, nil, &out, &errs); code == exitOK || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: %d, no %q in: %s", name, code, c.says, errs.String())
		}
	}
}

// TestSecretsAreReadAgain: a file that changes is in force at the next look, and one
// that cannot be read leaves the last secrets.
func TestSecretsAreReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(doorSecret + "\r\n\n" + doorSecret + "2")
	f, err := readSecrets(path)
	if err != nil || len(f.get()) != 2 || string(f.get()[0]) != doorSecret {
		t.Fatal(err, f.get())
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	put(doorSecret + "3")
	f.look(logger)
	if len(f.get()) != 1 || string(f.get()[0]) != doorSecret+"3" {
		t.Errorf("changed: %q", f.get())
	}
	for _, broken := range []string{"", "short", doorSecret + "\nshort"} {
		put(broken)
		f.look(logger)
		f.look(logger)
		if len(f.get()) != 1 || string(f.get()[0]) != doorSecret+"3" {
			t.Errorf("broken: %q", f.get())
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	f.look(logger)
	if len(f.get()) != 1 || strings.Count(log.String(), "the last secrets stay in force") != 4 || strings.Contains(log.String(), doorSecret) {
		t.Errorf("%q\n%s", f.get(), log.String())
	}
}

// TestProxiesOfREADME: the headers that README's lines for nginx set are those of
// the whole configuration, with the same values.
func TestProxiesOfREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile("../../deploy/proxies/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	header := regexp.MustCompile(`proxy_set_header +(\S+) +(\S+);`)
	_, block, _ := strings.Cut(string(readme), "```nginx\n")
	block, _, _ = strings.Cut(block, "```")
	found := map[string]bool{}
	for _, m := range header.FindAllStringSubmatch(string(whole), -1) {
		found[m[1]+" "+m[2]] = true
	}
	n := 0
	for _, m := range header.FindAllStringSubmatch(block, -1) {
		n++
		if set := m[1] + " " + strings.Replace(m[2], "$ssl_protocol", "$tls", 1); !found[set] {
			t.Errorf("README sets %s, and deploy/proxies/nginx.conf does not", set)
		}
	}
	if n < 9 {
		t.Errorf("README sets %d headers", n)
	}
}

// TestStoresOfTheBinary: the flags of the stores' doors reach them.
func TestStoresOfTheBinary(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", strings.ReplaceAll(organizationPolicy("Allow"), "role/Admin", "*"), "acme/buckets.json", `{"buckets":["b"]}`)
	s := start(t, "serve", "-policies", dir, "-ceph", "-minio", "-door-org", "acme", "-minio-root-allowed")
	ask := func(path, body string) string {
		answer, err := http.Post("http://"+s.address+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_, text := read(t, answer)
		return text
	}
	const ceph = `{"input":{"method":"GET","params":"","object_name":"k","user_info":{"user_id":"jean"},"bucket_info":{"bucket":{"name":"b","tenant":""}}}}`
	const minio = `{"input":{"account":"K","action":"s3:GetObject","bucket":"b","object":"k","conditions":{"username":["jean"]},"claims":null,"groups":null,"owner":false}}`
	for _, c := range []struct{ path, body, want string }{
		{"/ceph/v1/authorize", ceph, `{"result":true}`}, {"/ceph/v1/authorize", strings.Replace(ceph, `"b"`, `"unheard"`, 1), `{"result":true}`},
		{"/ceph/v1/authorize", strings.Replace(ceph, `"tenant":""`, `"tenant":"o2"`, 1), `{"result":false}`}, {"/ceph/v1/authorize", "", `{"result":false}`},
		{"/minio/v1/authorize", minio, `{"result":true}`}, {"/minio/v1/authorize", strings.Replace(minio, `"b"`, `"unheard"`, 1), `{"result":false}`},
		{"/minio/v1/authorize", strings.Replace(strings.Replace(minio, `"b"`, `"unheard"`, 1), `"owner":false`, `"owner":true`, 1), `{"result":true}`},
	} {
		if got := ask(c.path, c.body); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.path, c.body, got, c.want)
		}
	}
}

// TestUnreadKeysOfTheBinary: serve says at its start which keys of the policies in
// force a door cannot read, and again where that changes.
func TestUnreadKeysOfTheBinary(t *testing.T) {
	const needsTLS = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},
  {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets/b.json", needsTLS)
	const says = "a door cannot read condition keys that policies in force ask for: there a Deny holds whatever it asks of them, and an Allow does not"
	s := start(t, "serve", "-policies", dir, "-ceph", "-door-org", "acme")
	s.await("it says what the door cannot read", func() bool { return s.find(says) != nil })
	if r := s.find(says); r["door"] != "ceph" || r["keys"] != "aws:SecureTransport (Deny, acme/buckets/b.json)" ||
		r["write"] != "if the store is reached over TLS only, -door-context aws:SecureTransport=true" {
		t.Errorf("it says %v", r)
	}
	for _, args := range [][]string{{"-ceph", "-door-context", "aws:SecureTransport=true"}, {"-forward-auth", "nginx"}, nil} {
		s := start(t, append([]string{"serve", "-policies", dir}, args...)...)
		s.stop()
		if s.find(says) != nil {
			t.Errorf("%q: %s", args, s.log())
		}
	}
}

// TestUnreadKeysOnceAChange: nothing is said twice, and what is over is said.
func TestUnreadKeysOnceAChange(t *testing.T) {
	bucket := func(key string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"` + key + `":"x"}}}]}`
	}
	files := []string{"acme/access-policies/p.json", organizationPolicy("Allow")}
	current := new(index.Current)
	door, err := sidecar.New(sidecar.Config{Current: current, Status: func() *policy.Status { return new(policy.Status) }, Doors: sidecar.Doors{Ceph: true}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	u := newUnreadKeys(door, slog.New(slog.NewTextHandler(&log, nil)))
	for i, c := range []struct {
		more  []string
		lines int
		says  string
	}{
		{nil, 0, ""},
		{[]string{"acme/buckets/b.json", bucket("x:a")}, 1, `keys="x:a (Deny, acme/buckets/b.json)" write="if a key is the same in every request of the store, -door-context KEY=VALUE"`},
		{[]string{"acme/buckets/b.json", bucket("x:a"), "acme/buckets/c.json", bucket("X:A")}, 0, ""}, // asked for twice is no news
		{[]string{"acme/buckets/b.json", bucket("x:a"), "acme/buckets/c.json", bucket("x:c")}, 1, "x:c (Deny, acme/buckets/c.json)"},
		{nil, 1, "a door can read every condition key"},
		{nil, 0, ""},
	} {
		log.Reset()
		policies, err := loader.New(loader.Config{Root: write(t, t.TempDir(), slices.Concat(files, c.more)...), Current: current})
		if err != nil {
			t.Fatal(err)
		}
		if err := policies.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		u.look()
		if n := strings.Count(log.String(), "\n"); n != c.lines || !strings.Contains(log.String(), c.says) {
			t.Errorf("%d: %s", i, log.String())
		}
	}
}
