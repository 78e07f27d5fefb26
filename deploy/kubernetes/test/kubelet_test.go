package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// patience is how long what must happen is waited for.
const patience = time.Minute

// programs are the programs of the image, built for the test, by their paths in it.
var programs = map[string]string{}

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "postern-kubernetes-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755) // other users run what is in it
	for name, folder := range map[string]string{"postern": "../../../cmd/postern", "postern-sync": "../../../cmd/postern-sync"} {
		programs["/"+name] = filepath.Join(dir, name)
		build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, name), ".")
		build.Dir, build.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
	}
	return m.Run()
}

// kubelet runs the sidecars of one pod as the kubelet does: volumes are folders, ports
// are ports of the loopback that are free, and everything else is what the manifest says.
// As root it gives each process the user and groups of its container.
type kubelet struct {
	*testing.T
	objects
	spec    *corev1.PodSpec
	volumes map[string]string // folders
	ports   map[string]string // the address for each port, as ":9180"
	address string            // of postern, which in a pod is 127.0.0.1:8180
	replace map[string]string // arguments that name what no test reaches
	running map[string]*process
}

type process struct {
	cmd  *exec.Cmd
	log  string // the file with its output
	gone chan struct{}
}

func newKubelet(t *testing.T, folder string) *kubelet {
	t.Helper()
	k := &kubelet{T: t, objects: render(t, folder), volumes: map[string]string{}, ports: map[string]string{}, replace: map[string]string{}, running: map[string]*process{}}
	k.spec = &k.deployment.Spec.Template.Spec
	dir := t.TempDir()
	k.must(os.Chmod(filepath.Dir(dir), 0o755))
	for _, v := range k.spec.Volumes {
		at := filepath.Join(dir, v.Name)
		k.volumes[v.Name] = at
		k.must(os.Mkdir(at, 0o755))
		if v.EmptyDir != nil {
			k.ofGroup(at)
			k.must(os.Chmod(at, 0o777|os.ModeSetgid))
		}
	}
	k.address = free(t)
	for _, c := range k.spec.InitContainers {
		for _, p := range c.Ports {
			k.ports[fmt.Sprintf(":%d", p.ContainerPort)] = free(t)
		}
	}
	t.Cleanup(func() {
		for _, p := range k.running {
			p.cmd.Process.Kill()
			<-p.gone
			if t.Failed() {
				out, _ := os.ReadFile(p.log)
				t.Logf("%s said:\n%s", p.cmd.Args[0], out)
			}
		}
	})
	return k
}

func (k *kubelet) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

// ofGroup gives a file to the pod's group.
func (k *kubelet) ofGroup(name string) {
	if os.Geteuid() == 0 {
		k.must(os.Lchown(name, -1, int(*k.spec.SecurityContext.FSGroup)))
	}
}

// free is an address of the loopback that nobody listens on. Its port lies below those
// that the system gives to the near ends of connections.
func free(t *testing.T) string {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// start starts the sidecars in their order, each once the one before it has passed its
// startup probe. before is called when one runs and has not passed yet; those that have a
// stand-in do not run.
func (k *kubelet) start(standIns map[string]func(c *corev1.Container), before func(c *corev1.Container)) {
	k.Helper()
	for i := range k.spec.InitContainers {
		c := &k.spec.InitContainers[i]
		if standIn := standIns[c.Name]; standIn != nil {
			standIn(c)
		} else {
			k.run(c)
		}
		if before != nil {
			before(c)
		}
		if c.StartupProbe != nil {
			k.await(c.Name+" has started", func() error { return k.probe(c, c.StartupProbe) })
		}
	}
}

// sidecar is a container by its name.
func (k *kubelet) sidecar(name string) *corev1.Container {
	k.Helper()
	i := slices.IndexFunc(k.spec.InitContainers, func(c corev1.Container) bool { return c.Name == name })
	if i < 0 {
		k.Fatalf("there is no sidecar %s", name)
	}
	return &k.spec.InitContainers[i]
}

// run starts a container's command.
func (k *kubelet) run(c *corev1.Container) {
	k.Helper()
	argv := c.Command
	if len(argv) == 0 {
		argv = []string{"/postern"} // the image's entry point
	}
	cmd := k.command(context.Background(), c, append(slices.Clone(argv), c.Args...))
	p := &process{cmd: cmd, log: filepath.Join(k.TempDir(), c.Name+".log"), gone: make(chan struct{})}
	log, err := os.Create(p.log)
	k.must(err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	k.must(cmd.Start())
	go func() {
		cmd.Wait()
		close(p.gone)
	}()
	k.running[c.Name] = p
}

// command is one of a container, with what is a path, a port or an address in it as it is
// here.
func (k *kubelet) command(ctx context.Context, c *corev1.Container, argv []string) *exec.Cmd {
	k.Helper()
	program, ok := programs[argv[0]]
	if !ok {
		k.Fatalf("%s: the image has no %s", c.Name, argv[0])
	}
	cmd := exec.CommandContext(ctx, program)
	for _, a := range argv[1:] {
		cmd.Args = append(cmd.Args, k.here(c, a))
	}
	cmd.Dir = "/"
	cmd.Env = []string{"POSTERN_LISTEN=" + k.address} // as the loopback is not the pod's alone
	for _, e := range c.Env {
		if e.ValueFrom != nil {
			if e.ValueFrom.FieldRef == nil || e.ValueFrom.FieldRef.FieldPath != "metadata.name" {
				k.Fatalf("%s: where %s comes from is not known here", c.Name, e.Name)
			}
			e.Value = "store-0"
		}
		cmd.Env = append(cmd.Env, e.Name+"="+e.Value)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		s := k.spec.SecurityContext
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(*s.RunAsUser), Gid: uint32(*s.RunAsGroup), Groups: []uint32{uint32(*s.FSGroup)}}
	}
	return cmd
}

var isPort = regexp.MustCompile(`^:[0-9]+$`)

// here is an argument of a container's command as it is on this machine.
func (k *kubelet) here(c *corev1.Container, argument string) string {
	k.Helper()
	if other, ok := k.replace[argument]; ok {
		return other
	}
	switch {
	case isPort.MatchString(argument):
		at, ok := k.ports[argument]
		if !ok {
			k.Fatalf("%s listens on %s, which is none of its ports", c.Name, argument)
		}
		return at
	case strings.HasPrefix(argument, "/"):
		return k.path(c, argument)
	}
	return strings.Replace(argument, "127.0.0.1:8180", k.address, 1)
}

// path is where a path of a container lies, which is in one of its volumes.
func (k *kubelet) path(c *corev1.Container, path string) string {
	k.Helper()
	for _, m := range c.VolumeMounts {
		if rest, ok := strings.CutPrefix(path, m.MountPath); ok && (rest == "" || rest[0] == '/') {
			return k.volumes[m.Name] + rest
		}
	}
	k.Fatalf("%s: %s is in no volume", c.Name, path)
	return ""
}

// probe asks once.
func (k *kubelet) probe(c *corev1.Container, p *corev1.Probe) error {
	k.Helper()
	ctx, cancel := context.WithTimeout(k.Context(), time.Duration(max(p.TimeoutSeconds, 1))*time.Second)
	defer cancel()
	if p.Exec != nil {
		out, err := k.command(ctx, c, p.Exec.Command).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	n, _ := port(c, p.HTTPGet.Port.String())
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+k.ports[fmt.Sprintf(":%d", n)]+p.HTTPGet.Path, nil)
	k.must(err)
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	if r.StatusCode < 200 || r.StatusCode >= 400 {
		return fmt.Errorf("%d %s", r.StatusCode, body)
	}
	return nil
}

// passes wants that a probe passes.
func (k *kubelet) passes(what string, c *corev1.Container, p *corev1.Probe) {
	k.Helper()
	if err := k.probe(c, p); err != nil {
		k.Errorf("%s of %s: %v", what, c.Name, err)
	}
}

// refuses wants that a probe says no, in these words.
func (k *kubelet) refuses(what string, c *corev1.Container, p *corev1.Probe, says string) {
	k.Helper()
	if err := k.probe(c, p); err == nil || !strings.Contains(err.Error(), says) {
		k.Errorf("%s of %s: %v, want %q", what, c.Name, err, says)
	}
}

// await waits until an error is gone; a sidecar that ends before is a failure.
func (k *kubelet) await(what string, wrong func() error) {
	k.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := wrong()
		if err == nil {
			return
		}
		for name, p := range k.running {
			select {
			case <-p.gone:
				k.Fatalf("%s: %s has ended: %v", what, name, p.cmd.ProcessState)
			default:
			}
		}
		if time.Now().After(end) {
			k.Fatalf("%s: it does not come to be: %v", what, err)
		}
	}
}

// decides waits until postern allows the role analyst to read an object, or denies it.
func (k *kubelet) decides(what, object string, allow bool) {
	k.Helper()
	question := fmt.Sprintf(`{"subject":{"type":"role","id":"analyst","properties":{"org":"acme"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":%q}}`, object)
	k.await(what, func() error {
		r, err := http.Post("http://"+k.address+"/access/v1/evaluation", "application/json", strings.NewReader(question))
		if err != nil {
			return err
		}
		defer r.Body.Close()
		answer, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		if allowed := bytes.HasPrefix(answer, []byte(`{"decision":true`)); r.StatusCode != http.StatusOK || allowed != allow {
			return fmt.Errorf("%s is decided %d %s", object, r.StatusCode, answer)
		}
		return nil
	})
}

// stop ends the sidecars, the last first, as the kubelet does.
func (k *kubelet) stop() {
	k.Helper()
	for i := len(k.spec.InitContainers) - 1; i >= 0; i-- {
		name := k.spec.InitContainers[i].Name
		if p := k.running[name]; p != nil {
			k.must(p.cmd.Process.Signal(syscall.SIGTERM))
			select {
			case <-p.gone:
			case <-time.After(patience):
				k.Fatalf("%s does not end", name)
			}
			if !p.cmd.ProcessState.Success() {
				k.Errorf("%s: %v", name, p.cmd.ProcessState)
			}
		}
	}
}

// kill ends one sidecar at once.
func (k *kubelet) kill(name string) {
	k.Helper()
	p := k.running[name]
	k.must(p.cmd.Process.Kill())
	<-p.gone
	delete(k.running, name)
}

// write makes files below a folder, path and content by turns, which all may read.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for path, content := range files {
		name := filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}
