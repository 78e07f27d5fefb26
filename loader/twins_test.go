package loader

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"postern/policy"
)

// twins are two files of one length and one XXH64. The first is before, one,
// after; in the second other stands in the place of one, and letters later on
// differ. before ends where a word of the hash ends, one and other are words of
// it, and after has 24 bytes and then 40 letters, of which the twins have their
// own: a free word, and the one that makes up for all.
//
// XXH64 takes a file in stripes of four words, and a word only ever changes its
// own accumulator: what the first word changes, words of the stripes after take
// back. So whoever writes policies can make such twins, of any text.
func twins(t *testing.T, before, one, other, after string) (string, string) {
	t.Helper()
	const prime1, prime2 = 11400714785074694791, 14029467366897019727
	if len(before)%8 != 0 || len(one) != 8 || len(other) != 8 || len(after) < 64 {
		t.Fatalf("these do not lie at words: %d, %q, %q, %d", len(before), one, other, len(after))
	}
	after += strings.Repeat(" ", 32) // so that the last stripe is whole
	word := func(s string) uint64 { return binary.LittleEndian.Uint64([]byte(s)) }
	round := func(acc, in uint64) uint64 { return bits.RotateLeft64(acc+in*prime2, 31) * prime1 }
	lane := len(before) / 8 % 4
	var start [4]uint64
	start[0], start[1], start[2] = prime1, prime2, 0
	start[0] += prime2
	start[3] -= prime1
	inverse := uint64(1)
	for range 6 {
		inverse *= 2 - prime2*inverse
	}
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	acc := start[lane]
	for i := lane * 8; i+8 <= len(before); i += 32 {
		acc = round(acc, word(before[i:]))
	}
	letters := func() string {
		var b [8]byte
		for i := range b {
			b[i] = alphabet[rand.IntN(len(alphabet))]
		}
		return string(b[:])
	}
	for range 1_000_000 {
		free, freely := letters(), letters()
		less := (round(round(acc, word(one)), word(free)) - round(round(acc, word(other)), word(freely))) * inverse
		var a, b []byte
		for carry := 0; len(a) < 8; less >>= 8 {
			i := strings.IndexFunc(alphabet, func(c rune) bool {
				return strings.IndexByte(alphabet, byte(int(c)+int(byte(less))+carry)) >= 0
			})
			if i < 0 {
				break
			}
			n := int(alphabet[i]) + int(byte(less)) + carry
			a, b, carry = append(a, alphabet[i]), append(b, byte(n)), n>>8
		}
		if len(a) < 8 {
			continue
		}
		x := before + one + after[:24] + free + after[32:56] + string(a) + after[64:]
		y := before + other + after[:24] + freely + after[32:56] + string(b) + after[64:]
		if xxhash.Sum64String(x) != xxhash.Sum64String(y) || len(x) != len(y) || x == y {
			t.Fatalf("these are no twins:\n%s\n%s", x, y)
		}
		return x, y
	}
	t.Fatal("no twins found")
	return "", ""
}

// padded fills a text with spaces up to the end of a word.
func padded(s string) string { return s + strings.Repeat(" ", (8-len(s)%8)%8) }

// TestTwins puts two files of one length and one XXH64 one after the other, in
// each kind of unit: the second is what counts, in force and in the mirror.
func TestTwins(t *testing.T) {
	const fill = "0123456789012345678901234567890123456789"
	for name, c := range map[string]struct {
		file                      string
		before, one, other, after string
		ask                       func(tr *testTree) policy.Reason
		first, second             policy.Reason
	}{
		"bucket": {
			"o1/buckets/b.json",
			padded(`{"Version":"2012-10-17","Statement":[{"Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Effect"`),
			`:"Allow"`, `: "Deny"`, `,"Sid":"` + "sidsidsidsidsids" + fill + `"}]}`,
			func(tr *testTree) policy.Reason { return tr.decide("o1", "b") }, allowed, bucketDeny,
		},
		"organization": {
			"o1/access-policies/p.json",
			padded(`{"version":"v1alpha1","name":"p","statements":[{"actions":["s3:*"],"resources":["*"],"principals":["*"],"effect"`),
			`:"Allow"`, `: "Deny"`, `,"name":` + `"namenamenamenam` + fill + `"}]}`,
			func(tr *testTree) policy.Reason { return tr.decide("o1", "plain") }, allowed, policy.OrganizationDeny,
		},
		"list": {
			"o1/buckets.json", `{"buckets": [  "`,
			"claimed1", "claimed2", `", "another-bucket", "ab` + fill + `"]}`,
			func(tr *testTree) policy.Reason { return tr.decide("o1", "claimed2") }, policy.OwnerUnknown, allowed,
		},
		"iam": {
			"o1/iam/groups.json", padded(fmt.Sprintf(strings.ReplaceAll(iamGroup, "%s]}}}", "%s"), `"u/carol",`)) + `      "u`,
			"/alice00", "/bobby00", `", "u/somebodyelse-abcde` + fill + `"]}}}`,
			func(tr *testTree) policy.Reason { return tr.iam("u/bobby00") }, policy.IAMNoMatch, policy.Allowed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			one, other := twins(t, c.before, c.one, c.other, c.after)
			tr := stateTree(t, "o1/access-policies/all.json", allowAll("all"), "o1/buckets.json", `{"buckets":["plain"]}`,
				"o1/iam/bindings.json", iamBound, "o1/iam/groups.json", fmt.Sprintf(iamGroup, ""), c.file, one)
			tr.wantUnits()
			if got := c.ask(tr); got != c.first {
				t.Fatalf("the first: %v, want %v", got, c.first)
			}
			before := tr.current.Load().Digest()
			tr.write(c.file+".tmp", other)
			tr.rename(c.file+".tmp", c.file)
			tr.load()
			tr.wantUnits()
			if got := c.ask(tr); got != c.second {
				t.Errorf("the second: %v, want %v", got, c.second)
			}
			digest := tr.current.Load().Digest()
			if digest == before {
				t.Error("the digest is the same")
			}
			tr.write(c.file, "{")
			tr.start()
			tr.wantUnits("+" + map[bool]string{true: filepath.Dir(c.file), false: c.file}[name == "organization" || name == "iam"])
			if got := c.ask(tr); got != c.second {
				t.Errorf("the second, out of the mirror: %v, want %v", got, c.second)
			}
			if tr.current.Load().Digest() != digest {
				t.Error("the digest after the restart is another")
			}
		})
	}
}
