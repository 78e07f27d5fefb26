package conformance

import (
	"errors"
	"path"
	"strings"

	"postern/internal/policyjson"
	"postern/internal/request"
	"postern/policy"
)

// parseDocument reads one policy file. It returns an error if the file has to
// be refused.
func parseDocument(kind policy.Kind, file string, data []byte) (*policy.Document, error) {
	var doc *policy.Document
	var ds []policy.Diagnostic
	if kind == policy.KindBucket {
		bucket := strings.TrimSuffix(path.Base(file), ".json")
		doc, ds = policyjson.ParseBucket(file, bucket, data, policyjson.Limits{})
	} else {
		doc, ds = policyjson.ParseOrganization(file, data, policyjson.Limits{})
	}
	return doc, refusal(doc == nil, ds)
}

// parseBucketList reads a buckets.json.
func parseBucketList(file string, data []byte) ([]string, error) {
	list, ds := policyjson.ParseBucketList(file, data, policyjson.Limits{})
	return list, refusal(false, ds)
}

// parseAccess reads a file of iam/.
func parseAccess(file string, data []byte) (*policy.AccessDocument, error) {
	doc, ds := policyjson.ParseAccess(file, data, policyjson.Limits{})
	return doc, refusal(doc == nil, ds)
}

func refusal(nothing bool, ds []policy.Diagnostic) error {
	if policy.HasErrors(ds) {
		var texts []string
		for _, d := range ds {
			texts = append(texts, abridge(d.String()))
		}
		return errors.New(strings.Join(texts, "\n"))
	}
	if nothing {
		return errors.New("no document and no error")
	}
	return nil
}

// decode reads the body of an evaluation. An error means a bad request. The
// request shares no memory with others.
func decode(body []byte) (*policy.Request, error) {
	return new(request.Decoder).Evaluation(body, Now)
}
