package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ceph is a Ceph cluster of one monitor and one OSD whose objects are in memory.
type ceph struct {
	dir, config string
}

// A key is an access key of the store.
type key struct{ access, secret string }

// startCeph starts the cluster. gateways are the sections of its configuration
// for radosgw, by their names.
func startCeph(t testing.TB, gateways map[string]string) *ceph {
	t.Helper()
	c := &ceph{dir: t.TempDir()}
	c.config = filepath.Join(c.dir, "ceph.conf")
	for _, sub := range []string{"mon", "osd", "rgw", "run"} {
		if err := os.Mkdir(filepath.Join(c.dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	fsid := uuid(t)
	v2, v1, osd := freePort(t), freePort(t), freePort(t)
	first := osd/100*100 + 100
	config := fmt.Sprintf(`[global]
fsid = %s
mon initial members = a
mon host = [v2:127.0.0.1:%d/0,v1:127.0.0.1:%d/0]
auth cluster required = none
auth service required = none
auth client required = none
pid file = %[4]s/run/$name.pid
log file = %[4]s/run/$name.log
admin socket = %[4]s/run/$name.asok
crash dir = %[4]s/run
run dir = %[4]s/run
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
ms bind ipv4 = true
ms bind ipv6 = false
ms bind port min = %[5]d
ms bind port max = %[6]d
public network = 127.0.0.0/8
[mon]
mon data = %[4]s/mon
mon data avail crit = 1
mon data avail warn = 2
[osd]
osd data = %[4]s/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd class load list = *
osd class default list = *
osd max object name len = 460
osd max object namespace len = 64
[client]
ms mon client mode = crc
rgw run sync thread = false
rgw enable lc threads = false
rgw enable gc threads = false
rgw enable quota threads = false
rgw dynamic resharding = false
rgw data = %[4]s/rgw
rgw thread pool size = 16
rgw enable usage log = false
rgw enable ops log = false
rgw gc max objs = 1
rgw lc max objs = 1
rgw cache lru size = 100
rgw enable apis = s3, admin
`, fsid, v2, v1, c.dir, first, first+99)
	for name, section := range gateways {
		config += "[client." + name + "]\n" + section
	}
	write(t, c.config, config)

	tool := func(args ...string) string {
		return output(t, 60*time.Second, nil, append([]string{args[0], "-c", c.config}, args[1:]...)...)
	}
	monmap := filepath.Join(c.dir, "monmap")
	output(t, 10*time.Second, nil, "monmaptool", "--create", "--fsid", fsid, "--addv", "a", fmt.Sprintf("[v2:127.0.0.1:%d,v1:127.0.0.1:%d]", v2, v1), monmap)
	tool("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
	mon := launch(t, c.dir, "mon", nil, "ceph-mon", "-c", c.config, "-f", "-i", "a")
	mon.until(t, func() bool { return accepts(v2) })
	osdID := uuid(t)
	id := strings.TrimSpace(tool("ceph", "osd", "new", osdID))
	tool("ceph-osd", "-i", id, "--mkfs", "--osd-uuid", osdID)
	tool("ceph", "osd", "crush", "add", "osd."+id, "1.0", "root=default", "host=localhost")
	server := launch(t, c.dir, "osd", nil, "ceph-osd", "-c", c.config, "-f", "-i", id)
	server.until(t, func() bool {
		out, err := attempt(10*time.Second, nil, "ceph", "-c", c.config, "osd", "stat")
		return err == nil && strings.Contains(out, "1 up")
	})
	return c
}

// user makes a user of the store with its keys. An admin passes the store's own
// checks on everything, so that what is denied is denied by somebody else.
func (c *ceph) user(t testing.TB, id string, keys ...key) {
	t.Helper()
	admin := func(args ...string) {
		output(t, 60*time.Second, nil, append([]string{"radosgw-admin", "-c", c.config, "-n", "client.admin"}, args...)...)
	}
	admin("user", "create", "--uid="+id, "--display-name="+id, "--admin", "--access-key="+keys[0].access, "--secret-key="+keys[0].secret)
	for _, k := range keys[1:] {
		admin("key", "create", "--uid="+id, "--key-type=s3", "--access-key="+k.access, "--secret-key="+k.secret)
	}
}

// gateway is the section of a radosgw that listens on a port, and asks at url if
// that is not "".
func gateway(port int, url, token string) string {
	section := "rgw frontends = beast endpoint=" + address(port) + "\n"
	if url != "" {
		section += "rgw use opa authz = true\nrgw opa url = " + url + "\nrgw opa token = " + token + "\nrgw opa verify ssl = false\n"
	}
	return section
}

// serve starts a radosgw by the name of its section.
func (c *ceph) serve(t testing.TB, name string, port int) *process {
	t.Helper()
	p := launch(t, c.dir, name, nil, "radosgw", "-c", c.config, "-n", "client."+name, "-f")
	p.until(t, func() bool { return accepts(port) })
	return p
}

func uuid(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func itoa(n int) string { return strconv.Itoa(n) }
