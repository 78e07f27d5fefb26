package main

import (
	"fmt"
	"io"
	"strings"

	"postern/internal/schema"
)

const schemaExamples = `  postern schema bucket-policy > bucket-policy.schema.json

Prints the JSON Schema of a kind of document, for editors, which complete and
check by it while a person writes. A schema says less than the parser: postern
validate finds the rest.
`

// runSchema prints the JSON Schema of a kind of document (specification 9.1).
func runSchema(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	kinds := strings.Join(schema.Kinds(), "|")
	fs := newFlags("schema", "schema "+kinds, schemaExamples)
	rest, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(rest) != 1 {
		err = usagef("takes one kind of document; write %s", strings.Join(schema.Kinds(), ", "))
	}
	if err != nil {
		return complain(errs, "schema", err)
	}
	text, ok := schema.Of(rest[0])
	if !ok {
		return complain(errs, "schema", usagef("there is no kind of document %q; write %s", rest[0], strings.Join(schema.Kinds(), ", ")))
	}
	if _, err := out.Write(text); err != nil {
		fmt.Fprintf(errs, "postern schema: %v\n", err)
		return exitFailed
	}
	return exitOK
}
