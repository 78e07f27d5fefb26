package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"postern/sidecar"
)

// unreadEvery is the least time between two looks at which keys doors cannot read:
// each goes through all policies.
const unreadEvery = 10 * time.Second

// unreadNames bounds the keys that one line of the log names.
const unreadNames = 8

// unreadKeys says in the log which condition keys of the policies in force a door
// cannot read, once a change of what there is to say (specification 7, For all
// doors). The common Deny of requests without TLS denies everything at a door that
// does not know.
type unreadKeys struct {
	server  *sidecar.Server
	logger  *slog.Logger
	changed chan struct{} // policies changed; it has room for one
	said    map[string]string
}

func newUnreadKeys(server *sidecar.Server, logger *slog.Logger) *unreadKeys {
	return &unreadKeys{server: server, logger: logger, changed: make(chan struct{}, 1), said: map[string]string{}}
}

// change says that policies may have changed. It does not wait.
func (u *unreadKeys) change() {
	select {
	case u.changed <- struct{}{}:
	default:
	}
}

// watch looks after each change, but not more often than every, until ctx is done.
func (u *unreadKeys) watch(ctx context.Context, every time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-u.changed:
			u.look()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// look says what is new.
func (u *unreadKeys) look() {
	now := map[string]string{}
	for _, d := range u.server.Unread() {
		for _, k := range d.Keys {
			now[d.Door] += fmt.Sprintf("%s %t\n", k.Key, k.Deny) // where else they are asked for is no news
		}
		if u.said[d.Door] != now[d.Door] {
			keys, write := describeUnread(d.Keys)
			u.logger.Warn("a door cannot read condition keys that policies in force ask for: there a Deny holds whatever it asks of them, and an Allow does not",
				"door", d.Door, "keys", keys, "write", write)
		}
	}
	for door := range u.said {
		if now[door] == "" {
			u.logger.Info("a door can read every condition key that policies in force ask for", "door", door)
		}
	}
	u.said = now
}

// describeUnread says which keys there are, and what can be done.
func describeUnread(list []sidecar.UnreadKey) (keys, write string) {
	var texts []string
	write = "if a key is the same in every request of the store, -door-context KEY=VALUE"
	for i, k := range list {
		if strings.EqualFold(k.Key, "aws:SecureTransport") {
			write = "if the store is reached over TLS only, -door-context aws:SecureTransport=true"
		}
		if i >= unreadNames {
			continue
		}
		effect := "Allow"
		if k.Deny {
			effect = "Deny"
		}
		text := fmt.Sprintf("%s (%s, %s", k.Key, effect, k.File)
		if more := k.Policies - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		texts = append(texts, text+")")
	}
	if more := len(list) - unreadNames; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d other keys", more))
	}
	return strings.Join(texts, ", "), write
}
