//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a command end with all that it has started: `go test` is one
// process, and the benchmark that it runs another.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
