//go:build !linux

package sidecar

import "net"

// appendUser appends nothing: the system is not asked who opened the other end.
func appendUser(b []byte, _ net.Conn) []byte { return b }
