package sidecar

import (
	"net"
	"strconv"
	"syscall"
)

// appendUser appends the number of the user who opened the other end of a Unix
// socket, as in `uid:1000`.
func appendUser(b []byte, c net.Conn) []byte {
	raw, ok := c.(syscall.Conn)
	if !ok {
		return b
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return b
	}
	_ = control.Control(func(fd uintptr) {
		if u, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			b = strconv.AppendUint(append(b, "uid:"...), uint64(u.Uid), 10)
		}
	})
	return b
}
