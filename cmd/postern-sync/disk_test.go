package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"postern/cmd/postern-sync/internal/natstest"
)

// ownMounts is the environment variable of a test's process that may mount.
const ownMounts = "POSTERN_SYNC_TEST_MOUNTS"

// mounting runs the calling test once more, in a process whose mounts are its own, and
// reports whether this is that process.
func mounting(t *testing.T) bool {
	t.Helper()
	if os.Getenv(ownMounts) != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	var out []byte
	for _, flags := range []uintptr{syscall.CLONE_NEWNS, syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER} {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), ownMounts+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
		var err error
		if out, err = cmd.CombinedOutput(); errors.Is(err, fs.ErrPermission) {
			continue // not even begun
		}
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("in a process with its own mounts:\n%s", out)
		return false
	}
	t.Skip("this system lets a test mount nothing, so that no disk is full; TestCrash of internal/apply has each step fail")
	return false
}

// disk is a small file system.
type disk struct {
	*testing.T
	dir string
}

func newDisk(t *testing.T, size string) *disk {
	d := &disk{t, t.TempDir()}
	if err := unix.Mount("disk", d.dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *disk) resize(options string) {
	d.Helper()
	if err := unix.Mount("disk", d.dir, "tmpfs", unix.MS_REMOUNT, options); err != nil {
		d.Fatal(err)
	}
}

// leave has that many blocks of the disk free.
func (d *disk) leave(blocks uint64) {
	d.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(d.dir, &s); err != nil {
		d.Fatal(err)
	}
	d.resize(fmt.Sprintf("size=%d", (s.Blocks-s.Bfree+blocks)*uint64(s.Bsize)))
}

// A full disk ends an apply before anything is changed, which is said, and it goes on
// once there is room: a disk without room for the files, without room for their names,
// and with room for the files and for nothing more, or for any part of that.
func TestFullDisk(t *testing.T) {
	if !mounting(t) {
		return
	}
	c := newCommandLine(t, natstest.Start(t, nil))
	d := newDisk(t, "1m,nr_inodes=200")
	from, to := t.TempDir(), filepath.Join(d.dir, "p")
	put(t, from, "acme/buckets/one.json", bucket("one", "Allow"))
	c.push(exitOK, "revision 1.1", from)
	log, _ := c.pull(to)
	c.await("it is pulled", func() bool { return same(from, to) }, log)

	told := func() int { return strings.Count(log.String(), "no space left on device") }
	over := func() int { return strings.Count(log.String(), "what was wrong is over") }
	unchanged := func(what string, old map[string]string) {
		t.Helper()
		for _, name := range []string{".hold", ".sync/journal"} {
			if _, err := os.Lstat(filepath.Join(to, name)); err == nil {
				t.Errorf("%s: %s is there", what, name)
			}
		}
		if !maps.Equal(files(to), old) {
			t.Errorf("%s: it has %d files, which are others than before", what, len(files(to)))
		}
	}
	full := func(what, room string) {
		t.Helper()
		old, before := files(to), told()
		c.push(exitOK, "revision 1.", from)
		c.await(what+" is told", func() bool { return told() > before }, log)
		time.Sleep(500 * time.Millisecond) // it tries again, and again
		unchanged(what, old)
		d.resize(room)
		c.await(what+": there is room", func() bool { return same(from, to) }, log)
	}
	put(t, from, "acme/buckets/big.json", bucket("big", "Allow")+strings.Repeat(" ", 2<<20))
	full("a file too many", "size=16m")
	for i := range 200 {
		name := fmt.Sprint("many-", i)
		put(t, from, "acme/buckets/"+name+".json", bucket(name, "Allow"))
	}
	full("a name too many", "nr_inodes=1000")

	ended, applied := 0, 0
	for _, blocks := range []uint64{0, 1, 2, 3, 4, 5, 6, 12, 20, 24, 27} {
		what := fmt.Sprint(blocks, " blocks left")
		old, before, was := files(to), told(), over()
		for i := range 3 {
			name := fmt.Sprintf("new-%d-%d", blocks, i)
			put(t, from, "acme/buckets/"+name+".json", bucket(name, "Allow"))
		}
		d.leave(blocks)
		c.push(exitOK, "revision 1.", from)
		c.await(what, func() bool { return told() > before || same(from, to) }, log)
		if told() > before {
			ended++
			time.Sleep(250 * time.Millisecond)
			unchanged(what, old)
			d.resize("size=16m")
			c.await(what+": it is over", func() bool { return over() > was }, log)
		} else {
			applied++
		}
		c.await(what+": there is room", func() bool { return same(from, to) }, log)
		d.resize("size=16m")
	}
	if ended == 0 || applied == 0 {
		t.Errorf("%d ended, %d were applied: the disk was never full, or always", ended, applied)
	}
	t.Logf("%d ended, %d were applied", ended, applied)
}
