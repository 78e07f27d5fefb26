package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Config says how to reach the servers. Servers and Prefix are required.
type Config struct {
	Servers []string // URLs
	Prefix  string   // of all subjects
	Name    string   // of this client, for the servers' log
	// Credentials is a file of NATS credentials, NKey one of an NKey's seed; at most one
	// of them is given.
	Credentials, NKey string
	// CA is a file of certificates that the servers' must be signed by; "" for the
	// system's. Certificate and Key are the files of a client certificate.
	CA, Certificate, Key string
	Timeout              time.Duration // of one request; by default 5 s
	Logger               *slog.Logger
	// Reconnected is called after a connection was made again.
	Reconnected func()
}

// Conn is a connection. It is safe for concurrent use, and connects again by itself as
// long as it is not closed.
type Conn struct {
	c  Config
	nc *nats.Conn
	js nats.JetStreamContext
}

// CheckPrefix returns an error unless subjects can begin with prefix.
func CheckPrefix(prefix string) error {
	for token := range strings.SplitSeq(prefix, ".") {
		if token == "" || strings.ContainsFunc(token, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return fmt.Errorf("the prefix %q is none; write words of A-Z a-z 0-9 - _ with dots between them, like postern or acme.policies", prefix)
		}
	}
	return nil
}

// Connect connects. If patient is set, it returns before a server answers, and the
// connection is made once one does.
func Connect(c Config, patient bool) (*Conn, error) {
	if err := CheckPrefix(c.Prefix); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	options := []nats.Option{
		nats.Name(c.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(time.Second),
		nats.ReconnectJitter(500*time.Millisecond, time.Second),
		nats.RetryOnFailedConnect(patient),
		nats.PingInterval(20 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.Logger.Warn("the connection to NATS is lost; what is in force stays", "error", err.Error())
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			c.Logger.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted())
			if c.Reconnected != nil {
				c.Reconnected()
			}
		}),
		nats.ConnectHandler(func(nc *nats.Conn) {
			c.Logger.Info("connected to NATS", "server", nc.ConnectedUrlRedacted())
			if c.Reconnected != nil {
				c.Reconnected()
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.Logger.Warn("NATS", "error", err.Error())
		}),
	}
	switch {
	case c.Credentials != "" && c.NKey != "":
		return nil, errors.New("give credentials or an NKey, not both")
	case c.Credentials != "":
		if _, err := os.Stat(c.Credentials); err != nil {
			return nil, err
		}
		options = append(options, nats.UserCredentials(c.Credentials))
	case c.NKey != "":
		option, err := nkeyOption(c.NKey)
		if err != nil {
			return nil, err
		}
		options = append(options, option)
	}
	if c.CA != "" {
		options = append(options, nats.RootCAs(c.CA))
	}
	if (c.Certificate == "") != (c.Key == "") {
		return nil, errors.New("a client certificate needs its key, and a key its certificate")
	}
	if c.Certificate != "" {
		options = append(options, nats.ClientCert(c.Certificate, c.Key))
	}
	nc, err := nats.Connect(strings.Join(c.Servers, ","), options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	js, err := nc.JetStream(nats.MaxWait(c.Timeout))
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &Conn{c, nc, js}, nil
}

// nkeyOption reads the seed at each connection, so that a new one in the file is taken.
func nkeyOption(name string) (nats.Option, error) {
	pair := func() (nkeys.KeyPair, error) {
		seed, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		return nkeys.ParseDecoratedUserNKey(seed)
	}
	k, err := pair()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	public, err := k.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return nats.Nkey(public, func(nonce []byte) ([]byte, error) {
		k, err := pair()
		if err != nil {
			return nil, err
		}
		defer k.Wipe()
		return k.Sign(nonce)
	}), nil
}

// store publishes a message that a stream is to store, and waits for the answer: as long
// as ctx says, and no longer than a request takes at most, as an answer may be lost.
func (c *Conn) store(ctx context.Context, m *nats.Msg, options ...nats.PubOpt) (*nats.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, c.c.Timeout)
	defer cancel()
	return c.js.PublishMsg(m, append(options, nats.Context(ctx))...)
}

// Close ends the connection once what was published is on its way.
func (c *Conn) Close() {
	if c.nc.IsConnected() {
		c.nc.FlushTimeout(time.Second)
	}
	c.nc.Close()
}

// Connected reports whether there is a connection now.
func (c *Conn) Connected() bool { return c.nc.IsConnected() }
