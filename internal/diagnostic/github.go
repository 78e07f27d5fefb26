package diagnostic

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"postern/policy"
)

// GitHub writes ds, sorted, as workflow commands of GitHub Actions, which show each
// at its line of a change: one line each, an error or a warning with its code as the
// title. The error is the writer's.
func GitHub(w io.Writer, ds []policy.Diagnostic) error {
	out := bufio.NewWriter(w)
	for _, d := range sortedCopy(ds) {
		fmt.Fprintf(out, "::%s file=%s", d.Severity, property(d.Position.File))
		if d.Position.Line > 0 {
			fmt.Fprintf(out, ",line=%d,col=%d", d.Position.Line, d.Position.Column)
		}
		title := "postern"
		if d.Code != policy.CodeNone {
			title += ": " + d.Code.String()
		}
		fmt.Fprintf(out, ",title=%s::%s\n", property(title), command(d.Text()))
	}
	return out.Flush()
}

// What would end a command, or a property of one, is escaped as GitHub reads it.
var (
	escapeCommand  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func command(text string) string  { return Visible(escapeCommand.Replace(text)) }
func property(text string) string { return Visible(escapeProperty.Replace(text)) }
