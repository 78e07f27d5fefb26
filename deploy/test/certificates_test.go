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

// TestCertificates: nginx asks its clients for certificates, and postern reads them
// once more (specification 7.2, Identity by client certificate).
func TestCertificates(t *testing.T) {
	store := new(recorder)
	port, front, dir := freePort(t), freePort(t), t.TempDir()
	server := &http.Server{Addr: address(port), Handler: store}
	go server.ListenAndServe()
	t.Cleanup(func() { server.Close() })
	own, any, other := newIssuer(t, "acme"), newIssuer(t, "any"), newIssuer(t, "other")
	p := startPostern(t, dir, freePort(t), "-forward-auth", "nginx", "-identity", "cert", "-spiffe", "trust=acme",
		"-client-ca", "acme="+write(t, filepath.Join(dir, "own.pem"), own.pem), "-client-ca", write(t, filepath.Join(dir, "any.pem"), any.pem))
	c := newCertificate(t, dir)
	startNginx(t, dir, p, port, front, c,
		`X-Client-Cert        "";`, "X-Client-Cert        $ssl_client_escaped_cert;", `X-Client-Verify      "";`, "X-Client-Verify      $ssl_client_verify;",
		"X-Postern-Org        acme;", `X-Postern-Org        "";`, "X-Postern-Principal  $principal;", `X-Postern-Principal  "";`,
		"client_max_body_size 0;", "client_max_body_size 0; ssl_verify_client optional; ssl_client_certificate "+write(t, filepath.Join(dir, "both-ca.pem"), own.pem+any.pem)+";")
	authority, err := os.ReadFile(c.certificate)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	const alice, reader = "postern:acme/user/alice", "postern:acme/user/reader"
	for _, x := range []struct {
		what, method string
		cert         *tls.Certificate
		want         int // nginx answers 400 to a certificate that it does not verify
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
		{"expired", "GET", own.issue(-time.Minute, alice), 400},
		{"of a stranger", "GET", other.issue(time.Hour, alice), 400},
		{"none", "GET", nil, 403},
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
		answer, err := client.Do(r)
		if err != nil {
			t.Errorf("%s: %v", x.what, err)
			continue
		}
		answer.Body.Close()
		client.CloseIdleConnections()
		if came := store.take(); answer.StatusCode != x.want || (len(came) == 1) != (x.want == 200) {
			t.Errorf("%s: %d, want %d; %q reached the store", x.what, answer.StatusCode, x.want, came)
		}
	}
}
