package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"

	"postern/cmd/postern-sync/internal/push"
	"postern/cmd/postern-sync/internal/revision"
)

func runPush(c *call) error {
	var at connection
	var of fleet
	at.define(c)
	of.define(c)
	var (
		policies  = c.String("policies", "", "the policy directory `DIR` to publish; required, but for -heartbeat")
		signKey   = c.String("sign-key", "", "`FILE` of the private key; required")
		by        = c.String("by", "", "`WHO` pushes, for people; the user and host")
		epoch     = c.Uint64("epoch", 0, "`N`: count revisions in this epoch; a higher one than the fleet's begins anew, after the streams were lost")
		failOn    = c.String("fail-on", "", "`gained|lost|any`: refuse if postern diff finds that decisions change so")
		binary    = c.String("postern", "postern", "`PATH` of postern, for -fail-on")
		emptied   = c.Bool("allow-emptied", false, "allow that an organization loses all of several bucket policies and stays")
		heartbeat = c.Bool("heartbeat", false, "publish an empty revision if the newest is older than an hour; run this each hour or more often")
		maxFile   = c.Int64("max-file", 16<<20, "largest policy file, in `BYTES`")
	)
	if err := c.parse(0); err != nil {
		return err
	}
	switch {
	case *signKey == "":
		return fmt.Errorf("%w: -sign-key is missing", errUsage)
	case (*policies == "") != *heartbeat:
		return fmt.Errorf("%w: write either -policies DIR or -heartbeat", errUsage)
	case *failOn != "" && *failOn != "gained" && *failOn != "lost" && *failOn != "any":
		return fmt.Errorf("%w: -fail-on %q: write gained, lost or any", errUsage, *failOn)
	}
	key, err := revision.ReadSignKey(*signKey)
	if err != nil {
		return fmt.Errorf("-sign-key: %w", err)
	}
	keys, err := of.read()
	if err != nil {
		return err
	}
	p := &push.Pusher{Fleet: of.name, Key: key, Keys: keys, By: *by, Epoch: *epoch, AllowEmptied: *emptied}
	if p.By == "" {
		p.By = whoami()
	}
	if *failOn != "" {
		p.Before = func(ctx context.Context, old *revision.Tree, contents func(map[revision.Sum]bool, func([]byte) error) error) error {
			return c.diff(ctx, *binary, *failOn, *policies, old, contents)
		}
	}
	var d *push.Directory
	if !*heartbeat {
		if d, err = push.Read(c.ctx, *policies, *maxFile); err != nil {
			var broken *push.BrokenError
			if errors.As(err, &broken) {
				return foundError{fmt.Errorf("nothing is published, as files are broken:\n%w", err)}
			}
			return err
		}
	}
	if p.Conn, err = at.connect(c, false, nil); err != nil {
		return err
	}
	defer p.Conn.Close()
	var r *push.Result
	if *heartbeat {
		r, err = p.Beat(c.ctx)
	} else {
		r, err = p.Push(c.ctx, d)
	}
	var overtaken *push.OvertakenError
	if errors.As(err, &overtaken) {
		return foundError{err}
	}
	if r != nil {
		what := fmt.Sprintf("%d files changed", r.Changed)
		if r.Nothing {
			what = "nothing to publish"
		}
		fmt.Fprintf(c.out, "revision %s, %s, %d files, digest %s\n", r.Revision.ID(), what, r.Revision.Count, r.Revision.Digest)
	}
	return err
}

func whoami() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// diff has postern compare what the fleet has with what is to be published.
func (c *call) diff(ctx context.Context, binary, failOn, policies string, old *revision.Tree, contents func(map[revision.Sum]bool, func([]byte) error) error) error {
	dir, err := os.MkdirTemp("", "postern-sync-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	paths := map[revision.Sum][]string{}
	want := map[revision.Sum]bool{}
	for path, f := range old.Files() {
		paths[f.Sum], want[f.Sum] = append(paths[f.Sum], path), true
	}
	err = contents(want, func(content []byte) error {
		for _, path := range paths[revision.SumOf(content)] {
			name := filepath.Join(dir, filepath.FromSlash(path))
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(name, content, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, binary, "diff", "-fail-on", failOn, dir, policies)
	cmd.Stdout, cmd.Stderr = c.out, c.errs
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return foundError{fmt.Errorf("nothing is published, as -fail-on %s says", failOn)}
	}
	if err != nil {
		return fmt.Errorf("postern diff: %w", err)
	}
	return nil
}
