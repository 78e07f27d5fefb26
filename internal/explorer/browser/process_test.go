package browser

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// binary is the postern that the tests run, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "explorer-browser-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	binary = filepath.Join(dir, "postern")
	build := exec.Command("go", "build", "-o", binary, "./cmd/postern")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building postern: %v\n%s", err, out)
		os.Exit(2)
	}
	code := m.Run()
	os.Remove(binary)
	os.Remove(dir)
	os.Exit(code)
}

// freeAddress finds a loopback address for a sidecar that listens a moment later. Its
// port lies below those that the system gives to the near ends of connections, one of
// which could take it before the sidecar does.
func freeAddress() string {
	for {
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(12_000))); err == nil {
			address := l.Addr().String()
			l.Close()
			return address
		}
	}
}

// url is what the log says of the file that has the URL.
var url = regexp.MustCompile(`file"?[=:]"?(\S+\.url)`)

// explore runs postern with arguments until the test ends, and returns the URL of its
// explorer and what else the log says of addresses.
func explore(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.Command(binary, args...)
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	log, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
	})
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if m := url.FindStringSubmatch(lines.Text()); m != nil {
				text, err := os.ReadFile(m[1])
				if err == nil {
					found <- strings.TrimSpace(string(text))
				}
			}
		}
	}()
	select {
	case u := <-found:
		return u
	case <-time.After(2 * time.Minute):
		t.Fatal("postern told no URL")
		return ""
	}
}

// browse opens a browser of its own, which ends with the test, with a window of a
// width.
func browse(t *testing.T, width, height int, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; apt-get install chromium", err)
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-background-networking", true),
		chromedp.WindowSize(width, height),
	}, more...)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil { // starts it; it ends with the context of this call
		t.Fatal(err)
	}
	return ctx
}

// run does actions in the browser, and shows the page where one fails.
func run(t *testing.T, ctx context.Context, what string, actions ...chromedp.Action) {
	t.Helper()
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := chromedp.Run(limit, actions...); err != nil {
		var text string
		chromedp.Run(ctx, chromedp.Text("body", &text, chromedp.ByQuery))
		t.Fatalf("%s: %v\nthe page says:\n%s", what, err, text)
	}
}

// shows waits until the page's main part says something.
func shows(text string) chromedp.Action {
	return chromedp.Poll(fmt.Sprintf(`document.querySelector("main").innerText.includes(%q)`, text), nil, chromedp.WithPollingInterval(50*time.Millisecond))
}

// screenshot keeps a picture of the page if POSTERN_SCREENSHOTS names a folder.
func screenshot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("POSTERN_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	run(t, ctx, "screenshot", chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// awaited has an expression's promise kept before its value is taken.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
