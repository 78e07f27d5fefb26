package main

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
)

// chart is a line chart with two logarithmic axes. It draws its own card, so
// that it can be read on a light page and on a dark one.
type chart struct {
	title, subtitle string
	x, y            axis
	series          []series
	// band is an area behind the lines, drawn from its low to its high.
	band     []point
	bandName string
}

// axis is one axis: what it counts, and how a tick is written.
type axis struct {
	title string
	write func(v float64) string
	// ticks, if set, are the values that have a tick; otherwise powers of ten
	// have.
	ticks []float64
}

// series is one line. Its name is written at its end.
type series struct {
	name   string
	colour int // of the palette
	dashed bool
	points []point // by x
}

// point is a median, with the lowest and the highest run.
type point struct{ x, y, low, high float64 }

// The picture's measures, in pixels.
const (
	chartWidth, chartHeight  = 860, 500
	left, right, top, bottom = 92, 150, 70, 58
	labelGap                 = 17
	edgeWidth                = 40 // how near the edge a line ends that is labelled beside it
	plotWidth                = chartWidth - left - right
	plotHeight               = chartHeight - top - bottom
)

// palette has a colour for light cards and one for dark cards, told apart by
// the colour-blind too.
var palette = [...][2]string{
	{"#0b63c5", "#5aa9ff"}, {"#c2410c", "#ff9254"}, {"#0a7f5a", "#3ecf9b"}, {"#9333a8", "#d98bee"},
	{"#a16207", "#f0c04a"}, {"#0e7490", "#4fd0e6"}, {"#be123c", "#ff7d99"}, {"#4b5563", "#b6bfcc"},
	{"#4d7c0f", "#a3d65c"}, {"#7c2d12", "#d6a184"},
}

// scale maps the values of an axis to pixels.
type scale struct {
	low, high float64 // the logarithms of the ends of the axis
	from, to  float64 // the pixels of the ends of the axis
}

func (s scale) at(v float64) float64 {
	return s.from + (math.Log10(v)-s.low)/(s.high-s.low)*(s.to-s.from)
}

// steps are the digits with which an axis may begin and end: 1, 2 or 5 times a
// power of ten.
var steps = []float64{1, 2, 5, 10}

// around returns, as logarithms, the nearest such steps below and above all
// values.
func around(values []float64) (low, high float64) {
	below, above := slices.Min(values), slices.Max(values)
	power := math.Pow(10, math.Floor(math.Log10(below)))
	for _, s := range steps {
		if s*power <= below*1.0001 {
			low = math.Log10(s * power)
		}
	}
	power = math.Pow(10, math.Floor(math.Log10(above)))
	for _, s := range slices.Backward(steps) {
		if s*power >= above*0.9999 {
			high = math.Log10(s * power)
		}
	}
	return low, high
}

// values returns all x and all y of the chart.
func (c *chart) values() (xs, ys []float64) {
	for _, s := range c.series {
		for _, p := range s.points {
			xs, ys = append(xs, p.x), append(ys, p.low, p.high)
		}
	}
	for _, p := range c.band {
		xs, ys = append(xs, p.x), append(ys, p.low, p.high)
	}
	return xs, ys
}

// svg draws the chart. It returns nil if there is nothing to draw.
func (c *chart) svg() []byte {
	xs, ys := c.values()
	if len(xs) == 0 || slices.Min(xs) <= 0 || slices.Min(ys) <= 0 {
		return nil
	}
	sx := scale{math.Log10(slices.Min(xs)), math.Log10(slices.Max(xs)), left, left + plotWidth}
	sy := scale{from: top + plotHeight, to: top}
	sy.low, sy.high = around(ys)
	if sx.high == sx.low {
		sx.high++
	}
	if sy.high == sy.low {
		sy.high++
	}
	var b bytes.Buffer
	c.head(&b)
	c.grid(&b, sx, sy)
	if len(c.band) > 1 {
		c.drawBand(&b, sx, sy)
	}
	for i := range c.series {
		c.series[i].draw(&b, sx, sy)
	}
	c.labels(&b, sx, sy)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (c *chart) head(b *bytes.Buffer) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n", chartWidth, chartHeight, chartWidth, chartHeight, html.EscapeString(c.title))
	b.WriteString("<style>\n")
	b.WriteString("svg { --card: #ffffff; --ink: #1f2933; --soft: #5b6673; --line: #e3e7ec; --fine: #f1f3f6; --band: #d9dee5; }\n")
	b.WriteString("text { font: 13px system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif; fill: #1f2933; fill: var(--ink); }\n")
	b.WriteString(".t { font-size: 17px; font-weight: 600; } .s { fill: #5b6673; fill: var(--soft); } .e { text-anchor: end; } .m { text-anchor: middle; } .n { font-weight: 600; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; paint-order: stroke; }\n")
	b.WriteString(".card { fill: #ffffff; fill: var(--card); stroke: #e3e7ec; stroke: var(--line); } .g { stroke: #e3e7ec; stroke: var(--line); } .f { stroke: #f1f3f6; stroke: var(--fine); } .b { fill: #d9dee5; fill: var(--band); }\n")
	b.WriteString("path { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; } .d { stroke-dasharray: 2 6; } .r { stroke-width: 1.2; opacity: .6; } .l { stroke-width: 1; stroke: #5b6673; stroke: var(--soft); opacity: .6; }\n")
	dark := ""
	for i, p := range palette {
		fmt.Fprintf(b, ".c%d { stroke: %s; } .k%d { fill: %s; }\n", i, p[0], i, p[0])
		dark += fmt.Sprintf(" .c%d { stroke: %s; } .k%d { fill: %s; }", i, p[1], i, p[1])
	}
	fmt.Fprintf(b, "@media (prefers-color-scheme: dark) { svg { --card: #12171e; --ink: #e6ebf1; --soft: #9aa6b4; --line: #2a323d; --fine: #1c232c; --band: #2b343f; }%s }\n", dark)
	b.WriteString("</style>\n")
	fmt.Fprintf(b, `<rect class="card" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", chartWidth-1, chartHeight-1)
	fmt.Fprintf(b, `<text class="t" x="%d" y="30">%s</text>`+"\n", 20, html.EscapeString(c.title))
	fmt.Fprintf(b, `<text class="s" x="%d" y="50">%s</text>`+"\n", 20, html.EscapeString(c.subtitle))
}

// grid draws the lines at powers of ten, finer ones between, and what the axes
// count.
func (c *chart) grid(b *bytes.Buffer, sx, sy scale) {
	// Where the axis is short, 2 and 5 have labels too.
	short := sy.high-sy.low < 2.5
	for d := math.Floor(sy.low); d <= sy.high; d++ {
		for k := 1.0; k < 10; k++ {
			v := k * math.Pow(10, d)
			if at := math.Log10(v); at < sy.low-1e-9 || at > sy.high+1e-9 {
				continue
			}
			class := "f"
			if k == 1 || short && (k == 2 || k == 5) {
				class = "g"
				fmt.Fprintf(b, `<text class="s e" x="%d" y="%.1f">%s</text>`+"\n", left-9, sy.at(v)+4.5, html.EscapeString(c.y.write(v)))
			}
			fmt.Fprintf(b, `<line class="%s" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`+"\n", class, left, left+plotWidth, sy.at(v), sy.at(v))
		}
	}
	ticks := c.x.ticks
	if ticks == nil {
		for d := math.Ceil(sx.low - 1e-9); d <= sx.high+1e-9; d++ {
			ticks = append(ticks, math.Pow(10, d))
		}
	}
	for _, v := range ticks {
		fmt.Fprintf(b, `<line class="g" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`+"\n", sx.at(v), sx.at(v), top, top+plotHeight)
		fmt.Fprintf(b, `<text class="s m" x="%.1f" y="%d">%s</text>`+"\n", sx.at(v), top+plotHeight+20, html.EscapeString(c.x.write(v)))
	}
	fmt.Fprintf(b, `<text class="m" x="%d" y="%d">%s</text>`+"\n", left+plotWidth/2, chartHeight-14, html.EscapeString(c.x.title))
	fmt.Fprintf(b, `<text class="m" transform="translate(22 %d) rotate(-90)">%s</text>`+"\n", top+plotHeight/2, html.EscapeString(c.y.title))
}

func (c *chart) drawBand(b *bytes.Buffer, sx, sy scale) {
	b.WriteString(`<polygon class="b" points="`)
	for _, p := range c.band {
		fmt.Fprintf(b, "%.1f,%.1f ", sx.at(p.x), sy.at(p.high))
	}
	for _, p := range slices.Backward(c.band) {
		fmt.Fprintf(b, "%.1f,%.1f ", sx.at(p.x), sy.at(p.low))
	}
	b.WriteString(`"/>` + "\n")
}

func (s *series) draw(b *bytes.Buffer, sx, sy scale) {
	if len(s.points) == 0 {
		return
	}
	for _, p := range s.points {
		if p.high > p.low {
			fmt.Fprintf(b, `<path class="c%d r" d="M%.1f %.1fV%.1f"/>`+"\n", s.colour, sx.at(p.x), sy.at(p.low), sy.at(p.high))
		}
	}
	class := fmt.Sprintf("c%d", s.colour)
	if s.dashed {
		class += " d"
	}
	fmt.Fprintf(b, `<path class="%s" d="`, class)
	for i, p := range s.points {
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		fmt.Fprintf(b, "%.1f %.1f", sx.at(p.x), sy.at(p.y))
	}
	b.WriteString(`"/>` + "\n")
	for _, p := range s.points {
		fmt.Fprintf(b, `<circle class="k%d" cx="%.1f" cy="%.1f" r="3.2"/>`+"\n", s.colour, sx.at(p.x), sy.at(p.y))
	}
}

// label is the name of a line, drawn at its end.
type label struct {
	text, class string
	x, y        float64 // the line's end
	at          float64 // where the text goes
}

// labels writes the names of lines that reach the right edge, or almost, beside
// it, moved apart where they would touch, and those of others at their last
// point.
func (c *chart) labels(b *bytes.Buffer, sx, sy scale) {
	var edge []label
	for _, s := range c.series {
		if len(s.points) == 0 {
			continue
		}
		last := s.points[len(s.points)-1]
		l := label{html.EscapeString(s.name), fmt.Sprintf("k%d", s.colour), sx.at(last.x), sy.at(last.y), sy.at(last.y)}
		if l.x > left+plotWidth-edgeWidth {
			edge = append(edge, l)
			continue
		}
		fmt.Fprintf(b, `<text class="n %s" x="%.1f" y="%.1f">%s</text>`+"\n", l.class, l.x+8, l.y+4.5, l.text)
	}
	if n := len(c.band); n > 1 {
		last := c.band[n-1]
		y := (sy.at(last.low) + sy.at(last.high)) / 2
		edge = append(edge, label{html.EscapeString(c.bandName), "s", sx.at(last.x), y, y})
	}
	spread(edge)
	for _, l := range edge {
		const x = left + plotWidth + 20
		if math.Abs(l.at-l.y) > 3 || l.x < left+plotWidth-1 {
			fmt.Fprintf(b, `<path class="l" d="M%.1f %.1fL%d %.1f"/>`+"\n", l.x+5, l.y, x-3, l.at)
		}
		fmt.Fprintf(b, `<text class="n %s" x="%d" y="%.1f">%s</text>`+"\n", l.class, x, l.at+4.5, l.text)
	}
}

// spread moves labels apart so that each has room: down from the first, as
// little as possible, and then up from the bottom of the plot.
func spread(labels []label) {
	slices.SortStableFunc(labels, func(a, b label) int { return cmp.Compare(a.y, b.y) })
	for i := 1; i < len(labels); i++ {
		labels[i].at = max(labels[i].at, labels[i-1].at+labelGap)
	}
	limit := float64(top + plotHeight)
	for i := len(labels) - 1; i >= 0; i-- {
		labels[i].at = min(labels[i].at, limit)
		limit = labels[i].at - labelGap
	}
}
