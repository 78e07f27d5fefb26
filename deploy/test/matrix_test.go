package test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

var testBuckets = []string{"free", "guarded", "closed", "plain"}

// A cell of the matrix is one request with what has to become of it.
type cell struct {
	operation *operation
	caller    string
	bucket    string
	key       string
	task      task
	allowed   bool
	status    int // where it is denied
}

func (c *cell) String() string {
	return fmt.Sprintf("%s of %s/%s by %s", c.operation.name, c.bucket, c.key, c.caller)
}

// unread reports that a denial is one that boto3 does not read. The store, which a forged signature reaches, answers before it has
// read the body; boto3 then goes on with the connection, and HAProxy takes what
// follows for that body: it answers 400, or closes.
func (c *cell) unread(o outcome) bool {
	return c.caller == "a forger" && (o.Status == 400 && o.Code == "" ||
		o.Status == 0 && (strings.HasPrefix(o.Code, "SSLError") || strings.HasPrefix(o.Code, "ConnectionClosedError")))
}

// direct makes a task that the store does without a proxy.
type direct func(do string, args map[string]any) task

// TestProxies: through each proxy, what the policies allow works, and what they
// deny is refused and has changed nothing in the store.
func TestProxies(t *testing.T) {
	port := freePort(t)
	store := startCeph(t, map[string]string{"store": gateway(port, "", "")})
	root := key{"ROOTKEY", "rootsecret"}
	keys := []key{root, stranger}
	for _, k := range callers {
		keys = append(keys, k)
	}
	store.user(t, "store", keys...)
	store.serve(t, "store", port)
	at := func(do string, args map[string]any) task {
		return task{Endpoint: "http://" + address(port), Access: root.access, Secret: root.secret, Do: do, Args: args}
	}
	fill(t, at)
	for _, x := range proxies {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			p := startPostern(t, dir, freePort(t), "-forward-auth", x.name)
			c := newCertificate(t, dir)
			front := freePort(t)
			x.start(t, dir, p, port, front, c)
			play(t, matrix(t, p, x, "https://localhost:"+itoa(front), c.certificate), at)
			otherClients(t, dir, front, c, at)
		})
	}
}

// do runs tasks at the store that have to succeed.
func do(t *testing.T, tasks []task) {
	t.Helper()
	for i, o := range run(t, tasks) {
		if o.Status/100 != 2 {
			t.Fatalf("%s %v: %+v", tasks[i].Do, tasks[i].Args, o)
		}
	}
}

// fill makes the buckets and their objects.
func fill(t *testing.T, at direct) {
	t.Helper()
	var made, filled []task
	for _, b := range testBuckets {
		made = append(made, at("create_bucket", map[string]any{"Bucket": b}))
		for _, n := range names {
			filled = append(filled, at("put_object", map[string]any{"Bucket": b, "Key": n, "Body": "content of " + n}))
		}
	}
	do(t, made)
	do(t, filled)
}

// matrix makes the cells: each operation by each caller in each bucket, with
// two of the names by turns.
func matrix(t *testing.T, p *postern, x proxy, endpoint, ca string) (cells []cell) {
	t.Helper()
	turn := 0
	add := func(o *operation, caller, bucket string, k key) {
		turn++
		c := cell{operation: o, caller: caller, bucket: bucket, key: names[turn*7%len(names)], status: 403}
		c.task = task{Endpoint: endpoint, CA: ca, Access: k.access, Secret: k.secret, Do: o.do, Args: o.args(bucket, c.key)}
		switch caller {
		case "a stranger":
			c.status = x.unknown
		case "a forger": // whom postern takes for alice, and the store does not
		default:
			c.allowed = !o.refused && p.allows(t, caller, o.asks(bucket, c.key))
		}
		cells = append(cells, c)
	}
	for i := range operations {
		o := &operations[i]
		for _, bucket := range testBuckets {
			for _, caller := range slices.Sorted(maps.Keys(callers)) {
				add(o, caller, bucket, callers[caller])
				if !o.once {
					add(o, caller, bucket, callers[caller])
				}
			}
			add(o, "a stranger", bucket, stranger)
			add(o, "a forger", bucket, key{callers["user/alice"].access, "not the secret of alice"})
		}
	}
	return cells
}

// play does the cells that are denied, and then looks whether the store is what
// it was; then those that are allowed.
func play(t *testing.T, cells []cell, at direct) {
	t.Helper()
	var denied, kept, gone []cell
	for _, c := range cells {
		switch {
		case !c.allowed:
			denied = append(denied, c)
		case c.operation.destroys:
			gone = append(gone, c)
		default:
			kept = append(kept, c)
		}
	}
	if len(kept) < 100 || len(denied) < 300 || len(gone) == 0 {
		t.Errorf("%d cells are allowed, %d of these delete, and %d are denied", len(kept)+len(gone), len(gone), len(denied))
	}
	before := state(t, at, true)
	for i, o := range run(t, tasksOf(denied)) {
		if o.Status != denied[i].status && !denied[i].unread(o) {
			t.Errorf("%s is denied, and came to %d %s %.100s", &denied[i], o.Status, o.Code, o.Body)
		}
	}
	if after := state(t, at, true); after != before {
		t.Errorf("what was denied has changed the store:\n%s", difference(before, after))
	}
	for _, cells := range [][]cell{kept, gone} {
		for i, o := range run(t, tasksOf(cells)) {
			if o.Status/100 != 2 {
				t.Errorf("%s is allowed, and came to %d %s", &cells[i], o.Status, o.Code)
			}
		}
	}
	after := state(t, at, false)
	var again []task
	for _, c := range gone {
		if strings.Contains(after, "object "+c.bucket+"/"+c.key+" null ") {
			t.Errorf("%s is allowed, and the object is still there", &c)
		}
		again = append(again, at("put_object", map[string]any{"Bucket": c.bucket, "Key": c.key, "Body": "content of " + c.key}))
	}
	do(t, again)
	t.Logf("%d requests of boto3: %d allowed, %d denied", len(cells), len(kept)+len(gone), len(denied))
}

func tasksOf(cells []cell) []task {
	tasks := make([]task, len(cells))
	for i := range cells {
		tasks[i] = cells[i].task
	}
	return tasks
}

// state is all that the store holds, read from it directly; with the tags and
// grants of objects if deep.
func state(t *testing.T, at direct, deep bool) string {
	t.Helper()
	o := run(t, []task{at("state", map[string]any{"deep": deep})})[0]
	if o.Status != 200 || o.Body == "" {
		t.Fatalf("the store's state: %+v", o)
	}
	return o.Body
}

// difference is the lines that only one of two states has.
func difference(before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out []string
	for _, l := range old {
		if !slices.Contains(now, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range now {
		if !slices.Contains(old, l) {
			out = append(out, "+ "+l)
		}
	}
	return strings.Join(out[:min(len(out), 20)], "\n")
}
