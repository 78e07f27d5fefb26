package benchmarks

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/internal/loadgen"
	"postern/policy"
)

// witness is two organizations whose policies change so that an answer by parts
// of two generations shows. Organization `swapped` lies behind `..data`, as the
// kubelet lays a volume out: of its buckets half allow and half deny, some by
// their own policy and some by the organization's, and each swap of `..data`
// turns all of them at once. Organization `turned` has one file with two
// statements of which one allows, and the other denies, the one thing.
type witness struct {
	root         string
	swaps, turns int
	current      string // the folder to which ..data leads
}

// witnessBuckets is the number of buckets of `swapped` with a policy of their
// own, and as many more are decided by the organization's policies.
const witnessBuckets = 4

func (w *witness) swap(tb testing.TB) {
	w.swaps++
	next := fmt.Sprintf("..%06d", w.swaps)
	put := func(path, data string) {
		at := filepath.Join(w.root, next, "swapped", path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(data), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	put("access-policies/allow.json", `{"version":"v1alpha1","name":"allow","statements":[`+
		`{"name":"all","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`)
	var denied []string
	for i := range witnessBuckets {
		effect := "Allow"
		if (w.swaps+i)%2 == 0 {
			effect = "Deny"
			denied = append(denied, fmt.Sprintf(`"swapped-wide-%d/*"`, i))
		}
		name := fmt.Sprintf("swapped-%d", i)
		put("buckets/"+name+".json", fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":%q,"Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::%s/*"}}`, effect, name))
		name = fmt.Sprintf("swapped-wide-%d", i)
		put("buckets/"+name+".json", fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::%s/*"}}`, name))
	}
	put("access-policies/deny.json", `{"version":"v1alpha1","name":"deny","statements":[`+
		`{"name":"some","effect":"Deny","actions":["s3:*"],"resources":[`+strings.Join(denied, ",")+`],"principals":["*"]}]}`)
	link := func(to, at string) {
		at = filepath.Join(w.root, at)
		if err := os.Symlink(to, at+"_tmp"); err != nil {
			tb.Fatal(err)
		}
		if err := os.Rename(at+"_tmp", at); err != nil {
			tb.Fatal(err)
		}
	}
	link(next, "..data")
	if w.current == "" {
		link("..data/swapped", "swapped")
	} else if err := os.RemoveAll(filepath.Join(w.root, w.current)); err != nil {
		tb.Fatal(err)
	}
	w.current = next
}

func (w *witness) turn(tb testing.TB) {
	w.turns++
	dir := filepath.Join(w.root, "turned", "access-policies")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	effects := [2]string{"Allow", "Deny"}
	replace(tb, filepath.Join(dir, "turn.json"), fmt.Appendf(nil, `{"version":"v1alpha1","name":"turn","statements":[`+
		`{"name":"left","effect":%q,"actions":["s3:*"],"resources":["turned-left/*"],"principals":["*"]},`+
		`{"name":"right","effect":%q,"actions":["s3:*"],"resources":["turned-right/*"],"principals":["*"]}]}`,
		effects[w.turns%2], effects[(w.turns+1)%2]))
	if w.turns == 1 {
		if err := os.WriteFile(filepath.Join(w.root, "turned", "buckets.json"), []byte(`{"buckets":["turned-left","turned-right"]}`), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

// A batch asks for everything that the witness tells, over and over, so that it
// is under way when a generation is published, each time with a steady request.
const (
	batchRounds = 8
	roundItems  = 2*witnessBuckets + 3
)

func (w *witness) batch(steady *policy.Request) string {
	var items []string
	object := func(org, bucket string) {
		items = append(items, fmt.Sprintf(`{"subject":{"type":"role","id":"r","properties":{"org":%q}},"action":{"name":"s3:GetObject"},`+
			`"resource":{"type":"object","id":"%s/k"}}`, org, bucket))
	}
	for range batchRounds {
		for _, kind := range []string{"swapped-", "swapped-wide-"} {
			for i := range witnessBuckets {
				object("swapped", fmt.Sprint(kind, i))
			}
		}
		object("turned", "turned-left")
		object("turned", "turned-right")
		items = append(items, string(evaluation(steady)))
	}
	return `{"evaluations":[` + strings.Join(items, ",") + `]}`
}

// check judges the answer to batch: it shows one of the two states of each
// organization, everywhere the same, and every denial has one generation.
func (w *witness) check(steady bool) func(body []byte) error {
	return func(body []byte) error {
		var room [batchRounds * roundItems]bool
		list, err := loadgen.Decisions(room[:0], body)
		if err != nil {
			return err
		}
		if len(list) != len(room) {
			return fmt.Errorf("%d answers in %s", len(list), body)
		}
		for i := range list {
			at := i % roundItems
			ok := list[i] == list[at]
			switch {
			case at < 2*witnessBuckets:
				ok = ok && list[i] == ((at%2 == 0) == list[0])
			case at < roundItems-1:
				ok = ok && list[roundItems-3] != list[roundItems-2]
			default:
				ok = ok && list[i] == steady
			}
			if !ok {
				return fmt.Errorf("item %d is of another generation than those before it: %s", i, body)
			}
		}
		const name = `"generation":`
		_, rest, found := bytes.Cut(body, []byte(name))
		first := rest[:bytes.IndexByte(rest, '}')+1]
		for found {
			if !bytes.HasPrefix(rest, first) {
				return fmt.Errorf("two generations: %s", body)
			}
			_, rest, found = bytes.Cut(rest, []byte(name))
		}
		return nil
	}
}
