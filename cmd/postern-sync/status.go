package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern/cmd/postern-sync/internal/history"
	"postern/cmd/postern-sync/internal/report"
	"postern/cmd/postern-sync/internal/stream"
)

func runStatus(c *call) error {
	var at connection
	var of fleet
	at.define(c)
	of.define(c)
	all := c.Bool("fleet", false, "show what every puller reports; exit 1 if one has not the newest revision")
	asJSON := c.Bool("json", false, "with -fleet: print the reports as JSON")
	if err := c.parse(0); err != nil {
		return err
	}
	if len(of.keys) == 0 {
		return fmt.Errorf("%w: -verify-key is missing", errUsage)
	}
	keys, err := of.read()
	if err != nil {
		return err
	}
	conn, err := at.connect(c, false, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	m, err := conn.Leader(c.ctx)
	if errors.Is(err, stream.ErrNone) {
		return foundError{errors.New("there is no revision yet")}
	}
	if err != nil {
		return err
	}
	head, err := (&history.Reader{Log: conn, Fleet: of.name, Keys: keys}).Verify(m)
	if err != nil {
		return err
	}
	if !*all {
		fmt.Fprintf(c.out, "revision %s of %s by %s\ndigest   %s\nfiles    %d\nmessage  %d bytes\n", head.ID(), head.Time.Format(time.RFC3339), head.By, head.Digest, head.Count, len(m.Data))
		return nil
	}
	stored, err := conn.Reports(c.ctx)
	if err != nil {
		return err
	}
	var reports []*report.Report
	for _, s := range stored {
		r, err := report.Decode(s.Data)
		if err != nil {
			r = &report.Report{Err: "its report is damaged"}
		}
		r.Node, r.At = s.Node, s.Time // who may publish where is what the server knows
		reports = append(reports, r)
	}
	if *asJSON {
		return json.NewEncoder(c.out).Encode(reports)
	}
	good, err := report.Table(c.out, head.ID(), head.Digest, reports, time.Now())
	if err == nil && !good {
		err = foundError{errors.New("not all have the newest revision")}
	}
	return err
}
