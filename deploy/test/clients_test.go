package test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A client is a program that people use, as its command lines: to list a bucket,
// to bring an object, to fetch it and to delete it.
type client struct {
	name   string
	env    func(k key) []string
	list   func(k key, bucket string) []string
	put    func(k key, file, at string) []string
	get    func(k key, at, file string) []string
	remove func(k key, at string) []string
}

// commandClients are the clients for a server on a port of localhost.
func commandClients(port int, ca string) []client {
	host := "localhost:" + itoa(port)
	aws := func(args ...string) []string {
		return append([]string{"aws", "--endpoint-url=https://" + host, "--region=us-east-1", "--ca-bundle=" + ca}, args...)
	}
	s3cmd := func(k key, args ...string) []string {
		return append([]string{"s3cmd", "--config=/dev/null", "--access_key=" + k.access, "--secret_key=" + k.secret, "--host=" + host, "--host-bucket=" + host,
			"--ca-certs=" + ca, "--region=us-east-1", "--no-progress"}, args...)
	}
	rclone := func(k key, args ...string) []string {
		return append([]string{"rclone", "--config=/dev/null", "--ca-cert=" + ca, "--retries=1", "--low-level-retries=1", "--s3-provider=Ceph", "--s3-endpoint=https://" + host,
			"--s3-access-key-id=" + k.access, "--s3-secret-access-key=" + k.secret, "--s3-no-check-bucket"}, args...)
	}
	none := func(key) []string { return nil }
	return []client{
		{
			"aws",
			func(k key) []string {
				return []string{"AWS_ACCESS_KEY_ID=" + k.access, "AWS_SECRET_ACCESS_KEY=" + k.secret, "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_CONFIG_FILE=/dev/null",
					"AWS_REQUEST_CHECKSUM_CALCULATION=when_required"} // this radosgw reads no checksums behind a body
			},
			func(_ key, bucket string) []string { return aws("s3", "ls", "s3://"+bucket) },
			func(_ key, file, at string) []string { return aws("s3", "cp", file, "s3://"+at) },
			func(_ key, at, file string) []string { return aws("s3", "cp", "s3://"+at, file) },
			func(_ key, at string) []string { return aws("s3", "rm", "s3://"+at) },
		},
		{
			"s3cmd", none,
			func(k key, bucket string) []string { return s3cmd(k, "ls", "s3://"+bucket) },
			func(k key, file, at string) []string { return s3cmd(k, "put", file, "s3://"+at) },
			func(k key, at, file string) []string { return s3cmd(k, "get", "--force", "s3://"+at, file) },
			func(k key, at string) []string { return s3cmd(k, "rm", "s3://"+at) },
		},
		{
			"rclone", func(key) []string { return []string{"AWS_CA_BUNDLE="} }, // with which it does not start
			func(k key, bucket string) []string { return rclone(k, "lsf", ":s3:"+bucket) },
			func(k key, file, at string) []string { return rclone(k, "copyto", file, ":s3:"+at) },
			func(k key, at, file string) []string { return rclone(k, "copyto", ":s3:"+at, file) },
			func(k key, at string) []string { return rclone(k, "deletefile", ":s3:"+at) },
		},
	}
}

// otherClients: what alice may, every client does for her, with the content
// unchanged; what others may not is refused and changes nothing.
func otherClients(t *testing.T, dir string, port int, c certificate, at direct) {
	const content = "what a client brings"
	file := write(t, filepath.Join(dir, "brought.txt"), content)
	alice, reader, writer := callers["user/alice"], callers["user/reader"], callers["user/writer"]
	for _, x := range commandClients(port, c.certificate) {
		t.Run(x.name, func(t *testing.T) {
			object, back := "free/by "+x.name+"+ü.txt", filepath.Join(t.TempDir(), "back.txt")
			works := func(k key, args []string) {
				t.Helper()
				output(t, time.Minute, x.env(k), args...)
			}
			refused := func(k key, args []string) {
				t.Helper()
				before := state(t, at, false)
				if out, err := attempt(time.Minute, x.env(k), args...); err == nil {
					t.Errorf("%q is denied, and worked: %s", args, out)
				}
				if after := state(t, at, false); after != before {
					t.Errorf("%q has changed the store:\n%s", args, difference(before, after))
				}
			}
			refused(reader, x.put(reader, file, object))
			works(alice, x.put(alice, file, object))
			works(reader, x.list(reader, "free"))
			works(reader, x.get(reader, object, back))
			if got, err := os.ReadFile(back); err != nil || string(got) != content {
				t.Errorf("fetched %q, %v", got, err)
			}
			// rclone takes an object that it may not see for an empty folder, and
			// copies that: no exit code, no file.
			attempt(time.Minute, x.env(writer), x.get(writer, object, back+"2")...)
			if got, err := os.ReadFile(back + "2"); err == nil {
				t.Errorf("the writer fetched %q", got)
			}
			refused(reader, x.remove(reader, object))
			works(alice, x.remove(alice, object))
		})
	}
}
