package sidecar

import (
	"net"
	"syscall"
	"unsafe"
)

// pollRemoteClosed is POLLRDHUP, and pollFailed POLLERR and POLLHUP.
const (
	pollRemoteClosed = 0x2000
	pollFailed       = 0x8 | 0x10
)

// gone reports whether the client has closed its side of a connection, whatever
// it sent before. It does not wait, and costs a system call.
func gone(c net.Conn) (yes bool) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true // closed by this side
	}
	err = raw.Control(func(fd uintptr) {
		p := struct {
			fd      int32
			events  int16
			revents int16
		}{fd: int32(fd), events: pollRemoteClosed}
		var now syscall.Timespec
		n, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
		yes = errno == 0 && n == 1 && p.revents&(pollRemoteClosed|pollFailed) != 0
	})
	return yes || err != nil
}
