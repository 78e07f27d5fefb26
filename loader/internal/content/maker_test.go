package content

import (
	"log/slog"
	"strings"
	"testing"

	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

const (
	organization = `{"version":"v1alpha1","name":"n","statements":[{"name":"s","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`
	bucket       = `{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}]}`
)

func maker() (*Maker, *strings.Builder) {
	log := &strings.Builder{}
	m := &Maker{Limits: policyjson.Limits{Depth: 64, Statements: 100}, Log: slog.New(slog.NewTextHandler(log, nil)), InForce: func(string) *source.SetContent { return nil }}
	m.Compiler.BuiltIn = policyjson.BuiltIn()
	return m, log
}

// A unit of several files is good if all of them are, and has the errors of all
// of them if not.
func TestUnitIsGoodOrHasAllErrors(t *testing.T) {
	m, _ := maker()
	parse := func(texts ...string) (files []source.Parsed) {
		for i, text := range texts {
			files = append(files, m.Parse(nil, layout.Policies, "o1/access-policies/"+string(rune('a'+i))+".json", []byte(text)))
		}
		return files
	}
	c, ds := m.Compile(layout.Policies, "o1", parse(organization, strings.Replace(organization, `"n"`, `"m"`, 1)))
	if ds != nil || c.Policies.Len() != 2 || c.More == nil {
		t.Errorf("good files: %+v, %v", c, ds)
	}
	c, ds = m.Compile(layout.Policies, "o1", parse("{", organization, "["))
	if c.Policies != nil || c.More != nil || len(ds) < 2 || ds[0].Position.File != "o1/access-policies/a.json" || ds[len(ds)-1].Position.File != "o1/access-policies/c.json" {
		t.Errorf("broken files: %+v, %v", c, ds)
	}
	c, ds = m.Compile(layout.Policies, "o1", nil)
	if ds != nil || c.Statements() != 0 {
		t.Errorf("no files: %+v, %v", c, ds)
	}
	if parses, parsing, compiling := m.Done(); parses != 5 || parsing <= 0 || compiling <= 0 {
		t.Errorf("done: %d, %d, %d", parses, parsing, compiling)
	}
}

// Each part is parsed by its own rules, and a bucket file by its bucket's name.
func TestPartsAreParsedByTheirRules(t *testing.T) {
	m, _ := maker()
	var parser policyjson.Parser
	for _, in := range []*policyjson.Parser{nil, &parser} {
		f := m.Parse(in, layout.Buckets, "o1/buckets/b.json", []byte(bucket))
		c, ds := m.Compile(layout.Buckets, "o1", []source.Parsed{f})
		if ds != nil || c.Policies.Len() != 1 || c.More != nil {
			t.Errorf("a bucket file: %+v, %v", c, ds)
		}
		f = m.Parse(in, layout.Buckets, "o1/buckets/other.json", []byte(bucket))
		if c, ds = m.Compile(layout.Buckets, "o1", []source.Parsed{f}); ds != nil || len(c.Warnings) == 0 {
			t.Errorf("a policy that speaks of another bucket has no warning: %+v, %v", c, ds)
		}
	}
	f := m.Parse(nil, layout.List, "o1/buckets.json", []byte(`{"buckets":["x","y"]}`))
	if c, ds := m.Compile(layout.List, "o1", []source.Parsed{f}); ds != nil || len(c.More.List) != 2 {
		t.Errorf("a list: %+v, %v", c, ds)
	}
	for p, text := range map[layout.Part]string{layout.Policies: bucket, layout.List: bucket, layout.Buckets: organization, layout.IAM: bucket} {
		if f := m.Parse(nil, p, "o1/x/b.json", []byte(text)); !policy.HasErrors(f.Diagnostics) {
			t.Errorf("part %d takes what belongs to another", p)
		}
	}
}

// A panic is an error of the unit, and goes to the log.
func TestPanicIsAnErrorOfTheUnit(t *testing.T) {
	m, log := maker()
	m.InForce = func(string) *source.SetContent { panic("a fault in the compiler") }
	c, ds := m.Compile(layout.IAM, "o1", nil)
	if c.More != nil || !policy.HasErrors(ds) || !strings.Contains(log.String(), "a fault in the compiler") {
		t.Errorf("%+v, %v\n%s", c, ds, log)
	}
}
