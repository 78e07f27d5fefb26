package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"postern/cmd/postern-sync/internal/natstest"
)

// runMain is the environment variable with which the test binary is the program itself.
const runMain = "POSTERN_SYNC_TEST_MAIN"

func TestMain(m *testing.M) {
	switch os.Getenv(runMain) {
	case "":
	case "server":
		natsServer()
	default:
		step = stepFrom(os.Getenv(killAt))
		main()
	}
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

// TestClusterAndKills: three servers, of which each is ended and begun again in its turn
// while policies are pushed, and a puller that is a process and is killed with SIGKILL at
// any moment: whenever no .hold stands its directory is one of the revisions.
func TestClusterAndKills(t *testing.T) {
	servers, options := natstest.Cluster(t, 3)
	natstest.Connect(t, 3, servers...).Close() // it has a leader
	c := &commandLine{TB: t, dir: t.TempDir(), flags: []string{"-prefix", "acme.test"}}
	for _, s := range servers {
		c.flags = append(c.flags, "-nats", s.ClientURL())
	}
	c.does(exitOK, "key.pub", "keygen", filepath.Join(c.dir, "key"))
	c.does(exitOK, "", append([]string{"init", "-replicas", "3"}, c.flags...)...)
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "p")
	revisions := []map[string]string{{}}
	change := func(n int) {
		for i := range 5 {
			name := fmt.Sprintf("b%d-%d", i, (n+i)%7)
			put(t, from, "acme/buckets/"+name+".json", bucket(name, []string{"Allow", "Deny"}[n%2]))
		}
		put(t, from, "acme/access-policies/p.json", strings.Replace(organization("Allow"), `"p"`, fmt.Sprintf(`"p%d"`, n), 1))
		if n%3 == 2 {
			os.RemoveAll(filepath.Join(from, "acme/buckets", fmt.Sprintf("b0-%d.json", n%7)))
		}
		revisions = append(revisions, files(from))
	}
	puller := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], append([]string{"pull", "-policies", to, "-verify-key", c.key("key.pub"), "-poll", "100ms"}, c.flags...)...)
		cmd.Env = append(os.Environ(), runMain+"=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	kill := func(cmd *exec.Cmd) {
		cmd.Process.Kill()
		cmd.Wait()
		if s := cmd.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() {
			t.Fatalf("it ended by itself: %v", cmd.ProcessState)
		}
		if _, err := os.Lstat(filepath.Join(to, ".hold")); err == nil {
			return
		}
		found := files(to)
		for _, r := range revisions {
			if fmt.Sprint(r) == fmt.Sprint(found) {
				return
			}
		}
		t.Fatalf("killed, without a hold, it has %d files that are no revision", len(found))
	}
	cmd := puller()
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	for n := range 9 {
		if n%3 == 1 {
			servers[n/3].Shutdown()
			servers[n/3].WaitForShutdown()
		}
		change(n)
		c.push(exitOK, fmt.Sprintf("revision 1.%d, ", n+1), from)
		time.Sleep(time.Duration(n*7) * time.Millisecond)
		kill(cmd)
		cmd = puller()
		if n%3 == 1 {
			s, err := natstest.Run(options[n/3].Clone())
			if err != nil {
				t.Fatal(err)
			}
			servers[n/3] = s
		}
	}
	c.await("it has the last revision", func() bool { return same(from, to) }, new(buffer))

	// All servers are gone: what is in the directory stays, and it begins without them.
	for _, s := range servers {
		s.Shutdown()
	}
	kill(cmd)
	cmd = puller()
	time.Sleep(300 * time.Millisecond)
	if cmd.ProcessState != nil || !same(from, to) {
		t.Error("without servers it ended, or changed the directory")
	}
}

// certificates makes an authority, and files of a certificate and key of each name.
func certificates(t *testing.T, dir string, names ...string) {
	t.Helper()
	var authority *x509.Certificate
	var authorityKey *ecdsa.PrivateKey
	for i, name := range append([]string{"ca"}, names...) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IsCA: i == 0, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		}
		if i == 0 {
			authority, authorityKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, authorityKey)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
			name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})))
	}
}

// TestCredentials pushes through TLS as each kind of user that NATS has, and is refused
// without.
func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	certificates(t, dir, "server", "client")
	serverTLS := func(o *server.Options, verify bool) {
		config, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: dir + "/server.pem", KeyFile: dir + "/server.key", CaFile: dir + "/ca.pem", Verify: verify})
		if err != nil {
			t.Fatal(err)
		}
		config.MinVersion = tls.VersionTLS12
		o.TLSConfig, o.TLSVerify = config, verify
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, _ := user.Seed()
	public, _ := user.PublicKey()
	put(t, dir, "user.nk", string(seed))
	for name, x := range map[string]struct {
		options func(*server.Options)
		flags   []string
	}{
		"client certificate": {func(o *server.Options) { serverTLS(o, true) }, []string{"-tls-cert", dir + "/client.pem", "-tls-key", dir + "/client.key"}},
		"nkey":               {func(o *server.Options) { serverTLS(o, false); o.Nkeys = []*server.NkeyUser{{Nkey: public}} }, []string{"-nkey", dir + "/user.nk"}},
		"creds":              {func(o *server.Options) { serverTLS(o, false); operator(t, o, dir, user) }, []string{"-creds", dir + "/user.creds"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := natstest.Start(t, x.options)
			c := &commandLine{TB: t, dir: t.TempDir()}
			c.does(exitOK, "key.pub", "keygen", filepath.Join(c.dir, "key"))
			base := []string{"-nats", strings.Replace(s.ClientURL(), "nats://", "tls://", 1), "-tls-ca", dir + "/ca.pem"}
			c.does(exitFailed, "connecting to NATS", append([]string{"init"}, base...)...)
			c.flags = append(base, x.flags...)
			c.does(exitOK, "", append([]string{"init"}, c.flags...)...)
			from, to := t.TempDir(), filepath.Join(t.TempDir(), "p")
			put(t, from, "acme/buckets/one.json", bucket("one", "Allow"))
			c.push(exitOK, "revision 1.1", from)
			log, _ := c.pull(to)
			c.await("it is pulled", func() bool { return same(from, to) }, log)
		})
	}
}

// operator has the server take users by credentials of one account.
func operator(t *testing.T, o *server.Options, dir string, user nkeys.KeyPair) {
	t.Helper()
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	op, err := nkeys.CreateOperator()
	fail(err)
	opPublic, _ := op.PublicKey()
	account, err := nkeys.CreateAccount()
	fail(err)
	accountPublic, _ := account.PublicKey()
	system, err := nkeys.CreateAccount()
	fail(err)
	systemPublic, _ := system.PublicKey()
	opClaims := jwt.NewOperatorClaims(opPublic)
	opClaims.SystemAccount = systemPublic
	text, err := opClaims.Encode(op)
	fail(err)
	trusted, err := jwt.DecodeOperatorClaims(text)
	fail(err)
	resolver := &server.MemAccResolver{}
	for _, public := range []string{accountPublic, systemPublic} {
		claims := jwt.NewAccountClaims(public)
		if public == accountPublic {
			claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
		}
		text, err := claims.Encode(op)
		fail(err)
		fail(resolver.Store(public, text))
	}
	o.TrustedOperators, o.AccountResolver, o.SystemAccount = []*jwt.OperatorClaims{trusted}, resolver, systemPublic
	public, _ := user.PublicKey()
	seed, _ := user.Seed()
	userText, err := jwt.NewUserClaims(public).Encode(account)
	fail(err)
	creds, err := jwt.FormatUserConfig(userText, seed)
	fail(err)
	put(t, dir, "user.creds", string(creds))
}
