package diagnostic

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"

	"postern/policy"
)

// errorRule is the rule of errors, which have no code.
const errorRule = "policy-error"

// SARIF writes ds, sorted, as a log of the Static Analysis Results Interchange
// Format 2.1.0: a rule for each code that occurs, a result for each diagnostic, with
// a fix where there is one. Columns count bytes, as everywhere. The error is the
// writer's.
func SARIF(w io.Writer, ds []policy.Diagnostic) error {
	type text struct {
		Text string `json:"text"`
	}
	type rule struct {
		ID    string `json:"id"`
		Short text   `json:"shortDescription"`
	}
	type region struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
	type artifact struct {
		URI string `json:"uri"`
	}
	type physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   *region  `json:"region,omitempty"`
	}
	type location struct {
		Physical physical `json:"physicalLocation"`
	}
	type result struct {
		RuleID    string     `json:"ruleId"`
		RuleIndex int        `json:"ruleIndex"`
		Level     string     `json:"level"`
		Message   text       `json:"message"`
		Locations []location `json:"locations"`
	}
	type driver struct {
		Name  string `json:"name"`
		Rules []rule `json:"rules"`
	}
	type tool struct {
		Driver driver `json:"driver"`
	}
	type run struct {
		Tool       tool     `json:"tool"`
		ColumnKind string   `json:"columnKind"`
		Results    []result `json:"results"`
	}
	type log struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}
	sorted := sortedCopy(ds)
	rules := []rule{}
	index := map[policy.Code]int{}
	for _, c := range append([]policy.Code{policy.CodeNone}, policy.Codes()...) {
		if !slices.ContainsFunc(sorted, func(d policy.Diagnostic) bool { return d.Code == c }) {
			continue
		}
		index[c] = len(rules)
		r := rule{c.String(), text{c.About()}}
		if c == policy.CodeNone {
			r = rule{errorRule, text{"a file that cannot be in force as it is"}}
		}
		rules = append(rules, r)
	}
	results := make([]result, 0, len(sorted))
	for _, d := range sorted {
		at := physical{Artifact: artifact{(&url.URL{Path: filepath.ToSlash(d.Position.File)}).EscapedPath()}}
		if d.Position.Line > 0 {
			at.Region = &region{d.Position.Line, d.Position.Column}
		}
		results = append(results, result{rules[index[d.Code]].ID, index[d.Code], d.Severity.String(), text{d.Message}, []location{{at}}})
	}
	return encode(w, log{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []run{{tool{driver{"postern", rules}}, "utf8CodeUnits", results}}})
}
