package test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// fill makes a volume of ConfigMaps or a Secret hold these files, as the kubelet does:
// each version lies in a folder of its own, `..data` is a link to it that is replaced by
// a rename, what users see are links through `..data`, and the old folder goes.
func (k *kubelet) fill(volume string, files map[string]string, mode os.FileMode) {
	k.Helper()
	dir := k.volumes[volume]
	data := filepath.Join(dir, "..data")
	old, _ := os.Readlink(data)
	version := time.Now().Format("..2006_01_02_15_04_05.000000000")
	seen := map[string]bool{}
	write(k.T, filepath.Join(dir, version), files)
	for path := range files {
		name := filepath.Join(dir, version, path)
		k.ofGroup(name)
		k.must(os.Chmod(name, mode))
		first, _, _ := strings.Cut(path, "/")
		seen[first] = true
	}
	k.must(os.Symlink(version, data+"_tmp"))
	k.must(os.Rename(data+"_tmp", data))
	for name := range seen {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			k.must(os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)))
		}
	}
	entries, err := os.ReadDir(dir)
	k.must(err)
	for _, e := range entries {
		if !seen[e.Name()] && !strings.HasPrefix(e.Name(), "..") {
			k.must(os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	if old != "" {
		k.must(os.RemoveAll(filepath.Join(dir, old)))
	}
}

// laidOut are the files of a projected volume: content by path.
func (k *kubelet) laidOut(v *corev1.Volume) map[string]string {
	k.Helper()
	files := map[string]string{}
	for _, s := range v.Projected.Sources {
		for _, item := range s.ConfigMap.Items {
			if _, twice := files[item.Path]; twice {
				k.Errorf("%s stands twice", item.Path)
			}
			files[item.Path] = k.configMaps[s.ConfigMap.Name].Data[item.Key]
		}
	}
	return files
}

// TestConfigMaps: what the ConfigMaps have is in force, and what they have after a swap;
// a broken policy makes nothing unready, keeps what was in force, and survives a restart.
func TestConfigMaps(t *testing.T) {
	k := newKubelet(t, "overlays/configmap")
	var files map[string]string
	for _, v := range k.spec.Volumes {
		if v.Name == "policies" {
			files = k.laidOut(&v)
		}
	}
	for name, m := range k.configMaps {
		size := 0
		for _, text := range m.Data {
			size += len(text)
		}
		if m.Name != name || size > 1<<20 {
			t.Errorf("%s has %d bytes", name, size)
		}
	}
	k.fill("policies", files, 0o644)
	c := k.sidecar("postern")
	if out, err := k.command(t.Context(), c, []string{"/postern", "validate", "/policies"}).CombinedOutput(); err != nil || string(out) != "no errors, no warnings\n" {
		t.Errorf("validate: %v: %s", err, out)
	}
	k.start(nil, nil)
	k.decides("the bucket's policy is in force", "reports/x", true)
	k.decides("the list of buckets is in force", "scratch/x", true)
	k.decides("and nothing more", "other/x", false)

	swap := func(path, content string) {
		t.Helper()
		next := maps.Clone(files)
		if next[path] = content; files[path] == "" {
			t.Fatalf("there is no %s", path)
		}
		k.fill("policies", next, 0o644)
	}
	swap("acme/buckets/reports.json", closed)
	k.decides("the swap is in force", "reports/x", false)
	k.decides("and changed nothing else", "scratch/x", true)

	for turn := range 2 {
		swap("acme/access-policies/staff.json", "{")
		k.await("the broken file is told", func() error {
			if out, err := os.ReadFile(k.running["postern"].log); err != nil || !strings.Contains(string(out), `"msg":"quarantined"`) {
				return fmt.Errorf("%v: %s", err, out)
			}
			return nil
		})
		k.passes("readiness", c, c.ReadinessProbe)
		k.passes("liveness", c, c.LivenessProbe)
		k.decides("what was good stays", "scratch/x", true)
		if turn == 0 {
			k.kill("postern")
			k.start(nil, nil) // as the kubelet restarts it
		}
	}
	k.fill("policies", files, 0o644)
	k.decides("all is good again", "reports/x", true)
	k.stop()
}
