package browser

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// hand counts what somebody does with the mouse and the keys.
type hand struct{ clicks, keys int }

// click clicks on what a path selects.
func (h *hand) click(path string) chromedp.Action {
	h.clicks++
	return chromedp.Click(path)
}

// fill clicks into a control and types.
func (h *hand) fill(label, text string) chromedp.Action {
	h.clicks++
	h.keys += len(text) + 1
	return fill(label, text)
}

// TestFiveTasks does what a new user comes for, each from the first view, and tells how
// many clicks and keys that takes and how long the page takes for it. To the time of the
// page a person's is added: 3 seconds to find each thing that is clicked, and a third of
// a second a key; more than a minute in all is too long (specification 10).
func TestFiveTasks(t *testing.T) {
	dir, candidate := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, candidate} {
		if err := os.CopyFS(d, os.DirFS(policies)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(candidate + "/acme/access-policies/keep-audit-logs.json"); err != nil {
		t.Fatal(err)
	}
	address := freeAddress()
	page := explore(t, "serve", "-policies", dir, "-shadow", candidate, "-listen", address, "-explore", "127.0.0.1:0", "-decision-log", t.TempDir()+"/decisions")
	ctx := browse(t, 1024, 900)
	run(t, ctx, "first view", chromedp.Navigate(page), asked)
	body := `{"subject": {"type": "role", "id": "Stranger", "properties": {"org": "acme"}}, "action": {"name": "s3:DeleteObject"}, "resource": {"type": "object", "id": "my-bucket/k"}}`
	r, err := http.Post("http://"+address+"/access/v1/evaluation", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	for _, task := range []struct {
		name string
		do   func(h *hand) []chromedp.Action
	}{
		{"why is this denied", func(h *hand) []chromedp.Action {
			return []chromedp.Action{h.fill("Organization of the caller", "acme"), h.fill("Principals", "role/Nobody"), h.fill("Action", "s3:DeleteObject"), h.fill("Resource", "my-bucket/report"),
				shows("Denied"), shows("it is for other principals"), shows("allow-full-s3-api-access-to-all")}
		}},
		{"who can delete here", func(h *hand) []chromedp.Action {
			h.clicks += 2 // the list of organizations and its choice
			return []chromedp.Action{h.click(`//nav/a[text()="Who and what"]`), shows("for what wildcards let in"), choose("Callers of", "acme"), h.fill("Bucket", "training-data"),
				chromedp.WaitVisible(`//a[starts-with(@aria-label, "role/Admin, DeleteObject: allowed")]`)}
		}},
		{"what would this change do", func(h *hand) []chromedp.Action {
			return []chromedp.Action{h.click(`//nav/a[text()="Change"]`), h.click(`//button[text()="Compare"]`), shows("Gained ("), shows("nobody-deletes-audit-logs")}
		}},
		{"which statement is dead", func(h *hand) []chromedp.Action {
			return []chromedp.Action{h.click(`//nav/a[text()="Policies"]`), h.click(`//button[text()="Look in all organizations"]`), shows("dead-statement"),
				h.click(`//button[.//b[text()="dead-statement"]]`), shows("initech/access-policies/complex-access-policy.json"), shows("warning, line 25"), shows("Never determined a decision there")}
		}},
		{"what was denied in the last minute", func(h *hand) []chromedp.Action {
			return []chromedp.Action{h.click(`//nav/a[text()="Now"]`), shows("In the last minute: 1."), shows("role/Stranger s3:DeleteObject object:my-bucket/k")}
		}},
	} {
		run(t, ctx, task.name, chromedp.Navigate("about:blank"), chromedp.Navigate(page), asked)
		var h hand
		do := task.do(&h)
		begun := time.Now()
		run(t, ctx, task.name, do...)
		took := time.Since(begun)
		person := time.Duration(h.clicks)*3*time.Second + time.Duration(h.keys)*time.Second/3
		t.Logf("%s: %d clicks, %d keys; the page took %.1f s, with a person's %.0f s", task.name, h.clicks, h.keys, took.Seconds(), (took + person).Seconds())
		if person > time.Minute {
			t.Errorf("%s takes a person %s", task.name, person)
		}
		screenshot(t, ctx, "task "+task.name)
	}
}
