package sidecar

import (
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"postern/index"
	"postern/internal/decisionlog"
	"postern/policy"
)

// Config is what a Server needs. Current and Status are required; any other
// field may be zero.
type Config struct {
	// Current is the snapshot in force. Each request, and each batch, loads it
	// once.
	Current *index.Current
	// Status describes the policy directory. It never returns nil, and what it
	// returns never changes. It is called for /readyz, /v1/status and /metrics.
	Status func() *policy.Status

	// MaxBody is the largest body that is read, in bytes; 1 MiB if 0.
	MaxBody int
	// MaxConnections bounds the open connections that are answered whatever they
	// ask, of all listeners of Serve together (places.go). 4,096 if 0.
	MaxConnections int
	// ReadTimeout bounds the time from a request's first byte to its last (and
	// from a connection's start to its first byte), 10 s if 0; WriteTimeout a
	// write of an answer, 10 s if 0; IdleTimeout the wait for a connection's
	// next request, 75 s if 0. Each is kept to within a quarter of itself,
	// never early.
	ReadTimeout, WriteTimeout, IdleTimeout time.Duration

	// PublicURL is where clients reach the server, for the metadata and the
	// check of Host; "" if they reach its listener.
	PublicURL string
	// AllowHosts are further names that Host may give, for a proxy's upstream.
	AllowHosts []string
	// ExplainOff refuses requests for explanations.
	ExplainOff bool

	// Doors are the doors for proxies and object stores; the zero value has none.
	Doors Doors

	// AllowEmpty lets /readyz say 200 although the policy directory held no file
	// of its layout.
	AllowEmpty bool

	// Log gets every decision (specification 8.5); nil is none.
	Log *decisionlog.Log

	// Now is the clock of decisions; the system's if nil.
	Now func() time.Time
	// Logger gets what an operator should know; none of it holds bytes of a
	// request. It discards if nil.
	Logger *slog.Logger
	// Version is shown by /v1/status, and by postern_build_info.
	Version string
}

// The defaults of Config.
const (
	defaultMaxBody        = 1 << 20
	defaultMaxConnections = 4096
	defaultReadTimeout    = 10 * time.Second
	defaultWriteTimeout   = 10 * time.Second
	defaultIdleTimeout    = 75 * time.Second
)

func (c *Config) fill() error {
	if c.Current == nil || c.Status == nil {
		return errors.New("sidecar: Config needs Current and Status")
	}
	orInt := func(v *int, otherwise int) {
		if *v <= 0 {
			*v = otherwise
		}
	}
	orInt(&c.MaxBody, defaultMaxBody)
	orInt(&c.MaxConnections, defaultMaxConnections)
	orDuration := func(v *time.Duration, otherwise time.Duration) {
		if *v <= 0 {
			*v = otherwise
		}
	}
	orDuration(&c.ReadTimeout, defaultReadTimeout)
	orDuration(&c.WriteTimeout, defaultWriteTimeout)
	orDuration(&c.IdleTimeout, defaultIdleTimeout)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// hosts is what Host may name, whatever the listener (specification 3.2,
// Browsers). Names are in lower case.
type hosts struct {
	names     map[string]bool
	addresses map[netip.Addr]bool
}

func (c *Config) hosts() (hosts, error) {
	h := hosts{names: map[string]bool{"localhost": true}, addresses: map[netip.Addr]bool{}}
	add := func(host string) {
		if a, err := netip.ParseAddr(host); err == nil {
			h.addresses[a.Unmap()] = true
		} else {
			h.names[strings.ToLower(host)] = true
		}
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return h, errors.New("the public URL must be http:// or https:// with a host, and no query; as in https://pdp.example.com")
		}
		add(u.Hostname())
	}
	for _, name := range c.AllowHosts {
		host, ok := hostOf(name)
		if _, err := netip.ParseAddr(name); err == nil {
			host, ok = name, true
		}
		if !ok {
			return h, errors.New("an allowed host must be a name or an address, as in pdp.example.com, not " + name)
		}
		add(host)
	}
	return h, nil
}

// hostOf takes the port off a Host header, `HOST` or `HOST:PORT`; false if it is
// neither. HOST is a name, an IPv4 address, or an IPv6 address in brackets; PORT
// is a number. Whatever else a header may hold, a user's name before `@` among
// it, could be read as another host by somebody else.
func hostOf(header string) (host string, ok bool) {
	if len(header) > maxHost {
		return "", false
	}
	port := ""
	if strings.HasPrefix(header, "[") {
		end := strings.IndexByte(header, ']')
		if end < 0 {
			return "", false
		}
		host, port = header[1:end], header[end+1:]
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() || a.Zone() != "" {
			return "", false
		}
	} else {
		end := strings.IndexByte(header, ':')
		if end < 0 {
			end = len(header)
		}
		host, port = header[:end], header[end:]
		for i := 0; i < len(host); i++ {
			if c := host[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
				return "", false
			}
		}
	}
	return host, host != "" && (port == "" || isPort(port))
}

// maxHost is the longest Host header that is looked at, in bytes: a name of DNS
// and a port.
const maxHost = 255 + len(":65535")

// isPort reports that text is a colon and a port's number.
func isPort(text string) bool {
	if len(text) < 2 || len(text) > 6 || text[0] != ':' {
		return false
	}
	n := 0
	for _, c := range []byte(text[1:]) {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n > 0 && n <= 65535
}
