package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"postern/internal/policygen"
	"postern/internal/policywrite"
)

// views are the names of the views as the navigation has them, each with what it
// shows once it is there.
var views = []struct{ name, shows string }{
	{"Ask", "Steps"}, {"Who and what", "for what wildcards let in"}, {"Policies", "access-policies/"}, {"Change", "Compare"}, {"Now", "Policies in force"},
}

// TestWidths looks at every view at three widths, light and dark: nothing is wider than
// the window, and axe finds nothing that keeps people out.
func TestWidths(t *testing.T) {
	axe := axeScript(t)
	page := explore(t, "explore", "-policies", policies, "-explore-compare", "platform=../../../examples/platform")
	ctx := browse(t, 1024, 900)
	for _, width := range []int{360, 1024, 1920} {
		for _, scheme := range []string{"light", "dark"} {
			run(t, ctx, "colours", emulation.SetDeviceMetricsOverride(int64(width), 900, 1, false),
				emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}), chromedp.Navigate("about:blank"), chromedp.Navigate(page), asked)
			for _, v := range views {
				what := fmt.Sprintf("%s-%d-%s", strings.ReplaceAll(v.name, " ", "-"), width, scheme)
				run(t, ctx, what, chromedp.Click(`//nav/a[text()="`+v.name+`"]`), shows(v.shows))
				if v.name == "Change" {
					run(t, ctx, what, chromedp.Click(`//button[text()="Compare"]`), shows("Lost ("))
				}
				var wide int
				run(t, ctx, what, chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &wide))
				if wide > 0 {
					t.Errorf("%s: the page is %d pixels wider than the window", what, wide)
				}
				var found string
				run(t, ctx, what+": axe", chromedp.Evaluate(axe, nil),
					chromedp.Evaluate(`axe.run().then((r) => JSON.stringify(r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html + " " + n.failureSummary).join(" | "))))`, &found, awaited))
				if found != "[]" {
					t.Errorf("%s: axe finds %s", what, found)
				}
				screenshot(t, ctx, what)
			}
		}
	}
}

// axeScript is axe-core, which POSTERN_AXE names, or which npm brings.
func axeScript(t *testing.T) string {
	t.Helper()
	file := os.Getenv("POSTERN_AXE")
	if file == "" {
		dir := t.TempDir()
		c := exec.Command("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", dir, "axe-core@4.11.0")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("npm install axe-core: %v\n%s", err, out)
		}
		file = filepath.Join(dir, "node_modules/axe-core/axe.min.js")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestText feeds the page names with markup and formulas: they stay text.
func TestText(t *testing.T) {
	const markup = `<img src=x onerror='document.title=1'><script>document.title=2</script>`
	dir := t.TempDir()
	write(t, dir, "acme/access-policies/a.json", `{"version": "v1alpha1", "name": "`+markup+`", "statements": [
  {"name": "`+markup+`", "effect": "Allow", "actions": ["s3:*"], "resources": ["*"], "principals": ["role/`+markup+`", "role/Admin"]}]}`)
	write(t, dir, "acme/buckets.json", `{"buckets": ["data"]}`)
	page := explore(t, "explore", "-policies", dir)
	ctx := browse(t, 1024, 900)
	var elements int
	none := func(where string) {
		t.Helper()
		run(t, ctx, where, chromedp.Evaluate(`document.querySelectorAll("img, main script, iframe").length`, &elements))
		if elements > 0 {
			t.Errorf("%s: the page has %d elements that a name brought", where, elements)
		}
	}
	run(t, ctx, "ask", chromedp.Navigate(page), asked, shows("Allowed"), shows("<img"))
	none("ask")
	run(t, ctx, "who", chromedp.Click(`//nav/a[text()="Who and what"]`), shows("onerror"))
	none("who")
	run(t, ctx, "policies", chromedp.Click(`//nav/a[text()="Policies"]`), shows("access-policies/a.json"), chromedp.Click(`//button[text()="access-policies/a.json"]`), shows("what they mean today"), shows("onerror"))
	none("policies")
	var cells []string
	run(t, ctx, "cells", chromedp.Evaluate(`import("/matrix.js").then((m) => ["=1+1", "+1", "-1", "@x", "\t=1", "role/x", 'a"b'].map(m.safe))`, &cells, awaited))
	if got, want := strings.Join(cells, " "), `"'=1+1" "'+1" "'-1" "'@x" "'`+"\t"+`=1" "role/x" "a""b"`; got != want {
		t.Errorf("cells of a CSV: %s, want %s", got, want)
	}
}

// TestFailedPart has the server not answer for a while: what could not be shown is an
// error in its place, and there again once it is tried again.
func TestFailedPart(t *testing.T) {
	ctx := browse(t, 1024, 900)
	again := `//div[@aria-label="Buckets"]//button[text()="Try again"]`
	run(t, ctx, "policies", chromedp.Navigate(explore(t, "explore", "-policies", policies)), asked, chromedp.Click(`//nav/a[text()="Policies"]`), shows("acl3"),
		chromedp.Evaluate(`window.kept = window.fetch; window.fetch = () => Promise.reject(new TypeError("nobody answers"))`, nil),
		fill("Filter", "team"), shows("nobody answers"), chromedp.Click(again), shows("nobody answers"))
	run(t, ctx, "again", chromedp.Evaluate(`window.fetch = window.kept`, nil), chromedp.Click(again), shows("team-bucket"), chromedp.WaitNotPresent(again))
	run(t, ctx, "ask", chromedp.Click(`//nav/a[text()="Ask"]`), asked, chromedp.Evaluate(`window.fetch = () => Promise.reject(new TypeError("nobody answers"))`, nil),
		fill("Action", "s3:PutObject"), shows("nobody answers"), chromedp.WaitNotPresent(`//p[contains(@class, "verdict")]`),
		chromedp.Evaluate(`window.fetch = window.kept`, nil), chromedp.Click(`//button[text()="Try again"]`), shows("Allowed"))
}

// TestDenials asks a sidecar, and finds on its page what was denied in the last minute.
func TestDenials(t *testing.T) {
	address := freeAddress()
	page := explore(t, "serve", "-policies", policies, "-listen", address, "-explore", "127.0.0.1:0", "-decision-log", t.TempDir()+"/decisions")
	ctx := browse(t, 1024, 900)
	run(t, ctx, "now", chromedp.Navigate(page), asked, chromedp.Click(`//nav/a[text()="Now"]`), shows("Nothing was denied of late"))
	for range 20 {
		body := `{"subject": {"type": "role", "id": "Stranger", "properties": {"org": "acme"}}, "action": {"name": "s3:DeleteObject"}, "resource": {"type": "object", "id": "my-bucket/k"}}`
		r, err := http.Post("http://"+address+"/access/v1/evaluation", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
	}
	run(t, ctx, "denials", shows("role/Stranger s3:DeleteObject object:my-bucket/k"), shows("organization_no_match"), shows("-decision-log"))
	screenshot(t, ctx, "now")
	run(t, ctx, "asking it again", chromedp.Click(`(//ul[@class="denials"]//a)[1]`), asked, shows("Denied"))
}

// TestField looks at a big directory: how long the first view, a matrix and a scroll
// through all buckets take is shown and not judged, since the machine is shared.
// POSTERN_EXPLORER_BUCKETS=100000 makes it as big as specification 10 says.
func TestField(t *testing.T) {
	buckets := 2000
	if n, err := strconv.Atoi(os.Getenv("POSTERN_EXPLORER_BUCKETS")); err == nil {
		buckets = n
	}
	dir := t.TempDir()
	world := policygen.Field(buckets, 1).Directory
	organization := ""
	for name, o := range world.Organizations {
		organization = name
		for _, doc := range o.Policies {
			write(t, dir, doc.File, string(policywrite.Append(nil, doc)))
		}
	}
	for _, b := range world.Buckets {
		if b.Policy != nil {
			write(t, dir, b.Policy.File, string(policywrite.AppendVaried(nil, b.Policy)))
		}
	}
	page := explore(t, "explore", "-policies", dir)
	ctx := browse(t, 1024, 900)
	begun := time.Now()
	run(t, ctx, "first view", chromedp.Navigate(page), asked)
	var drawn float64
	run(t, ctx, "first view", chromedp.Evaluate(`performance.getEntriesByName("first view")[0].startTime`, &drawn))
	var requests []string
	run(t, ctx, "requests", chromedp.Evaluate(`performance.getEntriesByType("resource").map((r) => new URL(r.name).pathname + " " + r.startTime.toFixed(0) + "-" + r.responseEnd.toFixed(0))`, &requests))
	t.Logf("requests, ms from the start: %s", strings.Join(requests, ", "))
	t.Logf("%d buckets: first view after %.0f ms in the page, %s with the driver, as the first page of a browser", buckets, drawn, time.Since(begun).Round(time.Millisecond))
	var again []float64 // nothing is cached: Cache-Control is no-store
	for range 5 {
		run(t, ctx, "again", chromedp.Navigate("about:blank"), chromedp.Navigate(page), asked, chromedp.Evaluate(`performance.getEntriesByName("first view")[0].startTime`, &drawn))
		again = append(again, drawn)
	}
	t.Logf("%d buckets: first view after %.0f ms in a browser that runs", buckets, again)
	begun = time.Now()
	run(t, ctx, "buckets", chromedp.Click(`//nav/a[text()="Policies"]`), shows(fmt.Sprintf("%d buckets", buckets)))
	t.Logf("the list of buckets after %s", time.Since(begun).Round(time.Millisecond))
	var listed int
	run(t, ctx, "the end of the list", chromedp.Evaluate(`document.querySelector(".virtual:not(.short)").scrollTop = 1e9`, nil), chromedp.Sleep(500*time.Millisecond),
		chromedp.Evaluate(`document.querySelectorAll(".virtual:not(.short) .item").length`, &listed))
	if listed == 0 || listed > 100 {
		t.Errorf("%d buckets exist at the end of the list", listed)
	}
	token := page[strings.Index(page, "#token=")+len("#token="):]
	base, _, _ := strings.Cut(page, "/#")
	first := slices.Min(slices.Collect(maps.Keys(world.Buckets)))
	actions := make([]string, 50)
	for i := range actions {
		actions[i] = []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:GetBucketAcl"}[i%5]
	}
	body, _ := json.Marshal(map[string]any{"side": 0, "organization": organization, "bucket": first, "key": "k", "actions": actions, "buckets": []string{}, "filter": ""})
	r, err := http.NewRequest("POST", base+"/api/matrix", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Postern-Token", token)
	begun = time.Now()
	answer, err := http.DefaultClient.Do(r.WithContext(context.Background()))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var m struct{ Rows []struct{ Cells []int } }
	if err := json.NewDecoder(answer.Body).Decode(&m); err != nil || len(m.Rows) == 0 {
		t.Fatalf("the matrix: %v, %d rows", err, len(m.Rows))
	}
	t.Logf("a matrix of %d x %d after %s", len(m.Rows), len(actions), time.Since(begun).Round(time.Millisecond))
}
