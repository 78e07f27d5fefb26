package browser

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const policies = "../../../examples/policies"

// fill puts text into the control of a label, as one who types does.
func fill(label, text string) chromedp.Action {
	control := `//label[text()="` + label + `"]/following-sibling::*[1]`
	return chromedp.Tasks{chromedp.Focus(control), chromedp.KeyEvent("a", chromedp.KeyModifiers(input.ModifierCtrl)), chromedp.KeyEvent(text), chromedp.KeyEvent(kb.Tab)}
}

// choose takes a choice of the list of a label.
func choose(label, value string) chromedp.Action {
	return chromedp.Evaluate(`{const l = [...document.querySelectorAll("label")].find((l) => l.textContent === `+quote(label)+`); const s = document.getElementById(l.htmlFor); s.value = `+quote(value)+`; s.dispatchEvent(new Event("change"))}`, nil)
}

// asked waits for the answer to the question that the page begins with.
var asked = chromedp.WaitVisible(`//p[contains(@class, "verdict")]`)

// TestAsk asks why somebody is denied, by the form alone, and opens the link to the
// question anew.
func TestAsk(t *testing.T) {
	page := explore(t, "explore", "-policies", policies)
	ctx := browse(t, 1024, 900)
	var address string
	run(t, ctx, "ask", chromedp.Navigate(page), asked,
		fill("Organization of the caller", "acme"), fill("Principals", "role/Nobody"), fill("Action", "s3:DeleteObject"), fill("Resource", "my-bucket/report"),
		shows("Denied"), shows("The nearest Allow"), shows("it is for other principals"), shows("allow-full-s3-api-access-to-all"), chromedp.Location(&address))
	if strings.Contains(address, "token") {
		t.Errorf("the address bar has the token: %s", address)
	}
	screenshot(t, ctx, "ask-denied")
	var link string
	run(t, ctx, "link", chromedp.Evaluate(`document.querySelector("a[href^='#ask=']").href`, &link))
	if strings.Contains(link, "token") {
		t.Errorf("the link has the token: %s", link)
	}
	run(t, ctx, "opening the link", chromedp.Navigate("about:blank"), chromedp.Navigate(page), asked,
		chromedp.Evaluate(`location.hash = new URL(`+quote(link)+`).hash`, nil), shows("Denied"), shows("The nearest Allow"))
	// Either edits the other.
	run(t, ctx, "JSON", chromedp.SetValue("textarea", `{"subject":{"type":"role","id":"Admin","properties":{"org":"acme"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"my-bucket/k"}}`, chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector("textarea").dispatchEvent(new Event("input"))`, nil), shows("Allowed"))
	var who string
	run(t, ctx, "form", chromedp.Value(`//label[text()="Principals"]/following-sibling::*[1]`, &who))
	if who != "role/Admin" {
		t.Errorf("the form has the principals %q", who)
	}
	screenshot(t, ctx, "ask-allowed")
}

// TestWho asks who can delete in a bucket.
func TestWho(t *testing.T) {
	page := explore(t, "explore", "-policies", policies)
	ctx := browse(t, 1024, 900)
	var cell string
	run(t, ctx, "who", chromedp.Navigate(page), asked, chromedp.Click(`//nav/a[text()="Who and what"]`), shows("for what wildcards let in"),
		choose("Callers of", "acme"), fill("Bucket", "training-data"), shows("training-data: "), shows("role/Admin"),
		chromedp.AttributeValue(`//th[.="role/Admin"]/following-sibling::td[4]/a`, "aria-label", &cell, nil))
	if !strings.Contains(cell, "role/Admin, DeleteObject") {
		t.Errorf("the cell says %q", cell)
	}
	screenshot(t, ctx, "who")
	run(t, ctx, "a cell", chromedp.Click(`//th[.="role/Admin"]/following-sibling::td[4]/a`), shows("Steps"), shows("organization of acme"))
}

// TestChange asks what another directory changes, and asks a witness on both sides.
func TestChange(t *testing.T) {
	other := t.TempDir()
	if err := os.CopyFS(other, os.DirFS(policies)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(other + "/acme/access-policies/keep-audit-logs.json"); err != nil {
		t.Fatal(err)
	}
	page := explore(t, "explore", "-policies", policies, "-explore-compare", "branch="+other)
	ctx := browse(t, 1024, 900)
	run(t, ctx, "change", chromedp.Navigate(page), asked, chromedp.Click(`//nav/a[text()="Change"]`), chromedp.Click(`//button[text()="Compare"]`),
		shows("Gained ("), shows("keep-audit-logs"))
	screenshot(t, ctx, "change")
	run(t, ctx, "the witness now", chromedp.Click(`(//a[text()="Ask this here"])[1]`), shows("Denied"))
	run(t, ctx, "the witness then", chromedp.NavigateBack(), chromedp.Click(`//button[text()="Compare"]`), shows("Gained ("), chromedp.Click(`(//a[text()="Ask this here"])[2]`), shows("Allowed"))
}

// TestDead finds the statement that can change nothing.
func TestDead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "acme/access-policies/all.json", `{"version": "v1alpha1", "name": "all", "statements": [
  {"name": "everything", "effect": "Allow", "actions": ["s3:*"], "resources": ["*"], "principals": ["*"]},
  {"name": "needless", "effect": "Allow", "actions": ["s3:GetObject"], "resources": ["logs/*"], "principals": ["role/Reader"]}]}`)
	page := explore(t, "explore", "-policies", dir)
	ctx := browse(t, 1024, 900)
	run(t, ctx, "policies", chromedp.Navigate(page), asked, chromedp.Click(`//nav/a[text()="Policies"]`), shows("access-policies/all.json"),
		chromedp.Click(`//button[contains(text(), "dead statements")]`), shows("dead-statement"), shows("1 warning"),
		chromedp.Click(`//button[.//b[text()="dead-statement"]]`), shows("acme/access-policies/all.json"), shows("warning, line 3"))
	var seen string
	run(t, ctx, "no buckets", shows("0 buckets"), chromedp.Evaluate(`getComputedStyle(document.querySelector("[aria-label=Buckets]")).visibility`, &seen))
	if seen != "hidden" {
		t.Errorf("the box of a list of no buckets is %s", seen)
	}
	screenshot(t, ctx, "policies")
}

// write writes a policy file.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := dir + "/" + name
	if err := os.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// quote writes a text as JavaScript.
func quote(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
