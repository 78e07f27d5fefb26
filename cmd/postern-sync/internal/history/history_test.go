package history

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// A message counts only whole, unchanged, signed by a known key, and of this fleet.
func TestVerify(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	content := []byte("{}")
	v := &revision.Revision{Format: revision.Format, Fleet: "f", Epoch: 1, Number: 1, Time: time.Now().UTC(), By: "me", Count: 1,
		Changes: []revision.Change{{Path: "o/buckets/b.json", File: revision.File{Sum: revision.SumOf(content), Size: 2}, Inline: content}}}
	data, err := v.Encode()
	if err != nil {
		t.Fatal(err)
	}
	r := &Reader{Fleet: "f", Keys: []ed25519.PublicKey{public}}
	signature := revision.Sign(key, data)
	if _, err := r.Verify(&stream.Message{Data: data, Signature: signature}); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		forged := append([]byte{}, data...)
		forged[i] ^= 1
		if _, err := r.Verify(&stream.Message{Data: forged, Signature: signature}); err == nil {
			t.Fatalf("byte %d changed is taken", i)
		}
		if _, err := r.Verify(&stream.Message{Data: data[:i], Signature: signature}); err == nil {
			t.Fatalf("the first %d bytes are taken", i)
		}
	}
	for says, m := range map[string]*stream.Message{
		"not signed":     {Data: data},
		"none of":        {Data: data, Signature: revision.Sign(other, data)},
		"does not fit":   {Data: data, Signature: signature[:13] + revision.Sign(other, data)[13:]},
		"no signature":   {Data: data, Signature: signature[:40]},
		"is no revision": {Data: []byte("[]"), Signature: revision.Sign(key, []byte("[]"))},
	} {
		if _, err := r.Verify(m); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if _, err := (&Reader{Fleet: "g", Keys: r.Keys}).Verify(&stream.Message{Data: data, Signature: signature}); err == nil || !strings.Contains(err.Error(), "of the fleet") {
		t.Errorf("another fleet's: %v", err)
	}
}

// No message names a path that is no policy file's.
func TestPaths(t *testing.T) {
	for _, path := range []string{"", "/", "../o/buckets/b.json", "o/../p/buckets/b.json", "/o/buckets/b.json", "o/buckets/../x.json", "o/buckets/.b.json", ".sync/buckets/b.json",
		"o/buckets//b.json", "o/buckets/b.json/", "o/buckets/b", "o/other/b.json", "o/buckets/a/b.json", "o/buckets.json/b.json", "o/iam/a\x00.json", "o/iam/a\n.json", ".hold", "o", "o/iam/\xff.json"} {
		if revision.CheckPath(path) == nil {
			t.Errorf("%q is taken", path)
		}
	}
	for _, path := range []string{"o/buckets/a..b.json", "o/buckets.json", "o/iam/a b.json", "o/access-policies/ü.json"} {
		if err := revision.CheckPath(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}
