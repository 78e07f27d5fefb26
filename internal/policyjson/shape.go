package policyjson

import "slices"

// Shape is what the readers' own tables say of one kind of object, for who
// describes the documents to a machine (specification 9.1, editors).
type Shape struct {
	// What names the object, as messages do.
	What string
	// AnyCase says that field names are accepted in any ASCII case.
	AnyCase bool
	// Fields are all fields that the object may have.
	Fields []ShapeField
}

// ShapeField is one field of a Shape: its name, what its value should be, and
// whether it may be missing.
type ShapeField struct {
	Name, Want string
	Required   bool
}

// shapes are the tables of fields by the name that Shapes gives them.
var shapes = map[string]*fieldSet{
	"organization":           &orgBody,
	"organization.statement": &orgStatement,
	"bucket":                 &bucketTop,
	"bucket.statement":       &bucketStatementSet,
	"buckets":                &bucketListSet,
	"access":                 &accessSet,
	"access.metadata":        &metadataSet,
	"access.defaults":        &defaultsSet,
	"access.permissionSet":   &permissionSetSet,
	"access.role":            &roleSet,
	"access.rule":            &ruleSet,
	"access.constraints":     &constraintsSet,
	"access.group":           &groupSet,
	"access.binding":         &bindingSet,
	"access.token":           &tokenSet,
	"access.issuer":          &issuerSet,
	"access.issuerRule":      &issuerRuleSet,
	"access.entity":          &entitySet,
	"access.selector":        &selectorSet,
	"access.expression":      &expressionSet,
	"record":                 &recordSet,
	"record.descriptor":      &descriptorSet,
	"record.constraints":     &durationSet,
	"record.option":          &optionSet,
}

// Shapes returns the shapes of all objects with fixed fields, by name.
func Shapes() map[string]Shape {
	out := make(map[string]Shape, len(shapes))
	for name, set := range shapes {
		s := Shape{What: set.what, AnyCase: set.anyCase}
		for _, f := range set.fields {
			s.Fields = append(s.Fields, ShapeField{f.name, f.want, f.add != ""})
		}
		out[name] = s
	}
	return out
}

// Words are the words of the languages that are no field's name.
type Words struct {
	// Operators are the names of condition operators, with every qualifier.
	Operators []string
	// Principals are the keys of a Principal object of a bucket policy.
	Principals []string
	// TagOperators are those of selectors, TokenTypes the types of tokens.
	TagOperators, TokenTypes []string
	// RecordTypes are the resource types of Pulumi's records, Descriptors the
	// types of their nodes.
	RecordTypes, Descriptors []string
}

// LanguageWords returns the words of the languages.
func LanguageWords() Words {
	w := Words{
		Operators:    slices.Clone(operatorNames),
		TagOperators: slices.Clone(tagOperators),
		TokenTypes:   slices.Clone(tokenTypes),
		RecordTypes:  slices.Clone(recordTypes),
		Descriptors:  slices.Clone(descriptorNames),
	}
	for _, f := range principalFields {
		w.Principals = append(w.Principals, f.name)
	}
	for i := range foreignKinds {
		w.Principals = append(w.Principals, foreignKinds[i].name)
	}
	return w
}
