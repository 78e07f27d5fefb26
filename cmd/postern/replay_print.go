package main

import (
	"encoding/json"
	"fmt"
	"io"

	"postern/internal/diagnostic"
	"postern/internal/replay"
)

// logged is what a line of the decision log says of a decision, as replay shows it.
type logged struct {
	Time     string          `json:"time"`
	Seq      uint64          `json:"seq"`
	ID       string          `json:"id,omitempty"`
	Item     *int            `json:"item,omitempty"`
	Instance json.RawMessage `json:"instance"`
	Door     string          `json:"door,omitempty"`
	loggedDecision
}

// loggedDecision is what was decided then.
type loggedDecision struct {
	Decision    bool              `json:"decision"`
	Outcome     string            `json:"outcome"`
	Reason      string            `json:"reason"`
	Layer       string            `json:"layer"`
	MaxOpen     uint64            `json:"max_open_seconds,omitempty"`
	Digest      string            `json:"digest,omitempty"`
	Determining []loggedStatement `json:"determining,omitempty"`
}

// loggedStatement is a statement as the log names it.
type loggedStatement struct {
	Document  string `json:"document,omitempty"`
	Statement string `json:"statement,omitempty"`
	Index     int    `json:"index"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Layer     string `json:"layer"`
}

func readLogged(line []byte) (l logged, err error) {
	err = json.Unmarshal(line, &l)
	return l, err
}

// decided says for people what was decided.
func (l *loggedDecision) decided() string {
	s := l.Outcome + ": " + l.Reason
	if len(l.Determining) > 0 {
		d := l.Determining[0]
		name := d.Statement
		if name == "" {
			name = fmt.Sprintf("statement %d", d.Index)
		}
		s += fmt.Sprintf(", by %q at %s:%d", name, d.File, d.Line)
	}
	if l.MaxOpen > 0 {
		s += fmt.Sprintf(", open for %d seconds", l.MaxOpen)
	}
	return diagnostic.Visible(s)
}

// replayJSON has the members of what -json prints; docs/replay.schema.json describes
// them.
type replayJSON struct {
	Asked       int64            `json:"asked"`
	Same        int64            `json:"same"`
	Gained      int64            `json:"gained"`
	Lost        int64            `json:"lost"`
	Changed     int64            `json:"changed"`
	Undecidable int64            `json:"undecidable"`
	Unasked     int64            `json:"unasked"`
	Cut         int64            `json:"cut"`
	Early       int64            `json:"early"`
	Dropped     droppedJSON      `json:"dropped"`
	Reasons     []reasonsJSON    `json:"reasons"`
	Differences []differenceJSON `json:"differences"`
}

type droppedJSON struct {
	Allow int64 `json:"allow"`
	Deny  int64 `json:"deny"`
}

type reasonsJSON struct {
	Was   string `json:"was"`
	Is    string `json:"is"`
	Count int64  `json:"count"`
}

type differenceJSON struct {
	Kind     string          `json:"kind"`
	Time     string          `json:"time"`
	Seq      uint64          `json:"seq"`
	ID       string          `json:"id,omitempty"`
	Item     *int            `json:"item,omitempty"`
	Instance json.RawMessage `json:"instance,omitempty"`
	Door     string          `json:"door,omitempty"`
	Request  json.RawMessage `json:"request"`
	Was      loggedDecision  `json:"was"`
	Is       answer          `json:"is"`
}

// printReplayJSON prints a result for programs.
func printReplayJSON(w io.Writer, r *replay.Result) error {
	out := replayJSON{
		Asked: r.Asked, Same: r.Same, Gained: r.Gained, Lost: r.Lost, Changed: r.Changed, Undecidable: r.Undecidable,
		Unasked: r.Unasked, Cut: r.Cut, Early: r.Early, Dropped: droppedJSON{r.DroppedAllows, r.DroppedDenies},
		Reasons: inOrder(r.Reasons), Differences: []differenceJSON{},
	}
	for i := range r.Differences {
		d := &r.Differences[i]
		was, err := readLogged(d.Line)
		if err != nil {
			return err
		}
		out.Differences = append(out.Differences, differenceJSON{
			Kind: d.Kind.String(), Time: was.Time, Seq: was.Seq, ID: was.ID, Item: was.Item, Instance: was.Instance, Door: was.Door,
			Request: d.Request, Was: was.loggedDecision, Is: newAnswer(&d.Is, true),
		})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
