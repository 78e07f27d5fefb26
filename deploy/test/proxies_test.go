package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A proxy is one of the shipped configurations, run in front of a store.
type proxy struct {
	name string
	// start runs it on port, over TLS, with postern beside it.
	start func(t *testing.T, dir string, p *postern, store, port int, c certificate)
	// unknown is the status of a caller whom the proxy does not know.
	unknown int
}

var proxies = []proxy{
	{"nginx", func(t *testing.T, dir string, p *postern, store, port int, c certificate) {
		startNginx(t, dir, p, store, port, c)
	}, 403},
	{"caddy", func(t *testing.T, dir string, p *postern, store, port int, c certificate) {
		startCaddy(t, dir, p, store, port, c)
	}, 401},
	{"haproxy", func(t *testing.T, dir string, p *postern, store, port int, c certificate) {
		startHAProxy(t, dir, p, store, port, c, nil, nil)
	}, 403},
}

// callers are who asks, with the access keys that they have at the store.
var callers = map[string]key{
	"user/alice":  {"ALICEKEY", "alicesecret"},
	"user/reader": {"READERKEY", "readersecret"},
	"user/writer": {"WRITERKEY", "writersecret"},
	"user/nobody": {"NOBODYKEY", "nobodysecret"},
}

// stranger has a key at the store that no proxy knows.
var stranger = key{"STRANGERKEY", "strangersecret"}

// shipped reads a configuration of deploy/proxies, with what an operator is to
// change changed: each text is there, so that what is tested is what is shipped.
func shipped(t *testing.T, name string, changes ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "proxies", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("deploy/proxies/%s has no %q", name, changes[i])
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	return text
}

// keysMap lists whose key is whose, a line each.
func keysMap(end string) string {
	var b strings.Builder
	for principal, k := range callers {
		b.WriteString(k.access + " " + principal + end + "\n")
	}
	return b.String()
}

// startNginx runs nginx, with more of its configuration changed if a test says so.
func startNginx(t *testing.T, dir string, p *postern, store, port int, c certificate, changes ...string) {
	config := shipped(t, "nginx.conf", append(changes,
		"unix:/run/postern/postern.sock", "unix:"+p.socket,
		"127.0.0.1:9000", address(store),
		"listen 443 ssl;", "listen "+address(port)+" ssl;",
		"/etc/nginx/store.pem", c.certificate,
		"/etc/nginx/store.key", c.key,
		"/etc/nginx/keys.map", write(t, filepath.Join(dir, "keys.map"), keysMap(";")),
		"http {\n", "http {\n    access_log off;\n    client_body_temp_path body;\n    proxy_temp_path proxied;\n    fastcgi_temp_path fastcgi;\n    uwsgi_temp_path uwsgi;\n    scgi_temp_path scgi;\n",
	)...)
	config = "daemon off;\nuser root;\npid " + dir + "/nginx.pid;\nerror_log stderr;\n" + config
	server := launch(t, dir, "nginx", nil, "nginx", "-p", dir, "-e", "stderr", "-c", write(t, filepath.Join(dir, "nginx.conf"), config))
	server.until(t, func() bool { return accepts(port) })
}

// startCaddy runs Caddy, with more of its configuration changed if a test says so.
func startCaddy(t *testing.T, dir string, p *postern, store, port int, c certificate, changes ...string) {
	var keys []string
	for principal, k := range callers {
		keys = append(keys, k.access+" \""+principal+"\"")
	}
	config := shipped(t, "Caddyfile", append([]string{
		"unix//run/postern/postern.sock", "unix/" + p.socket,
		"127.0.0.1:9000", address(store),
		"admin off\n", "admin off\n\tauto_https disable_redirects\n\tstorage file_system " + dir + "\n",
		"store.example.com {\n", "https://localhost:" + itoa(port) + " {\n\tbind 127.0.0.1\n\ttls " + c.certificate + " " + c.key + "\n",
		`AKEXAMPLE "saml/jean"`, strings.Join(keys, "\n\t\t"),
	}, changes...)...)
	server := launch(t, dir, "caddy", []string{"POSTERN_SECRET=" + secret, "HOME=" + dir}, "caddy", "run", "--adapter", "caddyfile", "--config", write(t, filepath.Join(dir, "Caddyfile"), config))
	server.until(t, func() bool { return accepts(port) })
}

// startHAProxy runs HAProxy, with more of its configuration, and of postern.lua, changed
// if a test says so.
func startHAProxy(t *testing.T, dir string, p *postern, store, port int, c certificate, changes, luaChanges []string) {
	config := shipped(t, "haproxy.cfg", append([]string{
		"/etc/haproxy/postern.lua", write(t, filepath.Join(dir, "postern.lua"), shipped(t, "postern.lua", luaChanges...)),
		"bind :443 ssl crt /etc/haproxy/store.pem", "bind " + address(port) + " ssl crt " + c.both,
		"127.0.0.1:9000", address(store),
	}, changes...)...)
	env := []string{"POSTERN_ADDRESS=" + p.url, "POSTERN_SECRET=" + secret, "POSTERN_ORG=acme", "POSTERN_KEYS=" + write(t, filepath.Join(dir, "keys.map"), keysMap(""))}
	server := launch(t, dir, "haproxy", env, "haproxy", "-db", "-f", write(t, filepath.Join(dir, "haproxy.cfg"), config))
	server.until(t, func() bool { return accepts(port) })
}

// A certificate is files in PEM: of the certificate, of its key, of both in one.
// It is its own authority.
type certificate struct{ certificate, key, both string }

func newCertificate(t *testing.T, dir string) certificate {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	secret := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	return certificate{
		write(t, filepath.Join(dir, "store.pem"), public),
		write(t, filepath.Join(dir, "store.key"), secret),
		write(t, filepath.Join(dir, "both.pem"), public+secret),
	}
}
