package sidecar

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern/index"
)

// searchAnswer is what a search answers.
type searchAnswer struct {
	Results []struct{ Type, ID, Name string }
	Page    struct {
		Next *string `json:"next_token"`
	}
	Context *struct {
		Complete  bool
		Patterns  []struct{ Pattern, Document, Statement, File, Layer string }
		Truncated bool
	}
}

func searched(t *testing.T, s *served, path, body string) searchAnswer {
	t.Helper()
	got := s.ask(t, post(path, body))
	var a searchAnswer
	if err := json.Unmarshal([]byte(got.body), &a); err != nil || got.status != 200 || a.Results == nil || a.Page.Next == nil {
		t.Fatalf("%s: %+v, %v", body, got, err)
	}
	return a
}

// TestSearchPages: the pages add up to the whole, a token goes on with its
// first limit, and the last page says that it is the last.
func TestSearchPages(t *testing.T) {
	s := serve(t, nil)
	const head = `{"subject":{"type":"saml","id":"jean","properties":{"org":"o1"}},"resource":{"type":"object","id":"closed/k"}`
	var whole []string
	for _, r := range searched(t, s, pathSearchAction, head+"}").Results {
		whole = append(whole, r.Name)
	}
	if want := []string{"s3:CreateBucket", "s3:GetObject", "s3:HeadObject", "s3:PutBucketPolicy", "s3:SelectObjectContent"}; !slices.Equal(whole, want) {
		t.Fatalf("%q, want %q", whole, want)
	}
	for limit := 1; limit <= 6; limit++ {
		var all []string
		page := fmt.Sprintf(`{"limit":%d}`, limit)
		for pages := 1; ; pages++ {
			a := searched(t, s, pathSearchAction, head+`,"page":`+page+`}`)
			if len(a.Results) > limit {
				t.Errorf("%d results on a page of %d", len(a.Results), limit)
			}
			for _, r := range a.Results {
				all = append(all, r.Name)
			}
			if last := *a.Page.Next == ""; last != (a.Context != nil) {
				t.Errorf("last page: %t, context %+v", last, a.Context)
			}
			if *a.Page.Next == "" {
				if want := (len(whole) + limit - 1) / limit; pages != want {
					t.Errorf("%d pages of %d, want %d", pages, limit, want)
				}
				break
			}
			page = `{"token":"` + *a.Page.Next + `"}`
		}
		if !slices.Equal(all, whole) {
			t.Errorf("pages of %d: %q, want %q", limit, all, whole)
		}
	}
}

// TestLargestPage: a limit above the largest page is taken, and pages are of
// that size then, the pages of a token too.
func TestLargestPage(t *testing.T) {
	const more = 17
	var b strings.Builder
	b.WriteString(`{"version":"v1alpha1","name":"p","statements":[{"name":"s","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":[`)
	for i := range index.MaxLimit + more {
		fmt.Fprintf(&b, `"role/r%05d",`, i)
	}
	snapshot := snapshotOf(t, 1, map[string]string{"o1/access-policies/p.json": strings.TrimSuffix(b.String(), ",") + "]}]}"})
	s := serve(t, func(c *Config) { c.Current = new(index.Current); c.Current.Store(snapshot) })
	const head = `{"subject":{"type":"role","properties":{"org":"o1"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/k","properties":{"org":"o1"}}`
	a := searched(t, s, pathSearchSubject, head+fmt.Sprintf(`,"page":{"limit":%d}}`, index.MaxLimit+1))
	if len(a.Results) != index.MaxLimit || *a.Page.Next == "" {
		t.Fatalf("%d results, next %q", len(a.Results), *a.Page.Next)
	}
	a = searched(t, s, pathSearchSubject, head+`,"page":{"token":"`+*a.Page.Next+`"}}`)
	if len(a.Results) != more || *a.Page.Next != "" {
		t.Errorf("%d results on the last page, want %d, next %q", len(a.Results), more, *a.Page.Next)
	}
}

// TestSearchRefuses: what no search can answer is a 400, without a decision,
// a token of another search among it; before the first snapshot it is a 503.
func TestSearchRefuses(t *testing.T) {
	s := serve(t, nil)
	const jean, maxim = `{"type":"saml","id":"jean","properties":{"org":"o1"}}`, `{"type":"saml","id":"max","properties":{"org":"o1"}}`
	const closed = `{"type":"object","id":"closed/k"}`
	token := *searched(t, s, pathSearchAction, `{"subject":`+jean+`,"resource":`+closed+`,"page":{"limit":1}}`).Page.Next
	if token == "" {
		t.Fatal("no token")
	}
	for _, c := range []struct{ path, body string }{
		{pathSearchAction, `{"subject":` + maxim + `,"resource":` + closed + `,"page":{"token":"` + token + `"}}`},
		{pathSearchAction, `{"subject":` + jean + `,"resource":` + closed + `,"page":{"token":"` + token[1:] + `"}}`},
		{pathSearchAction, `{"subject":` + jean + `,"resource":` + closed + `,"page":{"token":"` + strings.Repeat("A", 9000) + `"}}`},
		{pathSearchAction, `{"subject":` + jean + `,"resource":` + closed + `,"page":{"token":7}}`},
		{pathSearchAction, `{"subject":` + jean + `,"resource":` + closed + `,"page":{"limit":-1}}`},
		{pathSearchAction, `{"subject":` + jean + `,"resource":` + closed + `,"page":{"limit":1.5}}`},
		{pathSearchAction, `{"subject":` + jean + `,"resource":` + closed + `,"page":[]}`},
		{pathSearchAction, `{"subject":` + jean + `,"resource":` + closed + `,"page":{"limit":1,"limit":1}}`},
		{pathSearchAction, `{"subject":` + jean + `,"resource":` + closed + `,"action":"read"}`},
		{pathSearchAction, `{"subject":` + jean + `}`},
		{pathSearchAction, `{"resource":` + closed + `}`},
		{pathSearchAction, ``},
		{pathSearchAction, `[]`},
		{pathSearchSubject, `{"subject":{},"action":{"name":"read"},"resource":` + closed + `}`},
		{pathSearchSubject, `{"subject":{"type":"a b"},"action":{"name":"read"},"resource":` + closed + `}`},
		{pathSearchSubject, `{"subject":null,"action":{"name":"read"},"resource":` + closed + `}`},
		{pathSearchSubject, `{"subject":{"type":"saml"},"action":{},"resource":` + closed + `}`},
		{pathSearchSubject, `{"subject":{"type":"saml"},"action":{"name":"read"},"resource":{"id":"x"}}`},
		{pathSearchSubject, `{"subject":{"type":"saml"},"action":{"name":"s3:ListBucket"},"resource":{"type":"stack","id":"x"}}`},
		{pathSearchResource, `{"subject":` + jean + `,"action":{"name":"read"},"resource":{}}`},
		{pathSearchResource, `{"subject":` + jean + `,"action":{"name":"read"},"resource":{"type":""}}`},
	} {
		if got := s.ask(t, post(c.path, c.body)); got.status != 400 || !strings.Contains(got.body, `"error":`) {
			t.Errorf("%s: %.200s: %+v", c.path, c.body, got)
		}
	}
	for _, body := range []string{
		`{"subject":` + jean + `,"resource":` + closed + `,"action":null,"page":null,"context":{"a":1}}`,
		`{"subject":` + jean + `,"resource":` + closed + `,"page":{"limit":99999999999999999999,"token":"","x":[{}]}}`,
	} {
		if got := searched(t, s, pathSearchAction, body); len(got.Results) == 0 {
			t.Errorf("%s found nothing", body)
		}
	}
	var none index.Current
	empty := serve(t, func(c *Config) { c.Current = &none })
	if got := empty.ask(t, post(pathSearchAction, `{}`)); got.status != 503 {
		t.Errorf("before the first snapshot: %+v", got)
	}
}

// TestSearchIsCounted: each endpoint has its own label.
func TestSearchIsCounted(t *testing.T) {
	s := serve(t, nil)
	for _, path := range []string{pathSearchSubject, pathSearchResource, pathSearchAction} {
		s.ask(t, post(path, `{}`))
	}
	body := s.ask(t, get("/metrics")).body
	for _, name := range []string{"subject", "resource", "action"} {
		if want := `postern_http_requests_total{endpoint="search_` + name + `",code="400"} 1`; !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}
