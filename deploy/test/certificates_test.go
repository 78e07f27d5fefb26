package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An issuer makes clients' certificates.
type issuer struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  string
}

func newIssuer(t *testing.T, name string) *issuer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{t, k, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// issue makes a certificate with URIs that ends some time from now.
func (i *issuer) issue(ends time.Duration, uris ...string) *tls.Certificate {
	i.t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(ends), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			i.t.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.cert, &i.key.PublicKey, i.key)
	if err != nil {
		i.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: i.key}
}

// asking runs a proxy that asks its clients for certificates of authorities in a file,
// as its shipped configuration says; unverified is what it answers to one that it
// cannot verify, and none to one without, 0 if it ends the connection.
var asking = []struct {
	proxy      string
	unverified int
	none       int
	start      func(t *testing.T, dir string, p *postern, store, port int, c certificate, authorities string)
}{
	{"nginx", 400, 403, func(t *testing.T, dir string, p *postern, store, port int, c certificate, authorities string) {
		startNginx(t, dir, p, store, port, c,
			`X-Client-Cert        "";`, "X-Client-Cert        $ssl_client_escaped_cert;", `X-Client-Verify      "";`, "X-Client-Verify      $ssl_client_verify;",
			"X-Postern-Org        acme;", `X-Postern-Org        "";`, "X-Postern-Principal  $principal;", `X-Postern-Principal  "";`,
			"client_max_body_size 0;", "client_max_body_size 0; ssl_verify_client optional; ssl_client_certificate "+authorities+";")
	}},
	{"caddy", 0, 0, func(t *testing.T, dir string, p *postern, store, port int, c certificate, _ string) {
		startCaddy(t, dir, p, store, port, c,
			"tls "+c.certificate+" "+c.key, "tls "+c.certificate+" "+c.key+" {\n\t\tclient_auth {\n\t\t\tmode require_and_verify\n\t\t\ttrusted_ca_cert_file "+dir+"/own.pem\n\t\t\ttrusted_ca_cert_file "+dir+"/any.pem\n\t\t}\n\t}",
			"header_up X-Postern-Org acme", "header_up -X-Postern-Org", "header_up X-Postern-Principal {principal}", "header_up -X-Postern-Principal",
			"header_up -X-Client-Cert", "header_up X-Client-Cert {http.request.tls.client.certificate_der_base64}", "header_up -X-Client-Verify", "header_up X-Client-Verify SUCCESS")
	}},
	// Without a certificate, Caddy leaves its placeholder as text, which is none.
	{"caddy, if given", 0, 403, func(t *testing.T, dir string, p *postern, store, port int, c certificate, _ string) {
		startCaddy(t, dir, p, store, port, c,
			"tls "+c.certificate+" "+c.key, "tls "+c.certificate+" "+c.key+" {\n\t\tclient_auth {\n\t\t\tmode verify_if_given\n\t\t\ttrusted_ca_cert_file "+dir+"/own.pem\n\t\t\ttrusted_ca_cert_file "+dir+"/any.pem\n\t\t}\n\t}",
			"header_up X-Postern-Org acme", "header_up -X-Postern-Org", "header_up X-Postern-Principal {principal}", "header_up -X-Postern-Principal",
			"header_up -X-Client-Cert", "header_up X-Client-Cert {http.request.tls.client.certificate_der_base64}", "header_up -X-Client-Verify", "header_up X-Client-Verify SUCCESS")
	}},
	{"haproxy", 0, 0, func(t *testing.T, dir string, p *postern, store, port int, c certificate, authorities string) {
		startHAProxy(t, dir, p, store, port, c, []string{c.both, c.both + " verify required ca-file " + authorities}, []string{
			`  headers["x-postern-org"] = { org }`, "", `  headers["x-postern-principal"] = { key and keys:lookup(key) or "" }`, "",
			`  -- headers["x-client-cert"]`, `  headers["x-client-cert"]`, `  -- headers["x-client-verify"]`, `  headers["x-client-verify"]`,
		})
	}},
}

// TestCertificates: each proxy asks its clients for certificates, and postern reads
// them once more (specification 7.2, Identity by client certificate).
func TestCertificates(t *testing.T) {
	own, any, other := newIssuer(t, "acme"), newIssuer(t, "any"), newIssuer(t, "other")
	const alice, reader = "postern:acme/user/alice", "postern:acme/user/reader"
	for _, through := range asking {
		t.Run(through.proxy, func(t *testing.T) {
			store := new(recorder)
			port, front, dir := freePort(t), freePort(t), t.TempDir()
			server := &http.Server{Addr: address(port), Handler: store}
			go server.ListenAndServe()
			t.Cleanup(func() { server.Close() })
			mode, _, _ := strings.Cut(through.proxy, ",")
			p := startPostern(t, dir, freePort(t), "-forward-auth", mode, "-identity", "cert", "-spiffe", "trust=acme",
				"-client-ca", "acme="+write(t, filepath.Join(dir, "own.pem"), own.pem), "-client-ca", write(t, filepath.Join(dir, "any.pem"), any.pem))
			c := newCertificate(t, dir)
			through.start(t, dir, p, port, front, c, write(t, filepath.Join(dir, "both-ca.pem"), own.pem+any.pem))
			authority, err := os.ReadFile(c.certificate)
			if err != nil {
				t.Fatal(err)
			}
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(authority)
			for _, x := range []struct {
				what, method string
				cert         *tls.Certificate
				want         int
			}{
				{"alice", "PUT", own.issue(time.Hour, alice), 200},
				{"alice again", "DELETE", own.issue(time.Hour, alice), 200},
				{"the reader reads", "GET", own.issue(time.Hour, reader), 200},
				{"the reader writes", "PUT", own.issue(time.Hour, reader), 403},
				{"alice of an authority of any organization", "GET", any.issue(time.Hour, alice), 403},
				{"a workload that no policy names", "GET", any.issue(time.Hour, "spiffe://trust/ns/a"), 403},
				{"of an unknown trust domain", "GET", any.issue(time.Hour, "spiffe://unknown/ns/a"), 403},
				{"two names", "GET", own.issue(time.Hour, reader, alice), 403},
				{"no name", "GET", own.issue(time.Hour), 403},
				{"a group", "GET", own.issue(time.Hour, "postern:acme/group/admins"), 403},
				{"of another organization", "GET", own.issue(time.Hour, "postern:other/user/alice"), 403},
				{"expired", "GET", own.issue(-time.Minute, alice), through.unverified},
				{"of a stranger", "GET", other.issue(time.Hour, alice), through.unverified},
				{"none", "GET", nil, through.none},
			} {
				config := &tls.Config{RootCAs: pool}
				if x.cert != nil {
					config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return x.cert, nil }
				}
				client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: config}}
				r, err := http.NewRequest(x.method, "https://localhost:"+itoa(front)+"/free/a", nil)
				if err != nil {
					t.Fatal(err)
				}
				// What a client says of itself is nobody's word.
				r.Header.Set("X-Client-Verify", "SUCCESS")
				r.Header.Set("X-Client-Cert", url.PathEscape(own.pem))
				r.Header.Set("X-Postern-Principal", "user/alice")
				status := 0
				answer, err := client.Do(r)
				if err == nil {
					status = answer.StatusCode
					answer.Body.Close()
				} else if x.want != 0 {
					t.Errorf("%s: %v", x.what, err)
				}
				client.CloseIdleConnections()
				if came := store.take(); status != x.want || (len(came) == 1) != (x.want == 200) {
					t.Errorf("%s: %d, want %d; %q reached the store", x.what, status, x.want, came)
				}
			}
		})
	}
}
