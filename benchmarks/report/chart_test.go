package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"testing"
)

func TestChart(t *testing.T) {
	c := chart{
		title: "A title with < and &", subtitle: "and what it means",
		x: axis{title: "statements", write: numberTick}, y: axis{title: "time", write: durationTick},
		series: []series{
			{name: "a line", points: []point{{10, 120, 110, 130}, {1000, 400, 400, 400}, {100000, 9000, 8000, 9500}}},
			{name: "one close by", colour: 1, dashed: true, points: []point{{10, 100, 100, 100}, {100000, 8800, 8800, 8800}}},
			{name: "a short one", colour: 2, points: []point{{100, 60, 60, 60}}},
			{name: "without figures"},
		},
		band: []point{{10, 75, 70, 80}, {100000, 85, 80, 90}}, bandName: "floor",
	}
	svg := c.svg()
	golden(t, "chart.svg", svg)
	if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
		t.Error("a place is no number")
	}
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if (&chart{}).svg() != nil || (&chart{series: []series{{points: []point{{0, 1, 1, 1}}}}}).svg() != nil {
		t.Error("a chart of nothing, or of what has no logarithm")
	}
	if svg := (&chart{x: c.x, y: c.y, series: []series{{points: []point{{10, 10, 10, 10}}}}}).svg(); bytes.Contains(svg, []byte("NaN")) || svg == nil {
		t.Error("a chart of one point")
	}
}

// TestLabelsHaveRoom: labels stand apart, in the order of their lines, inside
// the plot.
func TestLabelsHaveRoom(t *testing.T) {
	for _, ys := range [][]float64{{100, 101, 102}, {top + plotHeight, top + plotHeight, top + plotHeight - 1}, {300, 80, 81, 79, 299, 200}} {
		var labels []label
		for _, y := range ys {
			labels = append(labels, label{y: y, at: y})
		}
		spread(labels)
		for i := range labels {
			if i > 0 && (labels[i].at-labels[i-1].at < labelGap || labels[i].y < labels[i-1].y) {
				t.Errorf("%v: %+v", ys, labels)
			}
			if labels[i].at > top+plotHeight || math.Abs(labels[i].at-labels[i].y) > labelGap*float64(len(ys)) {
				t.Errorf("%v: %+v is far away", ys, labels[i])
			}
		}
	}
}

// TestPictures: every chart of a whole run has its lines, and none of an empty
// one is drawn.
func TestPictures(t *testing.T) {
	lines := map[string]int{"field.svg": 4, "decide.svg": len(workloads), "decide-cold.svg": len(workloads), "peers.svg": 5, "servers.svg": 3, "http-tcp.svg": 4, "http-unix.svg": 4}
	for _, p := range pictures(everything()) {
		if len(p.chart.series) != lines[p.file] || p.chart.svg() == nil {
			t.Errorf("%s has %d lines, want %d", p.file, len(p.chart.series), lines[p.file])
		}
		delete(lines, p.file)
	}
	if len(lines) > 0 {
		t.Errorf("not drawn: %v", lines)
	}
	for _, p := range pictures(results{}) {
		if p.chart.svg() != nil {
			t.Errorf("%s is drawn of nothing", p.file)
		}
	}
}
