package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"postern/policy"
)

// tableWorld is the world of every cell of a table: the organization allows
// everything, and two buckets have the row's condition.
const tableWorld = `{"version":"v1alpha1","name":"all","statements":[` +
	`{"name":"s","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`

const (
	tableAllow = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":%s}]}`
	tableDeny = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},` +
		`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":%s}]}`
)

// tableWord matches a JSON string, which stays as it is, or a word, which a let
// may replace.
var tableWord = regexp.MustCompile(`"(?:\\.|[^"\\])*"|[a-z][a-z0-9]*`)

// table reads rows of operators crossed with columns of values.
func (s *section) table(lines []line) ([]Case, error) {
	var out []Case
	key, values := "x:k", ""
	var note comment
	var columns []string
	lets := map[string]string{}
	for _, l := range lines {
		word, rest, _ := strings.Cut(l.text, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case l.text == "":
		case note.reads(l):
		case word == "key":
			key = rest
		case word == "values":
			values, columns, note.used = rest, nil, true
		case word == "let":
			if err := let(lets, l); err != nil {
				return nil, err
			}
		case word == "columns":
			columns, note.used = strings.Split(rest, "|"), true
			for i := range columns {
				columns[i] = tableWord.ReplaceAllStringFunc(strings.TrimSpace(columns[i]), func(w string) string {
					if value, ok := lets[w]; ok {
						return value
					}
					return w
				})
				if c := columns[i]; c != "absent" && !json.Valid([]byte(c)) {
					return nil, l.errorf("%q is not JSON", c)
				}
			}
		default:
			note.used = true
			cs, err := s.tableRow(word, key, values, columns, strings.Fields(rest), l)
			if err != nil {
				return nil, err
			}
			for i := range cs {
				cs[i].Source = strings.TrimSpace(note.text + "\n" + cs[i].Source)
			}
			out = append(out, cs...)
		}
	}
	return out, nil
}

func (s *section) tableRow(operator, key, values string, columns, cells []string, l line) ([]Case, error) {
	op, ok := policy.ParseOperator(operator)
	if !ok {
		return nil, l.errorf("no operator %q", operator)
	}
	if len(cells) != len(columns) || len(cells) == 0 {
		return nil, l.errorf("%d cells, %d columns", len(cells), len(columns))
	}
	condition := fmt.Sprintf(`{%q:{%q:%s}}`, operator, key, values)
	if !json.Valid([]byte(condition)) {
		return nil, l.errorf("%s is not JSON", condition)
	}
	world, err := newWorld(map[string][]byte{
		"o1/access-policies/all.json": []byte(tableWorld),
		"o1/buckets/allow.json":       fmt.Appendf(nil, tableAllow, condition),
		"o1/buckets/deny.json":        fmt.Appendf(nil, tableDeny, condition),
	}, "", nil, nil, nil)
	if err != nil {
		return nil, l.errorf("%v", err)
	}
	var out []Case
	for i, cell := range cells {
		inAllow, inDeny := "", ""
		switch cell {
		case "+":
			inAllow, inDeny = "allowed bucket all#0 allow#0", "bucket_deny bucket deny#1"
		case "-":
			inAllow, inDeny = "bucket_no_match bucket", "allowed bucket all#0 deny#0"
		case "!":
			inAllow, inDeny = "bucket_no_match bucket", "bucket_deny bucket deny#1"
		default:
			return nil, l.errorf("a cell is +, - or !, not %q", cell)
		}
		context := "{}"
		if columns[i] != "absent" {
			context = fmt.Sprintf(`{%q:%s}`, key, columns[i])
		}
		for _, pair := range [...][2]string{{"allow", inAllow}, {"deny", inDeny}} {
			bucket, want := pair[0], pair[1]
			c, err := newCase("o1 coreweave/u1 s3:GetObject "+bucket+"/k "+context, want, nil, world, l)
			if err != nil {
				return nil, err
			}
			c.Source = condition + " of " + columns[i]
			if s.seen == nil {
				c.cell = &cellOf{op, columns[i], bucket, cell}
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// cellOf is the place of a case in its table, for the test of what tables
// cover.
type cellOf struct {
	operator policy.Operator
	column   string
	effect   string // allow or deny
	cell     string // +, - or !
}
