// Command picture draws the house: the packages of the module as boxes, floor
// above floor, and an arrow for each import that no other path of imports
// implies. It asks `go list` and writes an SVG to standard output:
//
//	go run ./internal/house/picture >docs/architecture.svg
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	err := run(out)
	if err = errors.Join(err, out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	houses, err := list()
	if err != nil {
		return err
	}
	draw(out, arrange(houses))
	return nil
}

// room is one package and its place in the picture.
type room struct {
	name    string
	job     string
	imports []string // of this module, by name
	floor   int
	x, y    int
}

// list asks the Go tool for the packages that the binary consists of, and their
// imports.
func list() (map[string]*room, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,Module", "-deps", "./cmd/...")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	rooms := map[string]*room{}
	d := json.NewDecoder(strings.NewReader(string(text)))
	for {
		var p struct {
			ImportPath, Doc string
			Imports         []string
			Module          *struct {
				Path string
				Main bool
			}
		}
		if err := d.Decode(&p); err == io.EOF {
			return rooms, nil
		} else if err != nil {
			return nil, fmt.Errorf("what go list printed: %w", err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		inside := p.Module.Path + "/"
		r := &room{name: strings.TrimPrefix(p.ImportPath, inside), job: p.Doc}
		for _, i := range p.Imports {
			if name, ok := strings.CutPrefix(i, inside); ok {
				r.imports = append(r.imports, name)
			}
		}
		rooms[r.name] = r
	}
}

const (
	boxWidth, boxHeight = 200, 66
	gapX, gapY          = 24, 64
	margin              = 24
	perRow              = 6
	lineLength          = 30 // characters of a job in one line
)

// arrange gives every room its floor, one above the highest that it imports,
// and its place: boxes lie above the middle of what they import. It drops the
// imports that others imply.
func arrange(rooms map[string]*room) []*room {
	var floorOf func(r *room) int
	floorOf = func(r *room) int {
		if r.floor == 0 {
			r.floor = 1
			for _, i := range r.imports {
				r.floor = max(r.floor, floorOf(rooms[i])+1)
			}
		}
		return r.floor
	}
	floors := map[int][]*room{}
	for _, name := range slices.Sorted(maps.Keys(rooms)) {
		r := rooms[name]
		floors[floorOf(r)] = append(floors[r.floor], r)
	}
	for _, r := range rooms {
		r.imports = slices.DeleteFunc(slices.Clone(r.imports), func(i string) bool {
			return slices.ContainsFunc(r.imports, func(other string) bool { return other != i && reaches(rooms, other, i) })
		})
	}
	var out []*room
	y := margin
	for _, floor := range slices.Sorted(maps.Keys(floors)) {
		list := floors[floor]
		middle := func(r *room) int {
			sum := 0
			for _, i := range r.imports {
				sum += rooms[i].x
			}
			return sum / max(len(r.imports), 1)
		}
		slices.SortStableFunc(list, func(a, b *room) int { return middle(a) - middle(b) })
		for row := range slices.Chunk(list, perRow) {
			width := len(row)*(boxWidth+gapX) - gapX
			x := margin + (perRow*(boxWidth+gapX)-gapX-width)/2
			for _, r := range row {
				r.x, r.y = x, y
				x += boxWidth + gapX
			}
			y += boxHeight + gapY
		}
		out = append(out, list...)
	}
	height := y - gapY + margin
	for _, r := range out { // the lowest floor lies at the bottom
		r.y = height - r.y - boxHeight
	}
	return out
}

// reaches reports whether a path of imports leads from one room to another.
func reaches(rooms map[string]*room, from, to string) bool {
	for _, i := range rooms[from].imports {
		if i == to || reaches(rooms, i, to) {
			return true
		}
	}
	return false
}

func draw(out io.Writer, rooms []*room) {
	byName := map[string]*room{}
	height := 0
	for _, r := range rooms {
		byName[r.name] = r
		height = max(height, r.y+boxHeight+margin)
	}
	width := 2*margin + perRow*(boxWidth+gapX) - gapX
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif">
<title>The packages of postern and who imports whom</title>
<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#667"/></marker></defs>
<rect width="%d" height="%d" fill="#fff"/>
`, width, height, width, height)
	for _, r := range rooms {
		for _, i := range r.imports {
			to := byName[i]
			x1, y1, x2, y2 := r.x+boxWidth/2, r.y+boxHeight, to.x+boxWidth/2, to.y
			bend := (y2 - y1) / 2
			fmt.Fprintf(out, "<path d=\"M%d %d C%d %d %d %d %d %d\" fill=\"none\" stroke=\"#99a\" marker-end=\"url(#end)\"/>\n", x1, y1, x1, y1+bend, x2, y2-bend, x2, y2)
		}
	}
	for _, r := range rooms {
		fill := "#eef3fb"
		if !strings.HasPrefix(r.name, "internal/") && !strings.Contains(r.name, "/internal/") {
			fill = "#fdf3dc"
		}
		fmt.Fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" fill=\"%s\" stroke=\"#556\"/>\n", r.x, r.y, boxWidth, boxHeight, fill)
		fmt.Fprintf(out, "<text x=\"%d\" y=\"%d\" font-size=\"14\" font-weight=\"bold\">%s</text>\n", r.x+8, r.y+19, escape(r.name))
		for n, line := range job(r.job) {
			fmt.Fprintf(out, "<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"#334\">%s</text>\n", r.x+8, r.y+36+15*n, escape(line))
		}
	}
	fmt.Fprintln(out, "</svg>")
}

// job cuts the first sentence of a package's comment, without its subject, into
// two lines at most.
func job(doc string) []string {
	words := strings.Fields(doc)
	if len(words) > 2 && (words[0] == "Package" || words[0] == "Command") {
		words = words[2:]
	}
	lines := []string{""}
	for _, w := range words {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = w
		case len(*last)+1+len(w) <= lineLength:
			*last += " " + w
		case len(lines) == 1:
			lines = append(lines, w)
		default:
			*last += " …"
			return lines
		}
		if strings.HasSuffix(w, ".") {
			break
		}
	}
	return lines
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
