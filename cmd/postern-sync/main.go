// Command postern-sync brings a fleet's policies to each machine: push publishes what a
// directory has as a signed revision in NATS JetStream, pull keeps the directory that a
// sidecar watches at the newest one (specification 9.2). The sidecar depends on none of
// it.
package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// The exit codes: exitFound is a refusal or an answer "no", exitFailed says that the
// command could not do its work, or was not understood.
const (
	exitOK     = 0
	exitFound  = 1
	exitFailed = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `postern-sync brings the policies of one directory to every machine of a fleet, through NATS JetStream.

Usage: postern-sync COMMAND [flags]

  keygen     make a pair of keys: NAME.key signs, NAME.pub verifies
  init       make the streams
  push       publish what a directory has
  pull       keep a directory at the newest revision
  status     show the newest revision; -fleet what every puller has
  version    print version, commit and Go version

Examples:
  postern-sync keygen fleet
  postern-sync init -nats nats://127.0.0.1:4222
  postern-sync push -nats nats://127.0.0.1:4222 -sign-key fleet.key -policies policies
  postern-sync pull -nats nats://127.0.0.1:4222 -verify-key fleet.pub -policies /etc/postern
  postern-sync status -nats nats://127.0.0.1:4222 -verify-key fleet.pub -fleet

postern-sync COMMAND -help shows the flags of one command, and more examples. Each flag has an environment
variable: -verify-key is POSTERN_SYNC_VERIFY_KEY.
`

// errUsage marks errors in how a command was written.
var errUsage = errors.New("usage")

// foundError is an answer for which the command exits with exitFound.
type foundError struct{ error }

// lookup is a function such as os.LookupEnv.
type lookup func(name string) (string, bool)

// run runs a command line and returns the exit code.
func run(ctx context.Context, args []string, env lookup, out, errs io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errs, usage)
		return exitFailed
	}
	commands := map[string]func(*call) error{
		"keygen": runKeygen, "init": runInit, "push": runPush, "pull": runPull, "status": runStatus, "version": runVersion,
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		fmt.Fprint(out, usage)
		return exitOK
	}
	command, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(errs, "postern-sync: unknown command %q; write one of keygen, init, push, pull, status, version\n", args[0])
		return exitFailed
	}
	c := &call{FlagSet: flag.NewFlagSet(args[0], flag.ContinueOnError), ctx: ctx, args: args[1:], env: env, out: out, errs: errs}
	c.SetOutput(io.Discard)
	c.Usage = func() {}
	err := command(c)
	var found foundError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &found):
		fmt.Fprintf(errs, "postern-sync %s: %v\n", args[0], err)
		return exitFound
	}
	fmt.Fprintf(errs, "postern-sync %s: %v\n", args[0], err)
	if errors.Is(err, errUsage) {
		fmt.Fprintf(errs, "postern-sync %s -help shows its flags\n", args[0])
	}
	return exitFailed
}

// call is one call of a command.
type call struct {
	*flag.FlagSet
	ctx       context.Context
	args      []string
	env       lookup
	out, errs io.Writer
}

// parse reads the command line and the environment; arguments is how many arguments that
// are no flags there must be.
func (c *call) parse(arguments int) error {
	if err := c.Parse(c.args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			c.help(c.out)
			return err
		}
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	given := map[string]bool{}
	c.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var failed error
	c.VisitAll(func(f *flag.Flag) {
		name := "POSTERN_SYNC_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := c.env(name)
		if !ok || value == "" || given[f.Name] || failed != nil {
			return
		}
		values := []string{value}
		if _, is := f.Value.(*list); is {
			values = strings.Split(strings.TrimRight(value, "\n"), "\n")
		}
		for _, v := range values {
			if err := f.Value.Set(v); err != nil {
				failed = fmt.Errorf("%w: %s: %w", errUsage, name, err)
			}
		}
	})
	if failed == nil && c.NArg() != arguments {
		failed = fmt.Errorf("%w: %d arguments are wanted, and there are %d", errUsage, arguments, c.NArg())
	}
	return failed
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string {
	if l == nil {
		return ""
	}
	return strings.Join(*l, ",")
}

// Set implements flag.Value.
func (l *list) Set(v string) error {
	if v == "" {
		return errors.New("it is empty; leave the flag out instead")
	}
	*l = append(*l, v)
	return nil
}

// connection are the flags that say where the servers are.
type connection struct{ stream.Config }

func (c *connection) define(f *call) {
	f.Var((*list)(&c.Servers), "nats", "`URL` of a NATS server, like nats://HOST:4222 or tls://HOST:4222; may be repeated")
	f.StringVar(&c.Prefix, "prefix", "postern", "what all subjects begin with, a `WORD` or several with dots")
	f.StringVar(&c.Credentials, "creds", "", "`FILE` of NATS credentials")
	f.StringVar(&c.NKey, "nkey", "", "`FILE` of an NKey's seed")
	f.StringVar(&c.CA, "tls-ca", "", "`FILE` of certificates that the servers' must be signed by; the system's")
	f.StringVar(&c.Certificate, "tls-cert", "", "`FILE` of the client certificate")
	f.StringVar(&c.Key, "tls-key", "", "`FILE` of the client certificate's key")
}

func (c *connection) connect(f *call, patient bool, logger *slog.Logger) (*stream.Conn, error) {
	if len(c.Servers) == 0 {
		return nil, fmt.Errorf("%w: -nats is missing; write -nats nats://HOST:4222", errUsage)
	}
	if err := stream.CheckPrefix(c.Prefix); err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	c.Name, c.Logger = "postern-sync "+f.Name(), logger
	return stream.Connect(c.Config, patient)
}

// fleet are the flags that say whose revisions are read.
type fleet struct {
	name string
	keys list
}

func (x *fleet) define(f *call) {
	f.StringVar(&x.name, "fleet-name", "default", "`NAME` of the fleet; a revision of another one is refused")
	f.Var(&x.keys, "verify-key", "`FILE` of a public key that signs revisions; may be repeated, for a change of keys")
}

func (x *fleet) read() (keys []ed25519.PublicKey, err error) {
	for _, name := range x.keys {
		key, err := revision.ReadVerifyKey(name)
		if err != nil {
			return nil, fmt.Errorf("-verify-key: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func newLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

func runKeygen(c *call) error {
	if err := c.parse(1); err != nil {
		return err
	}
	private, public, err := revision.NewKey()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
		mode os.FileMode
	}{{c.Arg(0) + ".key", private, 0o600}, {c.Arg(0) + ".pub", public, 0o644}} {
		w, err := os.OpenFile(f.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
		if err != nil {
			return err
		}
		if _, err := w.Write(f.data); err != nil {
			w.Close()
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		fmt.Fprintln(c.out, f.name)
	}
	return nil
}

func runInit(c *call) error {
	var at connection
	at.define(c)
	replicas := c.Int("replicas", 1, "on how many servers of a cluster each stream is stored: 1, 3 or 5")
	if err := c.parse(0); err != nil {
		return err
	}
	conn, err := at.connect(c, false, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Create(c.ctx, *replicas)
}

func runVersion(c *call) error {
	if err := c.parse(0); err != nil {
		return err
	}
	version, commit, goVersion := "(devel)", "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	fmt.Fprintf(c.out, "postern-sync %s, commit %s, %s\n", version, commit, goVersion)
	return nil
}
