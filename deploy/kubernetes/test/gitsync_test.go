package test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// gitSyncFlags are those of git-sync that the manifest may use, from the manual of its
// version 4. The program itself is in no package that could be had here.
var gitSyncFlags = map[string]bool{
	"repo": true, "ref": true, "root": true, "link": true, "period": true, "max-failures": true, "http-bind": true,
	"depth": true, "ssh": true, "password-file": true, "username": true, "sync-timeout": true, "stale-worktree-timeout": true,
}

// gitSync does what git-sync does: it checks a commit out in a folder of its own below
// the root, swaps the link, and removes the old folder.
type gitSync struct {
	k          *kubelet
	root, link string
	synced     atomic.Bool
}

func (g *gitSync) git(args ...string) string {
	g.k.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		g.k.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// sync brings the newest commit of a repository.
func (g *gitSync) sync(repository, ref string) {
	g.k.Helper()
	if _, err := os.Lstat(filepath.Join(g.root, ".git")); err != nil {
		g.git("clone", "-q", "--no-checkout", repository, g.root)
	}
	g.git("-C", g.root, "fetch", "-q", "origin", ref)
	hash := g.git("-C", g.root, "rev-parse", "FETCH_HEAD")
	tree := filepath.Join(".worktrees", hash)
	g.git("-C", g.root, "worktree", "add", "-q", "--detach", filepath.Join(g.root, tree), hash)
	link := filepath.Join(g.root, g.link)
	old, _ := os.Readlink(link)
	g.k.must(os.Symlink(tree, filepath.Join(g.root, "tmp-link")))
	g.k.must(os.Rename(filepath.Join(g.root, "tmp-link"), link))
	if old != "" {
		g.git("-C", g.root, "worktree", "remove", "--force", filepath.Join(g.root, old))
	}
	g.synced.Store(true)
}

// TestGitSync: postern starts once the link is there, and each commit is in force at
// once, with what it removes.
func TestGitSync(t *testing.T) {
	k := newKubelet(t, "overlays/git-sync")
	g := &gitSync{k: k}
	flags := map[string]string{}
	repository := t.TempDir()
	g.git("init", "-q", repository)
	commit := func() {
		t.Helper()
		g.git("-C", repository, "add", "-A")
		g.git("-C", repository, "commit", "-q", "-m", "policies")
	}
	standIn := func(c *corev1.Container) {
		for _, a := range c.Args {
			name, value, ok := strings.Cut(strings.TrimPrefix(a, "--"), "=")
			if !ok || !gitSyncFlags[name] || flags[name] != "" {
				t.Fatalf("git-sync has no %s", a)
			}
			flags[name] = value
		}
		g.root, g.link = k.path(c, flags["root"]), flags["link"]
		if flags["repo"] == "" || g.link == "" || flags["max-failures"] != "-1" {
			t.Errorf("git-sync gets %q", flags)
		}
		l, err := net.Listen("tcp", k.here(c, flags["http-bind"]))
		k.must(err)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if !g.synced.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})}
		go server.Serve(l)
		t.Cleanup(func() { server.Close() })
	}
	k.start(map[string]func(*corev1.Container){"git-sync": standIn}, func(c *corev1.Container) {
		if c.Name != "git-sync" {
			return
		}
		k.refuses("startup", c, c.StartupProbe, "503")
		write(t, repository, map[string]string{"README.md": "policies", "acme/access-policies/staff.json": staff, "acme/buckets/reports.json": readable, "acme/buckets/more.json": strings.ReplaceAll(closed, "reports", "more")})
		commit()
		g.sync(repository, flags["ref"])
	})
	k.passes("liveness", k.sidecar("git-sync"), k.sidecar("git-sync").LivenessProbe)
	k.decides("the first commit is in force", "reports/x", true)

	write(t, repository, map[string]string{"acme/buckets/reports.json": closed})
	commit()
	g.sync(repository, flags["ref"])
	k.decides("the second is", "reports/x", false)

	// All bucket policies go with one commit: in a folder that others write it would be a
	// fault, and where the link is swapped it was meant.
	k.must(os.RemoveAll(filepath.Join(repository, "acme/buckets")))
	write(t, repository, map[string]string{"acme/buckets.json": `{"buckets":["reports"]}`})
	commit()
	g.sync(repository, flags["ref"])
	k.decides("a commit that removes a folder is", "reports/x", true)

	c := k.sidecar("postern")
	k.passes("readiness", c, c.ReadinessProbe)
	k.passes("liveness", c, c.LivenessProbe)
	k.stop()
}
