package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"postern/internal/request"
	"postern/policy"
	"postern/sidecar"
)

// doorFlags are the flags of the doors for proxies and object stores
// (specification 7).
type doorFlags struct {
	forward         choice
	org, secret     string
	context         pairs
	domains, names  list
	opaque          bool
	identity        choice
	identityHeaders string
	clientCAs       list
	spiffe          pairs
	ceph, minio     bool
	plugin          sidecar.MinIO
	secrets         *secretFile // of -door-secret; set by doors
}

func (d *doorFlags) define(fs *flags) {
	d.forward = choice{"off", append([]string{"off"}, sidecar.ForwardModes()...)}
	d.identity = choice{"headers", []string{"headers", "cert", "cert-subject"}}
	d.identityHeaders = "org,principal"
	fs.Var(&d.forward, "forward-auth", "`PROXY` that asks at /authorize: "+strings.Join(d.forward.allowed, ", "))
	fs.BoolVar(&d.ceph, "ceph", false, "answer Ceph's object gateway (rgw use opa authz) at /ceph/v1/authorize")
	fs.BoolVar(&d.minio, "minio", false, "answer MinIO's access management plugin at /minio/v1/authorize")
	fs.StringVar(&d.plugin.OrgClaim, "minio-org-claim", "", "`CLAIM` that names the organization of MinIO's callers; else -door-org")
	fs.BoolVar(&d.plugin.RootAllowed, "minio-root-allowed", false, "allow MinIO's root user everything, whatever policies say")
	fs.BoolVar(&d.plugin.IgnoreSessionPolicy, "minio-ignore-session-policy", false, "admit MinIO's callers with a session policy, which nobody enforces then")
	fs.BoolVar(&d.plugin.TrustSourceIP, "minio-trust-source-ip", false, "take aws:SourceIp from MinIO, which believes any client's X-Forwarded-For")
	fs.BoolVar(&d.plugin.TrustTags, "minio-trust-tags", false, "take the tags of objects that are read from MinIO, whose clients can forge those of untagged ones")
	fs.organization(&d.org, "door-org", "`ORG` of callers of whom a door cannot tell it; else -default-org")
	fs.StringVar(&d.secret, "door-secret", "", "`FILE` of secrets, one a line, each of at least 32 bytes, of which a proxy or store shows one; read again when it changes")
	fs.Var(&d.context, "door-context", "`KEY=VALUE`: a condition key that holds for every request of the doors, where they cannot see it; may be repeated, a KEY twice is a list")
	fs.Var(&d.domains, "s3-domain", "`DOMAIN` under which buckets are asked as BUCKET.DOMAIN; may be repeated")
	fs.Var(&d.names, "s3-host", "`NAME` of the store under which buckets stand in the path; may be repeated")
	fs.BoolVar(&d.opaque, "opaque-keys", false, "the store keeps `.`, `..` and empty segments of keys as they are")
	fs.Var(&d.identity, "identity", "`WHAT` says who a proxy's client is: headers, cert (the URI of its certificate), cert-subject")
	fs.StringVar(&d.identityHeaders, "identity-headers", d.identityHeaders, "which `HEADERS` of the identity are read: some of org,principal,principals,groups")
	fs.Var(&d.clientCAs, "client-ca", "`[ORG=]FILE` of authorities (PEM) that issue clients' certificates, of one organization or any; may be repeated")
	fs.Var(&d.spiffe, "spiffe", "`TRUST=ORG`: the organization of a SPIFFE trust domain; may be repeated")
}

// on reports whether there is a door.
func (d *doorFlags) on() bool { return d.forward.value != "off" || d.ceph || d.minio }

// check refuses what could not work, or would admit more than was meant.
func (d *doorFlags) check(ctx context.Context, listen string, remote bool) error {
	if !d.on() {
		for flag, given := range map[string]bool{
			"-door-org": d.org != "", "-door-secret": d.secret != "", "-door-context": len(d.context.keys) > 0,
		} {
			if given {
				return usagef("%s is for the doors of proxies and stores, and none is on; add -forward-auth PROXY, -ceph or -minio", flag)
			}
		}
	}
	for door, flags := range map[string]map[string]bool{
		"-forward-auth PROXY": {"-s3-domain": len(d.domains) > 0, "-s3-host": len(d.names) > 0, "-opaque-keys": d.opaque,
			"-client-ca": len(d.clientCAs) > 0, "-spiffe": len(d.spiffe.keys) > 0, "-identity": d.identity.value != "headers"},
		"-minio": {"-minio-org-claim": d.plugin.OrgClaim != "", "-minio-root-allowed": d.plugin.RootAllowed, "-minio-ignore-session-policy": d.plugin.IgnoreSessionPolicy,
			"-minio-trust-source-ip": d.plugin.TrustSourceIP, "-minio-trust-tags": d.plugin.TrustTags},
	} {
		for flag, given := range flags {
			if given && (door == "-minio" && !d.minio || door != "-minio" && d.forward.value == "off") {
				return usagef("%s is for %s; add it", flag, door)
			}
		}
	}
	if !d.on() {
		return nil
	}
	if d.secret == "" && remote && listen != noListen && checkAddress(ctx, listen, false) != nil {
		return usagef("a door of a proxy or store on -listen %s needs -door-secret FILE: whoever reaches it could ask in any caller's name", listen)
	}
	if cert := d.identity.value != "headers"; cert != (len(d.clientCAs) > 0) {
		if cert {
			return usagef("-identity %s needs -client-ca FILE, the authorities that issue the certificates", d.identity.value)
		}
		return usagef("-client-ca is for -identity cert or cert-subject; add one of them")
	}
	if d.identity.value != "headers" && (d.forward.value == "envoy" || d.forward.value == "traefik") {
		return usagef("-forward-auth %s passes no certificate on that postern reads; write -identity headers, and let the proxy set them", d.forward.value)
	}
	if d.identity.value != "cert" && len(d.spiffe.keys) > 0 {
		return usagef("-spiffe is for -identity cert; add it")
	}
	return nil
}

// doors are the doors as the sidecar takes them.
func (d *doorFlags) doors() (out sidecar.Doors, err error) {
	if !d.on() {
		return out, nil
	}
	out.Org, out.OpaqueKeys = d.org, d.opaque
	for _, name := range d.domains {
		out.Hosts.Domains = append(out.Hosts.Domains, strings.ToLower(strings.Trim(name, ".")))
	}
	for _, name := range d.names {
		out.Hosts.Names = append(out.Hosts.Names, strings.ToLower(strings.TrimSuffix(name, ".")))
	}
	if out.Context, err = d.context.attributes(); err != nil {
		return out, err
	}
	if d.secret != "" {
		if d.secrets, err = readSecrets(d.secret); err != nil {
			return out, err
		}
		out.Secrets = d.secrets.get
	}
	out.Ceph = d.ceph
	if d.minio {
		out.MinIO = &d.plugin
	}
	if d.forward.value == "off" {
		return out, nil
	}
	out.Forward = &sidecar.Forward{Mode: d.forward.value}
	if d.identity.value == "headers" {
		out.Forward.Identity.Headers = strings.Split(d.identityHeaders, ",")
		return out, nil
	}
	c := &sidecar.Certificates{SPIFFE: map[string]string{}, Subject: d.identity.value == "cert-subject"}
	for _, text := range d.clientCAs {
		ca, err := readCA(text)
		if err != nil {
			return out, err
		}
		c.CAs = append(c.CAs, ca)
	}
	for i, trust := range d.spiffe.keys {
		if err := validOrganization(d.spiffe.values[i]); err != nil {
			return out, usagef("-spiffe %s=%s: %v", trust, d.spiffe.values[i], err)
		}
		c.SPIFFE[trust] = d.spiffe.values[i]
	}
	out.Forward.Identity.Certificate = c
	return out, nil
}

// readCA reads `[ORG=]FILE`.
func readCA(text string) (ca sidecar.CA, err error) {
	file := text
	if org, rest, ok := strings.Cut(text, "="); ok && validOrganization(org) == nil {
		ca.Org, file = org, rest
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return ca, fmt.Errorf("-client-ca: %w", err)
	}
	ca.Pool = x509.NewCertPool()
	if !ca.Pool.AppendCertsFromPEM(data) {
		return ca, fmt.Errorf("-client-ca %s: no certificate in PEM is in it; it begins with -----BEGIN CERTIFICATE-----", file)
	}
	return ca, nil
}

// pairs is a flag of the form NAME=VALUE that may be repeated.
type pairs struct {
	list
	keys, values []string
}

func (p *pairs) Set(v string) error {
	key, value, ok := strings.Cut(v, "=")
	if !ok || key == "" || value == "" {
		return errors.New("write NAME=VALUE")
	}
	p.keys, p.values = append(p.keys, key), append(p.values, value)
	return p.list.Set(v)
}

// attributes are condition keys with their values, checked as those of a request.
func (p *pairs) attributes() ([]policy.Attribute, error) {
	var out []policy.Attribute
	for i, key := range p.keys {
		at := slices.IndexFunc(out, func(a policy.Attribute) bool { return strings.EqualFold(a.Key, key) })
		if at < 0 {
			at = len(out)
			out = append(out, policy.Attribute{Key: key})
		}
		out[at].Values = append(out[at].Values, policy.Value{Kind: policy.ValueString, Text: p.values[i]})
	}
	probe := policy.Request{Principal: policy.Principal{Org: "o", IDs: []string{"role/x"}}, Action: "s3:GetObject",
		Resource: policy.Resource{Type: "object", ID: "b/k"}, Context: slices.Clone(out)}
	if err := request.Check(&probe); err != nil {
		return nil, usagef("-door-context: %v", err)
	}
	if len(probe.Context) != len(out) {
		return nil, usagef("-door-context cannot state the time; leave it to postern's clock")
	}
	return out, nil
}

// minSecret is the least length of a secret, in bytes.
const minSecret = 32

// secretFile is the secrets of a file, which are read again when it changes.
type secretFile struct {
	name    string
	current atomic.Pointer[[][]byte]
	failed  string // what was wrong at the last look, "" if nothing
}

func readSecrets(name string) (*secretFile, error) {
	f := &secretFile{name: name}
	list, err := f.read()
	if err != nil {
		return nil, fmt.Errorf("-door-secret: %w", err)
	}
	f.current.Store(&list)
	return f, nil
}

func (f *secretFile) get() [][]byte { return *f.current.Load() }

func (f *secretFile) read() ([][]byte, error) {
	data, err := os.ReadFile(f.name)
	if err != nil {
		return nil, err
	}
	var list [][]byte
	for i, line := range bytes.Split(data, []byte("\n")) {
		line = bytes.TrimRight(line, "\r")
		switch {
		case len(line) == 0:
		case len(line) < minSecret:
			return nil, fmt.Errorf("%s:%d: a secret has at least %d bytes, and this line %d; make one with `openssl rand -hex 32`", f.name, i+1, minSecret, len(line))
		default:
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s holds no secret; put one there, as `openssl rand -hex 32` makes them", f.name)
	}
	return list, nil
}

// look reads the file again. What cannot be read leaves the last secrets in force.
func (f *secretFile) look(logger *slog.Logger) {
	list, err := f.read()
	if err != nil {
		if f.failed != err.Error() {
			f.failed = err.Error()
			logger.Warn("-door-secret cannot be read; the last secrets stay in force", "error", f.failed)
		}
		return
	}
	f.failed = ""
	if slices.EqualFunc(list, f.get(), bytes.Equal) {
		return
	}
	f.current.Store(&list)
	logger.Info("-door-secret has changed", "secrets", len(list))
}

// watch looks at the file once a second until ctx is done.
func (f *secretFile) watch(ctx context.Context, logger *slog.Logger) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.look(logger)
		}
	}
}
