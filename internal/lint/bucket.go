package lint

import (
	"fmt"
	"strings"

	"postern/internal/policyjson"
	"postern/policy"
)

// bucketsNamed notes the buckets that a policy of an organization which lists its
// buckets names: whether there are such is known only when all is read.
func (d *Directory) bucketsNamed(path string, data []byte, doc *policy.Document) {
	if doc.Kind != policy.KindOrganization {
		return
	}
	if org, _, _ := strings.Cut(path, "/"); !d.lists[org] {
		return
	}
	var places []policyjson.Place
	var names []string
	for i, st := range doc.Statements {
		for k, r := range st.Resources {
			name, _, _ := strings.Cut(r, "/")
			if strings.ContainsAny(name, "*?${[<%&") { // a pattern, or a template
				continue
			}
			places = append(places, policyjson.Place{Statement: i, Part: policyjson.PartResource, Entry: k})
			names = append(names, name)
		}
	}
	found := make([]namedBucket, len(names))
	for i, spot := range policyjson.Locate(path, data, places) {
		found[i] = namedBucket{names[i], spot.At}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.named[path] = found
}

// namedBucket is a bucket that a policy names, and where.
type namedBucket struct {
	name string
	at   policy.Position
}

// unknownBuckets returns a warning for each bucket that organization policies name,
// and that does not exist.
func (d *Directory) unknownBuckets(exists func(bucket string) bool) (out []policy.Diagnostic) {
	for _, named := range d.named {
		for _, b := range named {
			if exists(b.name) {
				continue
			}
			out = append(out, policy.Diagnostic{Severity: policy.Warning, Code: policy.CodeUnknownBucket, Position: b.at,
				Message: fmt.Sprintf("no organization has a bucket %s: there is no file of it in buckets/, and no buckets.json lists it; correct the name, or list the bucket", policyjson.Quote(b.name))})
		}
	}
	return out
}
