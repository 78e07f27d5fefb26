package main

import (
	"fmt"
	"io"
)

// examples are command lines to begin with, by command.
var examples = map[string]string{
	"keygen": `  postern-sync keygen fleet
`,
	"init": `  postern-sync init -nats nats://127.0.0.1:4222
  postern-sync init -nats nats://nats-1:4222 -nats nats://nats-2:4222 -nats nats://nats-3:4222 -replicas 3
`,
	"push": `  postern-sync push -nats nats://127.0.0.1:4222 -sign-key fleet.key -policies policies
  postern-sync push -nats nats://127.0.0.1:4222 -sign-key fleet.key -policies policies -fail-on gained
`,
	"pull": `  postern-sync pull -nats nats://127.0.0.1:4222 -verify-key fleet.pub -policies /etc/postern
  postern-sync pull -nats nats://127.0.0.1:4222 -verify-key old.pub -verify-key new.pub -policies /etc/postern -sidecar http://127.0.0.1:8180
`,
	"status": `  postern-sync status -nats nats://127.0.0.1:4222 -verify-key fleet.pub
  postern-sync status -nats nats://127.0.0.1:4222 -verify-key fleet.pub -fleet
`,
	"version": `  postern-sync version
`,
}

// help prints the flags and examples of a command.
func (c *call) help(out io.Writer) {
	fmt.Fprintf(out, "Usage: postern-sync %s [flags]\n\n", c.Name())
	c.SetOutput(out)
	c.PrintDefaults()
	fmt.Fprintf(out, "\nExamples:\n%s", examples[c.Name()])
}
