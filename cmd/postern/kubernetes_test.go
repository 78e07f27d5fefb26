package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// volume is a ConfigMap or Secret volume, laid out and changed as the kubelet
// does: each version in a timestamped folder, `..data` a link to it that is
// replaced by a rename, the names that users see links through `..data`, and
// the old folder removed at the end.
type volume struct {
	*testing.T
	dir  string
	mode os.FileMode // of the files
	last string      // the timestamped folder in use
	n    int
}

func (v *volume) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// set makes the volume hold these files: path, content...
func (v *volume) set(files ...string) {
	v.Helper()
	v.n++
	folder := fmt.Sprintf("..%s.%09d", time.Now().Format("2006_01_02_15_04_05"), v.n)
	visible := map[string]bool{}
	for i := 0; i < len(files); i += 2 {
		at := filepath.Join(v.dir, folder, files[i])
		v.must(os.MkdirAll(filepath.Dir(at), 0o755))
		v.must(os.WriteFile(at, []byte(files[i+1]), v.mode))
		first, _, _ := strings.Cut(files[i], "/")
		visible[first] = true
	}
	v.must(os.Symlink(folder, filepath.Join(v.dir, "..data_tmp")))
	v.must(os.Rename(filepath.Join(v.dir, "..data_tmp"), filepath.Join(v.dir, "..data")))
	entries, err := os.ReadDir(v.dir)
	v.must(err)
	for name := range visible {
		if _, err := os.Lstat(filepath.Join(v.dir, name)); err != nil {
			v.must(os.Symlink(filepath.Join("..data", name), filepath.Join(v.dir, name)))
		}
	}
	for _, e := range entries {
		if name := e.Name(); !visible[name] && !strings.HasPrefix(name, "..") {
			v.must(os.Remove(filepath.Join(v.dir, name)))
		}
	}
	if v.last != "" {
		v.must(os.RemoveAll(filepath.Join(v.dir, v.last)))
	}
	v.last = folder
}

// volumeBuckets is how many buckets each of the volume's two organizations has.
const volumeBuckets = 6

// versionOf are the files of a version. An odd one denies everything, an even
// one allows it: in acme by the buckets' policies, half of which even versions
// do not have; in initech by a file of the organization's policies that they do
// not have.
func versionOf(n int) (files []string) {
	odd := n%2 == 1
	list := []string{}
	for b := range volumeBuckets {
		name := fmt.Sprintf("acme-%d", b)
		switch {
		case odd:
			files = append(files, "acme/buckets/"+name+".json", bucketFile("Deny", name))
		case b%2 == 0:
			list = append(list, fmt.Sprintf("%q", name))
		default:
			files = append(files, "acme/buckets/"+name+".json", bucketFile("Allow", name))
		}
	}
	files = append(files, "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":[`+strings.Join(list, ",")+`]}`)
	for b := range volumeBuckets {
		name := fmt.Sprintf("initech-%d", b)
		files = append(files, "initech/buckets/"+name+".json", bucketFile("Allow", name))
	}
	files = append(files, "initech/access-policies/p.json", organizationPolicy("Allow"))
	if odd {
		files = append(files, "initech/access-policies/never.json", strings.Replace(organizationPolicy("Deny"), `"p"`, `"never"`, 1))
	}
	return files
}

func bucketFile(effect, bucket string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":%q,"Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}}`, effect, bucket, bucket)
}

// wholeBatch asks for every bucket of both organizations.
var wholeBatch = func() string {
	var items []string
	for _, org := range []string{"acme", "initech"} {
		for b := range volumeBuckets {
			items = append(items, fmt.Sprintf(`{"subject":{"type":"role","id":"Admin","properties":{"org":%q}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"%s-%d/k"}}`, org, org, b))
		}
	}
	return `{"evaluations":[` + strings.Join(items, ",") + `]}`
}()

// asker asks whole batches until it is told to stop. All of a batch must be
// allowed, or all denied, and all from one generation.
type asker struct {
	sync.WaitGroup
	stop   chan struct{}
	mu     sync.Mutex
	wrong  string
	counts [2]int // batches denied, allowed
}

func (s *server) askAll(clients int) *asker {
	a := &asker{stop: make(chan struct{})}
	for range clients {
		a.Go(func() {
			client := http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-a.stop:
					return
				default:
				}
				allowed, wrong := askBatch(&client, s.address)
				a.mu.Lock()
				if wrong != "" && a.wrong == "" {
					a.wrong = wrong
				}
				if allowed {
					a.counts[1]++
				} else {
					a.counts[0]++
				}
				a.mu.Unlock()
			}
		})
	}
	return a
}

func askBatch(client *http.Client, address string) (allowed bool, wrong string) {
	r, err := client.Post("http://"+address+"/access/v1/evaluations", "application/json", strings.NewReader(wholeBatch))
	if err != nil {
		return false, err.Error()
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	var body struct {
		Evaluations []struct {
			Decision bool
			Context  struct {
				Generation uint64
				Reason     string
			}
		}
	}
	if err == nil {
		err = json.Unmarshal(data, &body)
	}
	if err != nil || r.StatusCode != 200 || len(body.Evaluations) != 2*volumeBuckets {
		return false, fmt.Sprintf("%d %v %s", r.StatusCode, err, data)
	}
	first := body.Evaluations[0]
	for _, e := range body.Evaluations {
		if e.Decision != first.Decision || e.Context.Generation != first.Context.Generation || !e.Decision && !strings.HasSuffix(e.Context.Reason, "_deny") {
			return false, fmt.Sprintf("a mixture: %s", data)
		}
	}
	return first.Decision, ""
}

// end stops asking and checks what was answered.
func (a *asker) end(t *testing.T) {
	t.Helper()
	close(a.stop)
	a.Wait()
	if a.wrong != "" {
		t.Error(a.wrong)
	}
	if a.counts[0] == 0 || a.counts[1] == 0 {
		t.Errorf("%d batches were denied, %d allowed: nothing was seen to change", a.counts[0], a.counts[1])
	}
	t.Logf("%d batches were denied, %d allowed", a.counts[0], a.counts[1])
}

// A ConfigMap is swapped again and again under requests: every batch is of one
// version, and nothing is ever at fault.
func TestConfigMapSwap(t *testing.T) {
	v := &volume{T: t, dir: t.TempDir(), mode: 0o644}
	swapUnderRequests(t, v, rounds(t, 25))
}

// A Secret volume is a tmpfs whose files only their owner may read.
func TestSecretSwap(t *testing.T) {
	if !namespaced(t) {
		return
	}
	v := &volume{T: t, dir: t.TempDir(), mode: 0o400}
	mount(t, "none", v.dir, "tmpfs", 0, "size=8m,mode=0755")
	swapUnderRequests(t, v, rounds(t, 10))
}

func swapUnderRequests(t *testing.T, v *volume, swaps int) {
	v.set(versionOf(0)...)
	s := start(t, "serve", "-policies", v.dir, "-rescan", "1h")
	a := s.askAll(3)
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	version := 0
	for range swaps {
		version++
		v.set(versionOf(version)...)
		if rand.IntN(2) == 0 { // or the next one comes while this is looked at
			s.await("the swap is in force", func() bool {
				allowed, _ := askBatch(&client, s.address)
				return allowed == (version%2 == 0)
			})
		} else {
			time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		}
	}
	s.await("the last swap is in force", func() bool {
		allowed, _ := askBatch(&client, s.address)
		return allowed == (version%2 == 0)
	})
	a.end(t)
	if strings.Contains(s.log(), `"msg":"quarantined"`) {
		t.Error("a swap put something at fault")
	}
	if _, body := s.get("/readyz"); !strings.Contains(body, `"quarantined":[]`) {
		t.Error(body)
	}
	files := versionOf(2)
	v.set(files[:slices.Index(files, "initech/buckets/initech-0.json")]...)
	s.await("an organization is gone", func() bool {
		_, body := s.get("/v1/status")
		return strings.Contains(body, `"name":"acme"`) && !strings.Contains(body, `"name":"initech"`)
	})
	s.await("its link is gone, and nothing at fault", func() bool {
		_, body := s.get("/readyz")
		return strings.Contains(body, `"quarantined":[]`)
	})
}

// A subPath is a bind mount of one file of the volume: a swap never reaches it,
// and the file that it holds is removed. What it says stays in force.
func TestSubPath(t *testing.T) {
	if !namespaced(t) {
		return
	}
	v := &volume{T: t, dir: t.TempDir(), mode: 0o644}
	v.set("p.json", organizationPolicy("Allow"))
	dir := policiesOf(t, t.TempDir(), "Deny")
	target := filepath.Join(dir, "acme/access-policies/p.json")
	mount(t, filepath.Join(v.dir, v.last, "p.json"), target, "", syscall.MS_BIND, "")
	serve := func() *server {
		s := start(t, "serve", "-policies", dir, "-rescan", "50ms")
		s.decides("the mounted file is in force", isAllowed)
		return s
	}
	s := serve()
	for range 3 {
		v.set("p.json", organizationPolicy("Deny"))
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // rescans pass
		s.decides("it never changes", isAllowed)
	}
	if _, body := s.get("/readyz"); !strings.Contains(body, `"quarantined":[]`) || !strings.Contains(body, `"generation":1,`) {
		t.Error(body)
	}
	if strings.Contains(s.log(), `"level":"WARN"`) || strings.Contains(s.log(), `"level":"ERROR"`) {
		t.Error("the log complains")
	}
	s.stop()
	serve() // the same after a restart
}
