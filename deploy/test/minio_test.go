package test

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// minioNames are keys that MinIO takes.
var minioNames = []string{"plain.txt", "with space.txt", "plus+sign", "percent%2Fslash", "ünï/cødé €", "question?mark&amp", "secret/key", "keep/log", "a=b;c,d@e:f$g"}

// minioOperations are those whose questions MinIO asks as S3 names them.
var minioOperations = []string{
	"ListObjectsV2", "ListObjectsV2 of secrets", "ListObjects", "HeadBucket", "GetBucketLocation", "GetObject", "GetObject, presigned", "HeadObject", "GetObjectTagging",
	"PutObject", "PutObject to the public", "PutObjectTagging", "multipart upload", "CopyObject", "DeleteObject",
}

// TestMinIO: a real MinIO asks postern itself (specification 7.4): what the policies
// allow works, and what they deny is refused and has changed nothing. MinIO is in no
// Debian package, so that it runs where somebody has built it.
func TestMinIO(t *testing.T) {
	binary := os.Getenv("POSTERN_MINIO")
	if binary == "" {
		t.Skip("POSTERN_MINIO names no binary of MinIO; build github.com/minio/minio (and github.com/minio/mc, for POSTERN_MC) outside this repository")
	}
	mc := cmp.Or(os.Getenv("POSTERN_MC"), "mc")
	dir := t.TempDir()
	c := newCertificate(t, dir)
	for from, to := range map[string]string{c.certificate: "public.crt", c.key: "private.key"} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "certs", to), string(data))
	}
	p := startPostern(t, dir, freePort(t), "-minio", "-door-org", "acme", "-minio-root-allowed")
	port := freePort(t)
	root := key{"rootuser", "rootsecret123"}
	server := launch(t, dir, "minio", []string{
		"MINIO_ROOT_USER=" + root.access, "MINIO_ROOT_PASSWORD=" + root.secret, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1", "HOME=" + dir,
		"MINIO_POLICY_PLUGIN_URL=" + p.url + "/minio/v1/authorize", "MINIO_POLICY_PLUGIN_AUTH_TOKEN=" + secret,
	}, binary, "server", filepath.Join(dir, "data"), "--address", address(port), "--certs-dir", filepath.Join(dir, "certs"))
	env := []string{"MC_CONFIG_DIR=" + filepath.Join(dir, "mc")}
	admin := func(args ...string) (string, error) {
		return attempt(30*time.Second, env, append([]string{mc, "--insecure"}, args...)...)
	}
	server.until(t, func() bool {
		_, err := admin("alias", "set", "m", "https://"+address(port), root.access, root.secret)
		return accepts(port) && err == nil
	})
	users := map[string]key{}
	for principal, k := range callers {
		_, name, _ := strings.Cut(principal, "/")
		users[principal] = key{name, k.secret}
		if out, err := admin("admin", "user", "add", "m", name, k.secret); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	endpoint := "https://localhost:" + itoa(port)
	at := func(do string, args map[string]any) task {
		return task{Endpoint: endpoint, CA: c.certificate, Access: root.access, Secret: root.secret, Do: do, Args: args}
	}
	var made, filled []task
	for _, b := range testBuckets {
		made = append(made, at("create_bucket", map[string]any{"Bucket": b}))
		for _, n := range minioNames {
			filled = append(filled, at("put_object", map[string]any{"Bucket": b, "Key": n, "Body": "content of " + n}))
		}
	}
	do(t, made)
	do(t, filled)

	var allowed, denied, gone []cell
	turn := 0
	add := func(o *operation, caller, bucket string) {
		turn++
		k := users[caller]
		x := cell{operation: o, caller: caller, bucket: bucket, key: minioNames[turn*5%len(minioNames)]}
		x.task = task{Endpoint: endpoint, CA: c.certificate, Access: k.access, Secret: k.secret, Do: o.do, Args: o.args(bucket, x.key)}
		asks := o.asks(bucket, x.key)
		if strings.HasPrefix(o.name, "PutObject to") {
			asks = asks[:1] // MinIO has no ACLs of objects, and asks about none
		}
		switch {
		case !p.allows(t, caller, asks):
			denied = append(denied, x)
		case o.destroys:
			gone = append(gone, x)
		default:
			allowed = append(allowed, x)
		}
	}
	version := operation{name: "DeleteObject of a version", do: "delete_object", destroys: true, args: on(map[string]any{"VersionId": "null"}), asks: objects(overTLS(), "s3:DeleteObject", "s3:DeleteObjectVersion")}
	for i := range operations {
		if o := &operations[i]; slices.Contains(minioOperations, o.name) {
			for _, bucket := range testBuckets {
				for _, caller := range slices.Sorted(maps.Keys(users)) {
					add(o, caller, bucket)
				}
			}
		}
	}
	for _, bucket := range testBuckets {
		for _, caller := range slices.Sorted(maps.Keys(users)) {
			add(&version, caller, bucket)
		}
	}
	before := state(t, at, true)
	for i, o := range run(t, tasksOf(denied)) {
		if o.Status != 403 {
			t.Errorf("%s is denied, and came to %d %s", &denied[i], o.Status, o.Code)
		}
	}
	// One object of several that is denied comes back as an error inside a 200.
	nobody := users["user/nobody"]
	run(t, []task{{Endpoint: endpoint, CA: c.certificate, Access: nobody.access, Secret: nobody.secret, Do: "delete_objects",
		Args: map[string]any{"Bucket": "free", "Delete": map[string]any{"Objects": []any{map[string]any{"Key": "plain.txt"}}}}}})
	if after := state(t, at, true); after != before {
		t.Errorf("what was denied has changed the store:\n%s", difference(before, after))
	}
	for i, o := range run(t, append(tasksOf(allowed), tasksOf(gone)...)) {
		if o.Status/100 != 2 {
			t.Errorf("%s is allowed, and came to %d %s", &append(allowed, gone...)[i], o.Status, o.Code)
		}
	}
	// What is about MinIO itself is asked too, and a user has no right to it.
	if _, err := admin("alias", "set", "alice", "https://"+address(port), "alice", users["user/alice"].secret); err != nil {
		t.Error(err)
	}
	if out, err := admin("admin", "user", "add", "alice", "mallory", "mallorysecret"); err == nil {
		t.Errorf("alice has made a user: %s", out)
	}
	// Of one's own account MinIO asks for Denies only (7.4, denyOnly).
	if out, err := admin("admin", "user", "svcacct", "add", "alice", "alice"); err != nil {
		t.Errorf("alice cannot make a key of her own: %s", out)
	}
	t.Logf("%d requests of boto3: %d allowed, %d denied", len(allowed)+len(gone)+len(denied), len(allowed)+len(gone), len(denied))
	if len(allowed) < 40 || len(denied) < 80 || len(gone) < 4 {
		t.Errorf("%d cells are allowed, %d delete, %d are denied: the test says little", len(allowed), len(gone), len(denied))
	}
}
