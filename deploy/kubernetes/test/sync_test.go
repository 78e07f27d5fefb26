package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	corev1 "k8s.io/api/core/v1"
)

// natsServer starts a NATS server in this process, which wants credentials, and returns
// them with its URL.
func natsServer(t *testing.T) (url, credentials string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	operator, err := nkeys.CreateOperator()
	must(err)
	public := func(key nkeys.KeyPair) string {
		text, err := key.PublicKey()
		must(err)
		return text
	}
	system, err := nkeys.CreateAccount()
	must(err)
	account, err := nkeys.CreateAccount()
	must(err)
	trusted := jwt.NewOperatorClaims(public(operator))
	trusted.SystemAccount = public(system)
	text, err := trusted.Encode(operator)
	must(err)
	trusted, err = jwt.DecodeOperatorClaims(text)
	must(err)
	accounts := &server.MemAccResolver{}
	for _, key := range []nkeys.KeyPair{system, account} {
		claims := jwt.NewAccountClaims(public(key))
		if key == account {
			claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
		}
		text, err := claims.Encode(operator)
		must(err)
		must(accounts.Store(public(key), text))
	}
	user, err := nkeys.CreateUser()
	must(err)
	seed, err := user.Seed()
	must(err)
	text, err = jwt.NewUserClaims(public(user)).Encode(account)
	must(err)
	file, err := jwt.FormatUserConfig(text, seed)
	must(err)

	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
		TrustedOperators: []*jwt.OperatorClaims{trusted}, AccountResolver: accounts, SystemAccount: public(system),
	})
	must(err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server does not accept connections")
	}
	return s.ClientURL(), string(file)
}

// TestSync: the pod waits for a first revision, has it and each that follows, and is told
// of in the fleet's table under its name.
func TestSync(t *testing.T) {
	k := newKubelet(t, "overlays/sync")
	url, credentials := natsServer(t)
	k.replace["tls://nats.example:4222"] = url
	dir := t.TempDir()
	write(t, dir, map[string]string{"nats.creds": credentials})
	puller := k.sidecar("postern-sync")
	// tool runs a command of postern-sync as somebody who pushes does.
	tool := func(args ...string) string {
		t.Helper()
		cmd := k.command(t.Context(), puller, []string{"/postern-sync"})
		cmd.Args = append(cmd.Args, args...)
		cmd.SysProcAttr.Credential = nil
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	at := []string{"-nats", url, "-creds", filepath.Join(dir, "nats.creds")}
	push := func(files map[string]string) {
		t.Helper()
		write(t, filepath.Join(dir, "policies"), files)
		tool(append([]string{"push", "-sign-key", filepath.Join(dir, "fleet.key"), "-policies", filepath.Join(dir, "policies")}, at...)...)
	}
	tool("keygen", filepath.Join(dir, "fleet"))
	tool(append([]string{"init"}, at...)...)

	// The Secret has what its manifest takes from it, and more.
	secret := map[string]string{}
	for _, v := range k.spec.Volumes {
		if v.Secret != nil {
			for _, item := range v.Secret.Items {
				content, err := os.ReadFile(filepath.Join(dir, item.Key))
				k.must(err)
				secret[item.Path] = string(content)
			}
			k.fill(v.Name, secret, os.FileMode(*v.Secret.DefaultMode))
		}
	}
	k.start(nil, func(c *corev1.Container) {
		k.await(c.Name+" is alive", func() error { return k.probe(c, c.LivenessProbe) })
		if c.Name == "postern" {
			k.refuses("readiness", puller, puller.ReadinessProbe, "503")
			k.refuses("startup", c, c.StartupProbe, "not ready: 503")
			push(map[string]string{"acme/access-policies/staff.json": staff, "acme/buckets/reports.json": readable})
		}
	})
	k.decides("the first revision is in force", "reports/x", true)
	k.await("the puller is ready", func() error { return k.probe(puller, puller.ReadinessProbe) })
	push(map[string]string{"acme/buckets/reports.json": closed})
	k.decides("the second is", "reports/x", false)
	k.await("the fleet knows the pod", func() error {
		cmd := k.command(t.Context(), puller, []string{"/postern-sync"})
		cmd.Args = append(cmd.Args, append([]string{"status", "-fleet", "-verify-key", filepath.Join(dir, "fleet.pub")}, at...)...)
		cmd.SysProcAttr.Credential = nil
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "\nstore-0 ") || !strings.Contains(string(out), "1 of 1 have revision 1.2") {
			time.Sleep(200 * time.Millisecond)
			return fmt.Errorf("%v: %s", err, out)
		}
		return nil
	})

	// The puller ends at once and comes again beside what it has written.
	k.kill("postern-sync")
	k.run(puller)
	k.await("the puller is ready again", func() error { return k.probe(puller, puller.ReadinessProbe) })
	push(map[string]string{"acme/buckets/reports.json": readable})
	k.decides("the third is", "reports/x", true)
	k.stop()
}
